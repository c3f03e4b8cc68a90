package definition

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/finder"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Service is a definition as one commune offers it, checked and compiled. It
// does not change; whoever holds one may use it at any time.
type Service struct {
	Definition
	Form  *forms.Form
	Rules *rules.Set
	// Hash identifies everything above: two services with one hash are the same.
	Hash string
	// Published and FeeConfirmed are the commune's, from its console.
	Published    bool
	FeeConfirmed bool
	// UpdatedAt is when folder or console last changed the service here.
	UpdatedAt time.Time

	// Tree is what it was compiled from, for comparing; nil where nobody asks.
	Tree Tree
	// KeptAt is since when an older version was offered.
	KeptAt time.Time
	// Gratis says that it costs nothing here: no fee, or a tariff of zero.
	Gratis bool

	shown *rules.Rule
	scope *rules.Scope
}

// Compile checks a definition and compiles its form and rules. Every mistake is
// reported, each with its path: see MistakesOf.
func Compile(def Definition, engine *rules.Engine) (*Service, error) {
	applyDefaults(&def)
	s := &Service{Definition: def}
	problems := append(def.check(), scarceMistakes(def.checkScarce())...)
	scope, err := engine.Scope(rules.Names{
		Answers: def.Form.Names(),
		Groups:  def.Form.Groups(),
		Amounts: slices.Sorted(maps.Keys(def.Fee.Amounts)),
		Limits:  slices.Sorted(maps.Keys(def.Limits)),
		Places:  def.Quota != nil,
		Credit:  def.Budget != nil,
	})
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", def.ID, append(problems, mistakesOfCompilers(err, nil)...))
	}
	s.scope = scope
	if s.Form, err = forms.Compile(def.Form, scope); err != nil {
		problems = append(problems, mistakesOfCompilers(err, scope)...)
	}
	if s.Rules, err = scope.Compile(def.rules()); err != nil {
		problems = append(problems, mistakesOfCompilers(err, scope)...)
	}
	if def.Fee.Shown != "" {
		if s.shown, err = s.priceRule(); err != nil {
			problems = append(problems, mistakesOfCompilers(&rules.Wrong{Where: "fee shown", Err: err}, scope)...)
		}
	}
	problems = append(problems, s.checkBody()...)
	if err := problems.OrNil(); err != nil {
		return nil, fmt.Errorf("service %s: %w", def.ID, err)
	}
	if s.Hash, err = def.hash(); err != nil {
		return nil, err
	}
	return s, nil
}

// Identify is the definition in force with its defaults, and the hash that a
// compiled service has of it.
func Identify(tree Tree) (def Definition, hash string, err error) {
	if def, err = Decode(tree); err != nil {
		return def, "", err
	}
	applyDefaults(&def)
	hash, err = def.hash()
	return def, hash, err
}

// hash identifies a definition whose defaults are filled in.
func (d Definition) hash() (string, error) {
	data, err := json.Marshal(d)
	if err != nil {
		return "", fmt.Errorf("service %s: %w", d.ID, err)
	}
	return overlay.Sum(data), nil
}

func applyDefaults(def *Definition) {
	if def.Fee.Due == "" {
		def.Fee.Due = OnDecision
		if def.Kind == Smart {
			def.Fee.Due = OnSubmission
		}
	}
	if def.Retention == 0 {
		def.Retention = 3650
	}
	if len(def.Channels) == 0 {
		def.Channels = []string{"online", "counter"}
	}
}

func (d Definition) rules() rules.Definition {
	return rules.Definition{
		Service: d.ID, Version: d.Version, Eligibility: d.Eligibility,
		Fee:      rules.FeeRule{Lines: d.Fee.Lines, Minimum: d.Fee.Minimum, MinimumLabel: minimumLabel},
		Decision: rules.Decision{Automatic: d.Kind == Smart, Checks: d.Decision},
		Scarce:   d.scarceRule(), Instalments: d.instalmentRule(), Until: d.Output.ValidUntil,
	}
}

