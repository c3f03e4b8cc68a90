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

// reckon adds fee, grant and instalments to the review page, names its button
// after what it does, and says when the request will wait for a place. What
// cannot be reckoned yet, because answers are missing, is left out.
func (o *opened) reckon(ctx context.Context, in rules.Input, page *view.SummaryPage) error {
	fee, err := o.offer.Rules.Fee(ctx, in)
	if err != nil {
		return unlessUnanswered(err)
	}
	showFee(ctx, fee, page)
	in.Left, err = o.offer.left(ctx, in)
	if err != nil {
		return unlessUnanswered(err)
	}
	outcome, err := o.offer.Rules.Evaluate(ctx, in)
	if err != nil {
		return unlessUnanswered(err)
	}
	grant, waits := money.CHF(0), false
	if outcome.Pot != nil {
		grant = outcome.Pot.Grant
		waits = !o.offer.TurnsAway && (in.Left.Places <= 0 || in.Left.Credit < grant)
	}
	for _, s := range Reckoned(ctx, grant, outcome.Instalments) {
		out := view.Section{Title: s.Title}
		for _, row := range s.Rows {
			out.Answers = append(out.Answers, ui.Answer{Question: row.Label, Values: []string{row.Value}, Num: true})
		}
		page.Sections = append(page.Sections, out)
	}
	if waits && page.Notice == "" {
		page.Notice = i18n.T(ctx, "forms.queue.notice")
	}
	if fee.Total > 0 {
		o.whenPaid(ctx, fee.Total.String(), outcome.Verdict, waits, page)
	}
	return nil
}

// showFee lists what is charged. The sum goes with the form: nobody agrees to one
// amount and owes another.
func showFee(ctx context.Context, fee rules.Fee, page *view.SummaryPage) {
	page.DemoFee = page.DemoFee && fee.Total > 0
	page.Agreed = &ui.Input{Kind: ui.Hidden, Name: agreedName, Value: centimes(fee.Total)}
	for _, line := range fee.Lines {
		page.Fees = append(page.Fees, ui.Answer{Question: line.Label.For(ctx), Values: []string{line.Amount.String()}, Num: true})
	}
	total := fee.Total.String()
	if fee.Total == 0 {
		total = i18n.T(ctx, "forms.fee.free")
	}
	page.Fees = append(page.Fees, ui.Answer{Question: i18n.T(ctx, "forms.fee.total"), Values: []string{total}, Num: true, Strong: true})
}

// whenPaid names the button that pays, or says when the fee is due: with the
// decision where an official looks at the request first, and not while it waits.
func (o *opened) whenPaid(ctx context.Context, total string, verdict rules.Verdict, waits bool, page *view.SummaryPage) {
	examined := o.offer.Immediate && (verdict == rules.Referred || o.Facts.RegisterDown)
	switch {
	case waits:
		page.FeesNote = i18n.T(ctx, "forms.fee.at_turn")
	case examined:
		page.FeesNote = i18n.T(ctx, "forms.fee.examined")
	case !o.offer.PayNow || o.Facts.RegisterDown:
		page.FeesNote = i18n.T(ctx, "forms.fee.at_decision")
	case o.offer.Immediate:
		page.Title, page.Submit = i18n.T(ctx, titlePay), i18n.T(ctx, "forms.step.submit_pay", "amount", total)
	default:
		page.Title, page.Submit = i18n.T(ctx, titlePay), i18n.T(ctx, "forms.step.submit_pay_case", "amount", total)
	}
}

// unlessUnanswered forgives rules that fail for want of an answer.
func unlessUnanswered(err error) error {
	if errors.Is(err, rules.ErrEvaluation) {
		return nil
	}
	return err
}
