package updates

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

const sharedURL = "/console/servizi/catalogo"

// sharedList is /console/servizi/catalogo: what the others offer and we do not.
func (m *Module) sharedList(r *web.Request) error {
	ctx := r.Ctx()
	all, err := m.Catalogue.Adoptable(ctx, r.Actor())
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: console.Side(r, "/console/servizi"), Title: i18n.T(ctx, "updates.shared.title"), Lead: i18n.T(ctx, "updates.shared.lead"), Notice: r.Done("updates.done"),
		Crumbs: crumbs(r, ui.Link{Text: i18n.T(ctx, "updates.shared.title")})}
	list := ui.Section{ID: "servizi", Title: i18n.T(ctx, "updates.shared.list"), Empty: i18n.T(ctx, "updates.shared.none")}
	for _, a := range all {
		list.Rows = append(list.Rows, ui.Row{Title: a.Preview.Title.For(ctx), URL: sharedURL + "/" + a.Service, Fact: i18n.N(ctx, "updates.shared.communes", a.Offering), Note: a.Preview.Summary.For(ctx)})
	}
	page.Sections = []ui.Section{list}
	return r.Page(http.StatusOK, page.Title, ui.SheetPage(page), web.Here("/console"))
}

// preview is /console/servizi/catalogo/{id}: its card, as it would be here.
func (m *Module) preview(r *web.Request) error { return m.showPreview(r, http.StatusOK, nil) }

func (m *Module) showPreview(r *web.Request, code int, problems []ui.Problem) error {
	ctx, id := r.Ctx(), r.Param("id")
	all, err := m.Catalogue.Adoptable(ctx, r.Actor())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(a catalogue.Adoptable) bool { return a.Service == id })
	if i < 0 {
		return catalogue.ErrNotShared
	}
	a := all[i]
	s := a.Preview
	title := s.Title.For(ctx)
	page := ui.Sheet{Side: console.Side(r, "/console/servizi"), Title: title, Lead: s.Summary.For(ctx), Problems: problems,
		Crumbs: crumbs(r, ui.Link{Text: i18n.T(ctx, "updates.shared.title"), URL: sharedURL}, ui.Link{Text: title})}
	facts := []ui.Fact{{Term: i18n.T(ctx, "console.column.office"), Value: r.Site().Office(s.Office).Name}}
	if price, ok := s.Price(ctx); ok {
		value := price.String()
		if price == 0 {
			value = i18n.T(ctx, "console.fee.free")
		}
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "console.column.fee"), Value: value, Note: i18n.T(ctx, "updates.shared.fee-note"), Num: true})
	}
	if days := s.Term.WorkingDays; days > 0 {
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "change.part.term"), Value: i18n.N(ctx, "service.working_days", days)})
	}
	facts = append(facts, ui.Fact{Term: i18n.T(ctx, "console.column.version"), Value: i18n.Number(a.Version), Note: a.Why},
		ui.Fact{Term: i18n.T(ctx, "updates.shared.offered"), Value: i18n.N(ctx, "updates.shared.communes", a.Offering)})
	needs := ui.Section{ID: "serve", Title: i18n.T(ctx, "change.part.needs")}
	for _, n := range s.Needs {
		needs.Rows = append(needs.Rows, ui.Row{Title: n.For(ctx)})
	}
	who := ui.Section{ID: "chi", Title: i18n.T(ctx, "change.part.who"), Text: []string{s.Who.For(ctx)}}
	result := ui.Section{ID: "risultato", Title: i18n.T(ctx, "change.part.output"), Text: []string{s.Output.Summary.For(ctx)}}
	page.Sections = []ui.Section{who}
	if len(needs.Rows) > 0 {
		page.Sections = append(page.Sections, needs)
	}
	page.Sections = append(page.Sections, result, ui.Section{ID: "formulario", Title: i18n.T(ctx, "change.part.form"), Rows: formRows(r, s)},
		ui.Section{ID: "adottare", Title: i18n.T(ctx, "updates.shared.adopt"), Note: i18n.T(ctx, "updates.shared.adopt-note"),
			Forms: []ui.Form{{Action: sharedURL + "/" + id, Submit: i18n.T(ctx, "updates.shared.submit")}}})
	page.Aside = []ui.Section{{ID: "breve", Title: i18n.T(ctx, "ui.in_brief"), Facts: facts}}
	return r.Page(code, page.Title, ui.SheetPage(page), web.Here("/console"))
}

func formRows(r *web.Request, s *catalogue.Service) []ui.Row {
	var out []ui.Row
	for _, step := range s.Definition.Form.Steps {
		row := ui.Row{Title: step.Title.For(r.Ctx())}
		for i, f := range step.Fields {
			if i > 0 {
				row.Note += " · "
			}
			row.Note += f.Label.For(r.Ctx())
		}
		out = append(out, row)
	}
	return out
}

