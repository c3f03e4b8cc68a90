package forms

import (
	"context"
	"errors"
	"strconv"

	"github.com/sportello-ticino/sportello/app/forms/view"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Reckoned is what the rules reckoned beside the fee, for people to read: the
// grant and the plan of instalments. It serves the page before submission, the
// case and its papers.
func Reckoned(ctx context.Context, grant money.CHF, plan []rules.Instalment) []Section {
	var out []Section
	if grant > 0 {
		out = append(out, Section{Title: i18n.T(ctx, "forms.grant.title"), Rows: []Row{{Label: i18n.T(ctx, "forms.grant.amount"), Value: grant.String()}}})
	}
	if len(plan) > 0 {
		s := Section{Title: i18n.T(ctx, "forms.plan.title")}
		for i, part := range plan {
			s.Rows = append(s.Rows, Row{
				Label: i18n.T(ctx, "forms.plan.part", "n", strconv.Itoa(i+1), "date", i18n.Date(part.Due)), Value: part.Amount.String(),
			})
		}
		out = append(out, s)
	}
	return out
}

// reckon adds grant and instalments to the review page, and says when the
// request will wait for a place. What cannot be reckoned yet is left out.
func (o *opened) reckon(ctx context.Context, in rules.Input, page *view.SummaryPage) error {
	left, err := o.offer.left(ctx, in)
	if err != nil {
		return unlessUnanswered(err)
	}
	in.Left = left
	pot, scarce, err := o.offer.Rules.Pot(ctx, in)
	if err != nil {
		return unlessUnanswered(err)
	}
	plan, err := o.offer.Rules.Instalments(ctx, in)
	if err != nil {
		return unlessUnanswered(err)
	}
	for _, s := range Reckoned(ctx, pot.Grant, plan) {
		out := view.Section{Title: s.Title}
		for _, row := range s.Rows {
			out.Answers = append(out.Answers, ui.Answer{Question: row.Label, Values: []string{row.Value}, Num: true})
		}
		page.Sections = append(page.Sections, out)
	}
	if scarce && !o.offer.TurnsAway && (left.Places <= 0 || left.Credit < pot.Grant) && page.Notice == "" {
		page.Notice = i18n.T(ctx, "forms.queue.notice")
	}
	return nil
}

// unlessUnanswered forgives rules that fail for want of an answer.
func unlessUnanswered(err error) error {
	if errors.Is(err, rules.ErrEvaluation) {
		return nil
	}
	return err
}
