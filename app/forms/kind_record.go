package forms

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/rules"
)

// recordKind is an answer of several parts, each a small question of its own. All
// parts are answered or none; optional ones may stay empty.
type recordKind struct {
	typ   rules.Type
	words string // what the keys of "enter this part" begin with: forms.mistake.<words>_<part>
	parts func(f *Field) []part
	show  func(r Record, lang string) string
}

// part is one part of a record.
type part struct {
	name     string
	kind     Kind
	field    Field // its limits; the ID is the part's name
	optional bool
}

func textPart(name string, longest int) part {
	return part{name: name, kind: textKind{longest: longest}, field: Field{ID: name, Kind: "text", MaxLength: longest}}
}

// of is the part's field under the name of its input.
func (p part) of(f *Field) *Field {
	named := p.field
	named.ID = f.ID + "_" + p.name
	return &named
}

func (k recordKind) Type() rules.Type { return k.typ }

func (k recordKind) Read(f *Field, typed url.Values, in Setting) (any, *Mistake) {
	record, wrong := k.read(f, typed, in)
	switch {
	case wrong != nil:
		return nil, wrong
	case len(record) == 0:
		return nil, nil
	}
	return record, nil
}

// read takes the parts; what is missing counts only once something was typed.
func (k recordKind) read(f *Field, typed url.Values, in Setting) (Record, *Mistake) {
	record, missing, wrong := Record{}, []*Mistake(nil), []*Mistake(nil)
	for _, p := range k.parts(f) {
		value, m := p.kind.Read(p.of(f), typed, in)
		switch {
		case m != nil:
			wrong = append(wrong, m.in(p.name))
		case value != nil:
			record[p.name] = value
		case !p.optional:
			missing = append(missing, mistake(k.words+"_"+p.name).in(p.name))
		}
	}
	if len(record) == 0 && len(wrong) == 0 {
		return nil, nil
	}
	return record, together(append(wrong, missing...))
}

// together is the first of some mistakes with the others.
func together(all []*Mistake) *Mistake {
	if len(all) == 0 {
		return nil
	}
	out := *all[0]
	out.Also = all[1:]
	return &out
}

func (k recordKind) Write(f *Field, value any) url.Values {
	typed := url.Values{}
	for _, p := range k.parts(f) {
		if v := value.(Record)[p.name]; v != nil {
			for name, inputs := range p.kind.Write(p.of(f), v) {
				typed[name] = inputs
			}
		}
	}
	return typed
}

