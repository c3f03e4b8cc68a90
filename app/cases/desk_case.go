package cases

import (
	"context"
	"errors"

	"github.com/sportello-ticino/sportello/app/cases/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// deskCase is /ufficio/pratiche/{ref}: one case as the office sees it.
func (m *Module) deskCase(r *web.Request) error { return m.deskPage(r, 200, "", "") }

// deskPage is the case with a remark as it was typed and why it was not taken.
func (m *Module) deskPage(r *web.Request, code int, note, wrong string) error {
	v, err := m.DeskCase(r.Ctx(), r.Actor(), r.Param("ref"))
	if err != nil {
		return err
	}
	ctx, c := r.Ctx(), v.Case
	base := "/ufficio/pratiche/" + c.Ref
	page := view.DeskCasePage{ListTitle: i18n.T(ctx, "cases.desk.todo"), ListURL: "/ufficio", Ref: c.Ref,
		Title: c.ApplicantName + ", " + c.ServiceTitle.For(ctx), State: status(ctx, c, deskSide, m.today()),
		Submitted: i18n.T(ctx, "cases.desk.submitted", "when", i18n.DateTime(ctx, c.SubmittedAt)),
		Left:      leftToDo(ctx, c), Checks: checks(ctx, c), Sections: sections(ctx, c), Documents: append(uploadRows(base, v.Uploads), paperRows(ctx, v.Papers, deskPaperURL)...),
		Messages: exchange(ctx, v.Requests), History: moments(ctx, v.Events, c, deskSide), Fees: fees(ctx, c),
		FeesNote: i18n.T(ctx, "cases.desk.fees-note", "version", c.Outcome.Version), Facts: m.deskFacts(r, c)}
	page.Facts = append(page.Facts, waitedFacts(ctx, v)...)
	if v.Place != nil {
		page.Facts = append(page.Facts, ui.Fact{Term: v.Place.Label, Value: v.Place.fact(ctx), Note: v.Place.Grant})
	}
	for _, e := range v.Events {
		if e.Internal {
			page.Notes = append(page.Notes, ui.Message{Text: e.Text, From: e.Actor + ", " + i18n.DateTime(ctx, e.At)})
		}
	}
	if r.May(ActionWork) {
		page.NoteURL, page.Note, page.NoteError = base+"/nota", note, wrong
	}
	m.deskActs(r, c, base, &page)
	if _, now, err := m.Newer(ctx, r.Tenant(), c); err != nil {
		return err
	} else if now != nil && c.mayMove() && c.AssigneeID != nil && *c.AssigneeID == r.Actor().AccountID() && r.May(ActionWork) {
		page.Others = append(page.Others, view.Act{Text: i18n.T(ctx, "cases.rebase.title"), Help: i18n.T(ctx, "cases.rebase.help"), URL: moveURL(c)})
	}
	var paper *ui.Link
	for i := range v.Papers {
		paper = paperLink(ctx, v.Papers[i], deskPaperURL)
	}
	page.Decision = decision(ctx, c, paper)
	return r.Page(code, page.Title, view.DeskCase(page), web.Here("/ufficio"))
}

// deskActs says what the official can do now, the likeliest first.
func (m *Module) deskActs(r *web.Request, c Case, base string, page *view.DeskCasePage) {
	ctx := r.Ctx()
	mine := c.AssigneeID != nil && *c.AssigneeID == r.Actor().AccountID()
	switch {
	case !r.May(ActionWork):
	case c.State == Received, c.State == InReview && !mine:
		text := i18n.T(ctx, "cases.desk.take")
		if c.AssigneeName != "" {
			text = i18n.T(ctx, "cases.desk.take-over", "name", c.AssigneeName)
		}
		page.Primary = &view.Act{Text: text, URL: base + "/prendi", Post: true}
	case c.State == InReview:
		ask := view.Act{Text: i18n.T(ctx, "cases.desk.ask"), Help: i18n.T(ctx, "cases.desk.ask-help"), URL: base + "/chiedi"}
		if r.May(ActionDecide) {
			page.Primary = &view.Act{Text: i18n.T(ctx, "cases.desk.decide"), URL: base + "/decidi"}
			page.Others = []view.Act{ask}
		} else {
			page.Primary = &ask
		}
	default:
		page.Waiting = i18n.T(ctx, "cases.desk.wait."+string(c.State))
	}
}

func (m *Module) deskFacts(r *web.Request, c Case) []ui.Fact {
	ctx := r.Ctx()
	facts := []ui.Fact{{Term: i18n.T(ctx, "cases.fact.person"), Value: c.ApplicantName}}
	if due := dueText(ctx, c); due != "" {
		facts = append(facts, ui.Fact{Term: i18n.T(ctx, "cases.fact.due"), Value: due, Num: c.PausedAt == nil})
	}
	who := c.AssigneeName
	if who == "" {
		who = i18n.T(ctx, "cases.desk.nobody")
	}
	return append(facts,
		ui.Fact{Term: i18n.T(ctx, "cases.fact.assignee"), Value: who},
		ui.Fact{Term: i18n.T(ctx, "cases.fact.office"), Value: r.Site().Office(c.Office).Name},
		ui.Fact{Term: i18n.T(ctx, "cases.fact.payment"), Value: i18n.T(ctx, "cases.payment."+string(c.Payment))})
}

// exchange shows what was asked and what came back, oldest first.
func exchange(ctx context.Context, list []Request) []ui.Message {
	var out []ui.Message
	for i := len(list) - 1; i >= 0; i-- {
		q := list[i]
		out = append(out, ui.Message{Text: q.Text, From: q.AskedBy + ", " + i18n.DateTime(ctx, q.AskedAt), Mine: true})
		if q.AnsweredAt != nil && q.Reply != "" {
			out = append(out, ui.Message{Text: q.Reply, From: i18n.DateTime(ctx, *q.AnsweredAt)})
		}
	}
	return out
}

// take is POST …/prendi. The button says whose case it is, so taking it over
// is meant.
func (m *Module) take(r *web.Request) error {
	ref := r.Param("ref")
	if err := m.Take(r.Ctx(), r.Actor(), ref, true); err != nil {
		return err
	}
	return r.Redirect("/ufficio/pratiche/" + ref)
}

func (m *Module) note(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	ref := r.Param("ref")
	switch err := m.Note(r.Ctx(), r.Actor(), ref, form.Get("note")); {
	case errors.Is(err, ErrText):
		return m.deskPage(r, 422, form.Get("note"), i18n.T(r.Ctx(), ErrText.Key))
	case err != nil:
		return err
	}
	return r.Redirect("/ufficio/pratiche/" + ref + "#note")
}

// askPage and ask: /ufficio/pratiche/{ref}/chiedi.
func (m *Module) askPage(r *web.Request) error { return m.askForm(r, 200, "", "") }

func (m *Module) ask(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	ref, text := r.Param("ref"), form.Get("testo")
	if err := m.Ask(r.Ctx(), r.Actor(), ref, text); errors.Is(err, ErrText) {
		return m.askForm(r, 422, text, i18n.T(r.Ctx(), ErrText.Key))
	} else if err != nil {
		return err
	}
	return r.Redirect("/ufficio/pratiche/" + ref)
}

func (m *Module) askForm(r *web.Request, code int, typed, wrong string) error {
	v, err := m.DeskCase(r.Ctx(), r.Actor(), r.Param("ref"))
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	page := m.deskForm(r, v.Case, "chiedi", "ask")
	page.Fields = []ui.Input{{Kind: ui.Textarea, Name: "testo", Label: i18n.T(ctx, "cases.desk.ask-field"), Help: i18n.T(ctx, "cases.desk.ask-field-help"),
		Value: typed, Error: wrong, Required: true, Rows: 5, MaxLength: maxText}}
	return r.Page(code, page.Title, view.DeskForm(page), web.Here("/ufficio"))
}

func (m *Module) deskForm(r *web.Request, c Case, path, key string) view.DeskFormPage {
	ctx, base := r.Ctx(), "/ufficio/pratiche/"+c.Ref
	return view.DeskFormPage{ListTitle: i18n.T(ctx, "cases.desk.todo"), ListURL: "/ufficio", Ref: c.Ref, CaseURL: base,
		Title: i18n.T(ctx, "cases.desk."+key+"-title"), Intro: i18n.T(ctx, "cases.desk."+key+"-intro"),
		Action: base + "/" + path, Submit: i18n.T(ctx, "cases.desk."+key+"-submit"), Facts: m.deskFacts(r, c)}
}

// decidePage and decide: /ufficio/pratiche/{ref}/decidi.
func (m *Module) decidePage(r *web.Request) error {
	return m.decideForm(r, 200, map[string]string{}, nil)
}

func (m *Module) decide(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	typed := map[string]string{}
	for _, k := range []string{"ruling", "facts", "reasons", "conditions"} {
		typed[k] = form.Get(k)
	}
	wrong := map[string]string{}
	if typed["ruling"] != string(Granted) && typed["ruling"] != string(Refused) {
		wrong["ruling"] = "cases.desk.error.ruling"
	}
	if len(wrong) == 0 {
		err = m.Decide(r.Ctx(), r.Actor(), r.Param("ref"), RulingInput{Granted: typed["ruling"] == string(Granted),
			Facts: typed["facts"], Reasons: typed["reasons"], Conditions: typed["conditions"]})
		var p *problem.Error
		if errors.As(err, &p) && p.Kind == problem.KindInvalid {
			wrong = p.Fields
		} else if err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return m.decideForm(r, 422, typed, wrong)
	}
	return r.Redirect("/ufficio/pratiche/" + r.Param("ref"))
}

func (m *Module) decideForm(r *web.Request, code int, typed, wrong map[string]string) error {
	v, err := m.DeskCase(r.Ctx(), r.Actor(), r.Param("ref"))
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	def, err := m.Definition(ctx, r.Tenant(), v.Case)
	if err != nil {
		return err
	}
	page := m.deskForm(r, v.Case, "decidi", "decide")
	page.Fees, page.LegalBasis, page.Remedy = fees(ctx, v.Case), def.LegalBasis, def.Remedy.For(ctx)
	page.FeesNote = i18n.T(ctx, "cases.desk.fees-note", "version", v.Case.Outcome.Version)
	field := func(kind ui.Kind, name string, required bool, rows int) ui.Input {
		in := ui.Input{Kind: kind, Name: name, Label: i18n.T(ctx, "cases.desk."+name), Value: typed[name], Required: required, Rows: rows, MaxLength: maxText}
		if key := "cases.desk." + name + "-help"; i18n.Has(ctx, key) {
			in.Help = i18n.T(ctx, key)
		}
		if key := wrong[name]; key != "" {
			in.Error = i18n.T(ctx, key)
		}
		return in
	}
	ruling := field(ui.Radio, "ruling", true, 0)
	for _, v := range []Ruling{Granted, Refused} {
		ruling.Options = append(ruling.Options, ui.Option{Value: string(v), Label: i18n.T(ctx, "cases.desk."+string(v)), Selected: typed["ruling"] == string(v)})
	}
	page.Fields = []ui.Input{ruling, field(ui.Textarea, "facts", false, 4), field(ui.Textarea, "reasons", true, 6), field(ui.Textarea, "conditions", false, 4)}
	return r.Page(code, page.Title, view.DeskForm(page), web.Here("/ufficio"))
}
