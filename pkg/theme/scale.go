package theme

import (
	"maps"
	"math"
)

// target is the luminance and the share of the base chroma of one step.
type target struct{ y, share float64 }

var lightTargets = map[Step]target{
	BackgroundDefault: {1, 0}, BackgroundTinted: {.925, .10}, SurfaceDefault: {1, 0},
	SurfaceTinted: {.84, .20}, SurfaceHover: {.74, .30}, SurfaceActive: {.63, .40},
	BorderSubtle: {.70, .32}, BorderDefault: {.19, .90}, TextDefault: {.022, .60},
}

var darkTargets = map[Step]target{
	BackgroundDefault: {.0085, .18}, BackgroundTinted: {.013, .22}, SurfaceDefault: {.0125, .20},
	SurfaceTinted: {.026, .32}, SurfaceHover: {.038, .38}, SurfaceActive: {.052, .42},
	BorderSubtle: {.065, .40}, BorderDefault: {.22, .70}, BorderStrong: {.40, .60},
	TextSubtle: {.43, .55}, TextDefault: {.84, .16},
}

// scale derives the sixteen steps of a chromatic colour.
func scale(base Colour, dark bool) Scale {
	p, y := base.toLCH(), base.Luminance()
	targets := map[Step]target{}
	var fill Colour
	if dark {
		maps.Copy(targets, darkTargets)
		yb := math.Max(y, .34)
		if p.C < .05 {
			yb = .72
		}
		fill = base
		if yb != y {
			fill = atLuminance(yb, p.C, p.H)
		}
	} else {
		maps.Copy(targets, lightTargets)
		strong := target{math.Min(math.Max(y, .035), .098), 1}
		targets[BorderStrong], targets[TextSubtle] = strong, strong
		fill = base
		if Contrast(white, base) < MinText {
			fill = atLuminance(.18, p.C, p.H)
		}
	}
	return build(p, targets, fill, dark)
}

// neutral derives the greys: hardly any chroma, the hue of the action colour.
func neutral(p lch, dark bool) Scale {
	source, base, strong, subtle := lightTargets, .02, .10, .098
	if dark {
		source, base, strong, subtle = darkTargets, .72, .40, .43
	}
	targets := maps.Clone(source)
	targets[BorderStrong], targets[TextSubtle] = target{strong, 0}, target{subtle, 0}
	for k, v := range targets {
		switch {
		case dark:
			v.share = .45
		case v.y > .5:
			v.share = .2
		default:
			v.share = .6
		}
		targets[k] = v
	}
	return build(p, targets, atLuminance(base, p.C, p.H), dark)
}

func build(p lch, targets map[Step]target, fill Colour, dark bool) Scale {
	var s Scale
	for step, t := range targets {
		s[step] = atLuminance(t.y, p.C*t.share, p.H)
	}
	f := fill.toLCH()
	shift := -.06
	if dark || f.L < .3 {
		shift = .06
	}
	if dark {
		f.C *= .9 // lighter steps of a vivid colour glare on a dark ground
	}
	s[BaseDefault] = fill
	s[BaseHover] = lch{math.Min(f.L+shift, .98), f.C, f.H}.colour()
	s[BaseActive] = lch{math.Min(f.L+2*shift, .98), f.C, f.H}.colour()
	s[BaseContrastDefault], s[BaseContrastSubtle] = onBase(p, fill)
	return s
}

// onBase returns the colours of text on a filled ground: white where it reads,
// else ink; and a tint of the same kind that keeps 4.6:1.
func onBase(p lch, fill Colour) (full, subtle Colour) {
	if Contrast(white, fill) >= MinText {
		for y := .80; ; y += .02 {
			tint := atLuminance(min(y, 1), p.C*.12, p.H)
			if y >= 1 || Contrast(tint, fill) >= minTint {
				return white, tint
			}
		}
	}
	full = atLuminance(.008, math.Min(p.C, .03), p.H)
	for y := .02; ; y -= .002 {
		tint := atLuminance(max(y, .008), math.Min(p.C, .05), p.H)
		if y <= .008 || Contrast(tint, fill) >= minTint {
			return full, tint
		}
	}
}
