package costs

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// monthsShown is how many months the list holds.
const monthsShown = 13

// newest leads to the month that was last to end: the one to look at.
func (m *Module) newest(r *web.Request) error {
	now := monthOf(meters.Day(m.Clock.Now()))
	list, err := m.Months(r.Ctx(), 2)
	if err != nil {
		return err
	}
	if len(list) > 1 {
		now = list[1].Month
	}
	return r.Redirect("/costi/" + monthKey(now))
}

// statement reads the month of the address.
func (m *Module) statement(r *web.Request) (Statement, error) {
	month, err := time.Parse("2006-01", r.Param("month"))
	if err != nil || month.Year() < 2020 || month.After(m.Clock.Now()) {
		return Statement{}, web.NotFound()
	}
	version := 0
	if v := r.Query("versione"); v != "" {
		if version, err = strconv.Atoi(v); err != nil || version < 1 {
			return Statement{}, web.NotFound()
		}
	}
	return m.Statement(r.Ctx(), month, version)
}

// page is /costi/{month}.
func (m *Module) page(r *web.Request) error { return m.show(r, 200, "", "") }

func (m *Module) show(r *web.Request, code int, reason, wrong string) error {
	ctx := r.Ctx()
	s, err := m.statement(r)
	if err != nil {
		return err
	}
	months, err := m.Months(ctx, monthsShown)
	if err != nil {
		return err
	}
	url := "/costi/" + monthKey(s.Month)
	state := stateOf(ctx, s)
	page := ui.Sheet{Side: operator.Side(r, "/costi"), Title: i18n.T(ctx, "costs.title", "month", monthName(s.Month)), State: &state,
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "costs.crumb"), URL: "/costi"}, {Text: monthName(s.Month)}}, Notice: r.Done("costs.done"),
		Tiles: tiles(ctx, s)}
	if s.Closing != nil {
		page.Lead = closedBy(ctx, *s.Closing)
	}
	switch {
	case wrong != "":
		page.Problems = []ui.Problem{{Name: "reason", Text: wrong}}
	case s.Key == nil:
		page.Warning = i18n.T(ctx, "costs.error.no-key")
	}
	if s.Closing != nil && len(s.Versions) > 0 && s.Closing.Version != s.Versions[0].Version {
		page.Warning = i18n.T(ctx, "costs.older", "version", s.Closing.Version)
	}
	files := "?versione=" + strconv.Itoa(versionOf(s))
	if s.Closing == nil {
		files = ""
	}
	shares := shareGrid(ctx, s)
	used := useGrid(ctx, s)
	page.Sections = []ui.Section{
		{ID: "quote", Title: i18n.T(ctx, "costs.shares"), Note: sentence(ctx, s), Chart: ui.BarChart(bars(ctx, s)), Grid: &shares, Empty: i18n.T(ctx, "costs.error.no-parties"),
			Links: []ui.Link{{Text: i18n.T(ctx, "costs.as-csv"), URL: url + "/csv" + files}, {Text: i18n.T(ctx, "costs.as-pdf"), URL: url + "/pdf" + files}}},
		{ID: "uso", Title: i18n.T(ctx, "costs.used"), Note: i18n.T(ctx, "costs.used-note"), Grid: &used},
	}
	if r.May(ActionClose) && s.Ended && s.Key != nil && len(s.Shares) > 0 {
		page.Sections = append(page.Sections, closeForm(ctx, s, url, reason, wrong))
	}
	page.Aside = []ui.Section{monthList(ctx, months, s.Month), versionList(ctx, s, url)}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

func versionOf(s Statement) int {
	if s.Closing == nil {
		return 0
	}
	return s.Closing.Version
}

func stateOf(ctx context.Context, s Statement) ui.State {
	switch {
	case s.Closing != nil:
		return ui.State{Tone: ui.Success, Text: i18n.T(ctx, "costs.state.closed", "version", s.Closing.Version)}
	case s.Ended:
		return ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "costs.state.ended")}
	}
	return ui.State{Tone: ui.Info, Text: i18n.T(ctx, "costs.state.running")}
}

func closedBy(ctx context.Context, c Closing) string {
	return i18n.T(ctx, "costs.closed-by", "by", c.By, "at", i18n.Date(c.At))
}

// sentence says by which key the month is shared, and until when it is read.
func sentence(ctx context.Context, s Statement) string {
	text := ""
	if s.Key != nil {
		text = keyWords(ctx, s.Key.Key)
	}
	if s.Closing == nil && !s.Read.IsZero() {
		text += " " + i18n.T(ctx, "costs.read", "day", i18n.Date(s.Read))
	}
	return text
}

func tiles(ctx context.Context, s Statement) []ui.Tile {
	out := []ui.Tile{
		{Value: s.Total().String(), Label: i18n.T(ctx, "costs.tile.total")},
		{Value: i18n.Number(len(s.Shares)), Label: i18n.T(ctx, "costs.tile.communes")},
		{Value: i18n.Number(s.Used(meters.Cases)), Label: i18n.T(ctx, "costs.tile.cases")},
	}
	if n := s.Inhabitants(); n > 0 {
		each := (int64(s.Total()) + int64(n)/2) / int64(n)
		out = append(out, ui.Tile{Value: money.CHF(each).String(), Label: i18n.T(ctx, "costs.tile.each")})
	}
	return out
}

