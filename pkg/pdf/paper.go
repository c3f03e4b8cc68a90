package pdf

import (
	"bytes"
	_ "embed" // the typeface
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/boombuler/barcode/qr"
)

//go:embed fonts/HankenGrotesk-Regular.ttf
var regular []byte

//go:embed fonts/HankenGrotesk-SemiBold.ttf
var semibold []byte

// The page, in millimetres.
const (
	pageWidth, pageHeight = 210.0, 297.0
	left, right           = 25.0, 20.0 // margins; a punched hole fits at the left
	textWidth             = pageWidth - left - right
	bottom                = 25.0  // margin below the text, room for the footer
	measure               = 140.0 // longest line of running text, about 85 characters
	addressX, addressY    = 118.0, 50.0
	hairline, rule        = 0.15, 0.35
)

// Sizes in points, line heights in millimetres.
const (
	small, body, large, headline = 8.5, 10.5, 13.0, 23.0
	smallLine, bodyLine          = 3.9, 5.2
)

type ink struct{ r, g, b int }

var (
	black = ink{23, 26, 30}
	grey  = ink{95, 101, 108}
	line  = ink{188, 193, 199}
)

// Brand is whose paper it is.
type Brand struct {
	Name   string   // "Città di …"
	Colour string   // "#C8102E", drawn where there is no mark
	Mark   []byte   // SVG of simple shapes in a square; may be empty
	Sender []string // office, street, town, telephone: one line each
}

// Verification lets whoever holds the paper check it.
type Verification struct {
	URL  string // exactly what the QR code says
	Page string // address to open for typing the code in, as printed
	Code string // as printed, in groups of four
}

// Row is one line of a table of personal data.
type Row struct{ Label, Value string }

// paper is a document in the making.
type paper struct {
	doc   *fpdf.Fpdf
	words words
	brand Brand
}

func newPaper(brand Brand, lang, title, footer string, created time.Time) *paper {
	doc := fpdf.New("P", "mm", "A4", "")
	doc.SetCatalogSort(true) // the order of maps must not reach the file
	doc.SetCreationDate(created)
	doc.SetModificationDate(created)
	doc.SetTitle(title, true)
	doc.SetAuthor(brand.Name, true)
	doc.SetProducer("Sportello", true)
	doc.SetLang(lang)
	doc.AliasNbPages("")
	doc.AddUTF8FontFromBytes("text", "", regular)
	doc.AddUTF8FontFromBytes("text", "B", semibold)
	doc.SetMargins(left, 20, right)
	doc.SetCellMargin(0) // text begins where the lines begin
	doc.SetAutoPageBreak(true, bottom)
	p := &paper{doc: doc, words: inLanguage(lang), brand: brand}
	doc.SetFooterFunc(func() {
		doc.SetY(pageHeight - 14)
		p.font("", small, grey)
		doc.CellFormat(textWidth, smallLine, fmt.Sprintf(p.words.page, doc.PageNo(), "{nb}"), "", 0, "L", false, 0, "")
		doc.SetX(left + 40) // not at the right edge: the number of pages is filled in later
		doc.CellFormat(textWidth-40, smallLine, clean(footer), "", 0, "R", false, 0, "")
	})
	doc.SetHeaderFunc(func() {
		if doc.PageNo() > 1 {
			p.font("B", small, black)
			doc.SetXY(left, 14)
			doc.CellFormat(textWidth, smallLine, clean(brand.Name), "", 0, "L", false, 0, "")
			p.hairline(19.5, hairline)
			doc.SetY(28)
		}
	})
	doc.AddPage()
	p.letterhead()
	return p
}

func (p *paper) letterhead() {
	const y, size = 17.0, 13.0
	x := left
	if err := drawMark(p.doc, p.brand.Mark, x, y, size); err != nil {
		c := colour(p.brand.Colour)
		p.doc.SetFillColor(c.r, c.g, c.b)
		p.doc.Rect(x, y, size, size, "F")
	}
	p.font("B", large, black)
	p.doc.SetXY(x+size+4, y+0.6)
	p.doc.CellFormat(85, 5.6, clean(p.brand.Name), "", 2, "L", false, 0, "")
	if len(p.brand.Sender) > 0 {
		p.font("", 9.5, grey)
		p.doc.SetX(x + size + 4)
		p.doc.MultiCell(78, 4.4, clean(p.brand.Sender[0]), "", "L", false)
	}
	p.font("", small, grey)
	for i, l := range p.brand.Sender[min(1, len(p.brand.Sender)):] {
		p.doc.SetXY(addressX+20, y+1+float64(i)*smallLine)
		p.doc.CellFormat(pageWidth-right-addressX-20, smallLine, clean(l), "", 0, "R", false, 0, "")
	}
	p.hairline(36, rule)
}

