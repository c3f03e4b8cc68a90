package updates

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/updates/view"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// The fields of the decision.
const (
	fieldState  = "stato"
	fieldDrafts = "bozze"
	fieldFee    = "tassa"
	fieldWhy    = "motivo"
)

func choiceName(i int) string { return "scelta." + strconv.Itoa(i) }
func typedName(i int) string  { return "altro." + strconv.Itoa(i) }

// said is what somebody has entered on a page of a decision, and what is wrong.
type said struct {
	form     url.Values
	problems []ui.Problem
	warning  string
}

func (s said) wrong(name string) string {
	for _, p := range s.problems {
		if p.Name == name {
			return p.Text
		}
	}
	return ""
}

// update is /console/servizi/{id}/aggiornamento: what is new, and the decision.
func (m *Module) update(r *web.Request) error {
	u, err := m.Catalogue.Update(r.Ctx(), r.Actor(), r.Param("id"))
	if errors.Is(err, catalogue.ErrNoUpdate) {
		return r.Redirect(listURL)
	}
	if err != nil {
		return err
	}
	return m.showUpdate(r, http.StatusOK, u, said{form: url.Values{}})
}

func (m *Module) showUpdate(r *web.Request, code int, u catalogue.Update, s said) error {
	ctx, id := r.Ctx(), r.Param("id")
	steps, err := m.Catalogue.Steps(ctx, r.Actor(), id)
	if err != nil {
		return err
	}
	state, base := updateState(ctx, u), "/console/servizi/"+id
	page := view.UpdatePage{Side: console.Side(r, "/console/servizi"), Title: u.Service.Title.For(ctx), State: &state, Lead: fromTo(ctx, u) + ". " + u.To.Why,
		Crumbs:   crumbs(r, ui.Link{Text: i18n.T(ctx, "updates.title"), URL: listURL}, ui.Link{Text: u.Service.Title.For(ctx)}),
		Problems: s.problems, Warning: s.warning, Changes: u.Changes(ctx), Action: base + "/aggiornamento", RefuseAction: base + "/aggiornamento/rifiuta",
		State0: ui.Input{Kind: ui.Hidden, Name: fieldState, Value: u.State}, Submit: i18n.T(ctx, "updates.accept.submit")}
	if u.Refused {
		page.Lead += " " + i18n.T(ctx, "updates.refused-before")
	}
	for i, c := range u.Conflicts {
		page.Conflicts = append(page.Conflicts, conflict(ctx, u, i, c, s))
	}
	for _, f := range u.Removed {
		page.Removed = append(page.Removed, i18n.N(ctx, "updates.removed", f.Drafts, "field", f.Label))
	}
	if len(u.Removed) > 0 {
		page.KeepDrafts = &ui.Input{Kind: ui.Declaration, Name: fieldDrafts, Label: i18n.T(ctx, "updates.keep-drafts"), Value: s.form.Get(fieldDrafts), Required: true, Error: s.wrong(fieldDrafts)}
	}
	if u.FeeMoves() && !u.Service.Free() {
		page.ConfirmFee = &ui.Input{Kind: ui.Declaration, Name: fieldFee, Label: i18n.T(ctx, "updates.confirm-fee"), Help: i18n.T(ctx, "updates.confirm-fee-help"), Value: s.form.Get(fieldFee)}
	}
	page.Why = ui.Input{Kind: ui.Textarea, Name: fieldWhy, Label: i18n.T(ctx, "updates.refuse.why"), Help: i18n.T(ctx, "updates.refuse.why-help"), Value: s.form.Get(fieldWhy), Required: true, Rows: 3, MaxLength: 1000, Error: s.wrong(fieldWhy)}
	page.Facts = []ui.Fact{
		{Term: i18n.T(ctx, "updates.fact.size"), Value: i18n.T(ctx, "updates.size."+string(u.To.Size))},
		{Term: i18n.T(ctx, "updates.fact.published"), Value: i18n.Date(u.To.At), Note: u.To.By, Num: true},
	}
	page.History = moments(ctx, steps)
	if u.Refused {
		page.RefuseAction = ""
	}
	return r.Page(code, page.Title+" – "+i18n.T(ctx, "updates.title"), view.Update(page), web.Here("/console"))
}

func conflict(ctx context.Context, u catalogue.Update, i int, c catalogue.Conflict, s said) view.Conflict {
	title, base, ours, theirs := u.Sides(ctx, c)
	none := i18n.T(ctx, "updates.nothing")
	or := func(text string) string {
		if text == "" {
			return none
		}
		return text
	}
	chosen := s.form.Get(choiceName(i))
	out := view.Conflict{ID: "conflitto-" + strconv.Itoa(i+1), Title: title, Base: or(base), Ours: or(ours), Theirs: or(theirs)}
	out.Choice = ui.Input{Kind: ui.Radio, Name: choiceName(i), Label: i18n.T(ctx, "updates.choice.ask"), Required: true, Error: s.wrong(choiceName(i)),
		Options: []ui.Option{
			{Value: string(catalogue.Ours), Label: i18n.T(ctx, "updates.choice.ours"), Selected: chosen == string(catalogue.Ours)},
			{Value: string(catalogue.Theirs), Label: i18n.T(ctx, "updates.choice.theirs"), Selected: chosen == string(catalogue.Theirs)},
		}}
	if c.Typed() {
		out.Choice.Options = append(out.Choice.Options, ui.Option{Value: string(catalogue.Another), Label: i18n.T(ctx, "updates.choice.another"), Selected: chosen == string(catalogue.Another)})
		in := ui.Input{Kind: ui.Text, Name: typedName(i), Label: i18n.T(ctx, "updates.choice.typed"), Value: s.form.Get(typedName(i)), Error: s.wrong(typedName(i))}
		switch {
		case c.Money():
			in.Kind = ui.Money
		case c.Number():
			in.Kind = ui.Number
		case c.Long():
			in.Kind, in.Rows = ui.Textarea, 4
		}
		out.Typed = &in
	}
	return out
}

