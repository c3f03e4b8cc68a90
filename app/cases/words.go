package cases

import (
	"context"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/cases/view"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// side is who reads: the same history in each one's own words.
type side string

const (
	citizenSide side = "citizen"
	deskSide    side = "desk"
)

// status is a case's state in words and colour. What waits for the reader has
// the warning's diamond.
func status(ctx context.Context, c Case, s side, today time.Time) ui.State {
	tone := ui.Info
	switch c.State {
	case AwaitingPayment, AwaitingApplicant:
		if s == citizenSide {
			tone = ui.Warning
		}
	case Decided:
		if s == citizenSide && c.Payment == PaymentDue {
			tone = ui.Warning
		}
	case Completed:
		tone = ui.Success
	}
	if s == deskSide && late(c, today) {
		return ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "cases.state.desk.late")}
	}
	return ui.State{Tone: tone, Text: i18n.T(ctx, "cases.state."+string(s)+"."+string(c.State))}
}

// late reports whether the term has passed while it runs.
func late(c Case, today time.Time) bool {
	return c.State.Open() && c.DueOn != nil && c.PausedAt == nil && c.DueOn.Format(time.DateOnly) < today.Format(time.DateOnly)
}

// moments turns the history into a timeline.
func moments(ctx context.Context, list []Event, c Case, s side) []ui.Moment {
	out := make([]ui.Moment, 0, len(list))
	for i, e := range list {
		m := ui.Moment{Title: i18n.T(ctx, "cases.event."+string(s)+"."+e.Kind), When: i18n.DateTime(ctx, e.At),
			DateTime: e.At.Format(time.RFC3339), Text: e.Text, Done: true}
		if m.Text == "" && s == citizenSide && i18n.Has(ctx, "cases.event-text."+e.Kind) {
			m.Text = i18n.T(ctx, "cases.event-text."+e.Kind)
		}
		if amount := e.Params["amount"]; amount != "" {
			m.Text = strings.TrimSpace(amount + " " + m.Text)
		}
		if s == deskSide && e.Actor != "" {
			m.When += ", " + e.Actor
		}
		if i == 0 && c.State.Open() {
			m.Now, m.Done = true, false
		}
		out = append(out, m)
	}
	return out
}

// sections are the answers as they were given.
func sections(ctx context.Context, c Case) []view.Section {
	out := make([]view.Section, 0, len(c.Rows))
	for _, s := range c.Rows {
		part := view.Section{Title: s.Title}
		for _, r := range s.Rows {
			values := r.Files
			if r.Value != "" {
				values = append(strings.Split(r.Value, "\n"), values...)
			}
			if len(values) == 0 {
				values = []string{"–"}
			}
			part.Answers = append(part.Answers, ui.Answer{Question: r.Label, Values: values})
		}
		if len(part.Answers) > 0 {
			out = append(out, part)
		}
	}
	for _, s := range forms.Reckoned(ctx, granted(c), c.Outcome.Instalments) {
		part := view.Section{Title: s.Title}
		for _, r := range s.Rows {
			part.Answers = append(part.Answers, ui.Answer{Question: r.Label, Values: []string{r.Value}, Num: true})
		}
		out = append(out, part)
	}
	return out
}

// granted is the grant the rules reckoned; 0 where there is none.
func granted(c Case) money.CHF {
	if c.Outcome.Pot == nil {
		return 0
	}
	return c.Outcome.Pot.Grant
}

// fees are the lines of a fee with their total.
func fees(ctx context.Context, c Case) []ui.Answer {
	lines := c.FeeLines
	if len(lines) == 0 {
		lines = c.Outcome.Fee.Lines
	}
	var out []ui.Answer
	for _, l := range lines {
		out = append(out, ui.Answer{Question: l.Label.For(ctx), Values: []string{l.Amount.String()}, Num: true})
	}
	if len(out) > 0 {
		total := c.Fee
		if total == 0 {
			total = c.Outcome.Fee.Total
		}
		out = append(out, ui.Answer{Question: i18n.T(ctx, "forms.fee.total"), Values: []string{total.String()}, Num: true, Strong: true})
	}
	return out
}

// decision shows a ruling; nil while there is none.
func decision(ctx context.Context, c Case, document *ui.Link) *view.Decision {
	if c.Ruling == "" || c.Decision.Number == "" {
		return nil
	}
	tone := ui.Success
	if c.Ruling == Refused {
		tone = ui.Danger
	}
	return &view.Decision{Tone: tone, Title: i18n.T(ctx, "cases.decision."+string(c.Ruling)), Number: c.Decision.Number,
		Date: i18n.Date(c.Decision.Date), Reasons: paragraphs(c.Decision.Reasons), Conditions: paragraphs(c.Decision.Conditions),
		LegalBasis: c.Decision.LegalBasis, Remedy: c.Decision.Remedy, Document: document}
}

// paragraphs splits what somebody typed into its non-empty lines.
func paragraphs(s string) []string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// dueText is the term as people read it.
func dueText(ctx context.Context, c Case) string {
	if c.PausedAt != nil {
		return i18n.T(ctx, "cases.fact.paused")
	}
	if c.DueOn == nil {
		return ""
	}
	return i18n.Date(*c.DueOn)
}
