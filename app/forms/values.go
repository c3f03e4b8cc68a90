package forms

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Answers are what a person answered: field → value. A field that was not
// answered is absent. The Go types of values are string, int64, float64, bool,
// money.CHF, Day, Clock, Period, Place, []string, Record for answers of several
// parts and []Record for groups; files are not answers, they are kept as uploads.
// As JSON an amount is a number of centimes, a day "2026-03-14", a time "08:30".
type Answers map[string]any

// Clone copies the map; the values are never changed in place.
func (a Answers) Clone() Answers {
	out := make(Answers, len(a))
	for field, value := range a {
		out[field] = value
	}
	return out
}

// Here puts a postcode where an example says "here", also inside groups.
func (a Answers) Here(postcode string) {
	for field, value := range a {
		switch v := value.(type) {
		case Place:
			a[field] = v.here(postcode)
		case []Record:
			for _, item := range v {
				Answers(item).Here(postcode)
			}
		}
	}
}

func (p Place) here(postcode string) Place {
	if p.Postcode == "here" {
		p.Postcode = postcode
	}
	return p
}

// Record is an answer of several parts, or an item of a group: part or field →
// value of one of the types of Answers. What was not answered is absent.
type Record map[string]any

// text is a part that is a text; "" when it was not answered.
func (r Record) text(part string) string {
	s, _ := r[part].(string)
	return s
}

// Clock is a time of day, "08:30".
type Clock string

// Minutes counts from midnight; 0 if it is no time.
func (c Clock) Minutes() int64 {
	n, err := rules.ParseClock(string(c))
	if err != nil {
		return 0
	}
	return n
}

// String writes the time as 08.30.
func (c Clock) String() string { return strings.Replace(string(c), ":", ".", 1) }

// Day is a calendar day, "2026-03-14".
type Day string

// DayOf is the day of t in Zurich.
func DayOf(t time.Time) Day { return Day(t.In(i18n.Zurich).Format(time.DateOnly)) }

// Time is midnight of the day in Zurich; the zero time if it is no day.
func (d Day) Time() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), i18n.Zurich)
	if err != nil {
		return time.Time{}
	}
	return t
}

// String writes the day as 14.03.2026.
func (d Day) String() string { return i18n.Date(d.Time()) }

// Period is from one day to another, both included.
type Period struct {
	From Day `json:"from"`
	To   Day `json:"to"`
}

// Days counts the days of the period, both ends included.
func (p Period) Days() int { return int(rules.Days(p.From.Time(), p.To.Time())) }

// String writes "14.03.2026 – 16.03.2026", or the one day.
func (p Period) String() string {
	if p.From == p.To {
		return p.From.String()
	}
	return p.From.String() + " – " + p.To.String()
}

// Place is an address.
type Place struct {
	Address  string `json:"address"` // street and number, or words that find the spot
	Postcode string `json:"postcode"`
	Town     string `json:"town"`
}

// String writes "Via dell’Esempio 8, 6899 Valmora".
func (p Place) String() string {
	return strings.Trim(p.Address+", "+strings.TrimSpace(p.Postcode+" "+p.Town), ", ")
}

// Mistake is why an answer cannot be taken: the key of a sentence under
// "forms.mistake" and its placeholders.
type Mistake struct {
	Key  string
	Args []any
	Part string     // of an answer of several parts, which one; "" for the whole
	Also []*Mistake // in other parts of the same answer
}

// in says which part of an answer the mistake is about.
func (m *Mistake) in(part string) *Mistake {
	return &Mistake{Key: m.Key, Args: m.Args, Part: part}
}

func mistake(key string, args ...any) *Mistake { return &Mistake{Key: key, Args: args} }

// Setting is what reading answers needs to know beside the form.
type Setting struct {
	Rules     rules.Input    // who applies, the register, the amounts, today; its Answers are ignored
	Postcodes []string       // of the commune
	Files     map[string]int // field → how many files were uploaded
	Commune   string         // its name, for parcels
	Sections  []string       // of its land register; none where they are not known
	Extent    Extent         // of its territory
	Minors    []Minor        // who live with the applicant, from the register
}

