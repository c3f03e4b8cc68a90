package rules

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// FeeLine is one line of a fee as a definition writes it.
type FeeLine struct {
	ID    string    `yaml:"id" json:"id"`
	Label i18n.Text `yaml:"label" json:"label"`
	// When says whether the line applies; empty means always.
	When string `yaml:"when,omitempty" json:"when,omitempty"`
	// Amount is an expression in centimes.
	Amount string `yaml:"amount" json:"amount"`
}

// FeeRule computes a fee.
type FeeRule struct {
	Lines []FeeLine
	// Minimum is an expression in centimes; a smaller sum of lines is raised
	// to it by a line labelled MinimumLabel. Empty means none.
	Minimum      string
	MinimumLabel i18n.Text
}

// Condition is a test with the reason a person is told when it does not hold.
type Condition struct {
	ID     string    `yaml:"id" json:"id"`
	Holds  string    `yaml:"holds" json:"holds"`
	Reason i18n.Text `yaml:"reason" json:"reason"`
}

// Decision says when a request is granted without an official: when the service
// is smart and every check holds. A check that does not hold refers the case to
// an official, who reads its reason first.
type Decision struct {
	Automatic bool
	Checks    []Condition
}

// Definition is all the rules of one service.
type Definition struct {
	Service     string // for the outcome: which service
	Version     int    // of the service
	Fee         FeeRule
	Eligibility []Condition
	Decision    Decision
	Scarce      *Scarce         // nil where nothing runs out
	Instalments *InstalmentRule // nil where a sum is paid at once
	// Until is an expression, the last day of what is granted; empty where that
	// has no end or counts from another day.
	Until string `json:",omitempty"`
}

// Set is a compiled Definition.
type Set struct {
	definition  Definition
	hash        string
	scope       *Scope
	lines       []feeLine
	minimum     *Rule
	eligibility []condition
	checks      []condition
	scarce      scarce
	until       *Rule
}

type feeLine struct {
	FeeLine
	when, amount *Rule
}

type condition struct {
	Condition
	rule *Rule
}

// Verdict is what the rules say of a request.
type Verdict string

// The verdicts. A request is refused only for not being eligible, before it is
// submitted; no rule refuses a submitted case, it refers it to an official.
const (
	Granted    Verdict = "granted"
	Referred   Verdict = "referred"
	Ineligible Verdict = "ineligible"
)

// Line is one line of a reckoned fee.
type Line struct {
	ID     string    `json:"id"`
	Label  i18n.Text `json:"label"`
	Amount money.CHF `json:"amount"`
}

// Fee is a reckoned fee.
type Fee struct {
	Lines []Line    `json:"lines"`
	Total money.CHF `json:"total"`
}

// Reason is a condition that was tested.
type Reason struct {
	ID     string    `json:"id"`
	Reason i18n.Text `json:"reason"`
	Holds  bool      `json:"holds"`
	Reads  []string  `json:"reads,omitempty"` // the inputs it looked at
}

// Outcome is what the rules found, kept with the case.
type Outcome struct {
	Service     string         `json:"service"`
	Version     int            `json:"version"`
	Hash        string         `json:"hash"` // of the rules, SHA-256, first 16 hex digits
	At          time.Time      `json:"at"`
	Inputs      map[string]any `json:"inputs"` // the names the rules read, and their values
	Fee         Fee            `json:"fee"`
	Verdict     Verdict        `json:"verdict"`
	Eligibility []Reason       `json:"eligibility"`
	Checks      []Reason       `json:"checks"`
	// Pot is what the request draws from, where something can run out.
	Pot         *Pot         `json:"pot,omitempty"`
	Instalments []Instalment `json:"instalments,omitempty"`
	// Until is the last day of what would be granted, where the rules say it.
	Until *time.Time `json:"until,omitempty"`
}