func (p *paper) font(style string, size float64, c ink) {
	p.doc.SetFont("text", style, size)
	p.doc.SetTextColor(c.r, c.g, c.b)
}

func (p *paper) hairline(y, width float64) {
	p.doc.SetDrawColor(line.r, line.g, line.b)
	if width == rule {
		p.doc.SetDrawColor(black.r, black.g, black.b)
	}
	p.doc.SetLineWidth(width)
	p.doc.Line(left, y, pageWidth-right, y)
}

func (p *paper) space(mm float64) { p.doc.SetY(p.doc.GetY() + mm) }

// keep begins a new page unless so many millimetres are left on this one.
func (p *paper) keep(mm float64) {
	if p.doc.GetY()+mm > pageHeight-bottom {
		p.doc.AddPage()
	}
}

func (p *paper) text(style string, size, lineHeight float64, c ink, s string) {
	p.font(style, size, c)
	p.doc.SetX(left)
	p.doc.MultiCell(measure, lineHeight, clean(s), "", "L", false)
}

func (p *paper) paragraphs(list []string) {
	for i, s := range list {
		if i > 0 {
			p.space(2.2)
		}
		p.keep(2 * bodyLine)
		p.text("", body, bodyLine, black, s)
	}
}

// section is a heading that never stands alone at the foot of a page.
func (p *paper) section(title string) {
	p.space(6.5)
	p.keep(6 + 3*bodyLine)
	p.text("B", body, bodyLine, black, title)
	p.space(1.2)
}

func (p *paper) headline(s string) {
	p.doc.SetX(left)
	p.font("B", headline, black)
	p.doc.MultiCell(textWidth, 9.6, clean(s), "", "L", false)
}

// numbered prints "1." and the like in the margin of each paragraph.
func (p *paper) numbered(list []string) {
	for i, s := range list {
		if i > 0 {
			p.space(1.8)
		}
		p.keep(2 * bodyLine)
		y, page := p.doc.GetY(), p.doc.PageNo()
		p.font("", body, black)
		p.doc.SetX(left + 8)
		p.doc.MultiCell(measure-8, bodyLine, clean(s), "", "L", false)
		if p.doc.PageNo() == page {
			after := p.doc.GetY()
			p.doc.SetXY(left, y)
			p.doc.CellFormat(8, bodyLine, fmt.Sprintf("%d.", i+1), "", 0, "L", false, 0, "")
			p.doc.SetY(after)
		}
	}
}

// table prints rows between hairlines, labels grey at the left.
func (p *paper) table(rows []Row) {
	const labelWidth = 48.0
	p.hairline(p.doc.GetY(), hairline)
	for _, r := range rows {
		p.font("", body, black)
		lines := max(1, len(p.doc.SplitText(clean(r.Value), textWidth-labelWidth)))
		height := float64(lines)*bodyLine + 3.4
		p.keep(height)
		y := p.doc.GetY()
		p.font("", 9.5, grey)
		p.doc.SetXY(left, y+1.7)
		p.doc.CellFormat(labelWidth, bodyLine, clean(r.Label), "", 0, "L", false, 0, "")
		p.font("", body, black)
		p.doc.SetXY(left+labelWidth, y+1.7)
		p.doc.MultiCell(textWidth-labelWidth, bodyLine, clean(r.Value), "", "L", false)
		p.hairline(y+height, hairline)
		p.doc.SetY(y + height)
	}
}

