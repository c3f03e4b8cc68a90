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
	for i, f := range list {
		if !f.OK() {
			list[i].Nearest, list[i].NearestRatio = t.nearest(f)
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

// nearest darkens the deciding colour, keeping its hue and as much chroma as
// sRGB has at that lightness, until the pair passes together with every other
// pair that the same choice decides. Black passes, so it always finds one.
func (t Theme) nearest(refused Finding) (*Colour, float64) {
	chosen := t.First
	if refused.Choice == SecondColour {
		chosen = t.Second
	}
	p := chosen.toLCH()
	for y := chosen.Luminance(); y > 0; y -= .002 {
		c := atLuminance(y, p.C, p.H)
		first, second := t.First, t.Second
		if refused.Choice == FirstColour {
			first = c
		} else {
			second = c
		}
		tried, _ := Generate(first.String(), second.String())
		passes, ratio := true, 0.0
		for _, f := range tried.pairs() {
			if f.Choice == refused.Choice && !f.OK() {
				passes = false
			}
			if f.Pair == refused.Pair {
				ratio = f.Ratio
			}
		}
		if passes {
			return &c, ratio
		}
	}
	black := Colour{}
	return &black, Contrast(white, black)
}
