package quotas

import (
	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// own is /console/quote: what the commune may use, and how long it lasts.
func (m *Module) own(r *web.Request) error {
	ctx := r.Ctx()
	list, err := m.Uses(ctx, r.Actor().Tenant())
	if err != nil {
		return err
	}
	grid := m.grid(ctx, list)
	page := ui.Sheet{Side: console.Side(r, ownPath), Title: i18n.T(ctx, "quotas.title"), Lead: i18n.T(ctx, "quotas.lead"), Warning: m.waits(ctx, list),
		Sections: []ui.Section{{ID: "consumo", Title: i18n.T(ctx, "quotas.now"), Chart: ui.BarChart(chart(ctx, list)), Grid: &grid}}}
	then := ui.Section{ID: "esaurita", Title: i18n.T(ctx, "quotas.then")}
	for _, kind := range Kinds {
		then.Rows = append(then.Rows, ui.Row{Title: i18n.T(ctx, "quotas."+kind), Note: i18n.T(ctx, "quotas.when."+kind)})
	}
	page.Sections = append(page.Sections, then)
	if r.May("support.own") {
		page.Action = &ui.Link{Text: i18n.T(ctx, "quotas.ask"), URL: "/console/assistenza"}
	}
	return r.Page(200, page.Title, ui.SheetPage(page), web.Here("/console"))
}
