package forms

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/contingents"
	"github.com/sportello-ticino/sportello/app/forms/view"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// agreedName is the hidden input with the fee that the page shows, in centimes.
const agreedName = "importo"

// confirmName is the box that says that the answers are true.
const confirmName = "confermo"

// reviewPage is GET /area/bozze/{id}/riepilogo: check your answers.
func (m *Module) reviewPage(r *web.Request) error {
	o, err := m.opened(r)
	if err != nil {
		return m.gone(r, err)
	}
	if o.mustMove() {
		return r.Redirect(o.path(versionStep))
	}
	if err := o.settle(r.Ctx()); err != nil {
		return err
	}
	return m.showReview(r, &o, http.StatusOK, nil, "")
}

// settle makes answers of what was typed and saved but not sent on, where it is
// right: the page that follows shows it.
func (o *opened) settle(ctx context.Context) error {
	for stepID, typed := range o.Typed {
		answers, wrong, err := o.offer.Form.Parse(ctx, stepID, typed, o.Answers, o.in)
		if err != nil {
			return err
		}
		if len(wrong) == 0 {
			o.Answers = answers
			delete(o.Typed, stepID)
		}
	}
	return nil
}

// submit is POST /area/bozze/{id}/riepilogo: everything is checked again, and
// the draft becomes a case.
func (m *Module) submit(r *web.Request) error {
	ctx := r.Ctx()
	typed, err := r.Form()
	if err != nil {
		return err
	}
	o, err := m.opened(r)
	if err != nil {
		return m.gone(r, err)
	}
	if typed.Get(view.ActionName) == view.ActionSave {
		return r.Redirect("/area")
	}
	if o.mustMove() {
		return r.Redirect(o.path(versionStep))
	}
	if r.Actor().Level() < o.offer.Level {
		return ErrLevel.With("level", o.offer.Level, "have", r.Actor().Level())
	}
	if err := o.settle(ctx); err != nil {
		return err
	}
	answers, wrong, err := o.offer.Form.Check(ctx, o.Answers, o.in)
	if err != nil {
		return err
	}
	problems, err := m.obstacles(r, &o, wrong)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return m.showReview(r, &o, http.StatusUnprocessableEntity, problems, "")
	}
	if typed.Get(confirmName) != "true" {
		return m.showReview(r, &o, http.StatusUnprocessableEntity, nil, i18n.T(ctx, "forms.step.confirm_missing"))
	}
	changed, err := m.feeChanged(r, &o, typed.Get(agreedName))
	if err != nil {
		return err
	}
	if changed {
		return m.showReview(r, &o, http.StatusUnprocessableEntity, []ui.Problem{{Text: i18n.T(ctx, "forms.fee.changed")}}, "")
	}
	o.Answers, o.Lang = answers, r.Lang()
	to, err := m.Submitter.Submit(ctx, r.Actor(), o.Draft)
	var told *problem.Error
	switch {
	case errors.As(err, &told) && told.Kind == problem.KindInvalid:
		return m.showReview(r, &o, http.StatusUnprocessableEntity, []ui.Problem{{Text: r.Words(told)}}, "")
	case err != nil:
		return err
	}
	m.remember(ctx, r.Actor(), o.offer.Form, o.Answers)
	return r.Redirect(to)
}

// feeChanged tells that the fee is another than the one that was shown with the
// button: nobody agrees to one amount and owes another.
func (m *Module) feeChanged(r *web.Request, o *opened, agreed string) (bool, error) {
	if agreed == "" {
		return false, nil // no fee could be shown yet
	}
	fee, err := o.offer.Rules.Fee(r.Ctx(), m.ruleInput(o))
	return agreed != centimes(fee.Total), err
}

func centimes(a money.CHF) string { return strconv.FormatInt(int64(a), 10) }

