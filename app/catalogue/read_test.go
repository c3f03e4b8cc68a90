package catalogue

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/rules"
)

func minimal(extra string) string {
	return `id: prova
version: 1
category: certificati
kind: smart
title: Prova
summary: Una prova
audience: [citizen]
office: cancelleria
level: 1
who: Tutti
term: {working_days: 1}
output: {kind: receipt, title: Ricevuta, summary: Una ricevuta}
legal_basis: [LOC]
form: {steps: [{id: a, title: A, fields: [{id: x, kind: number, label: X}]}]}
fee: {}
examples: [{name: e, today: 2026-01-01, applicant: {level: 1}, answers: {}, expect: {}}]
` + extra
}

func TestReadRefusesWithFileAndLine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":    {minimal("colour: red\n"), "prova.yaml:17: unknown field \"colour\""},
		"unknown nested": {strings.Replace(minimal(""), "level: 1\nwho", "level: 1\nwho_list: {a: 1}\nwho", 1), "prova.yaml:"},
		"wrong type":     {strings.Replace(minimal(""), "version: 1", "version: uno", 1), "prova.yaml:2:"},
		"amount":         {strings.Replace(minimal(""), "fee: {}", "fee: {amounts: {a: {chf: 1.234}}}", 1), "1.234"},
		"language":       {strings.Replace(minimal(""), "title: Prova", "title: {rm: Emprova}", 1), "no language \"rm\""},
		"twice":          {minimal("level: 2\n"), "prova.yaml:"},
		"alias":          {minimal("keywords: &a [x]\nlife_events: *a\n"), "aliases are not allowed"},
		"syntax":         {minimal("keywords: [x\n"), "prova.yaml:"},
	} {
		if _, err := ReadDefinition("prova.yaml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostileFilesAreRefusedAtOnce(t *testing.T) {
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		laughs += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	var steps strings.Builder
	for i := range 3000 {
		steps.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	for name, text := range map[string]string{
		"ten megabytes":  minimal(strings.Repeat("# "+strings.Repeat("x", 1000)+"\n", 10_000)),
		"billion laughs": minimal(laughs),
		"deep brackets":  minimal("keywords: " + strings.Repeat("[", 100_000)),
		"deep indents":   steps.String(),
	} {
		started := time.Now()
		if _, err := ReadDefinition("x.yaml", []byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if took := time.Since(started); took > 100*time.Millisecond {
			t.Errorf("%s: refused only after %s", name, took)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	engine, err := rules.NewEngine(rules.NoHolidays{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"category":   {"category: certificati", "category: altro", `category "altro"`},
		"no Italian": {"title: Prova", "title: {de: Probe}", "title has no Italian"},
		"no example": {"examples: [{name: e, today: 2026-01-01, applicant: {level: 1}, answers: {}, expect: {}}]", "", "no example"},
		"price":      {"fee: {}", "fee: {lines: [{id: l, label: L, amount: '100'}]}", "price shown"},
		"card":       {"fee: {}", "fee: {lines: [{id: l, label: L, amount: '100'}], shown: answers.x}", "only amounts"},
		"fee rule":   {"fee: {}", "fee: {lines: [{id: l, label: L, amount: answers.y}], shown: '100'}", "undeclared reference to 'answers.y'"},
		"endless":    {"fee: {}", "decision: [{id: d, reason: R, holds: '[1,2,3].all(a, [1,2,3].all(b, [1,2,3].all(c, a*b*c > 0)))'}]\nfee: {}", "decision d"},
		"body":       {"summary: Una ricevuta}", "summary: Una ricevuta, body: 'Per {answers.z}'}", "{answers.z}"},
		"remedy":     {"kind: receipt", "kind: decision", "needs its remedy"},
	} {
		text := strings.Replace(minimal(""), c.old, c.new, 1)
		if name == "remedy" {
			text = strings.Replace(text, "kind: smart", "kind: traditional", 1)
		}
		tree, err := ReadDefinition("prova.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		def, err := decode(tree)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		started := time.Now()
		if _, err := Compile(def, engine); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(started); took > 100*time.Millisecond {
			t.Errorf("%s: refused only after %s", name, took)
		}
	}
}

func tree(t testing.TB, text string) Tree {
	t.Helper()
	out := Tree{}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMerge(t *testing.T) {
	base := tree(t, `{"kind":"smart","fee":{"amounts":{"a":{"chf":20,"label":"A"}}},"note":"n",
		"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"X"},{"id":"y"}]}]},"legal_basis":["one","two"]}`)
	over := tree(t, `{"kind":"traditional","fee":{"amounts":{"a":{"chf":10}}},"note":null,
		"form":{"steps":[{"id":"s","fields":[{"id":"z"},{"id":"x","label":"Own"}]}]},"legal_basis":["three"]}`)
	before, _ := json.Marshal(base)
	want := tree(t, `{"kind":"traditional","fee":{"amounts":{"a":{"chf":10,"label":"A"}}},
		"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"Own"},{"id":"y"},{"id":"z"}]}]},"legal_basis":["three"]}`)
	if got := Merge(base, over); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
	if after, _ := json.Marshal(base); string(after) != string(before) {
		t.Error("Merge changed the shared definition")
	}
	changes := Compare(base, want)
	var lines []string
	for _, c := range changes {
		lines = append(lines, c.String())
	}
	if got := strings.Join(lines, "\n"); !strings.Contains(got, "fee.amounts.a.chf: 20 → 10") ||
		!strings.Contains(got, "form.steps.s.fields.z: + ") || !strings.Contains(got, `note: - "n"`) || len(changes) != 6 {
		t.Errorf("%d changes:\n%s", len(changes), got)
	}
}

func FuzzReadDefinition(f *testing.F) {
	f.Add([]byte(minimal("")))
	if data, err := os.ReadFile("../../tenants/shared/services/sala-prenotazione.yaml"); err == nil {
		f.Add(data)
	}
	engine, err := rules.NewEngine(rules.NoHolidays{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := ReadDefinition("f.yaml", data)
		if err != nil {
			return
		}
		def, err := decode(read)
		if err != nil {
			return
		}
		_, _ = Compile(def, engine) //nolint:errcheck // it must not panic; refusing is fine
	})
}

// Overlays that touch different things may come in any order.
func FuzzMergeCommutes(f *testing.F) {
	f.Add("kind", "smart", "note", "n")
	base := tree(f, `{"kind":"x","fee":{"amounts":{"a":{"chf":20}}},"form":{"steps":[{"id":"s","title":"T"}]}}`)
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string) {
		if key1 == key2 {
			return
		}
		one, two := Tree{"own": map[string]any{key1: value1}}, Tree{"own": map[string]any{key2: value2}}
		ab, ba := Merge(Merge(base, one), two), Merge(Merge(base, two), one)
		if !reflect.DeepEqual(ab, ba) || len(Compare(ab, ba)) != 0 {
			t.Fatalf("%v and %v", ab, ba)
		}
	})
}
