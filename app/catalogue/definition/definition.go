package definition

import (
	"encoding/json"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// ServiceKind says whether an official stands between request and result.
type ServiceKind string

// The kinds of services.
const (
	Smart       ServiceKind = "smart"       // answered at once where every check holds
	Traditional ServiceKind = "traditional" // an official decides
)

// OutputKind is what the applicant gets (CPSV-AP: Output).
type OutputKind string

// The kinds of outputs.
const (
	Certificate   OutputKind = "certificate"
	Authorisation OutputKind = "authorisation"
	Ruling        OutputKind = "decision"
	Receipt       OutputKind = "receipt"
	Registration  OutputKind = "registration"
	Booking       OutputKind = "booking"
)

// Due says when a fee is paid.
type Due string

// When a fee is paid.
const (
	OnSubmission Due = "submission" // before the case is worked on
	OnDecision   Due = "decision"   // once the request is granted
)

// Definition is a service as its file writes it. In an overlay only what
// differs is there.
type Definition struct {
	ID      string `yaml:"id" json:"id"`
	Version int    `yaml:"version" json:"version"`
	// Retire says that drafts begun with an earlier version must move to this one.
	Retire     bool        `yaml:"retire" json:"retire,omitempty"`
	Category   string      `yaml:"category" json:"category"`
	Kind       ServiceKind `yaml:"kind" json:"kind"`
	Title      i18n.Text   `yaml:"title" json:"title"`
	Summary    i18n.Text   `yaml:"summary" json:"summary"`
	Audience   []string    `yaml:"audience" json:"audience"`
	LifeEvents []string    `yaml:"life_events" json:"life_events,omitempty"`
	// BusinessEvents are the moments of a firm's life that the service belongs to.
	BusinessEvents []string      `yaml:"business_events" json:"business_events,omitempty"`
	Keywords       []string      `yaml:"keywords" json:"keywords,omitempty"` // other words people search by
	Office         string        `yaml:"office" json:"office"`
	Level          int           `yaml:"level" json:"level"` // trust level 0–4 asked of the applicant
	Levels         Levels        `yaml:"levels" json:"levels,omitzero"`
	Confirmation   *Confirmation `yaml:"confirmation" json:"confirmation,omitempty"` // nil: nobody else must agree
	Mandates       bool          `yaml:"mandates" json:"mandates,omitempty"`
	Minutes        int           `yaml:"minutes" json:"minutes,omitempty"` // to fill in the form
	Who            i18n.Text     `yaml:"who" json:"who"`
	WhoList        []i18n.Text   `yaml:"who_list" json:"who_list,omitempty"`
	Needs          []i18n.Text   `yaml:"needs" json:"needs,omitempty"`
	Term           Term          `yaml:"term" json:"term"`
	Output         Output        `yaml:"output" json:"output"`
	LegalBasis     []string      `yaml:"legal_basis" json:"legal_basis"`
	Remedy         i18n.Text     `yaml:"remedy" json:"remedy,omitempty"`
	Retention      int           `yaml:"retention" json:"retention,omitempty"` // days after the case is closed
	Channels       []string      `yaml:"channels" json:"channels,omitempty"`
	Contact        *Contact      `yaml:"contact" json:"contact,omitempty"`
	Note           i18n.Text     `yaml:"note" json:"note,omitempty"` // a word of the commune on the card
	// Paused says to people why the service cannot be asked for now. While it
	// stands there the card is shown and nobody can begin.
	Paused        i18n.Text         `yaml:"paused" json:"paused,omitempty"`
	Form          forms.Definition  `yaml:"form" json:"form"`
	Fee           Fee               `yaml:"fee" json:"fee"`
	Limits        map[string]Limit  `yaml:"limits" json:"limits,omitempty"`
	Quota         *Quota            `yaml:"quota" json:"quota,omitempty"`
	Budget        *Budget           `yaml:"budget" json:"budget,omitempty"`
	Instalments   *Instalments      `yaml:"instalments" json:"instalments,omitempty"`
	Notifications Notifications     `yaml:"notifications" json:"notifications,omitzero"`
	Eligibility   []rules.Condition `yaml:"eligibility" json:"eligibility,omitempty"`
	Decision      []rules.Condition `yaml:"decision" json:"decision,omitempty"`
	Examples      []Example         `yaml:"examples" json:"examples,omitempty"`
}

// Contact is whom to ask about this service, where it is not the office's own
// number or address.
type Contact struct {
	Phone string `yaml:"phone" json:"phone,omitempty"`
	Email string `yaml:"email" json:"email,omitempty"`
}

// Term is how long an answer takes.
type Term struct {
	WorkingDays int       `yaml:"working_days" json:"working_days"`
	Text        i18n.Text `yaml:"text" json:"text,omitempty"` // instead of the usual sentence
}

// Output is what the applicant gets.
type Output struct {
	Kind    OutputKind `yaml:"kind" json:"kind"`
	Title   i18n.Text  `yaml:"title" json:"title"`     // on the paper and in the list of documents
	Summary i18n.Text  `yaml:"summary" json:"summary"` // on the card
	// Body is the text of the paper. It may use {commune}, {name}, {today},
	// {purpose}, {grant}, {register.…} and {answers.<field>}; paragraphs are lines.
	Body      i18n.Text `yaml:"body" json:"body,omitempty"`
	ValidDays int       `yaml:"valid_days" json:"valid_days,omitempty"` // 0: without end
	// ValidUntil is an expression, the last day of what is granted, where it does
	// not depend on the day the paper is made.
	ValidUntil string `yaml:"valid_until" json:"valid_until,omitempty"`
}

// Fee is what a service costs.
type Fee struct {
	Due     Due               `yaml:"due" json:"due,omitempty"` // by default: smart on submission, traditional on decision
	Amounts map[string]Amount `yaml:"amounts" json:"amounts,omitempty"`
	Lines   []rules.FeeLine   `yaml:"lines" json:"lines,omitempty"`
	// Minimum is an expression in centimes below which the fee does not fall.
	Minimum string `yaml:"minimum" json:"minimum,omitempty"`
	// Shown is the price on the card, an expression in centimes of amounts;
	// From says that it is the least one may pay.
	Shown   string    `yaml:"shown" json:"shown,omitempty"`
	From    bool      `yaml:"from" json:"from,omitempty"`
	Counter *Francs   `yaml:"counter" json:"counter,omitempty"` // price at the counter, where it differs
	Note    i18n.Text `yaml:"note" json:"note,omitempty"`
	// Verified says that the amounts come from the commune's own ordinance. A
	// fee that is not must be confirmed on the console before people pay it.
	Verified *bool `yaml:"verified" json:"verified,omitempty"`
}

// Amount is a price the commune sets.
type Amount struct {
	CHF   Francs    `yaml:"chf" json:"chf"`
	Label i18n.Text `yaml:"label" json:"label,omitempty"`
}

// Limit is another number the commune sets: square metres, days, places.
type Limit struct {
	Value int64     `yaml:"value" json:"value"`
	Label i18n.Text `yaml:"label" json:"label,omitempty"`
}

// Example is a request and what must come of it.
type Example struct {
	Name string `yaml:"name" json:"name"`
	// Kind and Amounts pin what communes set differently, so that an example
	// of the shared catalogue holds in all of them.
	Kind      ServiceKind       `yaml:"kind" json:"kind,omitempty"`
	Amounts   map[string]Francs `yaml:"amounts" json:"amounts,omitempty"`
	Limits    map[string]int64  `yaml:"limits" json:"limits,omitempty"`
	Today     string            `yaml:"today" json:"today"`
	Applicant ExampleApplicant  `yaml:"applicant" json:"applicant"`
	Register  *ExampleRegister  `yaml:"register" json:"register,omitempty"`
	Answers   map[string]any    `yaml:"answers" json:"answers"`
	Files     map[string]int    `yaml:"files" json:"files,omitempty"`
	Left      *ExampleLeft      `yaml:"left" json:"left,omitempty"` // of places or credit; none: enough
	Expect    Expectation       `yaml:"expect" json:"expect"`
}

// ExampleApplicant is who asks in an example.
type ExampleApplicant struct {
	Level int    `yaml:"level" json:"level"`
	Kind  string `yaml:"kind" json:"kind,omitempty"` // person by default
	For   string `yaml:"for" json:"for,omitempty"`   // another, when acting by mandate
}

// ExampleRegister is the register's record in an example; none at all means
// that nobody was found.
type ExampleRegister struct {
	Resident    bool   `yaml:"resident" json:"resident"`
	Age         int    `yaml:"age" json:"age"`
	Arrived     string `yaml:"arrived" json:"arrived,omitempty"`
	Household   int    `yaml:"household" json:"household,omitempty"`
	Minors      int    `yaml:"minors" json:"minors,omitempty"`
	Nationality string `yaml:"nationality" json:"nationality,omitempty"`
	Postcode    string `yaml:"postcode" json:"postcode,omitempty"`
	Protected   bool   `yaml:"protected" json:"protected,omitempty"`
	Blocked     bool   `yaml:"blocked" json:"blocked,omitempty"`
}

// Expectation is what an example must give. What is left out is not tested.
type Expectation struct {
	Fee      *Francs       `yaml:"fee" json:"fee,omitempty"`
	Verdict  rules.Verdict `yaml:"verdict" json:"verdict,omitempty"`
	Unmet    []string      `yaml:"unmet" json:"unmet,omitempty"`       // conditions and checks that do not hold
	Asked    []string      `yaml:"asked" json:"asked,omitempty"`       // fields that are shown
	Hidden   []string      `yaml:"hidden" json:"hidden,omitempty"`     // fields that are not
	Mistakes []string      `yaml:"mistakes" json:"mistakes,omitempty"` // fields to correct

	Pot         string   `yaml:"pot" json:"pot,omitempty"`     // what is drawn from
	Grant       *Francs  `yaml:"grant" json:"grant,omitempty"` // what would be paid
	Instalments []Francs `yaml:"instalments" json:"instalments,omitempty"`
}

// IsVerified reports whether the amounts are the commune's own. A service
// without fee lines is free everywhere and needs no confirmation.
func (f Fee) IsVerified() bool {
	return len(f.Lines) == 0 || (f.Verified != nil && *f.Verified)
}

// Hash identifies a fee: lines, amounts, minimum. Notes do not count.
func (f Fee) Hash() string {
	f.Note, f.Verified = nil, nil
	data, err := json.Marshal(f)
	if err != nil {
		return "" // plain data always marshals; an empty hash confirms nothing
	}
	return overlay.Sum(data)
}
