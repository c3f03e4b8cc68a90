// Package filing turns an example of a service into a request that can be filed
// today: by whom, what is typed where, and what must come of it. It fills in no
// form: a test does that through handlers or in a browser.
package filing

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Request is an example of a service as somebody asks for it today.
type Request struct {
	Service *catalogue.Service
	Example catalogue.Example
	Persona string // of the demo: has the level that the service asks, and signs for a firm where a firm asks
	Answers forms.Answers
	Typed   url.Values     // the inputs of all steps, by name
	Files   map[string]int // field → how many
}

// New takes the first example that somebody could submit, one that holds in the
// commune as it is written before others, and moves its days to today. postcode
// is one of the commune's.
func New(s *catalogue.Service, postcode string, today time.Time) (Request, error) {
	e, found := fileable(s)
	if !found {
		return Request{}, fmt.Errorf("service %s: no example can be submitted", s.ID)
	}
	written, err := time.Parse(time.DateOnly, e.Today)
	if err != nil {
		return Request{}, fmt.Errorf("service %s: %w", s.ID, err)
	}
	answers, err := read(s, e, daysBetween(written, today), postcode)
	if err != nil {
		return Request{}, fmt.Errorf("service %s: example %q: %w", s.ID, e.Name, err)
	}
	r := Request{Service: s, Example: e, Persona: "citizen-verified", Answers: answers, Typed: s.Form.Typed(answers), Files: e.Files}
	switch {
	case e.Applicant.Kind == "firm":
		r.Persona = "firm-signatory"
	case max(e.Applicant.Level, s.Level) < 3:
		r.Persona = "citizen"
	}
	return r, nil
}

func fileable(s *catalogue.Service) (catalogue.Example, bool) {
	could := slices.DeleteFunc(slices.Clone(s.Examples), func(e catalogue.Example) bool {
		return len(e.Expect.Mistakes) > 0 || e.Expect.Verdict == rules.Ineligible || e.Left != nil || len(e.Answers) < 2
	})
	if len(could) == 0 {
		return catalogue.Example{}, false
	}
	if at := slices.IndexFunc(could, func(e catalogue.Example) bool { return holdsHere(s, e) }); at >= 0 {
		return could[at], true
	}
	return could[0], true
}

// holdsHere reports whether kind, amounts and limits that an example pins are the
// commune's own.
func holdsHere(s *catalogue.Service, e catalogue.Example) bool {
	if e.Kind != "" && e.Kind != s.Kind {
		return false
	}
	for key, chf := range e.Amounts {
		if s.Fee.Amounts[key].CHF != chf {
			return false
		}
	}
	for key, value := range e.Limits {
		if s.Limits[key].Value != value {
			return false
		}
	}
	return true
}

func read(s *catalogue.Service, e catalogue.Example, days int, postcode string) (forms.Answers, error) {
	data, err := json.Marshal(later(e.Answers, days))
	if err != nil {
		return nil, err
	}
	answers, err := s.Form.Decode(data)
	if err != nil {
		return nil, err
	}
	answers.Here(postcode)
	return answers, nil
}

func daysBetween(from, to time.Time) int {
	y, m, d := to.In(i18n.Zurich).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(from.UTC()).Hours() / 24)
}

var dayOnly = regexp.MustCompile(`^20(2[5-9]|3\d)-\d{2}-\d{2}$`)

// later moves the days of answers, so that an example written for one day can be
// filed on another; birthdays stay.
func later(value any, days int) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, inner := range v {
			out[key] = later(inner, days)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = later(inner, days)
		}
		return out
	case string:
		if day, err := time.Parse(time.DateOnly, v); err == nil && dayOnly.MatchString(v) {
			return day.AddDate(0, 0, days).Format(time.DateOnly)
		}
	}
	return value
}

// Promise is what must come of the request when somebody of whom the register
// knows facts files it today. Where the example holds in the commune as it is
// written, it is first held to its own words.
func (r Request) Promise(ctx context.Context, facts rules.Register, today time.Time) (rules.Outcome, error) {
	s, e := r.Service, r.Example
	who := rules.Applicant{Level: 1, Kind: "person", ForSelf: true}
	if facts.Found {
		who.Level = 3
	}
	in := s.Input(r.Answers, r.Files, who, facts, today)
	in.Left = enough
	now, err := s.Rules.Evaluate(ctx, in)
	if err != nil || !holdsHere(s, e) || e.Expect.Fee == nil {
		return now, err
	}
	then, err := r.asWritten(ctx)
	if err == nil && then.Fee.Total != money.CHF(*e.Expect.Fee) {
		err = fmt.Errorf("service %s: example %q costs %s, and the commune charges %s", s.ID, e.Name, money.CHF(*e.Expect.Fee), then.Fee.Total)
	}
	return now, err
}

// asWritten is what comes of the example on its own day with its own register.
func (r Request) asWritten(ctx context.Context) (rules.Outcome, error) {
	s, e := r.Service, r.Example
	today, err := time.ParseInLocation(time.DateOnly, e.Today, i18n.Zurich)
	if err != nil {
		return rules.Outcome{}, err
	}
	answers, err := read(s, e, 0, "6900")
	if err != nil {
		return rules.Outcome{}, err
	}
	var facts rules.Register
	if g := e.Register; g != nil {
		facts = rules.Register{Found: true, Resident: g.Resident, Age: g.Age, Arrived: forms.Day(g.Arrived).Time(), HouseholdSize: g.Household,
			Minors: g.Minors, Nationality: g.Nationality, Postcode: g.Postcode, Protected: g.Protected, Blocked: g.Blocked}
	}
	in := s.Input(answers, e.Files, rules.Applicant{Level: e.Applicant.Level, Kind: e.Applicant.Kind, ForSelf: true}, facts, today)
	in.Left = enough
	return s.Rules.Evaluate(ctx, in)
}

// enough is what is left where nothing is short.
var enough = rules.Left{Places: 1000, Credit: money.Max}