// Extent is a box in LV95 around a commune, in metres; the zero value is
// everywhere.
type Extent struct {
	West  int `yaml:"west" json:"west"`
	South int `yaml:"south" json:"south"`
	East  int `yaml:"east" json:"east"`
	North int `yaml:"north" json:"north"`
}

// nearby is how far beyond its box a point still counts as near the commune. The
// boxes are estimates: a spot by the border must not be refused.
const nearby = 3000

func (x Extent) near(east, north int) bool {
	return x == Extent{} || east >= x.West-nearby && east <= x.East+nearby && north >= x.South-nearby && north <= x.North+nearby
}

// Minor is a child of the applicant's household, as the register knows it.
type Minor struct {
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Born      Day    `json:"born"`
	AVS       string `json:"avs,omitempty"`
}

// Today is the day on which the form is filled in.
func (in Setting) Today() time.Time { return in.Rules.Today }

// Kind is one kind of field. A new kind is one file that implements it and one
// line in kinds.
type Kind interface {
	// Type is what the answer is for the rules; "" for a kind without answer.
	Type() rules.Type
	// Read takes the answer from what was typed; nil when nothing was.
	Read(f *Field, typed url.Values, in Setting) (any, *Mistake)
	// Write is the reverse of Read: what to type to give this answer.
	Write(f *Field, value any) url.Values
	// Decode reads the answer's JSON form.
	Decode(f *Field, data json.RawMessage) (any, error)
	// Rule is the answer as the rules want it.
	Rule(value any) any
	// Show writes the answer for people in a language.
	Show(f *Field, value any, lang string) string
	// Schema is the answer's JSON Schema.
	Schema(f *Field, lang string) map[string]any
}

// The forms of numbers in JSON.
const (
	avsPattern = `^756\.\d{4}\.\d{4}\.\d{2}$`
	uidPattern = `^CHE-\d{3}\.\d{3}\.\d{3}$`
)

// kinds are all kinds of fields there are.
var kinds = map[string]Kind{
	"text":        textKind{longest: 200},
	"longtext":    textKind{longest: 4000, lines: true},
	"email":       emailKind{},
	"phone":       phoneKind{},
	"number":      numberKind{},
	"money":       moneyKind{},
	"date":        dateKind{},
	"period":      periodKind{},
	"yesno":       yesnoKind{},
	"choice":      choiceKind{},
	"many":        manyKind{},
	"place":       placeKind{},
	"file":        fileKind{},
	"info":        infoKind{},
	"declaration": declarationKind{},
	"time":        timeKind{},
	"person":      recordKind{typ: rules.Person, words: "person", parts: personParts, show: showPerson},
	"child":       childKind{recordKind{typ: rules.Person, words: "person", parts: personParts, show: showPerson}},
	"company":     recordKind{typ: rules.Company, words: "company", parts: companyParts, show: showCompany},
	"parcel":      parcelKind{recordKind{typ: rules.Parcel, words: "parcel", parts: parcelParts, show: showParcel}},
	"map":         mapKind{recordKind{typ: rules.Point, words: "map", parts: mapParts, show: showPoint}},
	"group":       groupKind{},
	"uid":         swissKind{name: "uid", parse: parseUID, pattern: uidPattern},
	"avs":         swissKind{name: "avs", parse: parseAVS, pattern: avsPattern},
	"iban":        swissKind{name: "iban", parse: parseIBAN, pattern: `^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$`},
	"plate":       swissKind{name: "plate", parse: parsePlate, pattern: `^[A-Z]{2} [1-9]\d{0,5}$`},
}

// decodeAs is Decode for a value whose JSON form is that of its Go type.
func decodeAs[T any](data json.RawMessage) (any, error) {
	var value T
	if err := json.Unmarshal(data, &value); err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	return value, nil
}

func first(typed url.Values, name string) string { return strings.TrimSpace(typed.Get(name)) }
