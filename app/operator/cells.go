package operator

import (
	"context"

	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// casesCell is how many cases in thirty days, and the line of ninety.
func casesCell(ctx context.Context, f figures, days []int64) ui.Cell {
	c := ui.Cell{Text: i18n.Number(f.month), Num: true, Small: i18n.T(ctx, "operator.open-cases", "n", i18n.Number(f.open))}
	if len(days) > 0 {
		weeks := ui.Weeks(days)
		var most int64
		for _, v := range weeks {
			most = max(most, v)
		}
		c.Spark = &ui.Spark{Values: weeks, Label: i18n.T(ctx, "operator.spark", "commune", f.tenant.Name(), "first", weeks[0], "last", weeks[len(weeks)-1], "most", most)}
	}
	return c
}

// jobsCell says what waits, what is late and what was given up.
func jobsCell(ctx context.Context, f figures) ui.Cell {
	c := ui.Cell{Text: i18n.Number(f.backlog), Num: true}
	if f.overdue+f.gaveUp > 0 {
		c.Small = i18n.T(ctx, "operator.jobs-late", "late", f.overdue, "gaveup", f.gaveUp)
	}
	return c
}

func errorsCell(n int64) ui.Cell { return ui.Cell{Text: i18n.Number(n), Num: true, Strong: n > 0} }

// untilCell is the first certificate to end: of the seal, or of an own domain.
func (m *Module) untilCell(ctx context.Context, f figures, known watched) ui.Cell {
	until, what := f.seal, "seal"
	if tls, ok := known.tls[f.tenant.Slug()]; ok && (until == nil || tls.Before(*until)) {
		until, what = &tls, "domain"
	}
	if until == nil {
		return ui.Cell{Text: "–"}
	}
	c := ui.Cell{Text: i18n.Date(*until), Num: true, Small: i18n.T(ctx, "operator.certificate."+what)}
	if left := until.Sub(m.Clock.Now()); left < warnBefore {
		c.Text, c.State = "", &ui.State{Tone: ui.Warning, Text: i18n.Date(*until)}
		if left < 0 {
			c.State.Tone = ui.Danger
		}
	}
	return c
}

// backupCell is when the commune was last backed up.
func (m *Module) backupCell(ctx context.Context, f figures, known watched) ui.Cell {
	b, ok := known.backups[f.tenant.Slug()]
	switch {
	case !ok:
		return ui.Cell{Text: i18n.T(ctx, "operator.backup.none")}
	case b.state == "failed":
		return ui.Cell{State: &ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "operator.backup.failed")}, Small: i18n.DateTime(ctx, b.at)}
	case m.Clock.Now().Sub(b.at) > backupEvery:
		return ui.Cell{State: &ui.State{Tone: ui.Warning, Text: i18n.Date(b.at)}}
	}
	return ui.Cell{Text: i18n.Date(b.at) + ", " + i18n.Time(b.at), Num: true}
}

// cellFact says a cell of the list on a commune's own page.
func cellFact(term string, c ui.Cell) ui.Fact {
	f := ui.Fact{Term: term, Value: c.Text, Note: c.Small}
	if f.Value == "" && c.State != nil {
		f.Value = c.State.Text
	}
	return f
}
