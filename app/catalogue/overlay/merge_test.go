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
		"item gone":   {`{"note":"n","who":"w","keywords":["a","b"],"fee":{"amounts":{"a":{"chf":20},"b":{"chf":5}}},"form":{"steps":[{"id":"s","fields":[{"id":"x"}]}]}}`, `{"form":{"steps":[{"id":"s","fields":[{"id":"y","remove":true}]}]}}`, true},
		"items moved": {`{"note":"n","who":"w","keywords":["a","b"],"fee":{"amounts":{"a":{"chf":20},"b":{"chf":5}}},"form":{"steps":[{"id":"s","fields":[{"id":"y"},{"id":"x"}]}]}}`, "", false},
	} {
		got, ok := Diff(base, parsed(t, c.target))
		if ok != c.ok || ok && !reflect.DeepEqual(got, parsed(t, c.want)) {
			t.Errorf("%s: %t %v", name, ok, got)
		}
	}
}

// «remove: true» takes an item away, says nothing where there is none, and is
// never part of a definition.
func TestMergeTakesItemsAway(t *testing.T) {
	base := parsed(t, `{"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"X"},{"id":"g","fields":[{"id":"a"},{"id":"b"}]}]},{"id":"u"}]},"fee":{"lines":[{"id":"l"}]}}`)
	before := canonical(t, base)
	for over, want := range map[string]string{
		`{"form":{"steps":[{"id":"s","fields":[{"id":"x","remove":true}]}]}}`:                                             `{"form":{"steps":[{"id":"s","fields":[{"id":"g","fields":[{"id":"a"},{"id":"b"}]}]},{"id":"u"}]},"fee":{"lines":[{"id":"l"}]}}`,
		`{"form":{"steps":[{"id":"s","fields":[{"id":"g","fields":[{"id":"b","remove":true}]}]}]}}`:                       `{"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"X"},{"id":"g","fields":[{"id":"a"}]}]},{"id":"u"}]},"fee":{"lines":[{"id":"l"}]}}`,
		`{"form":{"steps":[{"id":"u","remove":true},{"id":"v","title":"V"}]},"fee":{"lines":[{"id":"l","remove":true}]}}`: `{"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"X"},{"id":"g","fields":[{"id":"a"},{"id":"b"}]}]},{"id":"v","title":"V"}]},"fee":{"lines":[]}}`,
		`{"form":{"steps":[{"id":"z","remove":true}]}}`:                                                                   before,
		`{"eligibility":[{"id":"z","remove":true}]}`:                                                                      strings.Replace(before, `{"fee"`, `{"eligibility":[],"fee"`, 1),
	} {
		if got := canonical(t, Merge(base, parsed(t, over))); got != canonical(t, parsed(t, want)) {
			t.Errorf("%s: %s", over, got)
		}
	}
	if canonical(t, base) != before {
		t.Error("Merge changed the shared definition")
	}
	idle := Idle(base, parsed(t, `{"form":{"steps":[{"id":"s","fields":[{"id":"x","remove":true},{"id":"q","remove":true}]},{"id":"w","remove":true}]},"eligibility":[{"id":"z","remove":true}]}`))
	if got := fmt.Sprint(idle); got != "[eligibility\x1fz form\x1fsteps\x1fs\x1ffields\x1fq form\x1fsteps\x1fw]" {
		t.Errorf("%q", got)
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

// FuzzMerge: whatever a definition, an overlay and a new shared version are, taking
// over what one has already is no conflict and changes nothing, and changes of
// different keys may come in any order.
func FuzzMerge(f *testing.F) {
	f.Add([]byte(`{"kind":"x","fee":{"amounts":{"a":{"chf":20}}},"form":{"steps":[{"id":"s","title":"T"}]}}`), []byte(`{"note":"n","form":{"steps":[{"id":"s","remove":true}]}}`), "who", "office")
	f.Add([]byte(`{"l":[{"id":"a"},{"id":"b","l":[{"value":"1"}]}]}`), []byte(`{"l":[{"id":"b","l":[{"value":"1","remove":true}]},{"id":"c"}]}`), "l", "m")
	f.Add([]byte(`{"l":{"a":null}}`), []byte(`{"l":null}`), "l", "a")
	f.Fuzz(func(t *testing.T, shared, over []byte, one, two string) {
		base, err := Parse(shared)
		if err != nil {
			return
		}
		local, err := Parse(over)
		if err != nil {
			return
		}
		before := [2]string{canonical(t, base), canonical(t, local)}
		l := Layers{Definition: base, Overlay: local, Console: Tree{}}
		now := canonical(t, l.InForce())
		// The new version is the one it stands on: nothing to decide, nothing changes.
		if found := l.Conflicts(base); len(found) > 0 {
			t.Fatalf("in conflict with the version it stands on: %v", found)
		}
		after, err := l.Accept(base, nil)
		if err != nil || canonical(t, after.InForce()) != now {
			t.Fatalf("accepting the same changed %s into %s: %v", now, canonical(t, after.InForce()), err)
		}
		// A commune that says nothing follows to the byte.
		next := l.InForce()
		plain := Layers{Definition: base, Overlay: Tree{}, Console: Tree{}}
		if after, err = plain.Accept(next, nil); err != nil || canonical(t, after.InForce()) != now {
			t.Fatalf("%s, and not %s: %v", canonical(t, after.InForce()), now, err)
		}
		if one != two {
			x, y := Tree{one: "x"}, Tree{two: "y"}
			if a, b := canonical(t, Merge(Merge(base, x), y)), canonical(t, Merge(Merge(base, y), x)); a != b {
				t.Fatalf("%s and %s", a, b)
			}
		}
		if got := [2]string{canonical(t, base), canonical(t, local)}; got != before {
			t.Fatalf("merging has changed what it was given: %v, was %v", got, before)
		}
	})
}
