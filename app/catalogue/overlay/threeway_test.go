package overlay

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func parsed(t testing.TB, text string) Tree {
	t.Helper()
	out, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func canonical(t testing.TB, tr Tree) string {
	t.Helper()
	b, err := tr.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const sharedV1 = `{"id":"zona","version":1,"title":{"it":"Zona blu","de":"Blaue Zone"},"office":"polizia","legal_basis":["a","b"],
	"fee":{"amounts":{"anno":{"chf":480,"label":"Anno"}},"note":"All’anno."},
	"form":{"steps":[{"id":"veicolo","title":"Il veicolo","fields":[{"id":"targa","kind":"plate","label":"Targa"},{"id":"inizio","kind":"date","label":"Dal"}]}]}}`

func TestConflicts(t *testing.T) {
	base := parsed(t, sharedV1)
	for name, c := range map[string]struct {
		overlay, console, theirs string // theirs is laid over sharedV1
		want                     []string
	}{
		"nothing here":                        {`{}`, `{}`, `{"fee":{"amounts":{"anno":{"chf":500}}}}`, nil},
		"another part":                        {`{"office":"cancelleria"}`, `{}`, `{"fee":{"amounts":{"anno":{"chf":500}}}}`, nil},
		"the same amount":                     {`{"fee":{"amounts":{"anno":{"chf":60}}}}`, `{}`, `{"fee":{"amounts":{"anno":{"chf":500}}}}`, []string{"fee/amounts/anno/chf"}},
		"on the console":                      {`{}`, `{"fee":{"amounts":{"anno":{"chf":60}}}}`, `{"fee":{"amounts":{"anno":{"chf":500}}}}`, []string{"fee/amounts/anno/chf"}},
		"both to the same":                    {`{"fee":{"amounts":{"anno":{"chf":500}}}}`, `{}`, `{"fee":{"amounts":{"anno":{"chf":500}}}}`, nil},
		"stated as it was":                    {`{"fee":{"amounts":{"anno":{"chf":480}}}}`, `{}`, `{"fee":{"amounts":{"anno":{"chf":500}}}}`, []string{"fee/amounts/anno/chf"}},
		"another language":                    {`{"title":{"it":"Contrassegno"}}`, `{}`, `{"title":{"de":"Parkkarte"}}`, nil},
		"a text of all languages":             {`{"title":"Contrassegno"}`, `{}`, `{"title":{"de":"Parkkarte"}}`, []string{"title"}},
		"a field taken away, changed":         {`{"form":{"steps":[{"id":"veicolo","fields":[{"id":"targa","help":"Qui"}]}]}}`, `{}`, `-targa`, []string{"form/steps/veicolo/fields/targa"}},
		"a field taken away, unchanged":       {`{"form":{"steps":[{"id":"veicolo","fields":[{"id":"inizio","help":"Qui"}]}]}}`, `{}`, `-targa`, nil},
		"we take a field out, they left it":   {`{"form":{"steps":[{"id":"veicolo","fields":[{"id":"targa","remove":true}]}]}}`, `{}`, `{"office":"cancelleria"}`, nil},
		"we take a field out, they change it": {`{}`, `{"form":{"steps":[{"id":"veicolo","fields":[{"id":"targa","remove":true}]}]}}`, `{"form":{"steps":[{"id":"veicolo","fields":[{"id":"targa","help":"Qui"}]}]}}`, []string{"form/steps/veicolo/fields/targa"}},
		"we take a field out, so do they":     {`{"form":{"steps":[{"id":"veicolo","fields":[{"id":"targa","remove":true}]}]}}`, `{}`, `-targa`, nil},
		"we take a step out, they change it":  {`{"form":{"steps":[{"id":"veicolo","remove":true}]}}`, `{}`, `{"form":{"steps":[{"id":"veicolo","title":"Auto"}]}}`, []string{"form/steps/veicolo"}},
		"we take a line out that they bring":  {`{"eligibility":[{"id":"eta","remove":true}]}`, `{}`, `{"eligibility":[{"id":"eta","holds":"true"}]}`, nil},
		"a part that we took away":            {`{"fee":{"note":null}}`, `{}`, `{"fee":{"note":"Al mese."}}`, []string{"fee/note"}},
		"a list without keys":                 {`{"legal_basis":["c"]}`, `{}`, `{"legal_basis":["a"]}`, []string{"legal_basis"}},
		"both add a part":                     {`{"note":"qui"}`, `{}`, `{"note":"ovunque"}`, []string{"note"}},
		"both add fields, each its own":       {`{"form":{"steps":[{"id":"veicolo","fields":[{"id":"a","kind":"text"}]}]}}`, `{}`, `{"form":{"steps":[{"id":"veicolo","fields":[{"id":"b","kind":"text"}]}]}}`, nil},
		"both add a field, not the same":      {`{"form":{"steps":[{"id":"veicolo","fields":[{"id":"a","kind":"text"}]}]}}`, `{}`, `{"form":{"steps":[{"id":"veicolo","fields":[{"id":"a","kind":"date"}]}]}}`, []string{"form/steps/veicolo/fields/a/kind"}},
	} {
		t.Run(name, func(t *testing.T) {
			var theirs Tree
			if c.theirs == "-targa" {
				theirs = parsed(t, strings.Replace(sharedV1, `{"id":"targa","kind":"plate","label":"Targa"},`, "", 1))
			} else {
				theirs = Merge(base, parsed(t, c.theirs))
			}
			l := Layers{base, parsed(t, c.overlay), parsed(t, c.console)}
			var got []string
			for _, x := range l.Conflicts(theirs) {
				got = append(got, strings.Join(x.Trail, "/"))
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("conflicts %v, expected %v", got, c.want)
			}
			if len(c.want) > 0 {
				if _, err := l.Accept(theirs, nil); !errors.Is(err, ErrUndecided) {
					t.Errorf("accepted without a choice: %v", err)
				}
			}
			for _, choice := range []Choice{Ours, Theirs} {
				checkAccept(t, l, theirs, choice)
			}
		})
	}
}

// checkAccept accepts with one choice for everything and looks at every part.
func checkAccept(t testing.TB, l Layers, theirs Tree, choice Choice) Layers {
	t.Helper()
	before := [3]string{canonical(t, l.Definition), canonical(t, l.Overlay), canonical(t, l.Console)}
	target := canonical(t, theirs)
	now := Clone(l.InForce()).(Tree)
	choices := map[string]Resolution{}
	found := l.Conflicts(theirs)
	for _, c := range found {
		choices[c.Trail.String()] = Resolution{Choice: choice}
	}
	after, err := l.Accept(theirs, choices)
	if err != nil {
		t.Fatalf("%s: %v\nbase %s\noverlay %s\nconsole %s\ntheirs %s", choice, err, before[0], before[1], before[2], target)
	}
	if got := [3]string{canonical(t, l.Definition), canonical(t, l.Overlay), canonical(t, l.Console)}; got != before || canonical(t, theirs) != target {
		t.Fatalf("accepting has changed what it was given:\n%v\n%v", before, got)
	}
	got := after.InForce()
	for _, c := range found {
		want := c.Ours
		if choice == Theirs {
			want = c.Theirs
		}
		if have, _ := At(got, c.Trail); !reflect.DeepEqual(have, want) {
			t.Errorf("%s: %v is %v, expected %v", choice, c.Trail, have, want)
		}
	}
	// What the shared catalogue alone has changed follows.
	for _, d := range Deltas(l.Definition, theirs) {
		touched := false
		for _, leaf := range append(leaves(l.Definition, l.Overlay), leaves(Merge(l.Definition, l.Overlay), l.Console)...) {
			touched = touched || related(leaf, d.Trail)
		}
		if have, _ := At(got, d.Trail); !touched && !reflect.DeepEqual(have, d.New) {
			t.Errorf("%v does not follow: %v, the new version has %v", d.Trail, have, d.New)
		}
	}
	// What the commune alone says stays.
	for _, leaf := range append(leaves(l.Definition, l.Overlay), leaves(Merge(l.Definition, l.Overlay), l.Console)...) {
		touched := false
		for _, d := range Deltas(l.Definition, theirs) {
			touched = touched || related(leaf, d.Trail)
		}
		for _, c := range found { // decided with the part it lies in
			touched = touched || leaf.begins(c.Trail)
		}
		mine, _ := At(now, leaf)
		if have, _ := At(got, leaf); !touched && !reflect.DeepEqual(have, mine) {
			t.Errorf("%v is no longer the commune's: %v, was %v", leaf, have, mine)
		}
	}
	return after
}

func TestAcceptWithAnotherValue(t *testing.T) {
	l := Layers{parsed(t, sharedV1), parsed(t, `{"fee":{"amounts":{"anno":{"chf":60}}}}`), Tree{}}
	theirs := Merge(l.Definition, parsed(t, `{"version":2,"fee":{"amounts":{"anno":{"chf":500}}}}`))
	after, err := l.Accept(theirs, map[string]Resolution{Trail{"fee", "amounts", "anno", "chf"}.String(): {Choice: Another, Value: 75.5}})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := At(after.InForce(), Trail{"fee", "amounts", "anno", "chf"}); got != 75.5 {
		t.Errorf("%v", got)
	}
	if got, _ := At(after.InForce(), Trail{"version"}); got != 2.0 {
		t.Errorf("the version does not follow: %v", got)
	}
}

// grow makes a definition-like tree from random numbers, and patch an overlay over it.
type grower struct{ *rand.Rand }

func (g grower) word() string { return fmt.Sprintf("w%d", g.IntN(6)) }

func (g grower) value() any {
	switch g.IntN(4) {
	case 0:
		return float64(g.IntN(2000)) / 100
	case 1:
		return g.IntN(2) == 0
	default:
		return g.word()
	}
}

func (g grower) tree(depth int) map[string]any {
	out := map[string]any{}
	for range 1 + g.IntN(4) {
		out[g.word()] = g.any(depth)
	}
	return out
}

func (g grower) any(depth int) any {
	if depth == 0 {
		return g.value()
	}
	switch g.IntN(5) {
	case 0, 1:
		return g.tree(depth - 1)
	case 2:
		list := []any{}
		for i := range 1 + g.IntN(3) {
			item := g.tree(depth - 1)
			item["id"] = fmt.Sprintf("i%d", i+g.IntN(2)*3)
			list = append(list, item)
		}
		return unique(list)
	case 3:
		return []any{g.word(), g.word()}
	}
	return g.value()
}

func unique(list []any) []any {
	seen, out := map[any]bool{}, []any{}
	for _, item := range list {
		if id := item.(map[string]any)["id"]; !seen[id] {
			seen[id] = true
			out = append(out, item)
		}
	}
	return out
}

// patch is an overlay that touches some parts of what there is, and adds others.
func (g grower) patch(of map[string]any, prefix string) Tree {
	out := Tree{}
	for key, value := range of {
		if g.IntN(3) != 0 || key == "id" {
			continue
		}
		switch v := value.(type) {
		case map[string]any:
			out[key] = map[string]any(g.patch(v, prefix))
		case []any:
			if ItemKey(v) != "" && len(v) > 0 {
				item := v[g.IntN(len(v))].(map[string]any)
				p := map[string]any(g.patch(item, prefix))
				if g.IntN(4) == 0 {
					p = map[string]any{RemoveKey: true}
				}
				p["id"] = item["id"]
				out[key] = []any{p}
				break
			}
			out[key] = []any{prefix + g.word()}
		default:
			out[key] = prefix + g.word()
		}
	}
	if g.IntN(3) == 0 {
		out[prefix+g.word()] = g.any(1)
	}
	return out
}

// shrink is the tree with some parts taken away and items of lists left out.
func (g grower) shrink(of map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range of {
		if g.IntN(6) == 0 && key != "id" {
			continue
		}
		switch v := value.(type) {
		case map[string]any:
			out[key] = g.shrink(v)
		case []any:
			list := []any{}
			for _, item := range v {
				if m, ok := item.(map[string]any); ok && g.IntN(5) != 0 {
					list = append(list, g.shrink(m))
				} else if !ok {
					list = append(list, item)
				}
			}
			if len(list) > 0 {
				out[key] = list
			}
		default:
			out[key] = value
		}
	}
	return out
}

func FuzzAcceptThenUndo(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed, seed%7)
	}
	f.Fuzz(func(t *testing.T, seed, again uint64) {
		g := grower{rand.New(rand.NewPCG(seed, again))} //nolint:gosec // a test's own trees
		base := Tree(g.tree(3))
		l := Layers{Definition: base, Overlay: g.patch(base, "o")}
		l.Console = g.patch(Merge(base, l.Overlay), "c")
		theirs := Merge(Tree(g.shrink(base)), g.patch(base, "t"))
		kept, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		before := [3]string{canonical(t, l.Definition), canonical(t, l.Overlay), canonical(t, l.Console)}
		for _, choice := range []Choice{Ours, Theirs} {
			after := checkAccept(t, l, theirs, choice)
			if !Same(after.Definition, theirs) {
				t.Fatal("the accepted service does not stand on the new version")
			}
			// Accepting the same again changes nothing more.
			if got := after.Conflicts(theirs); len(got) > 0 {
				t.Fatalf("accepted, and still in conflict: %v", got)
			}
			// What was kept brings back the same bytes.
			var back Layers
			if err := json.Unmarshal(kept, &back); err != nil {
				t.Fatal(err)
			}
			if got := [3]string{canonical(t, back.Definition), canonical(t, back.Overlay), canonical(t, back.Console)}; got != before {
				t.Fatalf("undone to other bytes:\n%v\n%v", before, got)
			}
		}
	})
}

