package cases

import (
	"errors"
	"net/http"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// moveURL is where a case moves to the version in force.
func moveURL(c Case) string { return "/ufficio/pratiche/" + c.Ref + "/versione" }

// movePage is /ufficio/pratiche/{ref}/versione: what changes if the case moves.
func (m *Module) movePage(r *web.Request) error { return m.showMove(r, http.StatusOK, nil) }

func (m *Module) showMove(r *web.Request, code int, problems []ui.Problem) error {
	v, err := m.DeskCase(r.Ctx(), r.Actor(), r.Param("ref"))
	if err != nil {
		return err
	}
	ctx, c := r.Ctx(), v.Case
	old, now, err := m.Newer(ctx, r.Tenant(), c)
	if err != nil {
		return err
	}
	back := "/ufficio/pratiche/" + c.Ref
	if now == nil || !c.mayMove() {
		return r.Redirect(back)
	}
	title := i18n.T(ctx, "cases.rebase.title")
	page := ui.Sheet{Title: title, Lead: i18n.T(ctx, "cases.rebase.lead", "service", c.ServiceTitle.For(ctx)), Problems: problems,
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "cases.desk.todo"), URL: "/ufficio"}, {Text: c.Ref, URL: back}, {Text: title}}}
	changes := ui.Section{ID: "cambia", Title: i18n.T(ctx, "updates.changes")}
	if groups := catalogue.Difference(ctx, old, now); len(groups) > 0 {
		changes.Chart = ui.ChangeList(groups)
	} else {
		changes.Empty = i18n.T(ctx, "cases.rebase.nothing")
	}
	page.Sections = []ui.Section{changes, {ID: "passare", Title: i18n.T(ctx, "cases.rebase.move"), Note: i18n.T(ctx, "cases.rebase.note"), Forms: []ui.Form{{
		Action: moveURL(c), Submit: i18n.T(ctx, "cases.rebase.submit"), Cancel: back, Fields: []ui.Input{{Kind: ui.Hidden, Name: "versione", Value: now.Hash}}}}}}
	return r.Page(code, title+" – "+c.Ref, ui.SheetPage(page), web.Here("/ufficio"))
}

// moveCase is POST of the same page.
func (m *Module) moveCase(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	ref := r.Param("ref")
	err = m.Move(r.Ctx(), r.Actor(), ref, form.Get("versione"))
	if errors.Is(err, ErrAnswersMissing) {
		return m.showMove(r, http.StatusUnprocessableEntity, []ui.Problem{{Text: i18n.T(r.Ctx(), ErrAnswersMissing.Key)}})
	}
	if err != nil && !errors.Is(err, ErrSameVersion) {
		return err
	}
	return r.Redirect("/ufficio/pratiche/" + ref)
}
