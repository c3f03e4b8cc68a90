package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// service is /console/servizi/{id}: what is in force, what is about to change,
// and everything that can be done with it.
func (m *Module) service(r *web.Request) error {
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	return m.showService(r, http.StatusOK, w, nil)
}

func serviceURL(id, rest string) string { return "/console/servizi/" + id + rest }

// crumbs lead from the list through the service to a page about it.
func serviceCrumbs(r *web.Request, w catalogue.Workbench, page string) []ui.Link {
	out := []ui.Link{{Text: i18n.T(r.Ctx(), "console.services"), URL: "/console/servizi"}}
	if page == "" {
		return append(out, ui.Link{Text: w.Title.For(r.Ctx())})
	}
	return append(out, ui.Link{Text: w.Title.For(r.Ctx()), URL: serviceURL(w.ID, "")}, ui.Link{Text: page})
}

func (m *Module) showService(r *web.Request, status int, w catalogue.Workbench, problems []ui.Problem) error {
	ctx := r.Ctx()
	st := onOff(r, w.Entry)
	notice := r.Done("console.done")
	if notice == "" {
		notice = r.Done("console.edit.done")
	}
	s := ui.Sheet{
		Side: Side(r, "/console/servizi"), Crumbs: serviceCrumbs(r, w, ""), Title: w.Title.For(ctx), Lead: w.Summary.For(ctx),
		State: &st, Notice: notice, Problems: problems, Tasks: editTasks(r, w),
	}
	if w.Stale() {
		s.Warning = i18n.T(ctx, "console.edit.stale")
	}
	s.Sections = []ui.Section{{ID: "cambiare", Title: i18n.T(ctx, "console.edit.hub-change"), Rows: partRows(ctx, w)},
		{ID: "provare", Title: i18n.T(ctx, "console.edit.hub-try"), Rows: tryRows(ctx, w)},
		mailSection(r, w),
		{ID: "file", Title: i18n.T(ctx, "console.edit.hub-file"), Links: []ui.Link{
			{Text: i18n.T(ctx, "console.edit.export"), URL: serviceURL(w.ID, "/esporta/definizione.yaml")},
			{Text: i18n.T(ctx, "console.edit.export-own"), URL: serviceURL(w.ID, "/esporta/particolarita.yaml")},
			{Text: i18n.T(ctx, "console.edit.import"), URL: serviceURL(w.ID, "/importa")},
		}},
		{ID: "condiviso", Title: i18n.T(ctx, "updates.shared.title"), Links: []ui.Link{
			{Text: i18n.T(ctx, "updates.title"), URL: serviceURL(w.ID, "/aggiornamento")}, {Text: i18n.T(ctx, "updates.undo.link"), URL: serviceURL(w.ID, "/annulla")},
			{Text: i18n.T(ctx, "updates.offer.link"), URL: serviceURL(w.ID, "/offri")},
		}},
		switchSection(r, w), pauseSection(r, w)}
	s.Aside = []ui.Section{{ID: "breve", Title: i18n.T(ctx, "console.edit.hub-brief"), Facts: serviceFacts(r, w)}}
	return r.Page(status, s.Title, ui.SheetPage(s), web.Here("/console"))
}

// editTasks say that something is about to change.
func editTasks(r *web.Request, w catalogue.Workbench) []ui.Task {
	if w.Edit == nil {
		return nil
	}
	ctx, e := r.Ctx(), w.Edit
	task := ui.Task{
		Title:  i18n.T(ctx, "console.edit.pending"),
		Text:   i18n.N(ctx, "console.edit.pending-text", len(w.Differences()), "who", e.UpdatedBy, "when", i18n.Date(e.UpdatedAt)+", "+i18n.Time(e.UpdatedAt)),
		Action: ui.Link{Text: i18n.T(ctx, "console.edit.review"), URL: serviceURL(w.ID, "/pubblica")},
	}
	if e.ProposedBy != "" {
		task.Title = i18n.T(ctx, "console.edit.proposed", "who", e.ProposedBy)
	}
	return []ui.Task{task}
}