// priceRule compiles the price on the card, which no answer may change.
func (s *Service) priceRule() (*rules.Rule, error) {
	rule, err := s.scope.Amount(s.Fee.Shown)
	if err != nil {
		return nil, err
	}
	for _, read := range rule.Reads() {
		if !strings.HasPrefix(read, "amounts.") && !strings.HasPrefix(read, "limits.") {
			return nil, fmt.Errorf("%q reads %s; only amounts and limits are known on the card", s.Fee.Shown, read)
		}
	}
	return rule, nil
}

// AmountsCHF are the service's amounts for rules.Input.
func (s *Service) AmountsCHF() map[string]money.CHF {
	out := make(map[string]money.CHF, len(s.Fee.Amounts))
	for key, amount := range s.Fee.Amounts {
		out[key] = money.CHF(amount.CHF)
	}
	return out
}

// LimitValues are the service's limits for rules.Input.
func (s *Service) LimitValues() map[string]int64 {
	out := make(map[string]int64, len(s.Limits))
	for key, limit := range s.Limits {
		out[key] = limit.Value
	}
	return out
}

// Input is all that rules and form may read of a request.
func (s *Service) Input(answers forms.Answers, files map[string]int, who rules.Applicant, register rules.Register, today time.Time) rules.Input {
	return rules.Input{
		Answers: s.Form.RuleAnswers(answers, files), Amounts: s.AmountsCHF(), Limits: s.LimitValues(),
		Applicant: who, Register: register, Today: today,
	}
}

// Price is the price on the card. ok is false where it depends on the request
// alone and no least price is known; 0 means free.
func (s *Service) Price(ctx context.Context) (price money.CHF, ok bool) {
	if s.shown == nil {
		return 0, len(s.Fee.Lines) == 0
	}
	values, err := s.scope.Bind(s.Input(nil, nil, rules.Applicant{}, rules.Register{}, time.Time{}))
	if err != nil {
		return 0, false
	}
	centimes, err := s.shown.Centimes(ctx, values)
	return money.CHF(centimes), err == nil
}

// Free reports whether the service never costs anything.
func (s *Service) Free() bool { return len(s.Fee.Lines) == 0 }

// DemoFee reports whether the fee is neither taken from the commune's ordinance
// nor confirmed on its console: outside the demo nobody may be charged it.
func (s *Service) DemoFee() bool { return !s.Fee.IsVerified() && !s.FeeConfirmed }

// OutputText is the title and text of the paper in a language, with words
// filled in: see Output.Body.
func (s *Service) OutputText(lang string, words map[string]string) (title, body string) {
	pairs := make([]any, 0, 2*len(words))
	for name, value := range words {
		pairs = append(pairs, name, value)
	}
	return s.Output.Title.In(lang), i18n.Fill(s.Output.Body.In(lang), pairs...)
}

// Offer is the service as package forms has it filled in; what is left of its
// places or credit is not known to it.
func (s *Service) Offer() *forms.Offer {
	return &forms.Offer{
		ID: s.ID, Version: s.Version, Hash: s.Hash, Title: s.Title, Office: s.Office, BeginLevel: s.BeginLevel(), Level: s.SubmitLevel(), OnlyItalian: func(lang string) bool { return !s.Summary.Speaks(lang) },
		Immediate: s.Kind == Smart, PayNow: s.Fee.Due == OnSubmission, DemoFee: s.DemoFee(), FeeNote: s.Fee.Note,
		Form: s.Form, Rules: s.Rules, Amounts: s.AmountsCHF(), Limits: s.LimitValues(),
		TurnsAway: s.Scarce() && !s.Queues(),
	}
}

// ByTheme orders services by theme and title.
func ByTheme(a, b *Service) int {
	if d := slices.Index(categories, a.Category) - slices.Index(categories, b.Category); d != 0 {
		return d
	}
	return strings.Compare(finder.Fold(a.Title.In(i18n.Reference)), finder.Fold(b.Title.In(i18n.Reference)))
}
