package agreements

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/costs"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// The actions of this module.
const (
	ActionOwn            access.Action = "agreements.own"
	ActionProjects       access.Action = "projects.see"
	ActionEditProjects   access.Action = "projects.edit"
	ActionProcessors     access.Action = "processors.see"
	ActionEditProcessors access.Action = "processors.edit"
)

// Module serves the pages.
type Module struct{ *Service }

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	o := r.Operator
	r.Console.GET("/accordi", ActionOwn, m.own)
	r.Console.GET("/accordi/csv", ActionOwn, m.ownCSV)
	o.GET("/progetti", ActionProjects, m.projects)
	o.GET("/progetti/:project", ActionProjects, m.project)
	o.POST("/progetti/:project", ActionEditProjects, m.saveProject)
	o.GET("/registri", ActionProcessors, m.registers)
	o.GET("/registri/csv", ActionProcessors, m.csv)
	o.POST("/registri", ActionEditProcessors, m.addProcessor)
	o.POST("/registri/fornitori/:processor/termina", ActionEditProcessors, m.endProcessor)
	o.GET("/registri/contratti/:slug", ActionProcessors, m.contract)
	o.POST("/registri/contratti/:slug", ActionEditProcessors, m.saveContract)
}

func projectState(ctx context.Context, p Project) *ui.State {
	tone := map[string]ui.Tone{"running": ui.Info, "done": ui.Success, "stopped": ui.Warning}[p.State]
	if tone == "" {
		tone = ui.Info
	}
	return &ui.State{Tone: tone, Text: i18n.T(ctx, "agreements.state."+p.State)}
}

func names(ctx context.Context, slugs []string, communes []costs.Party) string {
	if len(slugs) == 0 {
		return i18n.T(ctx, "agreements.all")
	}
	var out []string
	for _, slug := range slugs {
		name := slug
		for _, c := range communes {
			if c.Slug == slug {
				name = c.Name
			}
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

func milestones(ctx context.Context, p Project) []ui.Moment {
	var out []ui.Moment
	now := true
	for _, s := range p.Milestones {
		m := ui.Moment{Title: s.Text, DateTime: s.Due, Done: s.Done}
		if d, err := time.Parse(time.DateOnly, s.Due); err == nil {
			m.When = i18n.Date(d)
		}
		if !s.Done && now {
			m.Now, now = true, false
		}
		out = append(out, m)
	}
	return out
}

func shareTable(ctx context.Context, shares []costs.Share) ui.Grid {
	g := ui.Grid{Caption: i18n.T(ctx, "agreements.shares"), Columns: []ui.Column{{Title: i18n.T(ctx, "operator.column.commune")}, {Title: i18n.T(ctx, "costs.column.share"), Label: i18n.T(ctx, "costs.column.share"), Num: true}}}
	for _, s := range shares {
		g.Rows = append(g.Rows, []ui.Cell{{Text: s.Name, Strong: true}, {Text: s.Amount().Grouped(), Num: true}})
	}
	return g
}

func processorGrid(ctx context.Context, f Folder) ui.Grid {
	col := func(key string) ui.Column {
		return ui.Column{Title: i18n.T(ctx, "agreements.column."+key), Label: i18n.T(ctx, "agreements.column."+key)}
	}
	g := ui.Grid{Caption: i18n.T(ctx, "agreements.processors"), Columns: []ui.Column{{Title: i18n.T(ctx, "agreements.column.name")}, col("service"), col("location"), col("communes"), col("since")}}
	for _, p := range f.Processors {
		since := i18n.Date(p.Since)
		if p.Ended != nil {
			since += "–" + i18n.Date(*p.Ended)
		}
		g.Rows = append(g.Rows, []ui.Cell{{Text: p.Name, Strong: true}, {Text: p.Service}, {Text: p.Location}, {Text: names(ctx, p.Slugs, f.Communes)}, {Text: since, Num: true}})
	}
	return g
}

func date(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return i18n.Date(*t)
}

// wrongOf puts the sentences of a refused input beside their fields; nil for
// every other error.
func wrongOf(r *web.Request, err error) map[string]string {
	var p *problem.Error
	if !errors.As(err, &p) || p.Kind != problem.KindInvalid {
		return nil
	}
	out := map[string]string{}
	for name, key := range p.Fields {
		out[name] = i18n.T(r.Ctx(), key)
	}
	return out
}

func day(s string) *time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil
	}
	return &t
}
