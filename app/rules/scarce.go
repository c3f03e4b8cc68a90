package rules

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Span is how long places or a credit last before they are counted anew.
type Span string

// The spans.
const (
	ForGood Span = ""
	Yearly  Span = "year"
	Monthly Span = "month"
	Daily   Span = "day"
)

// Scarce says which pot a request draws from where places or a credit run out.
type Scarce struct {
	// Key is an expression that names the pot: a quarter, a harbour. Empty: there
	// is one.
	Key string
	// On is an expression that gives the day the request is about; empty: the day
	// it is submitted.
	On  string
	Per Span
	// Grant is an expression in centimes: what the request would be paid. Empty
	// where places are counted and not money.
	Grant string
}

// Left is what remains of places or credit, for conditions; -1 places where
// their number is not known yet, because it depends on an answer.
type Left struct {
	Places int64
	Credit money.CHF
}

// Pot is what one request draws from.
type Pot struct {
	Key    string
	Period string // "2026", "2026-12", "2026-12-24" or ""
	Grant  money.CHF
}

// InstalmentRule says how a sum is paid in monthly instalments.
type InstalmentRule struct {
	Total string // an expression in centimes
	Count string // an expression, 1 to 60
	First string // an expression: the day of the first one
}

// Instalment is one part of a sum and when it is due.
type Instalment struct {
	Due    time.Time `json:"due"`
	Amount money.CHF `json:"amount"`
}

// MaxInstalments bounds a plan.
const MaxInstalments = 60

// scarce are the compiled expressions of places, credit and instalments.
type scarce struct {
	key, on, grant *Rule
	keyAsks        bool // the pot depends on an answer
	total, count   *Rule
	first          *Rule
}

func (s *Scope) compileScarce(def Definition, compile func(where, expression string, with func(string) (*Rule, error)) *Rule) scarce {
	var out scarce
	if def.Scarce != nil {
		if def.Scarce.Key != "" {
			out.key = compile("pot", def.Scarce.Key, s.Word)
		}
		if def.Scarce.On != "" {
			out.on = compile("day of the request", def.Scarce.On, s.Day)
		}
		if def.Scarce.Grant != "" {
			out.grant = compile("grant", def.Scarce.Grant, s.Amount)
		}
		out.keyAsks = asks(out.key) || asks(out.on)
	}
	if def.Instalments != nil {
		out.total = compile("instalments, total", def.Instalments.Total, s.Amount)
		out.count = compile("instalments, count", def.Instalments.Count, s.Amount)
		out.first = compile("instalments, first", def.Instalments.First, s.Day)
	}
	return out
}

// asks reports whether a rule reads an answer.
func asks(r *Rule) bool {
	return r != nil && slices.ContainsFunc(r.Reads(), func(name string) bool { return strings.HasPrefix(name, "answer") })
}

// PotAsks reports whether the pot a request draws from depends on an answer, so
// that nothing can be said of it before the form is filled in.
func (s *Set) PotAsks() bool { return s.scarce.keyAsks }

// Pot says what a request draws from; ok is false where nothing is scarce.
func (s *Set) Pot(ctx context.Context, in Input) (pot Pot, ok bool, err error) {
	def := s.definition.Scarce
	if def == nil {
		return pot, false, nil
	}
	values, err := s.scope.Bind(in)
	if err != nil {
		return pot, false, err
	}
	return s.pot(ctx, values)
}

func (s *Set) pot(ctx context.Context, values Values) (pot Pot, ok bool, err error) {
	if s.scarce.key != nil {
		if pot.Key, err = s.scarce.key.Text(ctx, values); err != nil {
			return pot, false, err
		}
	}
	day := values["today"].(time.Time)
	if s.scarce.on != nil {
		given, err := s.scarce.on.When(ctx, values)
		if err != nil {
			return pot, false, err
		}
		if !given.IsZero() {
			day = given
		}
	}
	pot.Period = s.definition.Scarce.Per.of(day)
	if s.scarce.grant != nil {
		centimes, err := s.scarce.grant.Centimes(ctx, values)
		if err != nil {
			return pot, false, err
		}
		if centimes < 0 || centimes > int64(money.Max) {
			return pot, false, fmt.Errorf("%w: a grant of %s", ErrEvaluation, money.CHF(centimes))
		}
		pot.Grant = money.CHF(centimes)
	}
	return pot, true, nil
}

// of writes the span a day lies in.
func (s Span) of(day time.Time) string {
	day = day.In(i18n.Zurich)
	switch s {
	case Yearly:
		return day.Format("2006")
	case Monthly:
		return day.Format("2006-01")
	case Daily:
		return day.Format(time.DateOnly)
	default:
		return ""
	}
}

// nextWorkingDay is t, or the first working day after it.
func nextWorkingDay(cal Calendar, t time.Time) time.Time {
	for range maxHolidays {
		if working(cal, t) {
			break
		}
		t = plusDays(t, 1)
	}
	return t
}

// maxHolidays bounds a run of days on which nobody works.
const maxHolidays = 15

// Valid reports whether the span is one of those there are.
func (s Span) Valid() bool { return slices.Contains([]Span{ForGood, Yearly, Monthly, Daily}, s) }

// Now is the span that day lies in.
func (s Span) Now(day time.Time) string { return s.of(day) }

var errPlan = errors.New("instalments")

// Instalments reckons the plan of a request, nil where the service has none or
// the answers do not give one yet.
func (s *Set) Instalments(ctx context.Context, in Input) ([]Instalment, error) {
	if s.definition.Instalments == nil {
		return nil, nil
	}
	values, err := s.scope.Bind(in)
	if err != nil {
		return nil, err
	}
	return s.instalments(ctx, values)
}

func (s *Set) instalments(ctx context.Context, values Values) ([]Instalment, error) {
	total, err := s.scarce.total.Centimes(ctx, values)
	if err != nil {
		return nil, err
	}
	count, err := s.scarce.count.Centimes(ctx, values)
	if err != nil {
		return nil, err
	}
	first, err := s.scarce.first.When(ctx, values)
	if err != nil {
		return nil, err
	}
	if total <= 0 || count <= 0 || first.IsZero() {
		return nil, nil
	}
	if count > MaxInstalments || total > int64(money.Max) {
		return nil, fmt.Errorf("%w: %w: %d of %s", ErrEvaluation, errPlan, count, money.CHF(total))
	}
	return Plan(s.scope.calendar, money.CHF(total), int(count), first), nil
}

// Plan divides a sum into monthly instalments: equal amounts that can be paid in
// coins (5 centimes), the remainder with the last one. Each falls due on the day
// of the first one or the last day of a shorter month; a day that is no working
// day moves to the next one.
func Plan(cal Calendar, total money.CHF, count int, first time.Time) []Instalment {
	part := total / money.CHF(count) / 5 * 5
	plan := make([]Instalment, count)
	first = Midnight(first)
	for i := range plan {
		month := time.Date(first.Year(), first.Month()+time.Month(i), 1, 0, 0, 0, 0, i18n.Zurich)
		last := month.AddDate(0, 1, -1).Day()
		due := time.Date(month.Year(), month.Month(), min(first.Day(), last), 0, 0, 0, 0, i18n.Zurich)
		plan[i] = Instalment{Due: nextWorkingDay(cal, due), Amount: part}
	}
	plan[count-1].Amount = total - part*money.CHF(count-1)
	return plan
}