// amounts prints what each thing costs and a total, figures at the right.
func (p *paper) amounts(rows []Row, total string) {
	p.hairline(p.doc.GetY(), rule)
	for _, r := range append(append([]Row{}, rows...), Row{p.words.total, total}) {
		style, last := "", r.Value == total && r.Label == p.words.total
		if last {
			style = "B"
		}
		p.font(style, body, black)
		lines := max(1, len(p.doc.SplitText(clean(r.Label), textWidth-40)))
		height := float64(lines)*bodyLine + 3
		p.keep(height)
		y := p.doc.GetY()
		p.doc.SetXY(left, y+1.5)
		p.doc.MultiCell(textWidth-40, bodyLine, clean(r.Label), "", "L", false)
		p.doc.SetXY(pageWidth-right-40, y+1.5)
		p.doc.CellFormat(40, bodyLine, clean(r.Value), "", 0, "R", false, 0, "")
		if last {
			p.hairline(y+height, rule)
		} else {
			p.hairline(y+height, hairline)
		}
		p.doc.SetY(y + height)
	}
}

// notice prints a remark in a frame, such as that the paper has no legal value.
func (p *paper) notice(s string) {
	if s == "" {
		return
	}
	p.font("B", small, black)
	p.doc.SetDrawColor(black.r, black.g, black.b)
	p.doc.SetLineWidth(rule)
	p.doc.SetX(left)
	width := min(p.doc.GetStringWidth(clean(s))+8, textWidth)
	p.doc.MultiCell(width, 6.4, clean(s), "1", "C", false)
}

// verification prints QR code, hint, code and seal note at the foot of the page.
func (p *paper) verification(v Verification, top float64) error {
	const size = 29.0
	code, err := qr.Encode(v.URL, qr.M, qr.Unicode)
	if err != nil {
		return fmt.Errorf("pdf: QR code: %w", err)
	}
	p.hairline(top, hairline)
	y := top + 5
	modules := code.Bounds().Dx()
	unit := size / float64(modules)
	p.doc.SetFillColor(0, 0, 0)
	black := func(col, row int) bool {
		if col >= modules {
			return false
		}
		r, _, _, _ := code.At(col, row).RGBA()
		return r == 0
	}
	for row := range modules {
		for col := 0; col < modules; col++ {
			run := col
			for black(run, row) {
				run++
			}
			if run > col { // one rectangle per run, a hair taller so that no gap shows
				p.doc.Rect(left+float64(col)*unit, y+float64(row)*unit, float64(run-col)*unit, unit+0.02, "F")
				col = run
			}
		}
	}
	x, width := left+size+7, textWidth-size-7
	p.paragraphAt(x, y-0.6, width, "", small, fmt.Sprintf(p.words.scan, v.Page))
	p.doc.SetXY(x, p.doc.GetY()+1.4)
	p.font("", small, grey)
	p.doc.CellFormat(width, smallLine, clean(p.words.code), "", 2, "L", false, 0, "")
	p.doc.SetX(x)
	p.font("B", 12, ink{23, 26, 30})
	p.doc.CellFormat(width, 6, v.Code, "", 2, "L", false, 0, "")
	p.paragraphAt(x, p.doc.GetY()+1.6, width, "", small, fmt.Sprintf(p.words.seal, p.brand.Name))
	return nil
}

const verificationHeight = 38.0

func (p *paper) paragraphAt(x, y, width float64, style string, size float64, s string) {
	p.font(style, size, grey)
	p.doc.SetXY(x, y)
	p.doc.MultiCell(width, smallLine, clean(s), "", "L", false)
}

func (p *paper) bytes() ([]byte, error) {
	var b bytes.Buffer
	if err := p.doc.Output(&b); err != nil {
		return nil, fmt.Errorf("pdf: write: %w", err)
	}
	return b.Bytes(), nil
}

func colour(hex string) ink {
	c := ink{60, 66, 74}
	_, _ = fmt.Sscanf(strings.TrimPrefix(hex, "#"), "%02x%02x%02x", &c.r, &c.g, &c.b)
	return c
}

// clean replaces what the typeface lacks: narrow spaces, long s, and
// everything beyond the basic plane, which the writer cannot encode.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\u202f' || r == '\u2009' || r == '\t':
			return '\u00a0'
		case r == '\u017f':
			return 's'
		case r == '\n':
			return r
		case r < ' ' || r == 0x7f || r == '\u00ad' || (r >= 0x200b && r <= 0x200f):
			return -1
		case r > 0xffff:
			return '?'
		default:
			return r
		}
	}, s)
}
