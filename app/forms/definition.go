package forms

import "github.com/sportello-ticino/sportello/pkg/i18n"

// Definition is a form as a service's definition writes it.
type Definition struct {
	Steps []Step `yaml:"steps" json:"steps"`
}

// Step is one page of a form: one subject, asked together.
type Step struct {
	ID        string    `yaml:"id" json:"id"`
	Title     i18n.Text `yaml:"title" json:"title"`
	Intro     i18n.Text `yaml:"intro,omitempty" json:"intro,omitempty"`
	VisibleIf string    `yaml:"visible_if,omitempty" json:"visible_if,omitempty"`
	Fields    []Field   `yaml:"fields" json:"fields"`
}

// Field is one question. Which of the limits apply depends on its kind; a limit
// that does not is refused when the form is compiled.
type Field struct {
	ID        string    `yaml:"id" json:"id"`
	Kind      string    `yaml:"kind" json:"kind"`
	Label     i18n.Text `yaml:"label" json:"label"`
	Help      i18n.Text `yaml:"help,omitempty" json:"help,omitempty"`
	Required  bool      `yaml:"required,omitempty" json:"required,omitempty"`
	VisibleIf string    `yaml:"visible_if,omitempty" json:"visible_if,omitempty"`
	// Prefill names what is already known of the applicant: "register.address".
	Prefill string `yaml:"prefill,omitempty" json:"prefill,omitempty"`
	// Reuse names what the answer means, so that the next form that asks the same
	// offers it: one of Meanings.
	Reuse string `yaml:"reuse,omitempty" json:"reuse,omitempty"`
	// Missing replaces the sentence shown when a required answer is missing.
	Missing i18n.Text `yaml:"missing,omitempty" json:"missing,omitempty"`

	Options   []Option  `yaml:"options,omitempty" json:"options,omitempty"`       // choice, many
	Min       *float64  `yaml:"min,omitempty" json:"min,omitempty"`               // number; money in CHF; many, group: how many
	Max       *float64  `yaml:"max,omitempty" json:"max,omitempty"`               // the same; period: days at most; group: 10 where it says nothing
	Decimals  int       `yaml:"decimals,omitempty" json:"decimals,omitempty"`     // number: digits after the point, 0–3
	Unit      i18n.Text `yaml:"unit,omitempty" json:"unit,omitempty"`             // number: "m²"
	MinLength int       `yaml:"min_length,omitempty" json:"min_length,omitempty"` // text, longtext: characters
	MaxLength int       `yaml:"max_length,omitempty" json:"max_length,omitempty"`
	Pattern   string    `yaml:"pattern,omitempty" json:"pattern,omitempty"`       // text: RE2, whole value
	Format    i18n.Text `yaml:"format,omitempty" json:"format,omitempty"`         // text: what the pattern asks, in words
	Earliest  string    `yaml:"earliest,omitempty" json:"earliest,omitempty"`     // date, period: "today", "today+1", "2020-01-01"; time: "08.30"
	Latest    string    `yaml:"latest,omitempty" json:"latest,omitempty"`         // the same
	MaxFiles  int       `yaml:"max_files,omitempty" json:"max_files,omitempty"`   // file: 1–5
	InCommune bool      `yaml:"in_commune,omitempty" json:"in_commune,omitempty"` // place: the postcode is one of the commune's; map: near it
	Parts     []string  `yaml:"parts,omitempty" json:"parts,omitempty"`           // person, child: avs, email, phone, asked beside name and birth
	MaxAge    int       `yaml:"max_age,omitempty" json:"max_age,omitempty"`       // child: full years at most; 17 where it says nothing

	Fields []Field   `yaml:"fields,omitempty" json:"fields,omitempty"` // group: what is asked of each item
	Item   i18n.Text `yaml:"item,omitempty" json:"item,omitempty"`     // group: what one is called, "Persona"; the label where it says nothing
	Add    i18n.Text `yaml:"add,omitempty" json:"add,omitempty"`       // group: the button for another, "Aggiungere una persona"

	Evidence *Evidence `yaml:"evidence,omitempty" json:"evidence,omitempty"` // file: which document is asked for
}

// Evidence is a document that a request must show (CPSV-AP: cv:Evidence).
type Evidence struct {
	Shows i18n.Text `yaml:"shows" json:"shows"`                   // what must be seen on it
	From  i18n.Text `yaml:"from,omitempty" json:"from,omitempty"` // where one gets it
}

// Option is one possible choice.
type Option struct {
	Value string    `yaml:"value" json:"value"`
	Label i18n.Text `yaml:"label" json:"label"`
	Help  i18n.Text `yaml:"help,omitempty" json:"help,omitempty"`
}

func (f *Field) option(value string) (Option, bool) {
	for _, o := range f.Options {
		if o.Value == value {
			return o, true
		}
	}
	return Option{}, false
}
