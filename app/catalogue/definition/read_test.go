package definition

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/catalogue/source"
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

// Each mistake names file, line and column, says what is wrong and what to do.
func TestReadRefusesWithFileLineAndAdvice(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":    {minimal("colour: red\n"), `prova.yaml:17:1: colour: unknown key "colour": take it out`},
		"misspelt key":   {minimal("retenton: 10\n"), `prova.yaml:17:1: retenton: unknown key "retenton": did you mean "retention"?`},
		"unknown nested": {strings.Replace(minimal(""), "label: X", "label: X, colour: 1", 1), `prova.yaml:14:75: form.steps.a.fields.x.colour: unknown key "colour"`},
		"no list":        {strings.Replace(minimal(""), "level: 1\nwho", "level: 1\nwho_list: {a: 1}\nwho", 1), "prova.yaml:10:"},
		"wrong type":     {strings.Replace(minimal(""), "version: 1", "version: uno", 1), `prova.yaml:2:10: version: "uno" is not what belongs here: write a whole number`},
		"amount":         {strings.Replace(minimal(""), "fee: {}", "fee: {amounts: {a: {chf: 1.234}}}", 1), `fee.amounts.a.chf: "1.234" is not what belongs here: write an amount in francs like 12.50`},
		"language":       {strings.Replace(minimal(""), "title: Prova", "title: {rm: Emprova}", 1), `prova.yaml:5:9: title.rm: a text knows no language "rm"`},
		"twice":          {minimal("level: 2\n"), "prova.yaml:17:1:"},
		"alias":          {minimal("keywords: &a [x]\nlife_events: *a\n"), "prova.yaml:18:14: aliases are not allowed"},
		"anchor":         {minimal("keywords: &a [x]\n"), "prova.yaml:17:11: anchors are not allowed"},
		"tag":            {minimal("keywords: !!str x\n"), "prova.yaml:17:11: tags are not allowed"},
		"merge key":      {minimal("<<: {level: 2}\n"), "prova.yaml:17:1: merge keys are not allowed"},
		"syntax":         {minimal("keywords: [x\n"), "prova.yaml:"},
		"two documents":  {minimal("---\nid: due\n"), "a second document"},
		"empty":          {"# nothing\n", "the file is empty"},
	} {
		_, err := Read("prova.yaml", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, m := range source.MistakesOf(err) {
			if m.Do == "" || strings.ContainsRune(m.Error(), '\n') {
				t.Errorf("%s: no advice, or more than one line: %q", name, m.Error())
			}
		}
	}
}

// All mistakes of a file come at once.
func TestReadReportsEveryMistake(t *testing.T) {
	_, err := Read("prova.yaml", []byte(minimal("colour: red\nretenton: 3\nkeywords: x\n")))
	if got := len(source.MistakesOf(err)); got != 3 {
		t.Errorf("%d mistakes: %v", got, err)
	}
}

// hostile are files made to keep a reader busy.
func hostile() map[string]string {
	laughs := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		laughs += string(c) + ": &" + string(c) + " [" + strings.Repeat("*"+string(c-1)+",", 9) + "]\n"
	}
	var steps strings.Builder
	for i := range 3000 {
		steps.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return map[string]string{
		"ten megabytes":    minimal(strings.Repeat("# "+strings.Repeat("x", 1000)+"\n", 10_000)),
		"billion laughs":   minimal(laughs),
		"deep brackets":    minimal("keywords: " + strings.Repeat("[", 100_000)),
		"deep indents":     steps.String(),
		"deep lists":       minimal("keywords: \n" + strings.Repeat("- ", 100_000) + "x\n"),
		"questions":        minimal(strings.Repeat("? ", 100_000) + "x\n"),
		"brackets in rows": minimal("keywords:\n" + strings.Repeat("  - [[[[[[[[[[\n", 5_000)),
	}
}

// What is hostile is refused before any of it is unfolded: by its length and
// depth before it is parsed, an alias before it is followed.
func TestHostileFilesAreRefusedBeforeTheWork(t *testing.T) {
	for name, text := range hostile() {
		if _, err := Read("x.yaml", []byte(text)); err == nil {
			t.Errorf("%s: taken", name)
		}
		if name != "billion laughs" {
			if source.Harmless([]byte(text)) == nil {
				t.Errorf("%s: would be parsed", name)
			}
			continue
		}
		if _, err := source.Parse("x.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "aliases") {
			t.Errorf("%s: would be unfolded: %v", name, err)
		}
	}
}

// BenchmarkHostileFiles fails where refusing one takes over 100 ms.
func BenchmarkHostileFiles(b *testing.B) {
	for name, text := range hostile() {
		b.Run(name, func(b *testing.B) {
			data := []byte(text)
			for b.Loop() {
				if _, err := Read("x.yaml", data); err == nil {
					b.Fatal("taken")
				}
			}
			if each := b.Elapsed() / time.Duration(b.N); each > 100*time.Millisecond {
				b.Errorf("%s each", each)
			}
		})
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
		"endless":    {"fee: {}", "decision: [{id: d, reason: R, holds: '[1,2,3].all(a, [1,2,3].all(b, [1,2,3].all(c, a*b*c > 0)))'}]\nfee: {}", "decision.d.holds: rule refused: character 27: comprehension exceeds nesting limit"},
		"costly":     {"fee: {}", "decision: [{id: d, reason: R, holds: 'answered.all(a, answered.exists(b, a == b))'}]\nfee: {}", "decision.d.holds: rule refused"},
		"near":       {"fee: {}", "fee: {lines: [{id: l, label: L, amount: 'int(answers.xx)'}], shown: '100'}", "did you mean answers.x?"},
		"later":      {"label: X}", "label: X, visible_if: 'answers.x > 1'}", "form.steps.x.visible_if"},
		"twice":      {"label: X}", "label: X}, {id: x, kind: yesno, label: Y}", "form.steps.x: there are two of them"},
		"business":   {"level: 1\nwho", "level: 1\nbusiness_events: [sognare]\nwho", "use one of avviare"},
		"evidence":   {"label: X}", "label: X, evidence: {shows: Tutto}}", "has no evidence"},
		"body":       {"summary: Una ricevuta}", "summary: Una ricevuta, body: 'Per {answers.z}'}", "{answers.z}"},
		"remedy":     {"kind: receipt", "kind: decision", "needs its remedy"},
	} {
		text := strings.Replace(minimal(""), c.old, c.new, 1)
		if name == "remedy" {
			text = strings.Replace(text, "kind: smart", "kind: traditional", 1)
		}
		tree, err := Read("prova.yaml", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		def, err := Decode(tree)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := Compile(def, engine); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzReadDefinition(f *testing.F) {
	f.Add([]byte(minimal("")))
	if data, err := os.ReadFile("../../../tenants/shared/services/sala-prenotazione.yaml"); err == nil {
		f.Add(data)
	}
	engine, err := rules.NewEngine(rules.NoHolidays{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := Read("f.yaml", data)
		if err != nil {
			return
		}
		again(t, "fuzz", read)
		def, err := Decode(read)
		if err != nil {
			return
		}
		_, _ = Compile(def, engine) //nolint:errcheck // it must not panic; refusing is fine
	})
}

func parsed(t testing.TB, text string) Tree {
	t.Helper()
	out, err := overlay.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
