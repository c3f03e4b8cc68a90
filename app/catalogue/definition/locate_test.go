package definition

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sportello-ticino/sportello/app/rules"
)

// A mistake of a merged service is shown in the commune's file where that has
// the part, else in the shared one.
func TestMistakesOfCheckNameFileAndLine(t *testing.T) {
	engine, err := rules.NewEngine(rules.NoHolidays{})
	if err != nil {
		t.Fatal(err)
	}
	shared := strings.Replace(minimal(""), "fee: {}", "fee:\n  amounts: {base: {chf: 10.00}}\n  lines:\n    - id: base\n      label: Base\n      amount: amounts.base\n  shown: amounts.base", 1)
	for name, c := range map[string]struct {
		shared, overlay string
		want            []string
	}{
		"rule of the overlay": {
			shared, "services:\n  prova:\n    decision:\n      - id: poco\n        holds: answers.y > 1\n        reason: R\n",
			[]string{"valle/services.yaml:5:9: decision.poco.holds: rule refused: character 8: undeclared reference to 'answers.y': did you mean answers.x?"},
		},
		"rule of the shared file, reading what the overlay took away": {
			shared, "services:\n  prova:\n    fee: {amounts: {base: null, altra: {chf: 5.00}}}\n",
			[]string{"shared/services/prova.yaml:20:7: fee.lines.base.amount: rule refused", "shared/services/prova.yaml:21:3: fee.shown: rule refused"},
		},
		"missing in both": {
			strings.Replace(shared, "kind: receipt", "kind: decision", 1), "services:\n  prova:\n    kind: traditional\n",
			[]string{"valle/services.yaml:2:3: remedy: a service decided by an official needs its remedy: say how a decision is challenged"},
		},
		"no Italian in the overlay": {
			shared, "services:\n  prova:\n    title: {it: \"\", de: Probe}\n",
			[]string{"valle/services.yaml:3:5: title: title has no Italian text: write the Italian words"},
		},
		"field taken away that a rule reads": {
			strings.Replace(shared, "fee:\n", "decision: [{id: poco, holds: answers.x > 1, reason: R}]\nfee:\n", 1), "services:\n  prova:\n    form:\n      steps:\n        - id: a\n          fields:\n            - {id: y, kind: text, label: Y}\n            - {id: x, remove: true}\n",
			[]string{"shared/services/prova.yaml:15:23: decision.poco.holds: rule refused", "the overlay takes the field x away: remove what reads it as well", "(as valle offers it)"},
		},
		"field taken away with its rule": {
			strings.Replace(shared, "fee:\n", "decision: [{id: poco, holds: answers.x > 1, reason: R}]\nfee:\n", 1), "services:\n  prova:\n    decision: [{id: poco, remove: true}]\n    form:\n      steps:\n        - id: a\n          fields:\n            - {id: y, kind: text, label: Y}\n            - {id: x, remove: true}\n",
			nil,
		},
		"nothing to take away": {
			shared, "services:\n  prova:\n    form:\n      steps:\n        - id: a\n          fields:\n            - id: xx\n              remove: true\n",
			[]string{"valle/services.yaml:7:15: form.steps.a.fields.xx: there is no xx to remove: did you mean x?"},
		},
		"a shared definition takes nothing away": {
			strings.Replace(shared, "label: X}", "label: X, remove: true}", 1), "services:\n  prova: {}\n",
			[]string{`shared/services/prova.yaml:14:75: form.steps.a.fields.x.remove: unknown key "remove"`},
		},
		"unknown service": {
			shared, "services:\n  prava: {}\n", []string{"valle/services.yaml:2:3: service prava is not in the shared catalogue: did you mean prova?"},
		},
		"example of the shared file": {
			strings.Replace(shared, "expect: {}", "expect: {fee: 12.00}", 1), "services:\n  prova: {}\n",
			[]string{`prova.yaml:22:12: examples.e: example "e": fee CHF 10.00, expected CHF 12.00`, "as valle offers it"},
		},
	} {
		root := fstest.MapFS{"shared/services/prova.yaml": {Data: []byte(c.shared)}, "valle/services.yaml": {Data: []byte(c.overlay)}}
		_, err := Check(context.Background(), root, []Commune{{Folder: "valle"}}, engine)
		if (err == nil) != (len(c.want) == 0) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in\n%v", name, want, err)
			}
		}
	}
}