// obstacles are the reasons why a draft cannot be submitted.
func (m *Module) obstacles(r *web.Request, o *opened, wrong []FieldMistake) ([]ui.Problem, error) {
	ctx := r.Ctx()
	var problems []ui.Problem
	for _, w := range wrong {
		problems = append(problems, ui.Problem{Text: w.Message(ctx)})
	}
	pages, err := o.offer.Form.Pages(ctx, o.Answers, o.in)
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		told := slices.ContainsFunc(wrong, func(w FieldMistake) bool { return w.Step == page.Step.ID })
		if o.Typed[page.Step.ID] != nil && !told {
			problems = append(problems, ui.Problem{Text: i18n.T(ctx, "forms.step.unfinished", "step", page.Step.Title.For(ctx))})
		}
	}
	if len(problems) > 0 {
		return append([]ui.Problem{{Text: i18n.T(ctx, "forms.step.incomplete")}}, problems...), nil
	}
	in := m.ruleInput(o)
	if in.Left, err = o.offer.left(ctx, in); err != nil {
		return nil, err
	}
	unmet, err := o.offer.Rules.Eligible(ctx, in)
	if err != nil {
		return nil, err
	}
	if len(unmet) == 0 && o.offer.TurnsAway && in.Left.Places <= 0 {
		problems = append(problems, ui.Problem{Text: i18n.T(ctx, contingents.ErrNothingLeft.Key)})
	}
	for _, reason := range unmet {
		problems = append(problems, ui.Problem{Text: reason.Reason.For(ctx)})
	}
	return problems, nil
}

// ruleInput is everything the rules may read of the draft.
func (m *Module) ruleInput(o *opened) rules.Input {
	in := o.in.Rules
	in.Answers = o.offer.Form.RuleAnswers(o.Answers, o.Files)
	return in
}

func (m *Module) showReview(r *web.Request, o *opened, status int, problems []ui.Problem, confirmError string) error {
	ctx := r.Ctx()
	sections, err := o.offer.Form.Review(ctx, o.Answers, namesByField(o.uploads), o.in)
	if err != nil {
		return err
	}
	pages, err := o.offer.Form.Pages(ctx, o.Answers, o.in)
	if err != nil {
		return err
	}
	frame, err := m.frame(r, o, pages, len(sections))
	if err != nil {
		return err
	}
	for i := range frame.Steps {
		frame.Steps[i].Done = !frame.Steps[i].Current
	}
	page := view.SummaryPage{
		Frame: frame, Title: i18n.T(ctx, titleReview), Problems: problems, DemoFee: o.offer.DemoFee, CanSave: true,
		Action: o.path(reviewStep), Submit: i18n.T(ctx, "forms.step.submit"),
		Declaration: &ui.Input{Kind: ui.Declaration, Name: confirmName, Label: i18n.T(ctx, "forms.step.confirm"), Required: true, Error: confirmError},
	}
	if len(sections) > 0 {
		page.BackURL = o.path(sections[len(sections)-1].Step)
	}
	if o.Facts.RegisterDown {
		page.Notice = i18n.T(ctx, "forms.eligibility.register_away")
	}
	for _, section := range sections {
		page.Sections = append(page.Sections, o.section(r, section))
	}
	if err := o.reckon(ctx, m.ruleInput(o), &page); err != nil {
		return err
	}
	for i := range page.Steps {
		if page.Steps[i].Current {
			page.Steps[i].Title = page.Title
		}
	}
	return r.Page(status, page.Title+" – "+frame.ServiceTitle, view.Summary(page))
}

func (o *opened) section(r *web.Request, s Section) view.Section {
	out := view.Section{Title: s.Title}
	for _, row := range s.Rows {
		answer := ui.Answer{Question: row.Label, ChangeURL: o.path(s.Step) + "#" + ui.FieldID(o.anchor(row.Field))}
		switch {
		case len(row.Files) > 0:
			answer.Values = row.Files
		case row.Value != "":
			answer.Values = strings.Split(row.Value, "\n")
			if day, reused := o.Facts.Reused[row.Field]; reused {
				answer.Values = append(answer.Values, i18n.T(r.Ctx(), "forms.from_request", "day", i18n.LongDate(r.Ctx(), day.Time())))
			}
		default:
			answer.Values = []string{i18n.T(r.Ctx(), "forms.step.no_answer")}
		}
		out.Answers = append(out.Answers, answer)
	}
	return out
}

// anchor is the name of the first control of a field.
func (o *opened) anchor(id string) string {
	if f, ok := o.offer.Form.Field(id); ok {
		switch parts := recordOf(f).parts(f); {
		case f.Kind == "place":
			return id + suffixAddress
		case f.Kind == "child" && len(o.in.Minors) > 0:
			return id + suffixPick
		case len(parts) > 0:
			return id + "_" + parts[0].name
		}
	}
	return id
}
