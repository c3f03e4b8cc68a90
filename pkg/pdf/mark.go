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

// markGrid is how finely curves of a mark become straight lines: steps along
// its side. At 13 mm that is 0.006 mm.
const markGrid = 256.0

// roundedRect finds rectangles with one radius; SVG takes it for both, the
// parser takes the missing one for zero and draws sharp corners.
var roundedRect = regexp.MustCompile(`(<rect\b[^>]*?)\srx="([^"]*)"`)

// drawMark draws an SVG of simple shapes as vectors into a square of the given
// side. A mark that cannot be read gives an error and leaves the paper as it was.
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
	if icon.ViewBox.W <= 0 || icon.ViewBox.H <= 0 || len(icon.SVGPaths) == 0 {
		return errors.New("pdf: mark: nothing to draw")
	}
	icon.SetTarget(0, 0, markGrid, markGrid)
	for i := range icon.SVGPaths { // the target scales outlines, not the width of strokes
		icon.SVGPaths[i].LineWidth *= markGrid / max(icon.ViewBox.W, icon.ViewBox.H)
	}
	pen := &markPen{}
	icon.Draw(rasterx.NewDasher(markGrid, markGrid, pen), 1)
	for _, s := range pen.shapes {
		if s.ink.A == 0 || len(s.outlines) == 0 {
			continue
		}
		doc.SetFillColor(int(s.ink.R), int(s.ink.G), int(s.ink.B))
		for _, outline := range s.outlines {
			for i, p := range outline {
				px, py := x+float64(p.X)/64*side/markGrid, y+float64(p.Y)/64*side/markGrid
				if i == 0 {
					doc.MoveTo(px, py)
				} else {
					doc.LineTo(px, py)
				}
			}
			doc.ClosePath()
		}
		style := "F"
		if s.evenOdd {
			style = "F*"
		}
		doc.DrawPath(style)
	}
	return nil
}

// markPen stands in for rasterx's painter of pixels: it keeps the outlines of
// fills and strokes instead.
type markPen struct {
	shapes  []markShape
	current markShape
}

type markShape struct {
	outlines [][]fixed.Point26_6
	ink      color.NRGBA
	evenOdd  bool
}

func (p *markPen) Start(a fixed.Point26_6) {
	p.current.outlines = append(p.current.outlines, []fixed.Point26_6{a})
}

func (p *markPen) Line(b fixed.Point26_6) {
	if n := len(p.current.outlines); n > 0 {
		p.current.outlines[n-1] = append(p.current.outlines[n-1], b)
	}
}

func (p *markPen) Draw() { p.shapes = append(p.shapes, p.current) }

func (p *markPen) Clear() { p.current.outlines = nil }

func (p *markPen) SetColor(c any) {
	p.current.ink = color.NRGBA{}
	if plain, ok := c.(color.Color); ok { // gradients are left out
		p.current.ink = color.NRGBAModel.Convert(plain).(color.NRGBA)
	}
}

func (p *markPen) SetWinding(nonZero bool) { p.current.evenOdd = !nonZero }

func (p *markPen) SetBounds(int, int) {}

func (p *markPen) SetClip(image.Rectangle) {}

func (p *markPen) GetPathExtent() fixed.Rectangle26_6 { return fixed.Rectangle26_6{} }
