package console

import (
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// services is /console/servizi: all services with their state, and the rule by
// which they are published.
func (m *Module) services(r *web.Request) error {
	ctx := r.Ctx()
	list, err := m.Catalogue.List(ctx, r.Actor())
	if err != nil {
		return err
	}
	col := func(key string) string { return i18n.T(ctx, "console.column."+key) }
	grid := ui.Grid{Caption: i18n.T(ctx, "console.services"), Columns: []ui.Column{
		{Title: col("service")}, {Title: col("state")}, {Title: col("fee"), Label: col("fee")}, {Title: col("confirmed"), Label: col("confirmed")},
		{Title: col("office"), Label: col("office")}, {Title: col("version"), Label: col("version")},
	}}
	for _, e := range list.Entries {
		st, fee := onOff(r, e), feeState(r, e)
		name := ui.Cell{Text: e.Title.For(ctx), URL: "/console/servizi/" + e.ID, Strong: true}
		if list.Edited[e.ID] {
			name.Small = i18n.T(ctx, "console.edit.waiting")
		}
		grid.Rows = append(grid.Rows, []ui.Cell{
			name, {State: &st}, {Text: price(r, e), Num: true}, {State: &fee},
			{Text: r.Site().Office(e.Office).Name}, {Text: i18n.Number(e.Version), Num: true},
		})
	}
	notice := r.Done("console.done")
	if notice == "" {
		notice = r.Done("console.edit.done")
	}
	two := ui.Form{Action: "/console/servizi/due-persone", Submit: i18n.T(ctx, "console.two.on"), Quiet: true, Fields: []ui.Input{{Kind: ui.Hidden, Name: "on", Value: "true"}}}
	if list.TwoPersons {
		two.Submit, two.Fields[0].Value = i18n.T(ctx, "console.two.off"), "false"
	}
	return r.Page(200, i18n.T(ctx, "console.services"), ui.SheetPage(ui.Sheet{
		Side: Side(r, "/console/servizi"), Title: i18n.T(ctx, "console.services"), Notice: notice,
		Sections: []ui.Section{{Grid: &grid, Links: []ui.Link{{Text: i18n.T(ctx, "updates.title"), URL: "/console/servizi/aggiornamenti"}, {Text: i18n.T(ctx, "updates.shared.title"), URL: "/console/servizi/catalogo"}}}, {ID: "due", Title: i18n.T(ctx, "console.two.title"), Note: i18n.T(ctx, "console.two.lead"), Forms: []ui.Form{two}}},
	}), web.Here("/console"))
}

func onOff(r *web.Request, e catalogue.Entry) ui.State {
	switch {
	case e.Published && !e.Paused.Empty():
		return ui.State{Tone: ui.Warning, Text: i18n.T(r.Ctx(), "console.pause.on")}
	case e.Published:
		return ui.State{Tone: ui.Success, Text: i18n.T(r.Ctx(), "console.on")}
	}
	return ui.State{Tone: ui.Info, Text: i18n.T(r.Ctx(), "console.off")}
}

func feeState(r *web.Request, e catalogue.Entry) ui.State {
	switch {
	case e.Free():
		return ui.State{Tone: ui.Success, Text: i18n.T(r.Ctx(), "console.fee.free")}
	case e.DemoFee():
		return ui.State{Tone: ui.Warning, Text: i18n.T(r.Ctx(), "console.fee.demo")}
	}
	return ui.State{Tone: ui.Success, Text: i18n.T(r.Ctx(), "console.fee.confirmed")}
}

func price(r *web.Request, e catalogue.Entry) string {
	if p, ok := e.Price(r.Ctx()); ok && p > 0 {
		return p.String()
	} else if ok {
		return i18n.T(r.Ctx(), "console.fee.free")
	}
	return i18n.T(r.Ctx(), "console.fee.rule")
}