// Compile compiles all rules of a definition; every mistake is reported.
func (s *Scope) Compile(def Definition) (*Set, error) {
	set := &Set{definition: def, scope: s}
	var problems []error
	compile := func(where, expression string, with func(string) (*Rule, error)) *Rule {
		rule, err := with(expression)
		if err != nil {
			problems = append(problems, &Wrong{where, err})
		}
		return rule
	}
	for _, line := range def.Fee.Lines {
		compiled := feeLine{FeeLine: line, amount: compile("fee line "+line.ID, line.Amount, s.Amount)}
		if line.When != "" {
			compiled.when = compile("fee line "+line.ID+", when", line.When, s.Condition)
		}
		set.lines = append(set.lines, compiled)
	}
	if def.Fee.Minimum != "" {
		set.minimum = compile("fee minimum", def.Fee.Minimum, s.Amount)
	}
	for _, c := range def.Eligibility {
		set.eligibility = append(set.eligibility, condition{c, compile("eligibility "+c.ID, c.Holds, s.Condition)})
	}
	for _, c := range def.Decision.Checks {
		set.checks = append(set.checks, condition{c, compile("decision "+c.ID, c.Holds, s.Condition)})
	}
	set.scarce = s.compileScarce(def, compile)
	if def.Until != "" {
		set.until = compile("output valid_until", def.Until, s.Day)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	data, err := json.Marshal(def)
	if err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	sum := sha256.Sum256(data)
	set.hash = hex.EncodeToString(sum[:8])
	return set, nil
}

// Hash identifies the rules: it changes when any expression or label changes.
func (s *Set) Hash() string { return s.hash }

// Fee reckons the fee alone, for the page where answers are checked.
func (s *Set) Fee(ctx context.Context, in Input) (Fee, error) {
	values, err := s.scope.Bind(in)
	if err != nil {
		return Fee{}, err
	}
	return s.fee(ctx, values)
}

// Eligible tests the eligibility conditions alone; it returns those that do not
// hold.
func (s *Set) Eligible(ctx context.Context, in Input) ([]Reason, error) {
	return s.unmet(ctx, s.eligibility, in)
}

// EligibleToBegin is Eligible for the conditions that read no answer: a person
// is told before the effort, not after it.
func (s *Set) EligibleToBegin(ctx context.Context, in Input) ([]Reason, error) {
	var before []condition
	for _, c := range s.eligibility {
		if asks(c.rule) || s.scarce.keyAsks && slices.ContainsFunc(c.rule.Reads(), func(name string) bool { return strings.HasPrefix(name, "left.") }) {
			continue
		}
		before = append(before, c)
	}
	return s.unmet(ctx, before, in)
}

func (s *Set) unmet(ctx context.Context, conditions []condition, in Input) ([]Reason, error) {
	values, err := s.scope.Bind(in)
	if err != nil {
		return nil, err
	}
	tested, _, err := test(ctx, conditions, values)
	return slices.DeleteFunc(tested, func(r Reason) bool { return r.Holds }), err
}

// Evaluate applies all rules. A service that is not automatic is at best
// referred; one that is grants only what passes every check, so a service that
// relies on the register has a check `register.found`.
func (s *Set) Evaluate(ctx context.Context, in Input) (Outcome, error) {
	values, err := s.scope.Bind(in)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{
		Service: s.definition.Service, Version: s.definition.Version, Hash: s.hash,
		At: in.Today, Inputs: s.inputs(values), Verdict: Referred,
	}
	if out.Fee, err = s.fee(ctx, values); err != nil {
		return Outcome{}, err
	}
	var eligible, passed bool
	if out.Eligibility, eligible, err = test(ctx, s.eligibility, values); err != nil {
		return Outcome{}, err
	}
	if out.Checks, passed, err = test(ctx, s.checks, values); err != nil {
		return Outcome{}, err
	}
	if s.definition.Scarce != nil {
		pot, _, err := s.pot(ctx, values)
		if err != nil {
			return Outcome{}, err
		}
		out.Pot = &pot
	}
	if s.definition.Instalments != nil {
		if out.Instalments, err = s.instalments(ctx, values); err != nil {
			return Outcome{}, err
		}
	}
	if s.until != nil {
		last, err := s.until.When(ctx, values)
		if err != nil {
			return Outcome{}, err
		}
		if !last.IsZero() {
			out.Until = &last
		}
	}
	switch {
	case !eligible:
		out.Verdict = Ineligible
	case s.definition.Decision.Automatic && passed:
		out.Verdict = Granted
	}
	return out, nil
}

func (s *Set) fee(ctx context.Context, values Values) (Fee, error) {
	fee := Fee{Lines: []Line{}}
	var amounts []money.CHF
	add := func(id string, label i18n.Text, amount money.CHF) {
		fee.Lines = append(fee.Lines, Line{ID: id, Label: label, Amount: amount})
		amounts = append(amounts, amount)
	}
	for _, line := range s.lines {
		if line.when != nil {
			holds, err := line.when.Holds(ctx, values)
			if err != nil {
				return Fee{}, err
			}
			if !holds {
				continue
			}
		}
		centimes, err := line.amount.Centimes(ctx, values)
		if err != nil {
			return Fee{}, err
		}
		add(line.ID, line.Label, money.CHF(centimes))
	}
	total, err := money.Sum(amounts...)
	if err != nil {
		return Fee{}, fmt.Errorf("%w: fee: %w", ErrEvaluation, err)
	}
	if s.minimum != nil {
		least, err := s.minimum.Centimes(ctx, values)
		if err != nil {
			return Fee{}, err
		}
		if missing := money.CHF(least) - total; missing > 0 {
			add("minimum", s.definition.Fee.MinimumLabel, missing)
			total = money.CHF(least)
		}
	}
	if total < 0 || total > money.Max {
		return Fee{}, fmt.Errorf("%w: a fee of %s", ErrEvaluation, total)
	}
	fee.Total = total
	return fee, nil
}

func test(ctx context.Context, conditions []condition, values Values) (tested []Reason, all bool, err error) {
	tested, all = []Reason{}, true
	for _, c := range conditions {
		holds, err := c.rule.Holds(ctx, values)
		if err != nil {
			return nil, false, fmt.Errorf("%s: %w", c.ID, err)
		}
		all = all && holds
		tested = append(tested, Reason{ID: c.ID, Reason: c.Reason, Holds: holds, Reads: c.rule.Reads()})
	}
	return tested, all, nil
}

// inputs keeps the values of the names that any rule reads, days as ISO dates.
func (s *Set) inputs(values Values) map[string]any {
	out := map[string]any{}
	for _, rule := range s.rules() {
		for _, name := range rule.Reads() {
			value, ok := values[name]
			if !ok || strings.HasPrefix(name, "@") {
				continue
			}
			out[name] = plain(value)
		}
	}
	return out
}

// plain writes days as ISO dates, also inside items.
func plain(value any) any {
	switch v := value.(type) {
	case time.Time:
		if v.IsZero() {
			return nil
		}
		return v.In(i18n.Zurich).Format(time.DateOnly)
	case []map[string]any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = plain(v[k])
		}
		return out
	default:
		return value
	}
}

func (s *Set) rules() []*Rule {
	var all []*Rule
	for _, line := range s.lines {
		all = append(all, line.amount)
		if line.when != nil {
			all = append(all, line.when)
		}
	}
	if s.minimum != nil {
		all = append(all, s.minimum)
	}
	for _, c := range slices.Concat(s.eligibility, s.checks) {
		all = append(all, c.rule)
	}
	for _, rule := range []*Rule{s.scarce.key, s.scarce.on, s.scarce.grant, s.scarce.total, s.scarce.count, s.scarce.first, s.until} {
		if rule != nil {
			all = append(all, rule)
		}
	}
	return all
}