// adopt is POST of the same page: one click.
func (m *Module) adopt(r *web.Request) error {
	ctx, id := r.Ctx(), r.Param("id")
	err := m.Catalogue.Adopt(ctx, r.Actor(), id)
	if errors.Is(err, catalogue.ErrOffered) {
		return r.Redirect("/console/servizi/" + id)
	}
	if told := refusal(ctx, r, err); told != nil {
		return m.showPreview(r, http.StatusUnprocessableEntity, told)
	}
	if err != nil {
		return err
	}
	return r.Redirect("/console/servizi/" + id)
}

// offerPage is /console/servizi/{id}/offri: what of ours could be everybody's.
func (m *Module) offerPage(r *web.Request) error {
	return m.showOffer(r, http.StatusOK, said{form: url.Values{}})
}

func partName(i int) string { return "parte." + i18n.Number(i) }

func (m *Module) showOffer(r *web.Request, code int, s said) error {
	ctx, id := r.Ctx(), r.Param("id")
	o, err := m.Catalogue.Own(ctx, r.Actor(), id)
	if err != nil {
		return err
	}
	title := o.Service.Title.For(ctx)
	page := ui.Sheet{Side: console.Side(r, "/console/servizi"), Title: i18n.T(ctx, "updates.offer.title"), Lead: i18n.T(ctx, "updates.offer.lead", "service", title), Problems: s.problems, Notice: r.Done("updates.done"),
		Crumbs: crumbs(r, ui.Link{Text: title, URL: "/console/servizi/" + id}, ui.Link{Text: i18n.T(ctx, "updates.offer.title")})}
	if o.Last != nil {
		page.Sections = append(page.Sections, ui.Section{ID: "ultima", Title: i18n.T(ctx, "updates.offer.last"), Facts: []ui.Fact{
			{Term: i18n.T(ctx, "updates.offer.state."+o.Last.State), Value: o.Last.Answer, Note: o.Last.AnsweredBy}}})
	}
	switch {
	case o.Waiting != nil:
		page.Sections = append(page.Sections, ui.Section{ID: "attesa", Title: i18n.T(ctx, "updates.offer.waits"), Text: []string{o.Waiting.Why}})
		return r.Page(code, page.Title+" – "+title, ui.SheetPage(page), web.Here("/console"))
	case o.Base != nil && len(o.Parts) == 0:
		page.Sections = append(page.Sections, ui.Section{ID: "uguale", Title: i18n.T(ctx, "updates.offer.same"), Text: []string{i18n.T(ctx, "updates.offer.same-text")}})
		return r.Page(code, page.Title+" – "+title, ui.SheetPage(page), web.Here("/console"))
	}
	form := ui.Form{Action: "/console/servizi/" + id + "/offri", Submit: i18n.T(ctx, "updates.offer.submit"), Cancel: "/console/servizi/" + id}
	for i, p := range o.Parts {
		c := p.Words(ctx)
		in := ui.Input{Kind: ui.Declaration, Name: partName(i), Label: c.Title, Help: c.New}
		if c.Old != "" {
			in.Help = c.Old + " → " + c.New
		}
		if chosen := s.form.Get(partName(i)); chosen == "true" || len(s.form) == 0 && !p.Local {
			in.Value = "true"
		}
		form.Fields = append(form.Fields, in)
	}
	form.Fields = append(form.Fields, ui.Input{Kind: ui.Textarea, Name: fieldWhy, Label: i18n.T(ctx, "updates.offer.why"), Help: i18n.T(ctx, "updates.offer.why-help"), Value: s.form.Get(fieldWhy), Required: true, Rows: 3, MaxLength: 1000, Error: s.wrong(fieldWhy)})
	part := ui.Section{ID: "parti", Title: i18n.T(ctx, "updates.offer.parts"), Note: i18n.T(ctx, "updates.offer.parts-note"), Forms: []ui.Form{form}}
	if len(o.Parts) == 0 {
		part.Title, part.Note = i18n.T(ctx, "updates.offer.whole"), i18n.T(ctx, "updates.offer.whole-note")
	}
	page.Sections = append(page.Sections, part)
	return r.Page(code, page.Title+" – "+title, ui.SheetPage(page), web.Here("/console"))
}

// offer is POST of the same page.
func (m *Module) offer(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, id := r.Ctx(), r.Param("id")
	o, err := m.Catalogue.Own(ctx, r.Actor(), id)
	if err != nil {
		return err
	}
	var keys []string
	for i, p := range o.Parts {
		if f.Get(partName(i)) == "true" {
			keys = append(keys, p.Key)
		}
	}
	err = m.Catalogue.OfferToAll(ctx, r.Actor(), id, f.Get(fieldWhy), keys)
	if told := refusal(ctx, r, err); told != nil {
		if errors.Is(err, catalogue.ErrWhy) {
			told[0].Name = fieldWhy
		}
		return m.showOffer(r, http.StatusUnprocessableEntity, said{form: f, problems: told})
	}
	if err != nil {
		return err
	}
	return r.Redirect("/console/servizi/" + id + "/offri?fatto=offered")
}