func (k recordKind) Decode(f *Field, data json.RawMessage) (any, error) {
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	record := Record{}
	for _, p := range k.parts(f) {
		value, given := raw[p.name]
		if !given || string(value) == "null" {
			continue
		}
		decoded, err := p.kind.Decode(&p.field, value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		record[p.name] = decoded
	}
	if len(record) == 0 {
		return nil, nil
	}
	return record, nil
}

func (k recordKind) Rule(value any) any {
	out := rules.Parts{}
	for name, v := range value.(Record) {
		switch v := v.(type) {
		case Day:
			out[name] = v.Time()
		default:
			out[name] = v
		}
	}
	return out
}

func (k recordKind) Show(_ *Field, value any, lang string) string {
	return k.show(value.(Record), lang)
}

func (k recordKind) Schema(f *Field, lang string) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, p := range k.parts(f) {
		properties[p.name] = p.kind.Schema(&p.field, lang)
		if !p.optional {
			required = append(required, p.name)
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// commas joins what is not empty.
func commas(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), ", ")
}

// extraParts are what a person may be asked beside name and birth.
var extraParts = []part{
	{name: "avs", kind: swissKind{name: "avs", parse: parseAVS, pattern: avsPattern}, field: Field{ID: "avs", Kind: "avs"}},
	{name: "email", kind: emailKind{}, field: Field{ID: "email", Kind: "email"}},
	{name: "phone", kind: phoneKind{}, field: Field{ID: "phone", Kind: "phone"}},
}

// personParts are first name, last name and day of birth, and what the field
// asks beside them.
func personParts(f *Field) []part {
	parts := []part{
		textPart("first_name", 100), textPart("last_name", 100),
		{name: "born", kind: dateKind{}, field: Field{ID: "born", Kind: "date", Earliest: "1900-01-01", Latest: "today"}},
	}
	for _, p := range extraParts {
		if slices.Contains(f.Parts, p.name) {
			parts = append(parts, p)
		}
	}
	return parts
}

func showPerson(r Record, _ string) string {
	born, _ := r["born"].(Day)
	avs := r.text("avs")
	if avs != "" {
		avs = "AVS " + avs
	}
	return commas(strings.TrimSpace(r.text("first_name")+" "+r.text("last_name")), born.String(), avs, r.text("email"), r.text("phone"))
}

// childKind is a person who is still a child. Children of the household that the
// register knows can be chosen; others are typed.
type childKind struct{ recordKind }

// suffixPick is the input that chooses a child the register knows.
const suffixPick = "_pick"

// pickOther is the choice of a child the register does not know.
const pickOther = "other"

// adulthood is the age of majority (art. 14 Civil Code).
const adulthood = 18

// maxAge is how many full years a child may have at most.
func (f *Field) maxAge() int {
	if f.MaxAge > 0 {
		return f.MaxAge
	}
	return adulthood - 1
}

// key names a child in the choice; it survives another order of the household.
func (m Minor) key() string { return m.FirstName + "|" + m.LastName + "|" + string(m.Born) }

func (k childKind) Read(f *Field, typed url.Values, in Setting) (any, *Mistake) {
	if picked := first(typed, f.ID+suffixPick); picked != "" && picked != pickOther {
		return k.picked(f, picked, typed, in)
	}
	record, wrong := k.read(f, typed, in)
	if wrong != nil {
		return nil, wrong
	}
	if len(record) == 0 {
		if first(typed, f.ID+suffixPick) == pickOther {
			return nil, mistake("person_first_name").in("first_name")
		}
		return nil, nil
	}
	if wrong := tooOld(f, record, in.Today()); wrong != nil {
		return nil, wrong
	}
	return record, nil
}

// picked is a child of the household with what the form asks beside.
func (k childKind) picked(f *Field, picked string, typed url.Values, in Setting) (any, *Mistake) {
	i := slices.IndexFunc(in.Minors, func(m Minor) bool { return m.key() == picked })
	if i < 0 {
		return nil, mistake("choice").in("pick")
	}
	minor, full := in.Minors[i], url.Values{}
	for _, p := range k.parts(f) {
		name := f.ID + "_" + p.name
		full[name] = typed[name]
		if p.name == "avs" && minor.AVS != "" {
			full[name] = []string{minor.AVS}
		}
	}
	full.Set(f.ID+"_first_name", minor.FirstName)
	full.Set(f.ID+"_last_name", minor.LastName)
	full.Set(f.ID+"_born", string(minor.Born))
	record, wrong := k.read(f, full, in)
	if wrong != nil {
		return nil, wrong
	}
	if wrong := tooOld(f, record, in.Today()); wrong != nil {
		return nil, wrong.in("pick")
	}
	return record, nil
}

func tooOld(f *Field, r Record, today time.Time) *Mistake {
	born, _ := r["born"].(Day)
	if rules.Years(born.Time(), today) > int64(f.maxAge()) {
		return mistake("child_age", "max", f.maxAge()).in("born")
	}
	return nil
}

// companyParts are a firm's name and its number in the register.
func companyParts(*Field) []part {
	return []part{
		textPart("name", 200),
		{name: "uid", kind: swissKind{name: "uid", parse: parseUID, pattern: uidPattern}, field: Field{ID: "uid", Kind: "uid"}},
	}
}

func showCompany(r Record, _ string) string { return commas(r.text("name"), r.text("uid")) }
