package theme_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/theme"
)

// brands are the colours taken from the coats of arms of five communes, and
// the shared entity's own; testdata holds the sheets drawn by the designer.
var brands = []struct{ name, first, second, action string }{
	{"lugano", "#C8102E", "#1F2A37", "#1f2a37"},
	{"bellinzona", "#B5121B", "#2F3A4A", "#2f3a4a"},
	{"chiasso", "#0B5CA8", "#C8102E", "#0b5ca8"},
	{"mendrisio", "#C8102E", "#7A0F1D", "#7a0f1d"},
	{"locarno", "#0072BC", "#14324F", "#0072bc"},
	{"ente", "#0F5257", "#1C2B33", "#0f5257"},
}

func TestGenerateMatchesTheDesign(t *testing.T) {
	for _, b := range brands {
		t.Run(b.name, func(t *testing.T) {
			got, err := theme.Generate(b.first, b.second)
			if err != nil {
				t.Fatal(err)
			}
			if got.Action.String() != b.action {
				t.Errorf("action colour = %s, want %s", got.Action, b.action)
			}
			want, err := os.ReadFile("testdata/theme-" + b.name + ".css")
			if err != nil {
				t.Fatal(err)
			}
			g, w := rules(got.CSS()), rules(string(want))
			if len(g) != len(w) {
				t.Fatalf("%d lines of rules, want %d", len(g), len(w))
			}
			for i := range g {
				if g[i] != w[i] {
					t.Errorf("line %d = %s, want %s", i, g[i], w[i])
				}
			}
		})
	}
}

// rules drops the leading comment, which names the commune in the design only.
func rules(css string) []string {
	return strings.Split(css[strings.Index(css, "@layer"):], "\n")
}

func TestPreviewCSSStaysInside(t *testing.T) {
	th, err := theme.Generate("#0B5CA8", "#C8102E")
	if err != nil {
		t.Fatal(err)
	}
	css := th.PreviewCSS("sp-preview")
	if strings.Contains(css, ":root") || strings.Count(css, ".sp-preview {") != 3 {
		t.Error("the preview's colours reach the page around it")
	}
}

func TestGenerateRefusesWhatIsNoColour(t *testing.T) {
	for _, s := range []string{"", "red", "#fff", "#12345", "#1234567", "#12345g", "rgb(0,0,0)"} {
		if _, err := theme.Generate(s, "#000000"); err == nil {
			t.Errorf("first colour %q was taken", s)
		}
		if _, err := theme.Check("#000000", s); err == nil {
			t.Errorf("second colour %q was taken", s)
		}
	}
}

