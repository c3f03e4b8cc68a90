package forms

import (
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/tenants"
)

const groundForm = `
steps:
  - id: where
    title: Dove
    fields:
      - {id: place, kind: place, label: Luogo, required: true, in_commune: true}
      - {id: purpose, kind: choice, label: Scopo, required: true, options: [{value: move, label: {it: Trasloco, de: Umzug}}, {value: skip, label: Benna}]}
      - {id: plate, kind: plate, label: Targa, visible_if: "answers.purpose == 'move'", required: true}
      - {id: stalls, kind: number, label: Stalli, min: 0, max: 10}
  - id: when
    title: Quando
    fields:
      - {id: days, kind: period, label: Giorni, required: true, earliest: today, max: 30}
      - {id: area, kind: number, label: Superficie, required: true, decimals: 1, min: 1, max: 500, unit: m²}
  - id: skip_details
    title: Benna
    visible_if: answers.purpose == 'skip' && answers.area > 10.0
    fields:
      - {id: firm, kind: text, label: Ditta, required: true, max_length: 40}
      - {id: sketch, kind: file, label: Schizzo, required: true, max_files: 2}
      - {id: note, kind: info, label: Attenzione}
      - {id: truth, kind: declaration, label: Confermo, required: true}
`

func compileText(t testing.TB, text string) (*Form, error) {
	t.Helper()
	var def Definition
	if err := yaml.UnmarshalWithOptions([]byte(text), &def, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	engine, err := rules.NewEngine(rules.NoHolidays{})
	if err != nil {
		t.Fatal(err)
	}
	scope, err := engine.Scope(rules.Names{Answers: def.Names(), Groups: def.Groups()})
	if err != nil {
		t.Fatal(err)
	}
	return Compile(def, scope)
}

func testForm(t testing.TB) *Form {
	t.Helper()
	form, err := compileText(t, groundForm)
	if err != nil {
		t.Fatal(err)
	}
	return form
}

func italian(t testing.TB) context.Context {
	t.Helper()
	bundle, err := i18n.Load(tenants.FS, "shared/texts")
	if err != nil {
		t.Fatal(err)
	}
	return i18n.WithLang(context.Background(), bundle, "it")
}

func testSetting() Setting {
	return Setting{
		Rules:     rules.Input{Today: time.Date(2026, 11, 20, 9, 0, 0, 0, i18n.Zurich)},
		Postcodes: []string{"6500", "6512"},
	}
}

func whereTyped() url.Values {
	return url.Values{
		"place_address": {"Viale  dell’Esempio 3 "}, "place_postcode": {"6500"}, "place_town": {"Bellinzona"},
		"purpose": {"move"}, "plate": {"ti 12345"}, "stalls": {"2"},
	}
}

func TestFormFromFirstStepToLast(t *testing.T) {
	form, in, ctx := testForm(t), testSetting(), italian(t)
	answers, wrong, err := form.Parse(ctx, "where", whereTyped(), Answers{}, in)
	if err != nil || wrong != nil {
		t.Fatal(wrong, err)
	}
	if answers["plate"] != "TI 12345" || answers["stalls"] != int64(2) || answers["place"].(Place).Postcode != "6500" {
		t.Errorf("%#v", answers)
	}
	answers, wrong, err = form.Parse(ctx, "when", url.Values{"days_from": {"24.11.2026"}, "days_to": {"2026-11-26"}, "area": {"12,5"}}, answers, in)
	if err != nil || wrong != nil {
		t.Fatal(wrong, err)
	}
	if answers["days"] != (Period{"2026-11-24", "2026-11-26"}) || answers["area"] != 12.5 {
		t.Errorf("%#v", answers)
	}
	pages, err := form.Pages(ctx, answers, in)
	if err != nil || len(pages) != 2 || !pages[0].Done || len(pages[0].Fields) != 4 {
		t.Fatalf("%+v %v", pages, err)
	}

	// Another purpose: the plate no longer applies and is forgotten, a third
	// step appears.
	again := whereTyped()
	again.Set("purpose", "skip")
	if answers, wrong, err = form.Parse(ctx, "where", again, answers, in); err != nil || wrong != nil {
		t.Fatal(wrong, err)
	}
	if _, kept := answers["plate"]; kept {
		t.Error("the answer of a hidden field was kept")
	}
	if _, wrong, err = form.Check(ctx, answers, in); err != nil || len(wrong) != 3 {
		t.Fatalf("firm, sketch and truth are missing: %v %v", wrong, err)
	}
	if got := wrong[1].Message(ctx); got != "Alleghi: Schizzo" {
		t.Error(got)
	}
	in.Files = map[string]int{"sketch": 1}
	if answers, wrong, err = form.Parse(ctx, "skip_details", url.Values{"firm": {"Esempio SA"}, "truth": {"true"}}, answers, in); err != nil || wrong != nil {
		t.Fatal(wrong, err)
	}
	if _, wrong, err = form.Check(ctx, answers, in); err != nil || wrong != nil {
		t.Fatal(wrong, err)
	}

	data, err := json.Marshal(answers)
	if err != nil {
		t.Fatal(err)
	}
	back, err := form.Decode(data)
	if err != nil || !reflect.DeepEqual(back, answers) {
		t.Errorf("through JSON: %#v\nwas %#v\n%v", back, answers, err)
	}
	sections, err := form.Review(ctx, answers, map[string][]string{"sketch": {"schizzo.pdf"}}, in)
	if err != nil || len(sections) != 3 || sections[1].Rows[1].Value != "12.5 m²" || sections[2].Rows[1].Files[0] != "schizzo.pdf" || len(sections[2].Rows) != 3 {
		t.Errorf("%+v %v", sections, err)
	}
	if spot := form.RuleAnswers(answers, in.Files); spot["sketch"] != int64(1) || spot["place"].(rules.Spot).Town != "Bellinzona" {
		t.Errorf("%v", spot)
	}
	if typed := form.Typed(answers); typed.Get("days_to") != "2026-11-26" || typed.Get("area") != "12.5" {
		t.Errorf("%v", typed)
	}
}

func TestEveryMistakeIsTold(t *testing.T) {
	form, in, ctx := testForm(t), testSetting(), italian(t)
	typed := url.Values{"place_address": {"Via dell’Esempio"}, "place_postcode": {"6900"}, "place_town": {"Lugano"}, "purpose": {"move"}, "stalls": {"2.5"}}
	before := Answers{"area": 3.0}
	answers, wrong, err := form.Parse(ctx, "where", typed, before, in)
	if err != nil || !reflect.DeepEqual(answers, Answers{"area": 3.0, "purpose": "move"}) {
		t.Fatalf("what is right is kept: %v %v", answers, err)
	}
	want := []string{"Il NPA 6900 non è del nostro Comune", "Inserisca la targa", "Stalli: inserisca un numero intero"}
	for i, m := range wrong {
		if got := m.Message(ctx); got != want[i] {
			t.Errorf("%q, want %q", got, want[i])
		}
	}
	if len(wrong) != len(want) {
		t.Errorf("%d mistakes", len(wrong))
	}
}

func TestKinds(t *testing.T) {
	in, two := testSetting(), 2.0
	for _, c := range []struct {
		field Field
		typed string
		want  any // a string that begins with ! is the mistake
	}{
		{Field{Kind: "text"}, " a\u200bb\x00\tc ", "ab c"},
		{Field{Kind: "text", MaxLength: 3}, "èèèè", "!too_long"},
		{Field{Kind: "text", MinLength: 3}, "ab", "!too_short"},
		{Field{Kind: "text", Pattern: `\d{15}`}, "75609810012345", "!format"},
		{Field{Kind: "text", Pattern: `\d{15}`}, "756098100123456", "756098100123456"},
		{Field{Kind: "longtext"}, "a\r\nb", "a\nb"},
		{Field{Kind: "email"}, "anna@lugano.example", "anna@lugano.example"},
		{Field{Kind: "email"}, "Anna <anna@lugano.example>", "!email"},
		{Field{Kind: "email"}, "anna@lugano", "!email"},
		{Field{Kind: "phone"}, "091 123 45 67", "+41 91 123 45 67"},
		{Field{Kind: "phone"}, "0041 (0)91/123.45.67", "+41 91 123 45 67"},
		{Field{Kind: "phone"}, "+39 02 1234567", "+39021234567"},
		{Field{Kind: "phone"}, "+41 91 123", "!phone"},
		{Field{Kind: "number"}, "1'234", int64(1234)},
		{Field{Kind: "number"}, "0x10", "!number"},
		{Field{Kind: "number"}, "1e3", "!number"},
		{Field{Kind: "number", Decimals: 1}, "2.25", "!decimals"},
		{Field{Kind: "number", Decimals: 1}, "2.50", 2.5},
		{Field{Kind: "number", Max: &two}, "3", "!at_most"},
		{Field{Kind: "money"}, "1'234.5", money.CHF(123450)},
		{Field{Kind: "money", Min: &two}, "1.99", "!at_least"},
		{Field{Kind: "date"}, "1.8.2026", Day("2026-08-01")},
		{Field{Kind: "date"}, "31.02.2026", "!date"},
		{Field{Kind: "date", Latest: "today"}, "21.11.2026", "!not_after"},
		{Field{Kind: "date", Earliest: "today-8"}, "11.11.2026", "!not_before"},
		{Field{Kind: "date", Earliest: "today-8"}, "12.11.2026", Day("2026-11-12")},
		{Field{Kind: "yesno"}, "false", false},
		{Field{Kind: "yesno"}, "maybe", "!choice"},
		{Field{Kind: "declaration"}, "false", nil},
		{Field{Kind: "choice", Options: []Option{{Value: "a"}}}, "b", "!choice"},
		{Field{Kind: "avs"}, "7569217076985", "756.9217.0769.85"},
		{Field{Kind: "avs"}, "756.9217.0769.84", "!avs"},
		{Field{Kind: "iban"}, "ch93 0076 2011 6238 5295 7", "CH9300762011623852957"},
		{Field{Kind: "iban"}, "CH93 0076 2011 6238 5295 8", "!iban"},
		{Field{Kind: "plate"}, "XX 12", "!plate"},
		{Field{Kind: "text"}, "  ", nil},
	} {
		c.field.ID = "x"
		kind := kinds[c.field.Kind]
		got, wrong := kind.Read(&c.field, url.Values{"x": {c.typed}}, in)
		if wrong != nil {
			got = "!" + wrong.Key
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s %q: %#v, want %#v", c.field.Kind, c.typed, got, c.want)
		}
		if wrong == nil && got != nil {
			if again, m := kind.Read(&c.field, kind.Write(&c.field, got), in); m != nil || !reflect.DeepEqual(again, got) {
				t.Errorf("%s %q: written and read again: %#v %v", c.field.Kind, c.typed, again, m)
			}
		}
	}
	many := Field{ID: "x", Kind: "many", Options: []Option{{Value: "a"}, {Value: "b"}}, Max: &two}
	if got, _ := (manyKind{}).Read(&many, url.Values{"x": {"b", "a", "b"}}, in); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("%v", got)
	}
}

