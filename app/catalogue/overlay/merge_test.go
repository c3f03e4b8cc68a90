package overlay

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestDiff(t *testing.T) {
	base := parsed(t, `{"note":"n","who":"w","keywords":["a","b"],"fee":{"amounts":{"a":{"chf":20},"b":{"chf":5}}},"form":{"steps":[{"id":"s","fields":[{"id":"x"},{"id":"y"}]}]}}`)
	for name, c := range map[string]struct {
		target, want string
		ok           bool
	}{
		"taken away":  {`{"who":"w","keywords":["a","b"],"fee":{"amounts":{"a":{"chf":20}}},"form":{"steps":[{"id":"s","fields":[{"id":"x"},{"id":"y"}]}]}}`, `{"note":null,"fee":{"amounts":{"b":null}}}`, true},
		"translated":  {`{"note":{"it":"n","de":"N"},"who":"w","keywords":["a","b"],"fee":{"amounts":{"a":{"chf":20},"b":{"chf":5}}},"form":{"steps":[{"id":"s","fields":[{"id":"x"},{"id":"y"}]}]}}`, `{"note":{"it":"n","de":"N"}}`, true},
		"in a list":   {`{"note":"n","who":"w","keywords":["a"],"fee":{"amounts":{"a":{"chf":20},"b":{"chf":5}}},"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"L"},{"id":"y"},{"id":"z"}]}]}}`, `{"keywords":["a"],"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"L"},{"id":"z"}]}]}}`, true},
		"item gone":   {`{"note":"n","who":"w","keywords":["a","b"],"fee":{"amounts":{"a":{"chf":20},"b":{"chf":5}}},"form":{"steps":[{"id":"s","fields":[{"id":"x"}]}]}}`, "", false},
		"items moved": {`{"note":"n","who":"w","keywords":["a","b"],"fee":{"amounts":{"a":{"chf":20},"b":{"chf":5}}},"form":{"steps":[{"id":"s","fields":[{"id":"y"},{"id":"x"}]}]}}`, "", false},
	} {
		got, ok := Diff(base, parsed(t, c.target))
		if ok != c.ok || ok && !reflect.DeepEqual(got, parsed(t, c.want)) {
			t.Errorf("%s: %t %v", name, ok, got)
		}
	}
}

func TestGetAndWith(t *testing.T) {
	base := parsed(t, `{"title":"T","contact":{"phone":"1"},"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"L"}]}]},"examples":[{"name":"uno"}]}`)
	before := fmt.Sprint(base)
	changed := base.With("M", "form", "steps", "s", "fields", "x", "label").With(nil, "contact", "phone").With(map[string]any{"name": "due"}, "examples", "due").With("a@b.example", "contact", "email")
	for path, want := range map[string]any{"form steps s fields x label": "M", "contact phone": nil, "contact email": "a@b.example", "examples due name": "due", "examples uno name": "uno", "nothing here": nil} {
		if got := changed.Get(strings.Fields(path)...); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	if fmt.Sprint(base) != before {
		t.Error("With changed the tree it was asked of")
	}
	if gone := base.With(nil, "contact", "phone"); gone["contact"] != nil {
		t.Errorf("an empty holder was left: %v", gone["contact"])
	}
}

// FuzzDiff: whatever two trees are, an overlay that Diff says is right is right.
func FuzzDiff(f *testing.F) {
	f.Add(`{"a":1,"l":[{"id":"x"}]}`, `{"b":{"c":2},"l":[{"id":"y"},{"id":"x"}]}`)
	f.Add(`{"a":{"it":"x"}}`, `{"a":"x"}`)
	f.Add(`{"a":[1]}`, `{"a":[]}`)
	f.Add(`{"l":[{"id":"x","v":{"a":1}}]}`, `{"l":[{"id":"x","v":{}}]}`)
	f.Fuzz(func(t *testing.T, one, two string) {
		from, err := Parse([]byte(one))
		if err != nil {
			return
		}
		to, err := Parse([]byte(two))
		if err != nil {
			return
		}
		if overlay, ok := Diff(from, to); ok && !reflect.DeepEqual(map[string]any(Merge(from, overlay)), map[string]any(to)) {
			t.Fatalf("%v over %v is not %v", overlay, from, to)
		}
	})
}

func TestMerge(t *testing.T) {
	base := parsed(t, `{"kind":"smart","fee":{"amounts":{"a":{"chf":20,"label":"A"}}},"note":"n",
		"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"X"},{"id":"y"}]}]},"legal_basis":["one","two"]}`)
	over := parsed(t, `{"kind":"traditional","fee":{"amounts":{"a":{"chf":10}}},"note":null,
		"form":{"steps":[{"id":"s","fields":[{"id":"z"},{"id":"x","label":"Own"}]}]},"legal_basis":["three"]}`)
	before, _ := json.Marshal(base)
	want := parsed(t, `{"kind":"traditional","fee":{"amounts":{"a":{"chf":10,"label":"A"}}},
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

// Overlays that touch different things may come in any order.
func FuzzMergeCommutes(f *testing.F) {
	f.Add("kind", "smart", "note", "n")
	base := parsed(f, `{"kind":"x","fee":{"amounts":{"a":{"chf":20}}},"form":{"steps":[{"id":"s","title":"T"}]}}`)
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
