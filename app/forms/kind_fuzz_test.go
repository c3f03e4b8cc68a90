package forms

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// One target for each kind of field: see fuzzKind.
func FuzzKindText(f *testing.F)        { fuzzKind(f, "text") }
func FuzzKindLongText(f *testing.F)    { fuzzKind(f, "longtext") }
func FuzzKindEmail(f *testing.F)       { fuzzKind(f, "email") }
func FuzzKindPhone(f *testing.F)       { fuzzKind(f, "phone") }
func FuzzKindNumber(f *testing.F)      { fuzzKind(f, "number") }
func FuzzKindMoney(f *testing.F)       { fuzzKind(f, "money") }
func FuzzKindDate(f *testing.F)        { fuzzKind(f, "date") }
func FuzzKindTime(f *testing.F)        { fuzzKind(f, "time") }
func FuzzKindPeriod(f *testing.F)      { fuzzKind(f, "period") }
func FuzzKindYesNo(f *testing.F)       { fuzzKind(f, "yesno") }
func FuzzKindChoice(f *testing.F)      { fuzzKind(f, "choice") }
func FuzzKindMany(f *testing.F)        { fuzzKind(f, "many") }
func FuzzKindDeclaration(f *testing.F) { fuzzKind(f, "declaration") }
func FuzzKindAVS(f *testing.F)         { fuzzKind(f, "avs") }
func FuzzKindIBAN(f *testing.F)        { fuzzKind(f, "iban") }
func FuzzKindUID(f *testing.F)         { fuzzKind(f, "uid") }
func FuzzKindPlate(f *testing.F)       { fuzzKind(f, "plate") }
func FuzzKindFile(f *testing.F)        { fuzzKind(f, "file") }
func FuzzKindPlace(f *testing.F)       { fuzzKind(f, "place") }
func FuzzKindPerson(f *testing.F)      { fuzzKind(f, "person") }
func FuzzKindChild(f *testing.F)       { fuzzKind(f, "child") }
func FuzzKindCompany(f *testing.F)     { fuzzKind(f, "company") }
func FuzzKindParcel(f *testing.F)      { fuzzKind(f, "parcel") }
func FuzzKindMap(f *testing.F)         { fuzzKind(f, "map") }
func FuzzKindGroup(f *testing.F)       { fuzzKind(f, "group") }
func FuzzKindInfo(f *testing.F)        { fuzzKind(f, "info") }

// Every kind that a definition may use has a target above.
func TestEveryKindIsFuzzed(t *testing.T) {
	own, err := os.ReadFile("kind_fuzz_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for kind := range kinds {
		if !strings.Contains(string(own), `fuzzKind(f, "`+kind+`")`) {
			t.Errorf("no target for kind %s", kind)
		}
	}
}

// fuzzKind gives the fields of one kind typed texts, as one value and as parts.
// Reading never panics; what is accepted is written, read, stored and shown as
// thereAndBack asks: validated again it is the same value; and the JSON Schema that
// machines are given accepts it.
func fuzzKind(f *testing.F, kind string) {
	for _, seed := range [][4]string{
		{"Anna", "Esempi", "14.03.1987", "756.9217.0769.85"}, {"1234 a", "Alto", "", ""}, {"Via Nassa 5", "46.0037", "8.9511", ""},
		{"2717000", "1096000", "2026-11-20", "2026-11-21"}, {"CHE-100.155.212 MWST", "8h30", "+41 91 123 45 67", "a@b.example"},
		{"CH93 0076 2011 6238 5295 7", "ti 12345", "1'234.50", "true"}, {"a\x00\u200b\xff", "NaN", "1e309", "-0"}, {"0.30", "Lia|Esempi|2019-05-03", "03.05.2019", "b"},
		{"Piazza 1", "6500", "Bellinzona", "6500 Bellinzona"}, {"Esempio SA", "CHE-100.155.212", "08.30", "11.45"}, {"a", "b", "7", "10.50"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	form, in := everyKindForm(f), fullSetting()
	in.Files = map[string]int{"file": 1}
	schemas := map[string]*jsonschema.Schema{}
	for id, fl := range form.fields {
		if fl.Kind == kind && fl.kind.Type() != "" {
			schemas[id] = schemaOfField(f, fl)
		}
	}
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		for id, fl := range form.fields {
			if fl.Kind != kind {
				continue
			}
			typed := url.Values{
				id: {a, b}, id + "_from": {c}, id + "_to": {d}, id + "_address": {a}, id + "_postcode": {b}, id + "_town": {c},
				id + "_first_name": {a}, id + "_last_name": {b}, id + "_born": {c}, id + "_avs": {d}, id + "_email": {b}, id + "_phone": {c},
				id + "_pick": {b}, id + "_name": {a}, id + "_uid": {b}, id + "_number": {a}, id + "_section": {b}, id + "_words": {a}, id + "_east": {b}, id + "_north": {c},
				id + ".n": {a}, id + ".0.name": {a}, id + ".0.age": {b}, id + ".0.school": {c}, id + ".0.price": {d}, id + ".1.plate": {b}, id + ".1.name": {d},
			}
			if fl.group != nil {
				fuzzGroup(t, form, fl, typed, in, schemas[id])
				continue
			}
			for _, value := range []string{a, b, c, d} {
				typed[id] = []string{value}
				got, wrong := fl.kind.Read(fl.Field, typed, in)
				if wrong != nil || got == nil || fl.Kind == "file" {
					continue
				}
				thereAndBack(t, fl.kind, fl.Field, got, in)
				valid(t, schemas[id], fl, got)
			}
		}
	})
}

func fuzzGroup(t *testing.T, form *Form, fl *field, typed url.Values, in Setting, schema *jsonschema.Schema) {
	t.Helper()
	answers, wrong, err := form.Parse(context.Background(), fl.step, typed, Answers{}, in)
	if err != nil {
		t.Fatal(err)
	}
	items, ok := answers[fl.ID].([]Record)
	if !ok {
		return
	}
	data, err := json.Marshal(items)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := fl.decode(data); err != nil || !reflect.DeepEqual(back, answers[fl.ID]) {
		t.Errorf("%s: %#v %v", data, back, err)
	}
	if again, _, err := form.Parse(context.Background(), fl.step, fl.write(items), Answers{}, in); err != nil || !reflect.DeepEqual(again[fl.ID], answers[fl.ID]) {
		t.Errorf("%#v: written and read again: %#v %v", items, again[fl.ID], err)
	}
	if strings.TrimSpace(fl.show(items, "it")) == "" {
		t.Errorf("%#v shows nothing", items)
	}
	if len(wrong) == 0 {
		valid(t, schema, fl, items)
	}
}

// schemaOfField compiles the JSON Schema of one field's answer.
func schemaOfField(t testing.TB, fl *field) *jsonschema.Schema {
	t.Helper()
	data, err := json.Marshal(fl.schema("it"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource("https://example.example/"+fl.ID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("https://example.example/" + fl.ID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func valid(t *testing.T, schema *jsonschema.Schema, fl *field, value any) {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%s: accepted, and its schema refuses %s: %v", fl.Kind, data, err)
	}
}
