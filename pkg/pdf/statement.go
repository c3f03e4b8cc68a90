package pdf

import "time"

// Statement is a sheet of accounts: facts, then tables with a total.
type Statement struct {
	Brand     Brand
	Lang      string
	Title     string // "Costi di ottobre 2026"
	Notice    string // "Provvisorio"
	Facts     []Row
	Tables    []Table
	Remark    []string
	Reference string // in the footer
	Created   time.Time
}

// Table is a table of a statement. The first column is text and takes what the
// others leave; the others are figures, set to the right.
type Table struct {
	Title   string
	Columns []string
	Rows    [][]string
	Total   []string // may be empty
}

// Render lays the statement out, on as many pages as it needs; a table that
// breaks repeats its header.
func (s Statement) Render() ([]byte, error) {
	if s.Created.IsZero() {
		return nil, errNoTime
	}
	p := newPaper(s.Brand, s.Lang, s.Title, s.Reference, s.Created)
	p.doc.SetY(52)
	p.headline(s.Title)
	p.space(3)
	p.notice(s.Notice)
	p.space(5)
	p.table(s.Facts)
	for _, t := range s.Tables {
		p.section(t.Title)
		p.grid(t)
	}
	if len(s.Remark) > 0 {
		p.space(7)
		p.paragraphs(s.Remark)
	}
	return p.bytes()
}

const (
	gridLine = 6.2
	figures  = 9.0 // points
)

// grid prints a table of figures.
func (p *paper) grid(t Table) {
	if len(t.Columns) == 0 {
		return
	}
	widths := p.widths(t)
	p.gridHead(t, widths)
	for _, r := range t.Rows {
		if p.doc.GetY()+gridLine > pageHeight-bottom {
			p.doc.AddPage()
			p.gridHead(t, widths)
		}
		p.gridRow("", black, r, widths)
		p.hairline(p.doc.GetY(), hairline)
	}
	if len(t.Total) > 0 {
		p.keep(gridLine)
		p.hairline(p.doc.GetY(), rule)
		p.gridRow("B", black, t.Total, widths)
		p.hairline(p.doc.GetY(), rule)
	}
}

func (p *paper) gridHead(t Table, widths []float64) {
	p.gridRow("", grey, t.Columns, widths)
	p.hairline(p.doc.GetY(), rule)
}

func (p *paper) gridRow(style string, c ink, cells []string, widths []float64) {
	p.font(style, figures, c)
	y, x := p.doc.GetY(), left
	for i, v := range cells {
		if i >= len(widths) {
			break
		}
		align, text := "R", clean(v)
		if i == 0 {
			align = "L"
			for p.doc.GetStringWidth(text) > widths[0]-2 && len([]rune(text)) > 4 { // a name that is too long ends in dots
				r := []rune(text)
				text = string(r[:len(r)-2]) + "…"
			}
		}
		p.doc.SetXY(x, y)
		p.doc.CellFormat(widths[i], gridLine, text, "", 0, align, false, 0, "")
		x += widths[i]
	}
	p.doc.SetY(y + gridLine)
}

// widths gives each column of figures what its widest cell needs.
func (p *paper) widths(t Table) []float64 {
	widths := make([]float64, len(t.Columns))
	rest := textWidth
	for i := 1; i < len(t.Columns); i++ {
		p.font("B", figures, black)
		for _, r := range append(append([][]string{t.Columns}, t.Rows...), t.Total) {
			if i < len(r) {
				widths[i] = max(widths[i], p.doc.GetStringWidth(clean(r[i]))+4)
			}
		}
		rest -= widths[i]
	}
	widths[0] = max(rest, 25)
	return widths
}
