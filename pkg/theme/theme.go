// Package theme derives a commune's whole palette from two colours: four
// scales of sixteen steps, light and dark, as custom properties of the design
// system. It knows nothing of communes; it refuses colours that people could
// not read and says which colour of the same hue would do.
package theme

import (
	"fmt"
	"math"
	"strings"
)

// Step numbers the sixteen roles of a scale in the design system's order.
type Step int

// The sixteen steps.
const (
	BackgroundDefault Step = iota
	BackgroundTinted
	SurfaceDefault
	SurfaceTinted
	SurfaceHover
	SurfaceActive
	BorderSubtle
	BorderDefault
	BorderStrong
	TextSubtle
	TextDefault
	BaseDefault
	BaseHover
	BaseActive
	BaseContrastDefault
	BaseContrastSubtle
	steps
)

var stepNames = [steps]string{
	"background-default", "background-tinted", "surface-default", "surface-tinted",
	"surface-hover", "surface-active", "border-subtle", "border-default", "border-strong",
	"text-subtle", "text-default", "base-default", "base-hover", "base-active",
	"base-contrast-default", "base-contrast-subtle",
}

// String is the step's name in the design system's custom properties.
func (s Step) String() string { return stepNames[s] }

// Scale holds the sixteen colours of one role.
type Scale [steps]Colour

// Scheme holds the four scales of one colour scheme: accent is what people act
// on, brand1 and brand2 are the commune's first and second colour, neutral is
// text, lines and grounds.
type Scheme struct{ Accent, Brand1, Brand2, Neutral Scale }

// Theme is a commune's palette.
type Theme struct {
	First, Second Colour // as the commune chose them
	Action        Colour // the one of the two that buttons and links use
	Light, Dark   Scheme
}

// Generate derives the theme. The error names a colour that cannot be read;
// contrast is Check's matter, so that a preview can show even a refused choice.
func Generate(first, second string) (Theme, error) {
	a, err := ParseColour(first)
	if err != nil {
		return Theme{}, err
	}
	b, err := ParseColour(second)
	if err != nil {
		return Theme{}, err
	}
	t := Theme{First: a, Second: b, Action: a}
	if isRed(a) {
		t.Action = b
	}
	base := t.Action.toLCH()
	grey := lch{base.L, math.Min(base.C, .016), base.H}
	for _, s := range []struct {
		scheme *Scheme
		dark   bool
	}{{&t.Light, false}, {&t.Dark, true}} {
		s.scheme.Accent = scale(t.Action, s.dark)
		s.scheme.Brand1 = scale(a, s.dark)
		s.scheme.Brand2 = scale(b, s.dark)
		s.scheme.Neutral = neutral(grey, s.dark)
	}
	return t, nil
}

// isRed reports whether people take the colour for the red of errors: a hue
// within 25 degrees of 27 with a chroma over .12. Such a commune shows its red
// in mark, rules and hill, and acts in its second colour.
func isRed(c Colour) bool {
	p := c.toLCH()
	d := math.Abs(p.H - 27)
	return math.Min(d, 360-d) <= 25 && p.C > .12
}

// CSS renders the theme as the design system's custom properties, in a cascade
// layer of its own, for html[data-color-scheme="light|dark|auto"].
func (t Theme) CSS() string {
	return t.sheet(`:root, [data-color-scheme="light"]`, `[data-color-scheme="dark"]`, `[data-color-scheme="auto"]`)
}

// PreviewCSS renders the theme for the inside of the elements with the class,
// so that a page in one theme can show another.
func (t Theme) PreviewCSS(class string) string {
	return t.sheet("."+class, `[data-color-scheme="dark"] .`+class, `[data-color-scheme="auto"] .`+class)
}

func (t Theme) sheet(light, dark, auto string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "/* Derived from two colours: %s (first) and %s (second). Actions use %s. */\n",
		t.First, t.Second, t.Action)
	b.WriteString("@layer ds.theme.commune {\n" + light + " {\n")
	t.Light.write(&b, "#ffffff", "#10141a", "#5b3a86")
	b.WriteString("}\n" + dark + " {\n")
	t.Dark.write(&b, "#10141a", "#ffc42e", "#c9b3ea")
	b.WriteString("}\n@media (prefers-color-scheme: dark) {\n" + auto + " {\n")
	t.Dark.write(&b, "#10141a", "#ffc42e", "#c9b3ea")
	b.WriteString("}\n}\n}\n")
	return b.String()
}

func (s Scheme) write(b *strings.Builder, inner, outer, visited string) {
	for _, part := range []struct {
		name  string
		scale Scale
	}{{"accent", s.Accent}, {"brand1", s.Brand1}, {"brand2", s.Brand2}, {"neutral", s.Neutral}} {
		for step, c := range part.scale {
			fmt.Fprintf(b, "  --ds-color-%s-%s: %s;\n", part.name, Step(step), c)
		}
	}
	fmt.Fprintf(b, "  --ds-color-focus-inner: %s;\n  --ds-color-focus-outer: %s;\n  --ds-link-color-visited: %s;\n", inner, outer, visited)
}