// Changes of unrelated parts may come in either order: a commune that says A when
// the shared catalogue says B ends where one does that says B when it says A.
func FuzzUnrelatedChangesCommute(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed, seed%5)
	}
	f.Fuzz(func(t *testing.T, seed, again uint64) {
		g := grower{rand.New(rand.NewPCG(seed, again))} //nolint:gosec // a test's own trees
		base := Tree(g.tree(3))
		a, b := g.patch(base, "a"), g.patch(base, "b")
		for _, x := range leaves(base, a) {
			for _, y := range leaves(base, b) {
				if related(x, y) {
					return
				}
			}
		}
		one, two := Layers{Definition: base, Overlay: a}, Layers{Definition: base, Overlay: b}
		left, err := one.Accept(Merge(base, b), nil)
		if err != nil {
			t.Fatalf("unrelated, and in conflict: %v\nbase %s\na %s\nb %s", err, canonical(t, base), canonical(t, a), canonical(t, b))
		}
		right, err := two.Accept(Merge(base, a), nil)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := canonical(t, left.InForce()), canonical(t, right.InForce()); x != y {
			t.Fatalf("a then b: %s\nb then a: %s", x, y)
		}
	})
}

func FuzzCanonical(f *testing.F) {
	f.Add([]byte(sharedV1))
	f.Add([]byte(`{"a":1e21,"b":-0.0,"c":[null,{"x":"<&> "}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := Parse(data)
		if err != nil {
			return
		}
		once, err := first.Canonical()
		if err != nil {
			return
		}
		second, err := Parse(once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, once)
		}
		if twice, err := second.Canonical(); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s\n%s %v", once, twice, err)
		}
	})
}
