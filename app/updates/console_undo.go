package updates

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// undoPage is /console/servizi/{id}/annulla: what comes back, and what is lost.
func (m *Module) undoPage(r *web.Request) error {
	return m.showUndo(r, http.StatusOK, said{form: url.Values{}})
}

func (m *Module) showUndo(r *web.Request, code int, s said) error {
	ctx, id := r.Ctx(), r.Param("id")
	u, err := m.Catalogue.LookAtUndo(ctx, r.Actor(), id)
	if errors.Is(err, catalogue.ErrNothingToUndo) {
		return r.Redirect("/console/servizi/" + id)
	}
	if err != nil {
		return err
	}
	title := u.Service.Title.For(ctx)
	page := ui.Sheet{Side: console.Side(r, "/console/servizi"), Title: i18n.T(ctx, "updates.undo.title"), Problems: s.problems, Warning: s.warning,
		Lead:   i18n.T(ctx, "updates.undo.lead", "service", title, "version", version(ctx, u.Step.From), "when", i18n.Date(u.Step.At), "who", u.Step.By),
		Crumbs: crumbs(r, ui.Link{Text: title, URL: "/console/servizi/" + id}, ui.Link{Text: i18n.T(ctx, "updates.undo.title")})}
	back := ui.Section{ID: "torna", Title: i18n.T(ctx, "updates.undo.back"), Chart: ui.ChangeList(catalogue.Changes(ctx, u.Now, u.Then))}
	page.Sections = []ui.Section{back}
	if u.Lost() {
		page.Warning = i18n.T(ctx, "updates.undo.lost")
		page.Sections = append([]ui.Section{{ID: "perso", Title: i18n.T(ctx, "updates.undo.lost-title"), Chart: ui.ChangeList(catalogue.Changes(ctx, u.After, u.Now))}}, page.Sections...)
	}
	form := ui.Form{Action: "/console/servizi/" + id + "/annulla", Submit: i18n.T(ctx, "updates.undo.submit"), Danger: true, Cancel: "/console/servizi/" + id,
		Fields: []ui.Input{{Kind: ui.Hidden, Name: fieldState, Value: u.State}}}
	if len(u.Removed) > 0 {
		for _, f := range u.Removed {
			back.Text = append(back.Text, i18n.N(ctx, "updates.removed", f.Drafts, "field", f.Label))
		}
		form.Fields = append(form.Fields, ui.Input{Kind: ui.Declaration, Name: fieldDrafts, Label: i18n.T(ctx, "updates.keep-drafts"), Required: true, Value: s.form.Get(fieldDrafts), Error: s.wrong(fieldDrafts)})
	}
	page.Sections = append(page.Sections, ui.Section{Text: back.Text, Forms: []ui.Form{form}})
	return r.Page(code, page.Title+" – "+title, ui.SheetPage(page), web.Here("/console"))
}

// undo is POST of the same page.
func (m *Module) undo(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, id := r.Ctx(), r.Param("id")
	err = m.Catalogue.Undo(ctx, r.Actor(), id, f.Get(fieldState), f.Get(fieldDrafts) == "true")
	switch {
	case errors.Is(err, catalogue.ErrNothingToUndo): // undone in another window
		return r.Redirect("/console/servizi/" + id)
	case errors.Is(err, catalogue.ErrMoved):
		return m.showUndo(r, http.StatusConflict, said{form: url.Values{}, warning: i18n.T(ctx, catalogue.ErrMoved.Key)})
	case errors.Is(err, catalogue.ErrDraftsUse):
		return m.showUndo(r, http.StatusUnprocessableEntity, said{form: f, problems: []ui.Problem{{Name: fieldDrafts, Text: i18n.T(ctx, "updates.error.drafts")}}})
	case err != nil:
		return err
	}
	return r.Redirect(listURL + "?fatto=undone")
}