func TestCompileRefuses(t *testing.T) {
	for name, c := range map[string]struct{ form, want string }{
		"later":     {"steps: [{id: a, title: A, fields: [{id: x, kind: text, label: X, visible_if: answers.y == ''}, {id: y, kind: text, label: Y}]}]", "asked later"},
		"itself":    {"steps: [{id: a, title: A, fields: [{id: x, kind: text, label: X, visible_if: answers.x == ''}]}]", "asked later"},
		"kind":      {"steps: [{id: a, title: A, fields: [{id: x, kind: wish, label: X}]}]", `unknown kind "wish"`},
		"twice":     {"steps: [{id: a, title: A, fields: [{id: x, kind: text, label: X}, {id: x, kind: text, label: X}]}]", "two of them"},
		"label":     {"steps: [{id: a, title: A, fields: [{id: x, kind: text, label: {de: X}}]}]", "no Italian label"},
		"limit":     {"steps: [{id: a, title: A, fields: [{id: x, kind: text, label: X, min: 3}]}]", "has no min"},
		"options":   {"steps: [{id: a, title: A, fields: [{id: x, kind: choice, label: X}]}]", "0 options"},
		"day":       {"steps: [{id: a, title: A, fields: [{id: x, kind: date, label: X, earliest: tomorrow}]}]", "today+8"},
		"empty":     {"steps: []", "0 steps"},
		"condition": {"steps: [{id: a, title: A, fields: [{id: x, kind: text, label: X, visible_if: 3 > nothing}]}]", "undeclared reference"},
		"review":    {"steps: [{id: riepilogo, title: A, fields: [{id: x, kind: text, label: X}]}]", "identifier"},
	} {
		if _, err := compileText(t, c.form); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPrefill(t *testing.T) {
	form, err := compileText(t, `
steps:
  - id: a
    title: A
    fields:
      - {id: mail, kind: email, label: E-mail, prefill: applicant.email}
      - {id: home, kind: place, label: Indirizzo, prefill: register.address}
      - {id: line, kind: text, label: Indirizzo, prefill: register.address}
      - {id: avs, kind: avs, label: AVS, prefill: register.avs}
`)
	if err != nil {
		t.Fatal(err)
	}
	home := Place{"Via dell’Esempio 1", "6500", "Bellinzona"}
	got := form.Prefill(Answers{"mail": "mine@bellinzona.example"}, Known{
		"applicant.email": "other@bellinzona.example", "register.address": home, "register.avs": "not a number",
	}, testSetting())
	want := Answers{"mail": "mine@bellinzona.example", "home": home, "line": "Via dell’Esempio 1, 6500 Bellinzona"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%#v", got)
	}
}

func TestSchema(t *testing.T) {
	schema := testForm(t).Schema("https://bellinzona.example/schema", "Suolo", "de")
	data, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"required":["place","purpose","days","area"]`, `"maximum":500`, `"$comment":"asked if: answers.purpose == 'move'"`, `"type":"integer"`} {
		if !strings.Contains(string(data), want) {
			t.Errorf("no %s in %s", want, data)
		}
	}
}

func TestEveryMistakeHasWords(t *testing.T) {
	bundle, err := i18n.Load(tenants.FS, "shared/texts")
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range i18n.Languages {
		for _, key := range bundle.Missing(lang) {
			if strings.HasPrefix(key, "forms.") {
				t.Errorf("%s lacks %s", lang, key)
			}
		}
	}
}

// hundred is a form of a hundred fields, each depending on the one before.
func hundred(t testing.TB) (*Form, url.Values) {
	var b strings.Builder
	b.WriteString("steps:\n  - id: a\n    title: A\n    fields:\n      - {id: x0, kind: number, label: X}\n")
	typed := url.Values{"x0": {"1"}}
	for i := 1; i < 100; i++ {
		n, before := itoa(i), itoa(i-1)
		b.WriteString("      - {id: x" + n + ", kind: number, label: X, required: true, visible_if: answers.x" + before + " > 0}\n")
		typed.Set("x"+n, "1")
	}
	form, err := compileText(t, b.String())
	if err != nil {
		t.Fatal(err)
	}
	return form, typed
}

func itoa(i int) string { return plainNumber(float64(i)) }

func TestHundredFieldsUnderTwentyMilliseconds(t *testing.T) {
	form, typed := hundred(t)
	started := time.Now()
	answers, wrong, err := form.Parse(context.Background(), "a", typed, Answers{}, testSetting())
	if took := time.Since(started); err != nil || wrong != nil || len(answers) != 100 || took > 20*time.Millisecond {
		t.Errorf("%d answers in %s, %v %v", len(answers), took, wrong, err)
	}
}

func FuzzParse(f *testing.F) {
	form := testForm(f)
	f.Add("6500", "move", "TI 1", "2026-11-24", "12.5")
	f.Fuzz(func(t *testing.T, postcode, purpose, plate, day, area string) {
		typed := whereTyped()
		typed.Set("place_postcode", postcode)
		typed.Set("purpose", purpose)
		typed.Set("plate", plate)
		answers, wrong, err := form.Parse(context.Background(), "where", typed, Answers{}, testSetting())
		if err != nil {
			t.Fatal(err)
		}
		answers, more, err := form.Parse(context.Background(), "when", url.Values{"days_from": {day}, "days_to": {day}, "area": {area}}, answers, testSetting())
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(answers)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := form.Decode(data); err != nil || (len(wrong)+len(more) == 0 && !reflect.DeepEqual(back, answers)) {
			t.Fatalf("%v: %v, was %v", err, back, answers)
		}
	})
}
