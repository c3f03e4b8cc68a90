package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"regexp"

	"codeberg.org/go-pdf/fpdf"
	"github.com/srwiley/oksvg"
	"github.com/srwiley/rasterx"
	"golang.org/x/image/math/fixed"
)

// roundedRect finds rectangles with one radius; SVG takes it for both, the
// parser takes the missing one for zero and draws sharp corners.
var roundedRect = regexp.MustCompile(`(<rect\b[^>]*?)\srx="([^"]*)"`)

// drawMark draws an SVG of simple shapes (paths, rectangles, circles; no
// transforms, no gradients) as vectors into a square of the given side. A mark
// that cannot be read gives an error and leaves the paper as it was.
func drawMark(doc *fpdf.Fpdf, svg []byte, x, y, side float64) (err error) {
	defer func() {
		if p := recover(); p != nil { // the parser panics on some broken files
			err = fmt.Errorf("pdf: mark: %v", p)
		}
	}()
	if !bytes.Contains(svg, []byte(" ry=")) {
		svg = roundedRect.ReplaceAll(svg, []byte(`$1 rx="$2" ry="$2"`))
	}
	icon, err := oksvg.ReadIconStream(bytes.NewReader(svg), oksvg.IgnoreErrorMode)
	if err != nil {
		return fmt.Errorf("pdf: mark: %w", err)
	}
	box := icon.ViewBox
	if box.W <= 0 || box.H <= 0 || len(icon.SVGPaths) == 0 {
		return errors.New("pdf: mark: nothing to draw")
	}
	scale := side / max(box.W, box.H)
	at := func(p fixed.Point26_6) (float64, float64) {
		return x + (float64(p.X)/64-box.X)*scale, y + (float64(p.Y)/64-box.Y)*scale
	}
	for _, shape := range icon.SVGPaths {
		fill, stroke := inks(shape)
		style := ""
		if fill.A > 0 {
			doc.SetFillColor(int(fill.R), int(fill.G), int(fill.B))
			style = "F"
			if !shape.UseNonZeroWinding {
				style = "F*"
			}
		}
		if stroke.A > 0 && shape.LineWidth > 0 {
			doc.SetDrawColor(int(stroke.R), int(stroke.G), int(stroke.B))
			doc.SetLineWidth(shape.LineWidth * scale)
			style = map[string]string{"": "D", "F": "FD", "F*": "FD*"}[style]
		}
		if style != "" {
			trace(doc, shape.Path, at)
			doc.DrawPath(style)
		}
	}
	return nil
}

func trace(doc *fpdf.Fpdf, path rasterx.Path, at func(fixed.Point26_6) (float64, float64)) {
	point := func(i int) (float64, float64) { return at(fixed.Point26_6{X: path[i], Y: path[i+1]}) }
	for i := 0; i < len(path); {
		switch rasterx.PathCommand(path[i]) {
		case rasterx.PathMoveTo:
			doc.MoveTo(point(i + 1))
			i += 3
		case rasterx.PathLineTo:
			doc.LineTo(point(i + 1))
			i += 3
		case rasterx.PathQuadTo:
			cx, cy := point(i + 1)
			x, y := point(i + 3)
			doc.CurveTo(cx, cy, x, y)
			i += 5
		case rasterx.PathCubicTo:
			ax, ay := point(i + 1)
			bx, by := point(i + 3)
			x, y := point(i + 5)
			doc.CurveBezierCubicTo(ax, ay, bx, by, x, y)
			i += 7
		default:
			doc.ClosePath()
			i++
		}
	}
}

// inks tells the colours of a shape; transparent means none. The parser's own
// getters answer black for none, so the shape is painted twice, each time
// without one of the two, onto a pen that only notes the colour.
func inks(shape oksvg.SvgPath) (fill, stroke color.NRGBA) {
	note := func(s oksvg.SvgPath) color.NRGBA {
		pen := &colourPen{}
		s.DrawTransformed(rasterx.NewDasher(8, 8, pen), 1, rasterx.Identity)
		return pen.ink
	}
	fillOnly, strokeOnly := shape, shape
	fillOnly.SetLineColor(nil)
	strokeOnly.SetFillColor(nil)
	return note(fillOnly), note(strokeOnly)
}

// colourPen stands in for rasterx's painter of pixels.
type colourPen struct{ ink color.NRGBA }

func (p *colourPen) SetColor(c any) {
	if plain, ok := c.(color.Color); ok { // gradients are left out
		p.ink = color.NRGBAModel.Convert(plain).(color.NRGBA)
	}
}

func (p *colourPen) Start(fixed.Point26_6)              {}
func (p *colourPen) Line(fixed.Point26_6)               {}
func (p *colourPen) Draw()                              {}
func (p *colourPen) Clear()                             {}
func (p *colourPen) SetWinding(bool)                    {}
func (p *colourPen) SetBounds(int, int)                 {}
func (p *colourPen) SetClip(image.Rectangle)            {}
func (p *colourPen) GetPathExtent() fixed.Rectangle26_6 { return fixed.Rectangle26_6{} }