func moments(ctx context.Context, steps []catalogue.Step) []ui.Moment {
	var out []ui.Moment
	for _, s := range steps {
		x := ui.Moment{Title: i18n.T(ctx, "updates.step."+s.Kind, "version", version(ctx, s.To)), When: i18n.DateTime(ctx, s.At) + ", " + s.By, DateTime: s.At.Format(time.RFC3339), Text: s.Why, Done: true}
		if s.Undone {
			x.Title += " (" + i18n.T(ctx, "updates.step.was-undone") + ")"
		}
		out = append(out, x)
	}
	return out
}

// accept is POST of the same page.
func (m *Module) accept(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, id := r.Ctx(), r.Param("id")
	u, err := m.Catalogue.Update(ctx, r.Actor(), id)
	if errors.Is(err, catalogue.ErrNoUpdate) { // accepted in another window
		return r.Redirect("/console/servizi/" + id)
	}
	if err != nil {
		return err
	}
	if f.Get(fieldState) != u.State {
		return m.showUpdate(r, http.StatusConflict, u, said{form: url.Values{}, warning: i18n.T(ctx, catalogue.ErrMoved.Key)})
	}
	s := said{form: f}
	d := catalogue.Decision{State: u.State, Choices: map[string]catalogue.Resolution{}, KeepDrafts: f.Get(fieldDrafts) == "true", ConfirmFee: f.Get(fieldFee) == "true"}
	for i, c := range u.Conflicts {
		title, _, _, _ := u.Sides(ctx, c)
		choice := catalogue.Choice(f.Get(choiceName(i)))
		switch choice {
		case catalogue.Ours, catalogue.Theirs:
			d.Choices[c.Key] = catalogue.Resolution{Choice: choice}
		case catalogue.Another:
			value, ok := c.Read(f.Get(typedName(i)))
			if !ok || !c.Typed() {
				s.problems = append(s.problems, ui.Problem{Name: typedName(i), Text: i18n.T(ctx, "updates.error.typed", "title", title)})
				continue
			}
			d.Choices[c.Key] = catalogue.Resolution{Choice: choice, Value: value}
		default:
			s.problems = append(s.problems, ui.Problem{Name: choiceName(i), Text: i18n.T(ctx, "updates.error.choose", "title", title)})
		}
	}
	if len(u.Removed) > 0 && !d.KeepDrafts {
		s.problems = append(s.problems, ui.Problem{Name: fieldDrafts, Text: i18n.T(ctx, "updates.error.drafts")})
	}
	if len(s.problems) > 0 {
		return m.showUpdate(r, http.StatusUnprocessableEntity, u, s)
	}
	err = m.Catalogue.Accept(ctx, r.Actor(), id, d)
	if told := refusal(ctx, r, err); told != nil {
		s.problems = told
		return m.showUpdate(r, http.StatusUnprocessableEntity, u, s)
	}
	if err != nil {
		return err
	}
	return r.Redirect(listURL + "?fatto=accepted")
}

// refusal is what people read of an error that they can do something about.
func refusal(ctx context.Context, r *web.Request, err error) []ui.Problem {
	var p *problem.Error
	if !errors.As(err, &p) || p.Kind != problem.KindInvalid && p.Kind != problem.KindConflict {
		return nil
	}
	out := []ui.Problem{{Text: r.Words(p)}}
	if list, ok := p.Params["problems"].([]string); ok {
		for i, line := range list {
			if i == 20 {
				out = append(out, ui.Problem{Text: i18n.T(ctx, "updates.error.and_more", "n", fmt.Sprint(len(list)-i))})
				break
			}
			out = append(out, ui.Problem{Text: line})
		}
	}
	return out
}

// refuse is POST …/rifiuta.
func (m *Module) refuse(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, id := r.Ctx(), r.Param("id")
	err = m.Catalogue.Refuse(ctx, r.Actor(), id, f.Get(fieldState), f.Get(fieldWhy))
	if errors.Is(err, catalogue.ErrNoUpdate) {
		return r.Redirect("/console/servizi/" + id)
	}
	if told := refusal(ctx, r, err); told != nil {
		u, uerr := m.Catalogue.Update(ctx, r.Actor(), id)
		if uerr != nil {
			return uerr
		}
		s := said{form: url.Values{fieldWhy: f[fieldWhy]}, problems: told}
		if errors.Is(err, catalogue.ErrWhy) {
			s.problems[0].Name = fieldWhy
		}
		return m.showUpdate(r, http.StatusUnprocessableEntity, u, s)
	}
	if err != nil {
		return err
	}
	return r.Redirect(listURL + "?fatto=refused")
}