func bars(ctx context.Context, s Statement) ui.Bars {
	out := ui.Bars{ID: "grafico", Title: i18n.T(ctx, "costs.chart"), Legend: []string{i18n.T(ctx, "costs.part.fixed"), i18n.T(ctx, "costs.part.inhabitants"), i18n.T(ctx, "costs.part.use")}}
	for _, x := range s.Shares {
		out.Bars = append(out.Bars, ui.Bar{Name: x.Name, Value: x.Amount().String(), Parts: []int64{int64(x.Fixed), int64(x.ByInhabitants), int64(x.ByUse)}})
		out.Desc += x.Name + " " + x.Amount().String() + ". "
	}
	return out
}

func shareGrid(ctx context.Context, s Statement) ui.Grid {
	col := func(key string) ui.Column {
		t := i18n.T(ctx, "costs.column."+key)
		return ui.Column{Title: t, Label: t, Num: true}
	}
	g := ui.Grid{Caption: i18n.T(ctx, "costs.shares"), Columns: []ui.Column{{Title: i18n.T(ctx, "operator.column.commune")}, col("inhabitants"), col("fixed"), col("by-inhabitants"), col("by-use"), col("share")}}
	var fixed, people, use money.CHF
	for _, x := range s.Shares {
		g.Rows = append(g.Rows, []ui.Cell{{Text: x.Name, Strong: true}, {Text: i18n.Number(x.Inhabitants), Num: true}, amount(x.Fixed), amount(x.ByInhabitants), amount(x.ByUse), {Text: x.Amount().Grouped(), Num: true, Strong: true}})
		fixed, people, use = fixed+x.Fixed, people+x.ByInhabitants, use+x.ByUse
	}
	if len(g.Rows) > 0 {
		strong := func(text string) ui.Cell { return ui.Cell{Text: text, Num: true, Strong: true} }
		g.Rows = append(g.Rows, []ui.Cell{{Text: i18n.T(ctx, "costs.total"), Strong: true}, strong(i18n.Number(s.Inhabitants())), strong(fixed.Grouped()), strong(people.Grouped()), strong(use.Grouped()), strong(s.Total().Grouped())})
	}
	return g
}

func amount(c money.CHF) ui.Cell { return ui.Cell{Text: c.Grouped(), Num: true} }

func useGrid(ctx context.Context, s Statement) ui.Grid {
	g := ui.Grid{Caption: i18n.T(ctx, "costs.used"), Columns: []ui.Column{{Title: i18n.T(ctx, "operator.column.commune")}}}
	for _, name := range meters.Names {
		t := meterName(ctx, name)
		g.Columns = append(g.Columns, ui.Column{Title: t, Label: t, Num: true})
	}
	for _, x := range s.Shares {
		row := []ui.Cell{{Text: x.Name, Strong: true}}
		for _, name := range meters.Names {
			row = append(row, ui.Cell{Text: quantity(name, x.Used[name]), Num: true})
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

func closeForm(ctx context.Context, s Statement, url, reason, wrong string) ui.Section {
	out := ui.Section{ID: "chiudere", Title: i18n.T(ctx, "costs.close.title"), Note: i18n.T(ctx, "costs.close.note")}
	f := ui.Form{Action: url + "/chiudi", Submit: i18n.T(ctx, "costs.close.submit")}
	if len(s.Versions) > 0 {
		out.Title, out.Note = i18n.T(ctx, "costs.correct.title"), i18n.T(ctx, "costs.correct.note")
		f.Submit, f.Quiet = i18n.T(ctx, "costs.correct.submit"), true
		f.Fields = []ui.Input{{Kind: ui.Textarea, Name: "reason", Label: i18n.T(ctx, "costs.correct.reason"), Value: reason, Error: wrong, Required: true, Rows: 2, MaxLength: 500}}
	}
	out.Forms = []ui.Form{f}
	return out
}

func monthList(ctx context.Context, months []MonthLine, current time.Time) ui.Section {
	out := ui.Section{ID: "mesi", Title: i18n.T(ctx, "costs.months"), More: &ui.Link{Text: i18n.T(ctx, "costs.key.link"), URL: "/chiave"}}
	for _, l := range months {
		row := ui.Row{Title: monthName(l.Month), URL: "/costi/" + monthKey(l.Month), Fact: i18n.T(ctx, "costs.open")}
		if l.Closed {
			row.Fact = l.Total.String()
		}
		if l.Month.Equal(current) {
			row.URL = ""
		}
		out.Rows = append(out.Rows, row)
	}
	return out
}

func versionList(ctx context.Context, s Statement, url string) ui.Section {
	if len(s.Versions) == 0 {
		return ui.Section{}
	}
	out := ui.Section{ID: "versioni", Title: i18n.T(ctx, "costs.versions")}
	for _, v := range s.Versions {
		row := ui.Moment{Title: i18n.T(ctx, "costs.version", "n", v.Version) + ", " + v.Total.String(), When: i18n.DateTime(ctx, v.At) + ", " + v.By, DateTime: v.At.Format(time.RFC3339), Text: v.Reason, Done: true}
		if s.Closing == nil || s.Closing.Version != v.Version {
			row.Link = &ui.Link{Text: i18n.T(ctx, "costs.version-open", "n", v.Version), URL: url + "?versione=" + strconv.Itoa(v.Version)}
		}
		out.Moments = append(out.Moments, row)
	}
	return out
}

// close is POST /costi/{month}/chiudi.
func (m *Module) close(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	s, err := m.statement(r)
	if err != nil {
		return err
	}
	err = m.Close(r.Ctx(), r.Actor(), s.Month, f.Get("reason"))
	var p *problem.Error
	if errors.As(err, &p) && (p.Kind == problem.KindInvalid || p.Kind == problem.KindConflict) {
		return m.show(r, 422, f.Get("reason"), r.Words(p))
	}
	if err != nil {
		return err
	}
	return r.Redirect("/costi/" + monthKey(s.Month) + "?fatto=closed")
}