// TestEveryPairOfColoursReads draws colours at random: whatever a commune
// chooses, what the generator derives must be legible in both schemes.
func TestEveryPairOfColoursReads(t *testing.T) {
	r := rand.New(rand.NewPCG(2026, 11))
	hex := func() string { return fmt.Sprintf("#%06x", r.IntN(1<<24)) }
	pairs := [][2]string{{"#ffffff", "#000000"}, {"#ffff00", "#00ff00"}, {"#ff0000", "#0000ff"}, {"#808080", "#fefefe"}}
	for _, b := range brands {
		pairs = append(pairs, [2]string{b.first, b.second})
	}
	for range 150 {
		pairs = append(pairs, [2]string{hex(), hex()})
	}
	for _, p := range pairs {
		th, err := theme.Generate(p[0], p[1])
		if err != nil {
			t.Fatal(err)
		}
		for scheme, s := range map[string]theme.Scheme{"light": th.Light, "dark": th.Dark} {
			for name, c := range map[string]theme.Scale{"accent": s.Accent, "brand1": s.Brand1, "brand2": s.Brand2, "neutral": s.Neutral} {
				need := func(fg, bg theme.Step, want float64) {
					if got := theme.Contrast(c[fg], c[bg]); got < want {
						t.Errorf("%v %s %s: %s on %s is %.2f, want %.1f", p, scheme, name, fg, bg, got, want)
					}
				}
				for _, bg := range []theme.Step{theme.BackgroundDefault, theme.BackgroundTinted, theme.SurfaceDefault, theme.SurfaceTinted, theme.SurfaceHover} {
					need(theme.TextDefault, bg, theme.MinReading)
					need(theme.TextSubtle, bg, theme.MinText)
				}
				for _, bg := range []theme.Step{theme.BackgroundDefault, theme.BackgroundTinted} {
					need(theme.BorderDefault, bg, theme.MinShape)
				}
				for _, bg := range []theme.Step{theme.BaseDefault, theme.BaseHover, theme.BaseActive} {
					need(theme.BaseContrastDefault, bg, theme.MinText)
					need(theme.BaseContrastSubtle, bg, theme.MinText)
				}
			}
		}
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name, first, second string
		refused             []theme.Pair
		choice              theme.Choice
	}{
		{"sky blue is too light for white text", "#4FA9DE", "#14324F", []theme.Pair{theme.ButtonText, theme.MarkShape}, theme.FirstColour},
		{"yellow as first colour", "#ffd800", "#14324F", []theme.Pair{theme.ButtonText, theme.MarkShape}, theme.FirstColour},
		{"a red commune acts in its second colour", "#C8102E", "#ffd800", []theme.Pair{theme.ButtonText}, theme.SecondColour},
		{"a light second colour of a blue commune only paints the far hill", "#0B5CA8", "#ffd800", nil, 0},
		{"white", "#ffffff", "#1f2a37", []theme.Pair{theme.ButtonText, theme.MarkShape}, theme.FirstColour},
	}
	for _, b := range brands {
		tests = append(tests, struct {
			name, first, second string
			refused             []theme.Pair
			choice              theme.Choice
		}{b.name, b.first, b.second, nil, 0})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, err := theme.Check(tt.first, tt.second)
			if err != nil {
				t.Fatal(err)
			}
			refused := theme.Refused(list)
			if len(refused) != len(tt.refused) {
				t.Fatalf("refused %v, want %v", refused, tt.refused)
			}
			for i, f := range refused {
				if f.Pair != tt.refused[i] || f.Choice != tt.choice || f.Nearest == nil {
					t.Fatalf("finding %d = %+v", i, f)
				}
				if f.NearestRatio < f.Required {
					t.Errorf("%s: the colour offered reaches only %.2f", f.Pair, f.NearestRatio)
				}
				first, second := tt.first, f.Nearest.String()
				if f.Choice == theme.FirstColour {
					first, second = f.Nearest.String(), tt.second
				}
				again, _ := theme.Check(first, second)
				if left := theme.Refused(again); len(left) != 0 {
					t.Errorf("the colour offered, %s, is refused itself: %v", f.Nearest, left)
				}
				if f.NearestRatio > f.Required+.3 && f.Pair == theme.ButtonText {
					t.Errorf("%s is not the nearest: %.2f", f.Nearest, f.NearestRatio)
				}
			}
		})
	}
}

func TestNearestAlwaysPasses(t *testing.T) {
	r := rand.New(rand.NewPCG(26, 11))
	pairs := [][2]string{{"#ff9a9a", "#ffd800"}, {"#ffffff", "#ffffff"}, {"#ff7070", "#00ff00"}}
	for range 60 {
		pairs = append(pairs, [2]string{fmt.Sprintf("#%06x", r.IntN(1<<24)), fmt.Sprintf("#%06x", r.IntN(1<<24))})
	}
	for _, p := range pairs {
		a, b, err := theme.Nearest(p[0], p[1])
		if err != nil {
			t.Fatal(err)
		}
		list, _ := theme.Check(a.String(), b.String())
		if left := theme.Refused(list); len(left) != 0 {
			t.Errorf("%v: %s and %s are offered and refused: %v", p, a, b, left)
		}
	}
	for _, b := range brands {
		if x, y, _ := theme.Nearest(b.first, b.second); x.String() != strings.ToLower(b.first) || y.String() != strings.ToLower(b.second) {
			t.Errorf("%s: a passing choice was changed to %s and %s", b.name, x, y)
		}
	}
	if _, _, err := theme.Nearest("blue", "#000000"); err == nil {
		t.Error("no colour was taken")
	}
}
