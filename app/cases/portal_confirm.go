package cases

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sportello-ticino/sportello/app/cases/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Fields of the answer to a confirmation.
const (
	fieldAgree = "conferma"
	fieldWord  = "parola"
)

// confirmPage is /area/conferme/{token}: somebody else's request, for the person
// who must confirm it.
func (m *Module) confirmPage(r *web.Request) error {
	return m.showConfirm(r, http.StatusOK, "", "", nil)
}

// confirm is POST /area/conferme/{token}.
func (m *Module) confirm(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	agree, word := form.Get(fieldAgree), strings.TrimSpace(form.Get(fieldWord))
	if agree != "true" && agree != "false" {
		return m.showConfirm(r, http.StatusUnprocessableEntity, agree, word, &ui.Problem{Name: fieldAgree, Text: i18n.T(r.Ctx(), "cases.confirm.choose")})
	}
	err = m.Answer(r.Ctx(), r.Actor(), r.Param("token"), agree == "true", word)
	switch {
	case errors.Is(err, ErrText):
		return m.showConfirm(r, http.StatusUnprocessableEntity, agree, word, &ui.Problem{Name: fieldWord, Text: i18n.T(r.Ctx(), "cases.confirm.word-missing")})
	case err != nil && !errors.Is(err, ErrState):
		return err
	}
	return r.Redirect("/area/conferme/" + r.Param("token"))
}

func (m *Module) showConfirm(r *web.Request, code int, agree, word string, wrong *ui.Problem) error {
	token := r.Param("token")
	a, err := m.Asked(r.Ctx(), r.Actor(), token)
	if err != nil {
		return err
	}
	ctx, c := r.Ctx(), a.Case
	page := view.ConfirmAskedPage{Title: i18n.T(ctx, "cases.confirm.title", "name", c.ApplicantName), Lead: i18n.T(ctx, "cases.confirm.lead", "name", c.ApplicantName, "service", c.ServiceTitle.For(ctx)),
		Facts: []ui.Fact{{Term: i18n.T(ctx, "cases.fact.service"), Value: c.ServiceTitle.For(ctx)}, {Term: i18n.T(ctx, "cases.fact.ref"), Value: c.Ref, Num: true},
			{Term: i18n.T(ctx, "cases.fact.submitted"), Value: i18n.Date(c.SubmittedAt), Num: true}},
		Sections: sections(ctx, c), Action: "/area/conferme/" + token, Submit: i18n.T(ctx, "cases.confirm.submit")}
	switch {
	case a.State == confirmConfirmed:
		page.Notice = i18n.T(ctx, "cases.confirm.done")
	case a.State == confirmRefused:
		page.Tone, page.Notice = ui.Info, i18n.T(ctx, "cases.confirm.refused")
	case !a.Open:
		page.Tone, page.Notice = ui.Info, i18n.T(ctx, "cases.confirm.over")
	default:
		page.Facts = append(page.Facts, ui.Fact{Term: i18n.T(ctx, "cases.fact.due"), Value: i18n.Date(a.Until), Num: true})
		choice := ui.Input{Kind: ui.Radio, Name: fieldAgree, Label: i18n.T(ctx, "cases.confirm.question"), Required: true, Options: []ui.Option{
			{Value: "true", Label: i18n.T(ctx, "cases.confirm.yes"), Selected: agree == "true"}, {Value: "false", Label: i18n.T(ctx, "cases.confirm.no"), Selected: agree == "false"}}}
		text := ui.Input{Kind: ui.Textarea, Name: fieldWord, Label: i18n.T(ctx, "cases.confirm.word"), Help: i18n.T(ctx, "cases.confirm.word-help"), Value: word, Rows: 3, MaxLength: maxText}
		page.Fields = []ui.Input{choice, text}
		if wrong != nil {
			page.Problems = []ui.Problem{*wrong}
			for i := range page.Fields {
				if page.Fields[i].Name == wrong.Name {
					page.Fields[i].Error = wrong.Text
				}
			}
		}
	}
	return r.Page(code, page.Title, view.ConfirmAsked(page))
}
