package console

import (
	"errors"
	"maps"
	"slices"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

func (m *Module) services(r *web.Request) error {
	ctx := r.Ctx()
	entries, err := m.Catalogue.Entries(ctx, r.Actor())
	if err != nil {
		return err
	}
	col := func(key string) string { return i18n.T(ctx, "console.column."+key) }
	page := view.ServicesPage{Side: Side(r, "/console/servizi"), Notice: r.Done("console.done"), Grid: ui.Grid{Caption: i18n.T(ctx, "console.services"), Columns: []ui.Column{
		{Title: col("service")}, {Title: col("state")}, {Title: col("fee"), Label: col("fee")}, {Title: col("confirmed"), Label: col("confirmed")},
		{Title: col("office"), Label: col("office")}, {Title: col("version"), Label: col("version")},
	}}}
	page.Links = []ui.Link{{Text: i18n.T(ctx, "updates.title"), URL: "/console/servizi/aggiornamenti"}, {Text: i18n.T(ctx, "updates.shared.title"), URL: "/console/servizi/catalogo"}}
	for _, e := range entries {
		st, fee := onOff(r, e), feeState(r, e)
		page.Grid.Rows = append(page.Grid.Rows, []ui.Cell{
			{Text: e.Title.For(ctx), URL: "/console/servizi/" + e.ID, Strong: true}, {State: &st}, {Text: price(r, e), Num: true}, {State: &fee},
			{Text: r.Site().Office(e.Office).Name}, {Text: i18n.Number(e.Version), Num: true},
		})
	}
	return r.Page(200, i18n.T(ctx, "console.services"), view.Services(page), web.Here("/console"))
}

func onOff(r *web.Request, e catalogue.Entry) ui.State {
	if e.Published {
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

func (m *Module) service(r *web.Request) error {
	e, err := m.Catalogue.Entry(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	page := m.servicePage(r, e, nil, nil)
	page.Notice = r.Done("console.done")
	return r.Page(200, page.Title, view.ServiceEdit(page), web.Here("/console"))
}

// servicePage shows a service's amounts to change, and the switch beside them.
func (m *Module) servicePage(r *web.Request, e catalogue.Entry, typed, wrong map[string]string) view.FormPage {
	ctx, base := r.Ctx(), "/console/servizi/"+e.ID
	st := onOff(r, e)
	page := view.FormPage{Side: Side(r, "/console/servizi"), Title: e.Title.For(ctx), Intro: e.Summary.For(ctx), State: &st,
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "console.services"), URL: "/console/servizi"}, {Text: e.Title.For(ctx)}},
		Action: base, BackURL: "/console/servizi", Submit: i18n.T(ctx, "console.fee.save")}
	group := view.Group{Title: i18n.T(ctx, "console.column.fee"), Note: i18n.T(ctx, "console.fee.note")}
	for _, name := range slices.Sorted(maps.Keys(e.Fee.Amounts)) {
		a := e.Fee.Amounts[name]
		in := ui.Input{Kind: ui.Money, Name: "amount." + name, Label: a.Label.For(ctx), Value: money.CHF(a.CHF).Decimal(), Required: true}
		if in.Label == "" {
			in.Label = name
		}
		if v, ok := typed[name]; ok {
			in.Value = v
		}
		in.Error = wrong[name]
		group.Fields = append(group.Fields, in)
	}
	if len(group.Fields) > 0 {
		page.Groups = []view.Group{group}
	}
	page.Links = []ui.Link{
		{Text: i18n.T(ctx, "updates.title"), URL: base + "/aggiornamento"}, {Text: i18n.T(ctx, "updates.undo.link"), URL: base + "/annulla"},
		{Text: i18n.T(ctx, "updates.offer.link"), URL: base + "/offri"},
	}
	page.Facts = []ui.Fact{
		{Term: i18n.T(ctx, "console.column.office"), Value: r.Site().Office(e.Office).Name},
		{Term: i18n.T(ctx, "console.column.version"), Value: i18n.Number(e.Version)},
		{Term: i18n.T(ctx, "console.column.confirmed"), Value: feeState(r, e).Text, Note: e.FeeConfirmedBy},
	}
	toggle := view.Button{Text: i18n.T(ctx, "console.switch-on"), Help: i18n.T(ctx, "console.switch-on-help"), URL: base + "/attiva", Fields: []ui.Input{{Kind: ui.Hidden, Name: "on", Value: "true"}}}
	if e.Published {
		toggle = view.Button{Text: i18n.T(ctx, "console.switch-off"), Help: i18n.T(ctx, "console.switch-off-help"), URL: base + "/attiva", Danger: true, Fields: []ui.Input{{Kind: ui.Hidden, Name: "on", Value: "false"}}}
	}
	page.Extra = []view.Button{toggle}
	if e.DemoFee() {
		page.Extra = append(page.Extra, view.Button{Text: i18n.T(ctx, "console.fee.confirm"), Help: i18n.T(ctx, "console.fee.confirm-help"), URL: base + "/conferma"})
	}
	return page
}

func (m *Module) saveService(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, id := r.Ctx(), r.Param("id")
	e, err := m.Catalogue.Entry(ctx, r.Actor(), id)
	if err != nil {
		return err
	}
	amounts, typed, wrong := map[string]money.CHF{}, map[string]string{}, map[string]string{}
	for name := range e.Fee.Amounts {
		typed[name] = f.Get("amount." + name)
		a, err := money.Parse(typed[name])
		if err != nil || a < 0 {
			wrong[name] = i18n.T(ctx, "console.fee.error")
			continue
		}
		amounts[name] = a
	}
	if len(wrong) == 0 {
		err := m.Catalogue.SetFee(ctx, r.Actor(), id, amounts)
		if err == nil {
			return r.Redirect("/console/servizi/" + id + "?fatto=fee")
		}
		if !errors.Is(err, catalogue.ErrAmount) {
			return err
		}
		for name := range amounts {
			wrong[name] = i18n.T(ctx, "console.fee.error")
		}
	}
	page := m.servicePage(r, e, typed, wrong)
	return r.Page(422, page.Title, view.ServiceEdit(page), web.Here("/console"))
}

func (m *Module) switchService(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	id := r.Param("id")
	err = m.Catalogue.Switch(r.Ctx(), r.Actor(), id, f.Get("on") == "true")
	if errors.Is(err, catalogue.ErrFeeNotConfirmed) {
		e, eerr := m.Catalogue.Entry(r.Ctx(), r.Actor(), id)
		if eerr != nil {
			return eerr
		}
		page := m.servicePage(r, e, nil, nil)
		page.Problems = []ui.Problem{{Text: i18n.T(r.Ctx(), "console.fee.unconfirmed")}}
		return r.Page(422, page.Title, view.ServiceEdit(page), web.Here("/console"))
	}
	if err != nil {
		return err
	}
	return r.Redirect("/console/servizi/" + id + "?fatto=switch")
}

func (m *Module) confirmFee(r *web.Request) error {
	id := r.Param("id")
	if err := m.Catalogue.ConfirmFee(r.Ctx(), r.Actor(), id); err != nil {
		return err
	}
	return r.Redirect("/console/servizi/" + id + "?fatto=confirm")
}
