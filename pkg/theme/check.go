package theme

// The ratios a pair must reach. MinText is WCAG 2.2 AA for text, MinShape for
// lines and shapes that carry meaning; running text keeps the AAA ratio.
const (
	MinText    = 4.5
	MinReading = 7.0
	MinShape   = 3.0
	minTint    = 4.6
)

// Pair names two colours that meet on a page. The value is stable: texts and
// the audit refer to it.
type Pair string

// The pairs that are checked.
const (
	ButtonText     Pair = "button-text"      // white on the action colour as chosen
	MarkShape      Pair = "mark-shape"       // white drawing on the first colour as chosen
	PageText       Pair = "page-text"        // text on the page
	LinkOnTint     Pair = "link-on-tint"     // link on a tinted surface
	FieldEdge      Pair = "field-edge"       // edge of a field on the page
	DarkPageText   Pair = "dark-page-text"   // text on the page, dark scheme
	DarkLinkOnTint Pair = "dark-link-tint"   // link on a tinted surface, dark scheme
	DarkButtonText Pair = "dark-button-text" // text on the filled button, dark scheme
)

// Choice says which of the two chosen colours decides a pair.
type Choice int

// The two choices.
const (
	FirstColour Choice = iota + 1
	SecondColour
)

// Finding is the verdict on one pair.
type Finding struct {
	Pair       Pair
	Choice     Choice // the chosen colour that decides the pair
	Foreground Colour
	Background Colour
	Ratio      float64 // WCAG contrast, 1 to 21
	Required   float64
	// Nearest is set on a refused pair: the lightest colour of the same hue
	// that makes the whole theme pass in place of the chosen one.
	Nearest      *Colour
	NearestRatio float64 // what the pair reaches with Nearest
}

// OK reports whether the pair reaches what it must.
func (f Finding) OK() bool { return f.Ratio >= f.Required }

// Check judges the pairs that two colours lead to, in the order in which a
// person should read them. Every pair is listed, refused ones with the nearest
// passing colour. The error names a colour that cannot be read.
func Check(first, second string) ([]Finding, error) {
	t, err := Generate(first, second)
	if err != nil {
		return nil, err
	}
	list := t.pairs()
	for _, choice := range []Choice{FirstColour, SecondColour} {
		if limit := required(list, choice); limit > 0 {
			offer, pairs := t.nearest(choice, limit)
			for i, f := range list {
				if f.Choice == choice && !f.OK() {
					list[i].Nearest, list[i].NearestRatio = &offer, pairs[i].Ratio
				}
			}
		}
	}
	return list, nil
}

// Refused returns the findings that do not pass.
func Refused(list []Finding) []Finding {
	var out []Finding
	for _, f := range list {
		if !f.OK() {
			out = append(out, f)
		}
	}
	return out
}

// Nearest returns the choice closest to the given one that passes every check:
// the same colours where they pass, darker ones of the same hue where not.
func Nearest(first, second string) (a, b Colour, err error) {
	for range 4 { // a darker red may hand the buttons to the other colour
		list, err := Check(first, second)
		if err != nil {
			return Colour{}, Colour{}, err
		}
		refused := Refused(list)
		if len(refused) == 0 {
			break
		}
		for _, f := range refused {
			if f.Choice == FirstColour {
				first = f.Nearest.String()
			} else {
				second = f.Nearest.String()
			}
		}
	}
	if a, err = ParseColour(first); err != nil {
		return a, b, err
	}
	b, err = ParseColour(second)
	return a, b, err
}

func (t Theme) pairs() []Finding {
	action := FirstColour
	if t.Action != t.First {
		action = SecondColour
	}
	l, d := t.Light, t.Dark
	list := []Finding{
		{Pair: ButtonText, Choice: action, Foreground: white, Background: t.Action, Required: MinText},
		{Pair: MarkShape, Choice: FirstColour, Foreground: white, Background: t.First, Required: MinShape},
		{Pair: PageText, Choice: action, Foreground: l.Accent[TextDefault], Background: l.Neutral[BackgroundDefault], Required: MinReading},
		{Pair: LinkOnTint, Choice: action, Foreground: l.Accent[TextSubtle], Background: l.Accent[SurfaceTinted], Required: MinText},
		{Pair: FieldEdge, Choice: action, Foreground: l.Neutral[BorderDefault], Background: l.Neutral[BackgroundTinted], Required: MinShape},
		{Pair: DarkPageText, Choice: action, Foreground: d.Accent[TextDefault], Background: d.Neutral[BackgroundDefault], Required: MinReading},
		{Pair: DarkLinkOnTint, Choice: action, Foreground: d.Accent[TextSubtle], Background: d.Accent[SurfaceTinted], Required: MinText},
		{Pair: DarkButtonText, Choice: action, Foreground: d.Accent[BaseContrastDefault], Background: d.Accent[BaseDefault], Required: MinText},
	}
	for i, f := range list {
		list[i].Ratio = Contrast(f.Foreground, f.Background)
	}
	return list
}

// required is the highest ratio that a refused pair of the choice must reach,
// 0 where none is refused.
func required(list []Finding, choice Choice) float64 {
	most := 0.0
	for _, f := range list {
		if f.Choice == choice && !f.OK() {
			most = max(most, f.Required)
		}
	}
	return most
}

// nearest darkens the chosen colour, keeping its hue and as much chroma as
// sRGB has at that lightness, until every pair that the choice decides passes.
// It returns the pairs of the theme made with it, in the order of pairs. Black
// passes, so it always finds one.
func (t Theme) nearest(choice Choice, limit float64) (Colour, []Finding) {
	chosen := t.First
	if choice == SecondColour {
		chosen = t.Second
	}
	p := chosen.toLCH()
	for y := chosen.Luminance(); ; y -= .002 {
		c := atLuminance(max(y, 0), p.C, p.H)
		if Contrast(white, c) < limit && y > 0 {
			continue // what depends on the colour itself fails most often and costs least
		}
		first, second := t.First, t.Second
		if choice == FirstColour {
			first = c
		} else {
			second = c
		}
		tried, _ := Generate(first.String(), second.String()) // both are colours
		pairs := tried.pairs()
		if y <= 0 || required(pairs, choice) == 0 {
			return c, pairs
		}
	}
}
