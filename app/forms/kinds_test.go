package forms

import (
	_ "embed"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/rules"
)

// everyKind is a form that has every kind of field there is.
//
//go:embed testdata/every_kind.yaml
var everyKind string

func TestTheFormHasEveryKind(t *testing.T) {
	for kind := range kinds {
		if !strings.Contains(everyKind, "kind: "+kind+",") && !strings.Contains(everyKind, "kind: "+kind+"\n") {
			t.Errorf("no field of kind %s", kind)
		}
	}
}

func everyKindForm(t testing.TB) *Form {
	t.Helper()
	form, err := compileText(t, everyKind)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func fullSetting() Setting {
	in := testSetting()
	in.Commune, in.Sections = "Esempio", []string{"Alto", "Basso"}
	in.Extent = Extent{West: 2711000, South: 1088000, East: 2731000, North: 1109000}
	in.Minors = []Minor{{FirstName: "Lia", LastName: "Esempi", Born: "2019-05-03", AVS: "756.9217.0769.85"}, {FirstName: "Max", LastName: "Esempi", Born: "2009-01-02"}}
	return in
}

func TestKindsOfSeveralParts(t *testing.T) {
	in := fullSetting()
	minor := in.Minors[0].key()
	for _, c := range []struct {
		field Field
		typed string // x_first_name=…&…
		want  any    // a string that begins with ! are the mistakes, with their parts
	}{
		{Field{Kind: "time"}, "x=8:30", Clock("08:30")},
		{Field{Kind: "time"}, "x=0830", Clock("08:30")},
		{Field{Kind: "time"}, "x=25.00", "!time"},
		{Field{Kind: "time", Earliest: "08.00"}, "x=7.59", "!time_not_before"},
		{Field{Kind: "time", Latest: "08.00"}, "x=8.01", "!time_not_after"},
		{Field{Kind: "uid"}, "x=che100155212 mwst", "CHE-100.155.212"},
		{Field{Kind: "uid"}, "x=CHE-100.155.213", "!uid"},
		{Field{Kind: "person"}, "x_first_name=Anna&x_last_name=Esempi&x_born=14.3.1987", Record{"first_name": "Anna", "last_name": "Esempi", "born": Day("1987-03-14")}},
		{Field{Kind: "person"}, "x_first_name=+&x_born=", nil},
		{Field{Kind: "person"}, "x_first_name=Anna", "!person_last_name:last_name person_born:born"},
		{Field{Kind: "person"}, "x_first_name=Anna&x_last_name=E&x_born=14.3.2087", "!not_after:born"},
		{Field{Kind: "person", Parts: []string{"avs", "phone"}}, "x_first_name=Anna&x_last_name=E&x_born=14.3.1987&x_avs=756.9217.0769.84&x_phone=091 123 45 67", "!avs:avs"},
		{Field{Kind: "child"}, "x_first_name=Lia&x_last_name=E&x_born=20.11.2008", "!child_age:born"},
		{Field{Kind: "child"}, "x_first_name=Lia&x_last_name=E&x_born=21.11.2008", Record{"first_name": "Lia", "last_name": "E", "born": Day("2008-11-21")}},
		{Field{Kind: "child", MaxAge: 6}, "x_pick=" + minor, "!child_age:pick"},
		{Field{Kind: "child", Parts: []string{"avs"}}, "x_pick=" + minor, Record{"first_name": "Lia", "last_name": "Esempi", "born": Day("2019-05-03"), "avs": "756.9217.0769.85"}},
		{Field{Kind: "child"}, "x_pick=Eve|Esempi|2019-05-03", "!choice:pick"},
		{Field{Kind: "child"}, "x_pick=other", "!person_first_name:first_name"},
		{Field{Kind: "company"}, "x_name=Esempio SA&x_uid=CHE 100.155.212 IVA", Record{"name": "Esempio SA", "uid": "CHE-100.155.212"}},
		{Field{Kind: "company"}, "x_name=Esempio SA", "!company_uid:uid"},
		{Field{Kind: "parcel"}, "x_number=1234 a&x_section=Alto", Record{"number": "1234A", "section": "Alto", "commune": "Esempio"}},
		{Field{Kind: "parcel"}, "x_number=12b4&x_section=Nord", "!parcel_number:number parcel_section:section"},
		{Field{Kind: "parcel"}, "x_section=Alto", "!parcel_number:number"},
		{Field{Kind: "map"}, "x_words=Via Nassa 5", Record{"words": "Via Nassa 5"}},
		{Field{Kind: "map"}, "x_east=2'717'000&x_north=1'096'000", Record{"east": int64(2717000), "north": int64(1096000)}},
		{Field{Kind: "map"}, "x_east=46.0037&x_north=8.9511", Record{"east": int64(2717161), "north": int64(1095811)}},
		{Field{Kind: "map"}, "x_east=2717000", "!map_north:north"},
		{Field{Kind: "map"}, "x_east=0x10&x_north=1", "!map_number:east"},
		{Field{Kind: "map"}, "x_east=9.19&x_north=45.46", "!map_abroad:east"},
		{Field{Kind: "map", InCommune: true}, "x_east=2600000&x_north=1200000", "!map_commune:east"},
		{Field{Kind: "map", InCommune: true}, "x_east=2710001&x_north=1109999", Record{"east": int64(2710001), "north": int64(1109999)}},
	} {
		c.field.ID = "x"
		typed := url.Values{}
		for _, pair := range strings.Split(c.typed, "&") {
			name, value, _ := strings.Cut(pair, "=")
			typed.Set(name, strings.ReplaceAll(value, "+", " "))
		}
		kind := kinds[c.field.Kind]
		got, wrong := kind.Read(&c.field, typed, in)
		if wrong != nil {
			var told []string
			for _, m := range append([]*Mistake{wrong}, wrong.Also...) {
				told = append(told, strings.TrimSuffix(m.Key+":"+m.Part, ":"))
			}
			got = "!" + strings.Join(told, " ")
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %q: %#v, want %#v", c.field.Kind, c.typed, got, c.want)
		}
		if wrong == nil && got != nil {
			thereAndBack(t, kind, &c.field, got, in)
		}
	}
	for _, c := range []struct {
		kind, lang string
		value      Record
		want       string
	}{
		{"parcel", "it", Record{"number": "1234", "commune": "Esempio", "section": "Alto"}, "mappale n. 1234 RFD Esempio, sezione Alto"},
		{"parcel", "de", Record{"number": "1234"}, "Grundstück Nr. 1234"},
		{"map", "it", Record{"words": "davanti al 5", "east": int64(2717000), "north": int64(1096000)}, "davanti al 5, 2'717'000 / 1'096'000"},
		{"person", "it", Record{"first_name": "Anna", "last_name": "Esempi", "born": Day("1987-03-14"), "avs": "756.9217.0769.85"}, "Anna Esempi, 14.03.1987, AVS 756.9217.0769.85"},
		{"company", "fr", Record{"name": "Esempio SA", "uid": "CHE-100.155.212"}, "Esempio SA, CHE-100.155.212"},
	} {
		if got := kinds[c.kind].Show(&Field{}, c.value, c.lang); got != c.want {
			t.Errorf("%s %s: %q", c.kind, c.lang, got)
		}
	}
}

// thereAndBack holds a value to what every kind promises: written and read again
// it is the same, through JSON too, and it can be shown.
func thereAndBack(t *testing.T, kind Kind, f *Field, value any, in Setting) {
	t.Helper()
	if again, m := kind.Read(f, kind.Write(f, value), in); m != nil || !reflect.DeepEqual(again, value) {
		t.Errorf("%s %#v: written and read again: %#v %v", f.Kind, value, again, m)
	}
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := kind.Decode(f, data); err != nil || !reflect.DeepEqual(again, value) {
		t.Errorf("%s %s: through JSON: %#v %v", f.Kind, data, again, err)
	}
	for _, lang := range []string{"it", "de", "fr", "en", "rm"} {
		if kind.Type() != rules.Files && strings.TrimSpace(kind.Show(f, value, lang)) == "" {
			t.Errorf("%s %#v: shows nothing in %s", f.Kind, value, lang)
		}
	}
}

func TestGroupFromPageToRules(t *testing.T) {
	form, in, ctx := everyKindForm(t), fullSetting(), italian(t)
	typed := url.Values{
		"people.n": {"3"}, "people.0.name": {"Lia"}, "people.0.age": {"7"}, "people.0.price": {"10.50"}, "people.0.school": {"Molino"},
		"people.1.name": {""}, "people.2.name": {"Max"}, "people.2.age": {"19"}, "people.2.plate": {"ti 12"},
	}
	answers, wrong, err := form.Parse(ctx, "group", typed, Answers{}, in)
	if err != nil || wrong != nil {
		t.Fatal(wrong, err)
	}
	want := []Record{{"name": "Lia", "age": int64(7), "price": answers["people"].([]Record)[0]["price"], "school": "Molino"}, {"name": "Max", "age": int64(19), "plate": "TI 12"}}
	if !reflect.DeepEqual(answers["people"], want) {
		t.Fatalf("an item left empty is dropped: %#v", answers["people"])
	}
	pages, err := form.Pages(ctx, answers, in)
	if err != nil {
		t.Fatal(err)
	}
	names := pages[2].Names()
	if !slices.Contains(names, "people.0.school") || slices.Contains(names, "people.1.school") || !slices.Contains(names, "consent") || slices.Contains(names, "people.0.child") || !pages[2].Done {
		t.Errorf("%v", names)
	}
	data, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := form.Decode(data); err != nil || !reflect.DeepEqual(back, answers) {
		t.Errorf("through JSON: %#v %v", back, err)
	}
	if _, wrong, err := form.Check(ctx, answers, in); err != nil || wrong != nil {
		t.Error(wrong, err)
	}
	sections, err := form.Review(ctx, answers, nil, in)
	if err != nil || sections[2].Rows[0].Value != "1. Nome: Lia; Età: 7; Scuola: Molino; Importo: CHF 10.50\n2. Nome: Max; Età: 19; Targa: TI 12" {
		t.Errorf("%q %v", sections[2].Rows[0].Value, err)
	}
	items := form.RuleAnswers(answers, nil)["people"].([]rules.Item)
	if len(items) != 2 || items[0]["age"] != int64(7) {
		t.Errorf("%v", items)
	}
	if got := form.Salvage([]byte(`{"people": [{"name": "Lia", "age": "seven", "gone": 1}]}`)); !reflect.DeepEqual(got["people"], []Record{{"name": "Lia"}}) {
		t.Errorf("salvaged: %#v", got)
	}

	// The grown-up needs no school any more; its answer is forgotten.
	typed.Set("people.0.age", "30")
	if answers, wrong, err = form.Parse(ctx, "group", typed, answers, in); err != nil || wrong != nil {
		t.Fatal(wrong, err)
	}
	if _, kept := answers["people"].([]Record)[0]["school"]; kept {
		t.Error("the answer of a hidden field in an item was kept")
	}
}

func TestMistakesInsideItems(t *testing.T) {
	form, in, ctx := everyKindForm(t), fullSetting(), italian(t)
	for _, c := range []struct {
		typed url.Values
		want  []string // path and sentence
	}{
		{url.Values{}, []string{"people: Aggiunga almeno una voce: Persone"}},
		{url.Values{"people.n": {"1"}}, []string{"people.name: Persona 1: Inserisca: Nome"}},
		{url.Values{"people.n": {"2"}, "people.0.name": {"Lia"}, "people.1.age": {"200"}}, []string{"people.name: Persona 2: Inserisca: Nome", "people.age: Persona 2: Età: inserisca un valore da 0 a 120"}},
		{url.Values{"people.n": {"1"}, "people.0.name": {"Lia"}, "people.0.age": {"7"}}, []string{"people.school: Persona 1: Inserisca: Scuola"}},
		{url.Values{"people.0.name": {"A"}, "people.1.name": {"B"}, "people.2.name": {"C"}, "people.3.name": {"D"}}, []string{"people: Persone: al massimo 3 voci. Ne ha indicate 4."}},
		{url.Values{"people.n": {"999999999"}, "people.0.name": {"A"}}, nil},
		{url.Values{"people.n": {"-1"}, "people.0.name": {"A"}, "people.99999.name": {"B"}, "people.x.name": {"C"}, "people.": {"D"}}, nil},
	} {
		answers, wrong, err := form.Parse(ctx, "group", c.typed, Answers{}, in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range wrong {
			got = append(got, m.Path()+": "+m.Message(ctx))
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %q, want %q", c.typed, got, c.want)
		}
		if name := c.typed.Get("people.0.name"); name != "" && answers["people"].([]Record)[0]["name"] != name {
			t.Errorf("%v: what is right is kept: %v", c.typed, answers)
		}
	}
}

func TestItemsAreAddedAndDropped(t *testing.T) {
	form := everyKindForm(t)
	inputs := url.Values{"people.n": {"2"}, "people.0.name": {"Lia"}, "people.1.name": {"Max"}, "people.1.child_born": {"31.31.31"}}
	if at, done := form.arrange("group", url.Values{"add": {"people"}}, inputs); !done || at != "f-people-2" || inputs.Get("people.n") != "3" {
		t.Errorf("%s %v", at, inputs)
	}
	if at, done := form.arrange("group", url.Values{"add": {"people"}}, inputs); !done || at != "f-people-2" || inputs.Get("people.n") != "3" {
		t.Errorf("more than the most: %s %v", at, inputs)
	}
	if at, done := form.arrange("group", url.Values{"drop": {"people.0"}}, inputs); !done || at != "f-people" {
		t.Error(at, done)
	}
	if want := (url.Values{"people.n": {"2"}, "people.0.name": {"Max"}, "people.0.child_born": {"31.31.31"}}); !reflect.DeepEqual(inputs, want) {
		t.Errorf("%v", inputs)
	}
	for _, hostile := range []url.Values{{"drop": {"people.-1"}}, {"drop": {"people"}}, {"drop": {"text.0"}}, {"add": {"text"}}, {"add": {"none"}}, {}} {
		if _, done := form.arrange("group", hostile, inputs); done {
			t.Errorf("%v was done", hostile)
		}
	}
	if _, done := form.arrange("simple", url.Values{"add": {"people"}}, inputs); done {
		t.Error("a group of another step was changed")
	}
	if got := form.inputsOf("group", url.Values{"people.0.name": {"a"}, "_shown": {"b"}, "text": {"c"}, "peoples": {"d"}, "consent": {"e"}}); !reflect.DeepEqual(got, url.Values{"people.0.name": {"a"}, "consent": {"e"}}) {
		t.Errorf("%v", got)
	}
}

func TestCompileRefusesInGroups(t *testing.T) {
	group := func(rest string) string {
		return "steps: [{id: a, title: A, fields: [{id: g, kind: group, label: G, " + rest + "}]}]"
	}
	for name, c := range map[string]struct{ form, want string }{
		"no fields":      {group("max: 3"), "a group needs fields"},
		"group in group": {group("fields: [{id: h, kind: group, label: H, fields: [{id: x, kind: text, label: X}]}]"), "a group cannot stand in a group"},
		"file in group":  {group("fields: [{id: x, kind: file, label: X}]"), "a file cannot stand in a group: ask for it beside the group"},
		"prefill":        {group("fields: [{id: x, kind: text, label: X, prefill: register.name}]"), "no prefill in a group"},
		"later item":     {group("fields: [{id: x, kind: text, label: X, visible_if: item.y == ''}, {id: y, kind: text, label: Y}]"), `"y", which is asked later`},
		"itself":         {group("fields: [{id: x, kind: text, label: X, visible_if: item.x == ''}]"), "asked later"},
		"its own group":  {group("fields: [{id: x, kind: text, label: X, visible_if: answers.g.size() > 0}]"), `"g", which is asked later`},
		"unknown item":   {group("fields: [{id: x, kind: text, label: X, visible_if: item.z == ''}]"), "undeclared reference"},
		"twice":          {group("fields: [{id: x, kind: text, label: X}, {id: x, kind: text, label: X}]"), "two of them"},
		"too many":       {group("max: 51, fields: [{id: x, kind: text, label: X}]"), "at most 50 items"},
		"label":          {group("fields: [{id: x, kind: text, label: {de: X}}]"), "field g.x: no Italian label"},
		"item outside":   {"steps: [{id: a, title: A, fields: [{id: x, kind: text, label: X, visible_if: item.y == ''}]}]", "undeclared reference"},
		"fields":         {"steps: [{id: a, title: A, fields: [{id: x, kind: text, label: X, fields: [{id: y, kind: text, label: Y}]}]}]", "has no fields"},
		"part":           {"steps: [{id: a, title: A, fields: [{id: x, kind: person, label: X, parts: [shoe]}]}]", `part "shoe" is unknown`},
		"age":            {"steps: [{id: a, title: A, fields: [{id: x, kind: person, label: X, max_age: 12}]}]", "has no max_age"},
		"clock":          {"steps: [{id: a, title: A, fields: [{id: x, kind: time, label: X, earliest: today}]}]", "a time like 08.30"},
	} {
		if _, err := compileText(t, c.form); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaOfEveryKind(t *testing.T) {
	form := everyKindForm(t)
	schema := form.Schema("https://bellinzona.example/schema", "Tutto", "it")
	properties := schema["properties"].(map[string]any)
	for id, fl := range form.fields {
		if _, described := properties[id]; described != (fl.kind.Type() != "") {
			t.Errorf("%s described: %t", id, described)
		}
	}
	data, err := json.Marshal(properties["people"])
	if err != nil || !strings.Contains(string(data), `"maxItems":3,"minItems":1`) || !strings.Contains(string(data), `"required":["name"]`) {
		t.Errorf("%s %v", data, err)
	}
}
