package cases

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/cases/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// checks are what the rules looked at: what the person said, what was found and
// where, and what came of it.
func checks(ctx context.Context, c Case) []view.Check {
	said := map[string]string{}
	for _, section := range c.Rows {
		for _, row := range section.Rows {
			said[row.Field] = row.Value
		}
	}
	var out []view.Check
	for _, x := range slices.Concat(c.Outcome.Eligibility, c.Outcome.Checks) {
		check := view.Check{Title: x.Reason.For(ctx), State: ui.State{Tone: ui.Success, Text: i18n.T(ctx, "cases.desk.yes")}}
		if !x.Holds {
			check.State = ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "cases.desk.no")}
		}
		var declared, known, sources []string
		for _, name := range x.Reads {
			source, rest, _ := strings.Cut(name, ".")
			if source == "answers" {
				field, _, _ := strings.Cut(rest, ".")
				declared = append(declared, said[field])
			} else if words := found(ctx, name, c.Outcome.Inputs[name]); words != "" {
				known = append(known, words)
			}
			if key := "cases.desk.source." + source; i18n.Has(ctx, key) {
				sources = append(sources, i18n.T(ctx, key))
			}
		}
		check.Declared, check.Known = lines(declared), lines(known)
		check.Source = lines(append(sources, i18n.T(ctx, "cases.desk.rule", "version", c.Outcome.Version, "hash", c.Outcome.Hash)))
		out = append(out, check)
	}
	return out
}

// lines joins what is not empty and not said already.
func lines(parts []string) string {
	var out []string
	for _, part := range parts {
		if part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	return strings.Join(out, ", ")
}

// found writes an input of the rules for people: «età: 39». A name without words
// is left out, an official cannot use it.
func found(ctx context.Context, name string, value any) string {
	key := "cases.desk.found." + strings.ReplaceAll(name, ".", "_")
	if !i18n.Has(ctx, key) || value == nil {
		return ""
	}
	words := fmt.Sprint(value)
	switch v := value.(type) {
	case bool:
		words = i18n.T(ctx, "cases.desk.value.no")
		if v {
			words = i18n.T(ctx, "cases.desk.value.yes")
		}
	case float64: // as the database gives numbers back
		words = fmt.Sprintf("%.0f", v)
		if name == "left.credit" {
			words = money.CHF(v).String()
		}
	case string:
		if day, err := time.ParseInLocation(time.DateOnly, v, i18n.Zurich); err == nil {
			words = i18n.Date(day)
		}
	}
	return i18n.T(ctx, key) + ": " + words
}

// leftToDo is the first thing an official reads of a case: what is left.
func leftToDo(ctx context.Context, c Case) []string {
	if c.State != Received && c.State != InReview {
		return nil // the next step says what is waited for
	}
	var out []string
	if c.Note == noteRegisterDown {
		out = append(out, i18n.T(ctx, "cases.desk.left.register"))
	}
	for _, x := range slices.Concat(c.Outcome.Eligibility, c.Outcome.Checks) {
		if !x.Holds {
			out = append(out, i18n.T(ctx, "cases.desk.left.examine", "what", x.Reason.For(ctx)))
		}
	}
	switch {
	case len(out) > 0:
	case len(c.Outcome.Checks) > 0:
		out = append(out, i18n.T(ctx, "cases.desk.left.all-met"))
	default:
		out = append(out, i18n.T(ctx, "cases.desk.left.decide"))
	}
	return out
}