func partRows(ctx context.Context, w catalogue.Workbench) []ui.Row {
	var rows []ui.Row
	for _, part := range editParts {
		if len(part.fields(w)) > 0 {
			rows = append(rows, ui.Row{Title: i18n.T(ctx, "console.edit.part."+part.name), URL: serviceURL(w.ID, "/modifica/"+part.name), Note: i18n.T(ctx, "console.edit.part-note."+part.name)})
		}
	}
	return rows
}

func tryRows(ctx context.Context, w catalogue.Workbench) []ui.Row {
	st := exampleState(ctx, w)
	return []ui.Row{
		{Title: i18n.T(ctx, "console.edit.preview"), URL: serviceURL(w.ID, "/anteprima"), Note: i18n.T(ctx, "console.edit.preview-note")},
		{Title: i18n.T(ctx, "console.edit.trial"), URL: serviceURL(w.ID, "/prova"), Note: i18n.T(ctx, "console.edit.trial-note")},
		{Title: i18n.T(ctx, "console.edit.examples"), URL: serviceURL(w.ID, "/esempi"), Note: i18n.T(ctx, "console.edit.examples-note"), State: &st},
	}
}

// exampleState says in a word whether all examples hold.
func exampleState(ctx context.Context, w catalogue.Workbench) ui.State {
	if w.Next == nil {
		return ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "console.publish.mistakes")}
	}
	if n := len(catalogue.Failing(w.RunAll(ctx))); n > 0 {
		return ui.State{Tone: ui.Danger, Text: i18n.N(ctx, "console.edit.failing", n)}
	}
	return ui.State{Tone: ui.Success, Text: i18n.T(ctx, "console.edit.fine")}
}

func serviceFacts(r *web.Request, w catalogue.Workbench) []ui.Fact {
	ctx := r.Ctx()
	facts := []ui.Fact{
		{Term: i18n.T(ctx, "console.column.office"), Value: r.Site().Office(w.Office).Name},
		{Term: i18n.T(ctx, "console.column.version"), Value: i18n.Number(w.Version)},
		{Term: i18n.T(ctx, "console.column.fee"), Value: price(r, w.Entry)},
		{Term: i18n.T(ctx, "console.column.confirmed"), Value: feeState(r, w.Entry).Text, Note: w.FeeConfirmedBy},
	}
	for _, lang := range i18n.Languages[1:] {
		done, all := w.Translated(lang)
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "console.edit.lang."+lang), Value: strconv.Itoa(done*100/max(all, 1)) + " %", Note: i18n.T(ctx, "console.edit.translated"), Num: true})
	}
	return facts
}

func switchSection(r *web.Request, w catalogue.Workbench) ui.Section {
	ctx := r.Ctx()
	form := ui.Form{Action: serviceURL(w.ID, "/attiva"), Submit: i18n.T(ctx, "console.switch-on"), Lead: i18n.T(ctx, "console.switch-on-help"), Quiet: true,
		Fields: []ui.Input{{Kind: ui.Hidden, Name: "on", Value: "true"}}}
	if w.Published {
		form = ui.Form{Action: serviceURL(w.ID, "/attiva"), Submit: i18n.T(ctx, "console.switch-off"), Lead: i18n.T(ctx, "console.switch-off-help"), Danger: true,
			Fields: []ui.Input{{Kind: ui.Hidden, Name: "on", Value: "false"}}}
	}
	out := ui.Section{ID: "stato", Title: i18n.T(ctx, "console.column.state"), Forms: []ui.Form{form}}
	if w.DemoFee() {
		out.Forms = append(out.Forms, ui.Form{Action: serviceURL(w.ID, "/conferma"), Submit: i18n.T(ctx, "console.fee.confirm"), Lead: i18n.T(ctx, "console.fee.confirm-help"), Quiet: true})
	}
	return out
}

