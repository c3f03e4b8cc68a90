package costs

import (
	"context"
	"strconv"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/pdf"
	"github.com/sportello-ticino/sportello/pkg/sheetcsv"
)

// fileName is "costi-2026-10-v1", or "…-provvisorio" while it is not closed.
func fileName(s Statement) string {
	if s.Closing == nil {
		return "costi-" + monthKey(s.Month) + "-provvisorio"
	}
	return "costi-" + monthKey(s.Month) + "-v" + strconv.Itoa(s.Closing.Version)
}

// csv is the statement for a spreadsheet: amounts in francs with a point, bytes
// as they are, no grouping; the last row is the total.
func (m *Module) csv(r *web.Request) error {
	s, err := m.statement(r)
	if err != nil {
		return err
	}
	header, rows := table(r.Ctx(), s)
	data, err := sheetcsv.Write(header, rows)
	if err != nil {
		return err
	}
	return r.Blob(fileName(s)+".csv", sheetcsv.Type, data, false)
}

func table(ctx context.Context, s Statement) (header []string, rows [][]string) {
	word := func(key string) string { return i18n.T(ctx, "costs.csv."+key) }
	header = []string{word("month"), word("version"), word("commune"), word("inhabitants"), word("fixed"), word("by-inhabitants"), word("by-use"), word("share")}
	for _, name := range meters.Names {
		h := meterName(ctx, name)
		if meters.Level(name) {
			h += " (byte)"
		}
		header = append(header, h)
	}
	version := word("draft")
	if s.Closing != nil {
		version = strconv.Itoa(s.Closing.Version)
	}
	var fixed, people, use money.CHF
	for _, x := range s.Shares {
		row := []string{monthKey(s.Month), version, x.Name, strconv.Itoa(x.Inhabitants), x.Fixed.Decimal(), x.ByInhabitants.Decimal(), x.ByUse.Decimal(), x.Amount().Decimal()}
		for _, name := range meters.Names {
			row = append(row, strconv.FormatInt(x.Used[name], 10))
		}
		rows = append(rows, row)
		fixed, people, use = fixed+x.Fixed, people+x.ByInhabitants, use+x.ByUse
	}
	last := []string{monthKey(s.Month), version, i18n.T(ctx, "costs.total"), strconv.Itoa(s.Inhabitants()), fixed.Decimal(), people.Decimal(), use.Decimal(), s.Total().Decimal()}
	for _, name := range meters.Names {
		last = append(last, strconv.FormatInt(s.Used(name), 10))
	}
	return header, append(rows, last)
}

// pdf is the statement on paper.
func (m *Module) pdf(r *web.Request) error {
	s, err := m.statement(r)
	if err != nil {
		return err
	}
	data, err := m.paper(r.Ctx(), s).Render()
	if err != nil {
		return err
	}
	return r.Blob(fileName(s)+".pdf", "application/pdf", data, false)
}

func (m *Module) paper(ctx context.Context, s Statement) pdf.Statement {
	out := pdf.Statement{Lang: i18n.Reference, Title: i18n.T(ctx, "costs.title", "month", monthName(s.Month)), Reference: fileName(s), Created: m.Clock.Now(),
		Brand: pdf.Brand{Name: m.Entity.OfficialName, Colour: m.Entity.Brand.First, Mark: m.Entity.MarkSVG}}
	fact := func(key, value string) {
		if value != "" {
			out.Facts = append(out.Facts, pdf.Row{Label: i18n.T(ctx, "costs.fact."+key), Value: value})
		}
	}
	fact("total", s.Total().String())
	if s.Key != nil {
		fact("key", keyWords(ctx, s.Key.Key))
		fact("weights", weightWords(ctx, s.Key.Key))
	}
	if s.Closing != nil {
		out.Created = s.Closing.At // the same version is the same file
		fact("version", stateOf(ctx, s).Text+". "+closedBy(ctx, *s.Closing))
		fact("reason", s.Closing.Reason)
	} else {
		out.Notice = i18n.T(ctx, "costs.draft")
	}
	shares, used := shareGrid(ctx, s), useGrid(ctx, s)
	t := pdf.Table{Title: shares.Caption}
	for _, c := range shares.Columns {
		t.Columns = append(t.Columns, c.Title)
	}
	for i, row := range shares.Rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, c.Text)
		}
		if i == len(shares.Rows)-1 {
			t.Total = cells
		} else {
			t.Rows = append(t.Rows, cells)
		}
	}
	u := pdf.Table{Title: used.Caption}
	for _, c := range used.Columns {
		u.Columns = append(u.Columns, c.Title)
	}
	for _, row := range used.Rows {
		var cells []string
		for _, c := range row {
			cells = append(cells, c.Text)
		}
		u.Rows = append(u.Rows, cells)
	}
	out.Tables = []pdf.Table{t, u}
	out.Remark = []string{i18n.T(ctx, "costs.rule")}
	return out
}
