package theme

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Colour is an opaque sRGB colour of eight bits a channel.
type Colour struct{ R, G, B uint8 }

// white and ink are the two colours that text on a filled button may take.
var white = Colour{255, 255, 255}

// ParseColour reads "#rrggbb" or "rrggbb", in either case, with surrounding
// blanks. Short forms, names and alpha are refused: an administrator's colour
// is written out in full in the history of the console.
func ParseColour(s string) (Colour, error) {
	digits := strings.TrimPrefix(strings.TrimSpace(s), "#")
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 6 {
		return Colour{}, fmt.Errorf("theme: %q is not a colour of the form #rrggbb", s)
	}
	return Colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// String returns the colour as "#rrggbb" in lower case.
func (c Colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

// Luminance is the relative luminance of WCAG 2.x, 0 for black and 1 for white.
func (c Colour) Luminance() float64 {
	return .2126*toLinear(c.R) + .7152*toLinear(c.G) + .0722*toLinear(c.B)
}

// Contrast is the contrast ratio of WCAG 2.x, between 1 and 21.
func Contrast(a, b Colour) float64 {
	la, lb := a.Luminance(), b.Luminance()
	if la < lb {
		la, lb = lb, la
	}
	return (la + .05) / (lb + .05)
}

func toLinear(v uint8) float64 {
	x := float64(v) / 255
	if x <= .04045 {
		return x / 12.92
	}
	return math.Pow((x+.055)/1.055, 2.4)
}

func fromLinear(x float64) uint8 {
	x = math.Min(math.Max(x, 0), 1)
	if x <= .0031308 {
		x *= 12.92
	} else {
		x = 1.055*math.Pow(x, 1/2.4) - .055
	}
	return uint8(math.Round(x * 255))
}

// lch is a colour of OKLCH: lightness 0 to 1, chroma from 0, hue in degrees.
type lch struct{ L, C, H float64 }

// toLCH converts with the matrices of Björn Ottosson's OKLab.
func (c Colour) toLCH() lch {
	r, g, b := toLinear(c.R), toLinear(c.G), toLinear(c.B)
	l := math.Cbrt(.4122214708*r + .5363325363*g + .0514459929*b)
	m := math.Cbrt(.2119034982*r + .6806995451*g + .1073969566*b)
	s := math.Cbrt(.0883024619*r + .2817188376*g + .6299787005*b)
	A := 1.9779984951*l - 2.4285922050*m + .4505937099*s
	B := .0259040371*l + .7827717662*m - .8086757660*s
	h := math.Atan2(B, A) * 180 / math.Pi
	if h < 0 {
		h += 360
	}
	return lch{.2104542553*l + .7936177850*m - .0040720468*s, math.Hypot(A, B), h}
}

// linear returns the linear sRGB channels, which may lie outside 0 to 1.
func (c lch) linear() (r, g, b float64) {
	A, B := c.C*math.Cos(c.H*math.Pi/180), c.C*math.Sin(c.H*math.Pi/180)
	l := math.Pow(c.L+.3963377774*A+.2158037573*B, 3)
	m := math.Pow(c.L-.1055613458*A-.0638541728*B, 3)
	s := math.Pow(c.L-.0894841775*A-1.2914855480*B, 3)
	return 4.0767416621*l - 3.3077115913*m + .2309699292*s,
		-1.2684380046*l + 2.6097574011*m - .3413193965*s,
		-.0041960863*l - .7034186147*m + 1.7076147010*s
}

// fits reports whether the colour exists in sRGB. The slack is under what one
// of 256 steps of a channel can show for all but the darkest colours.
func (c lch) fits() bool {
	const slack = .0005
	r, g, b := c.linear()
	return min(r, g, b) >= -slack && max(r, g, b) <= 1+slack
}

// colour rounds to eight bits and cuts off what sRGB cannot show.
func (c lch) colour() Colour {
	r, g, b := c.linear()
	return Colour{fromLinear(r), fromLinear(g), fromLinear(b)}
}

// atLuminance finds the colour of the given hue whose WCAG luminance is y. The
// chroma is lowered by small steps until the colour exists in sRGB.
func atLuminance(y, chroma, hue float64) Colour {
	const step = .004
	for {
		low, high := 0.0, 1.0
		for range 32 {
			mid := (low + high) / 2
			r, g, b := (lch{mid, chroma, hue}).linear()
			if .2126*r+.7152*g+.0722*b < y {
				low = mid
			} else {
				high = mid
			}
		}
		p := lch{(low + high) / 2, chroma, hue}
		if p.fits() || chroma == 0 {
			return p.colour()
		}
		chroma = max(0, chroma-step)
	}
}