func pauseSection(r *web.Request, w catalogue.Workbench) ui.Section {
	ctx := r.Ctx()
	form := ui.Form{Action: serviceURL(w.ID, "/avviso"), Submit: i18n.T(ctx, "console.pause.do"), Quiet: true}
	if !w.Paused.Empty() {
		form.Submit = i18n.T(ctx, "console.pause.open")
		return ui.Section{ID: "avviso", Title: i18n.T(ctx, "console.pause.on"), Note: w.Paused.In(i18n.Reference), Forms: []ui.Form{form}}
	}
	for _, lang := range i18n.Languages {
		in := ui.Input{Kind: ui.Textarea, Name: "avviso." + lang, Label: i18n.T(ctx, "console.pause.words") + " – " + i18n.T(ctx, "console.edit.lang."+lang), Rows: 2, MaxLength: 500, Required: lang == i18n.Reference}
		if lang == i18n.Reference {
			in.Help = i18n.T(ctx, "console.pause.help")
		}
		form.Fields = append(form.Fields, in)
	}
	return ui.Section{ID: "avviso", Title: i18n.T(ctx, "console.pause.title"), Note: i18n.T(ctx, "console.pause.lead"), Forms: []ui.Form{form}}
}

// pauseService is POST /console/servizi/{id}/avviso.
func (m *Module) pauseService(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	words := i18n.Text{}
	for _, lang := range i18n.Languages {
		if text := clean(f.Get("avviso." + lang)); text != "" && len(text) <= 2000 {
			words[lang] = text
		}
	}
	err = m.Catalogue.Pause(r.Ctx(), r.Actor(), r.Param("id"), words)
	if errors.Is(err, catalogue.ErrNote) {
		return m.serviceWith(r, i18n.T(r.Ctx(), "console.edit.error-italian"))
	}
	if err != nil {
		return err
	}
	return r.Redirect(serviceURL(r.Param("id"), "?fatto=pause"))
}

// serviceWith shows the service's page again with what was wrong.
func (m *Module) serviceWith(r *web.Request, problem string) error {
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	return m.showService(r, http.StatusUnprocessableEntity, w, []ui.Problem{{Text: problem}})
}

// switchService is POST /console/servizi/{id}/attiva.
func (m *Module) switchService(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	id := r.Param("id")
	err = m.Catalogue.Switch(r.Ctx(), r.Actor(), id, f.Get("on") == "true")
	if errors.Is(err, catalogue.ErrFeeNotConfirmed) {
		return m.serviceWith(r, i18n.T(r.Ctx(), "console.fee.unconfirmed"))
	}
	if err != nil {
		return err
	}
	return r.Redirect(serviceURL(id, "?fatto=switch"))
}

// confirmFee is POST /console/servizi/{id}/conferma.
func (m *Module) confirmFee(r *web.Request) error {
	id := r.Param("id")
	if err := m.Catalogue.ConfirmFee(r.Ctx(), r.Actor(), id); err != nil {
		return err
	}
	return r.Redirect(serviceURL(id, "?fatto=confirm"))
}

// twoPersons is POST /console/servizi/due-persone.
func (m *Module) twoPersons(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	if err := m.Catalogue.SetTwoPersons(r.Ctx(), r.Actor(), f.Get("on") == "true"); err != nil {
		return err
	}
	return r.Redirect("/console/servizi?fatto=two")
}

// exportService is GET /console/servizi/{id}/esporta/{file}.
func (m *Module) exportService(r *web.Request) error {
	file := r.Param("file")
	if !slices.Contains([]string{"definizione.yaml", "particolarita.yaml"}, file) {
		return web.NotFound()
	}
	data, err := m.Catalogue.Export(r.Ctx(), r.Tenant(), r.Param("id"), file == "particolarita.yaml")
	if err != nil {
		return err
	}
	return r.Blob(r.Param("id")+"-"+file, "application/yaml; charset=utf-8", data, false)
}
