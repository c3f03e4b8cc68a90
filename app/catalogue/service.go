package catalogue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/rules"
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

	shown  *rules.Rule
	gratis bool // costs nothing here: no fee, or a tariff of zero
	scope  *rules.Scope
	tree   Tree      // what it was compiled from, for comparing; nil where nobody asks
	keptAt time.Time // of an older version: since when it was offered
}

// categories are the themes of the catalogue, in the order they are listed.
// Their titles are texts: "services.theme.<category>".
var categories = []string{
	"certificati", "abitanti", "diritti", "tributi", "cani", "mobilita", "suolo-pubblico", "commercio", "edilizia",
	"ambiente", "reti", "scuole", "sociale", "cultura", "sport", "sicurezza", "cimiteri", "cancelleria", "segnalazioni", "lavoro",
}

var (
	serviceID  = regexp.MustCompile(`^[a-z][a-z0-9-]{1,60}$`)
	name       = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	audiences  = []string{"citizen", "business", "association", "professional"}
	channels   = []string{"online", "counter", "post"}
	lifeEvents = []string{
		"casa", "figlio", "scuola", "auto", "costruire", "attivita", "lavoro", "animali", "tempo-libero", "diritti", "aiuto", "lutto",
	}
	bodyFields = regexp.MustCompile(`\{([^{}]*)\}`)
	bodyWords  = []string{"commune", "name", "today", "purpose", "valid_until", "grant"}
)

// Compile checks a definition and compiles its form and rules. Every mistake is
// reported.
func Compile(def Definition, engine *rules.Engine) (*Service, error) {
	applyDefaults(&def)
	s := &Service{Definition: def}
	problems := slices.Concat(def.check(), def.checkScarce())
	scope, err := engine.Scope(rules.Names{
		Answers: def.Form.Names(),
		Groups:  def.Form.Groups(),
		Amounts: slices.Sorted(maps.Keys(def.Fee.Amounts)),
		Limits:  slices.Sorted(maps.Keys(def.Limits)),
		Places:  def.Quota != nil,
		Credit:  def.Budget != nil,
	})
	if err != nil {
		return nil, errors.Join(append(problems, err)...)
	}
	s.scope = scope
	if s.Form, err = forms.Compile(def.Form, scope); err != nil {
		problems = append(problems, err)
	}
	if s.Rules, err = scope.Compile(def.rules()); err != nil {
		problems = append(problems, err)
	}
	if def.Fee.Shown != "" {
		if s.shown, err = s.priceRule(); err != nil {
			problems = append(problems, fmt.Errorf("fee shown: %w", err))
		}
	}
	problems = append(problems, s.checkBody()...)
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("service %s: %w", def.ID, err)
	}
	if s.Hash, err = def.hash(); err != nil {
		return nil, err
	}
	return s, nil
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
		Scarce:   d.scarceRule(), Instalments: d.instalmentRule(),
	}
}

var minimumLabel = i18n.Text{"it": "Fino alla tassa minima", "de": "Bis zur Mindestgebühr", "fr": "Jusqu’à la taxe minimale", "en": "Up to the minimum fee"}

// check looks at what no compiler sees.
func (d Definition) check() []error {
	var problems []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	wrong(!serviceID.MatchString(d.ID), "id %q: small letters, digits and hyphens were expected", d.ID)
	wrong(d.Version < 1, "version: a number from 1 was expected")
	wrong(!slices.Contains(categories, d.Category), "category %q is unknown", d.Category)
	wrong(d.Kind != Smart && d.Kind != Traditional, "kind %q: smart or traditional were expected", d.Kind)
	wrong(d.Level < 0 || d.Level > 4, "level %d: 0 to 4 were expected", d.Level)
	wrong(d.Office == "", "no office")
	wrong(len(d.LegalBasis) == 0, "no legal basis")
	wrong(len(d.Audience) == 0, "no audience")
	wrong(d.Term.WorkingDays < 0 || d.Term.WorkingDays > 365, "term of %d working days", d.Term.WorkingDays)
	wrong(d.Retention < 0 || d.Retention > 36500, "retention of %d days", d.Retention)
	for what, text := range map[string]i18n.Text{"title": d.Title, "summary": d.Summary, "who": d.Who, "output title": d.Output.Title, "output summary": d.Output.Summary} {
		wrong(text.Empty(), "%s has no Italian text", what)
	}
	for _, a := range d.Audience {
		wrong(!slices.Contains(audiences, a), "audience %q is unknown", a)
	}
	for _, e := range d.LifeEvents {
		wrong(!slices.Contains(lifeEvents, e), "life event %q is unknown", e)
	}
	for _, c := range d.Channels {
		wrong(!slices.Contains(channels, c), "channel %q is unknown", c)
	}
	kinds := []OutputKind{Certificate, Authorisation, Ruling, Receipt, Registration, Booking}
	wrong(!slices.Contains(kinds, d.Output.Kind), "output kind %q is unknown", d.Output.Kind)
	wrong(d.Output.Kind == Certificate && d.Output.Body.Empty(), "a certificate needs an output body")
	wrong(d.Kind == Traditional && d.Output.Kind != Receipt && d.Remedy.Empty(), "a service decided by an official needs its remedy")
	wrong(d.Fee.Due != OnSubmission && d.Fee.Due != OnDecision, "fee due %q: submission or decision were expected", d.Fee.Due)
	wrong(len(d.Fee.Lines) > 0 && d.Fee.Shown == "", "a fee needs the price shown on the card")
	wrong(len(d.Examples) == 0, "no example")
	for key := range d.Fee.Amounts {
		wrong(!name.MatchString(key), "amount %q: small letters, digits and _ were expected", key)
	}
	for key := range d.Limits {
		wrong(!name.MatchString(key), "limit %q: small letters, digits and _ were expected", key)
	}
	for _, c := range slices.Concat(d.Eligibility, d.Decision) {
		wrong(c.Reason.Empty(), "condition %q has no Italian reason", c.ID)
	}
	for _, line := range d.Fee.Lines {
		wrong(line.Label.Empty(), "fee line %q has no Italian label", line.ID)
	}
	return problems
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

// checkBody sees to it that the paper's text names only what there is.
func (s *Service) checkBody() []error {
	known := slices.Concat(bodyWords, registers.WordNames())
	for id := range s.Definition.Form.Names() {
		known = append(known, "answers."+id)
	}
	var problems []error
	for lang, body := range s.Output.Body {
		for _, m := range bodyFields.FindAllStringSubmatch(body, -1) {
			if !slices.Contains(known, m[1]) {
				problems = append(problems, fmt.Errorf("output body (%s) names {%s}, which is not known", lang, m[1]))
			}
		}
	}
	return problems
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

// Categories are the themes of the catalogue in their order.
func Categories() []string { return slices.Clone(categories) }
