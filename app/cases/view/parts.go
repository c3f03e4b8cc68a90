package view

import (
	"context"
	"slices"
	"strconv"

	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// checksGrid sets what was declared, where anything was, beside what is known.
func checksGrid(ctx context.Context, checks []Check) ui.Grid {
	declared, known := i18n.T(ctx, "desk.declared"), i18n.T(ctx, "desk.known")
	g := ui.Grid{Caption: i18n.T(ctx, "desk.checks"), Columns: []ui.Column{
		{Title: i18n.T(ctx, "desk.datum")}, {Title: declared, Label: declared + ":"},
		{Title: known, Label: known + ":"}, {Title: i18n.T(ctx, "desk.outcome")},
	}}
	for _, c := range checks {
		state := c.State
		g.Rows = append(g.Rows, []ui.Cell{{Text: c.Title, Strong: true}, {Text: c.Declared}, {Text: c.Known, Small: c.Source}, {State: &state}})
	}
	if !slices.ContainsFunc(checks, func(c Check) bool { return c.Declared != "" }) {
		g.Columns = slices.Delete(g.Columns, 1, 2)
		for i := range g.Rows {
			g.Rows[i] = slices.Delete(g.Rows[i], 1, 2)
		}
	}
	return g
}

func (p DeskFormPage) problems() []ui.Problem {
	if p.Problems != nil {
		return p.Problems
	}
	return ui.Problems(p.Fields)
}

func sectionID(i int) string { return "parte-" + strconv.Itoa(i+1) }

// variantOf is primary when nothing else is said.
func variantOf(v string) string {
	if v == "" {
		return "primary"
	}
	return v
}
