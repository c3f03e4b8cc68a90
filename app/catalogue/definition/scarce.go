package definition

import (
	"fmt"
	"slices"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Levels are the trust levels asked for single actions, where they differ from
// the service's level: somebody may begin with less than is needed to submit.
type Levels struct {
	Begin  *int `yaml:"begin" json:"begin,omitempty"`
	Submit *int `yaml:"submit" json:"submit,omitempty"`
}

// Quota says that there are only so many places (Ticino: contingente). A place
// is taken when the request is submitted and free again when it is refused or
// withdrawn.
type Quota struct {
	Title i18n.Text `yaml:"title" json:"title"` // on the card: «Contrassegni»
	// Key is an expression that names the pot a request draws from, one of Pots;
	// empty where Places counts for all.
	Key string `yaml:"key" json:"key,omitempty"`
	// On is an expression, the day the request is about; by default today.
	On     string     `yaml:"on" json:"on,omitempty"`
	Per    rules.Span `yaml:"per" json:"per,omitempty"` // year, month, day; empty: for good
	Places int64      `yaml:"places" json:"places,omitempty"`
	// Given are places of the period that were given outside this desk: at the
	// counter, or before it opened.
	Given int64 `yaml:"given" json:"given,omitempty"`
	Pots  []Pot `yaml:"pots" json:"pots,omitempty"`
	// Queue lets requests wait for a place; without it they are turned away
	// before they are submitted.
	Queue bool `yaml:"queue" json:"queue,omitempty"`
}

// Pot is a part of a quota: a quarter, a harbour.
type Pot struct {
	ID     string    `yaml:"id" json:"id"`
	Label  i18n.Text `yaml:"label" json:"label"`
	Places int64     `yaml:"places" json:"places"`
	Given  int64     `yaml:"given" json:"given,omitempty"`
}

// Budget says that there is only so much money for a grant (Ticino: credito).
type Budget struct {
	Title i18n.Text  `yaml:"title" json:"title"`
	Total Francs     `yaml:"total" json:"total"`
	Spent Francs     `yaml:"spent" json:"spent,omitempty"` // of the period, outside this desk
	On    string     `yaml:"on" json:"on,omitempty"`
	Per   rules.Span `yaml:"per" json:"per,omitempty"`
	// Grant is an expression in centimes: what the request would be paid.
	Grant string `yaml:"grant" json:"grant"`
	// Queue lets requests wait until there is money again.
	Queue bool `yaml:"queue" json:"queue,omitempty"`
}

// Instalments is the plan by which a sum is paid.
type Instalments struct {
	Total string `yaml:"total" json:"total"` // an expression in centimes
	Count string `yaml:"count" json:"count"` // an expression
	First string `yaml:"first" json:"first"` // an expression: a day
}

// BeginLevel is the trust level asked of whoever begins a request.
func (d Definition) BeginLevel() int { return levelOr(d.Levels.Begin, d.Level) }

// SubmitLevel is the trust level asked of whoever submits one.
func (d Definition) SubmitLevel() int { return levelOr(d.Levels.Submit, d.Level) }

func levelOr(level *int, other int) int {
	if level == nil {
		return other
	}
	return *level
}

func (d Definition) scarceRule() *rules.Scarce {
	switch {
	case d.Quota != nil:
		return &rules.Scarce{Key: d.Quota.Key, On: d.Quota.On, Per: d.Quota.Per}
	case d.Budget != nil:
		return &rules.Scarce{On: d.Budget.On, Per: d.Budget.Per, Grant: d.Budget.Grant}
	default:
		return nil
	}
}

func (d Definition) instalmentRule() *rules.InstalmentRule {
	if d.Instalments == nil {
		return nil
	}
	return &rules.InstalmentRule{Total: d.Instalments.Total, Count: d.Instalments.Count, First: d.Instalments.First}
}

// checkScarce looks at levels, quota, budget and instalments.
func (d Definition) checkScarce() []error {
	var problems []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	for action, level := range map[string]int{"begin": d.BeginLevel(), "submit": d.SubmitLevel()} {
		wrong(level < 0 || level > 4, "levels: %s: level %d: 0 to 4 were expected", action, level)
	}
	wrong(d.BeginLevel() > d.SubmitLevel(), "levels: to begin asks for more than to submit")
	wrong(d.Quota != nil && d.Budget != nil, "quota and budget: a service has one of them")
	if q := d.Quota; q != nil {
		wrong(q.Title.Empty(), "quota: no Italian title")
		wrong(!q.Per.Valid(), "quota: per %q: year, month or day were expected", q.Per)
		wrong((q.Key == "") != (len(q.Pots) == 0), "quota: key and pots go together")
		wrong(len(q.Pots) > 0 && q.Places != 0, "quota: places are those of the pots")
		wrong(q.Places < 0 || q.Places > maxPlaces, "quota: %d places", q.Places)
		wrong(q.Given < 0 || q.Given > 0 && q.Given > q.Places, "quota: %d given of %d places", q.Given, q.Places)
		for i, pot := range q.Pots {
			wrong(pot.ID == "" || pot.Label.Empty(), "quota: pot %q needs an id and an Italian label", pot.ID)
			wrong(pot.Places < 0 || pot.Places > maxPlaces, "quota: pot %q: %d places", pot.ID, pot.Places)
			wrong(pot.Given < 0 || pot.Given > pot.Places, "quota: pot %q: %d given of %d places", pot.ID, pot.Given, pot.Places)
			wrong(slices.ContainsFunc(q.Pots[:i], func(other Pot) bool { return other.ID == pot.ID }), "quota: there are two pots %q", pot.ID)
		}
	}
	if b := d.Budget; b != nil {
		wrong(b.Title.Empty(), "budget: no Italian title")
		wrong(!b.Per.Valid(), "budget: per %q: year, month or day were expected", b.Per)
		wrong(b.Spent > b.Total, "budget: more spent than there is")
		wrong(b.Grant == "", "budget: no grant: the expression that says what is paid")
	}
	return problems
}

// maxPlaces bounds a quota.
const maxPlaces = 1_000_000

// Scarce reports whether places or credit can run out.
func (d Definition) Scarce() bool { return d.Quota != nil || d.Budget != nil }

// Queues reports whether requests wait where nothing is left.
func (d Definition) Queues() bool {
	return d.Quota != nil && d.Quota.Queue || d.Budget != nil && d.Budget.Queue
}

// Size is how much a pot holds in all and what this desk may give of it: places,
// or centimes of a budget. known is false for a pot the service does not have.
func (d Definition) Size(pot string) (total, ours int64, known bool) {
	switch {
	case d.Budget != nil:
		return int64(d.Budget.Total), int64(d.Budget.Total - d.Budget.Spent), pot == ""
	case d.Quota == nil:
		return 0, 0, false
	case d.Quota.Key == "":
		return d.Quota.Places, d.Quota.Places - d.Quota.Given, pot == ""
	}
	for _, p := range d.Quota.Pots {
		if p.ID == pot {
			return p.Places, p.Places - p.Given, true
		}
	}
	return 0, 0, false
}

// Units is what a request takes out of its pot: a place, or what it would be paid.
func (d Definition) Units(pot rules.Pot) int64 {
	if d.Budget != nil {
		return int64(pot.Grant)
	}
	return 1
}

// PotLabel names a pot for people: the quota's title, with the part it is of.
func (d Definition) PotLabel(pot, lang string) string {
	if d.Budget != nil {
		return d.Budget.Title.In(lang)
	}
	for _, p := range d.Quota.Pots {
		if p.ID == pot {
			return p.Label.In(lang)
		}
	}
	return d.Quota.Title.In(lang)
}

// PotIDs are the pots of the service in their order; one without name where it
// has no parts.
func (d Definition) PotIDs() []string {
	if d.Quota == nil || len(d.Quota.Pots) == 0 {
		return []string{""}
	}
	ids := make([]string, len(d.Quota.Pots))
	for i, p := range d.Quota.Pots {
		ids[i] = p.ID
	}
	return ids
}

// Span is how long places or credit last before they are counted anew.
func (d Definition) Span() rules.Span {
	switch {
	case d.Quota != nil:
		return d.Quota.Per
	case d.Budget != nil:
		return d.Budget.Per
	default:
		return rules.ForGood
	}
}

// ExampleLeft is what is left in an example.
type ExampleLeft struct {
	Places int64  `yaml:"places" json:"places,omitempty"`
	Credit Francs `yaml:"credit" json:"credit,omitempty"`
}

// left is what an example says is left: enough where it says nothing.
func (e Example) left() rules.Left {
	if e.Left == nil {
		return Enough()
	}
	return rules.Left{Places: e.Left.Places, Credit: money.CHF(e.Left.Credit)}
}

// Enough is what is left where nothing is scarce.
func Enough() rules.Left { return rules.Left{Places: maxPlaces, Credit: money.Max} }

// scarce compares what came of an example's places, grant and instalments.
func (x Expectation) scarce(o rules.Outcome) []error {
	var problems []error
	pot := rules.Pot{}
	if o.Pot != nil {
		pot = *o.Pot
	}
	if x.Pot != "" && pot.Key != x.Pot {
		problems = append(problems, fmt.Errorf("pot %q, expected %q", pot.Key, x.Pot))
	}
	if x.Grant != nil && pot.Grant != money.CHF(*x.Grant) {
		problems = append(problems, fmt.Errorf("grant %s, expected %s", pot.Grant, money.CHF(*x.Grant)))
	}
	if x.Instalments != nil {
		amounts := make([]Francs, len(o.Instalments))
		for i, part := range o.Instalments {
			amounts[i] = Francs(part.Amount)
		}
		if !slices.Equal(amounts, x.Instalments) {
			problems = append(problems, fmt.Errorf("instalments %v, expected %v", amounts, x.Instalments))
		}
	}
	return problems
}
