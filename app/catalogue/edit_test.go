package catalogue

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/tenants"
)

// What Diff says differs makes the one of the other, for every service as each
// commune offers it.
func TestDiffMakesTheOneOfTheOther(t *testing.T) {
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range communes(t) {
		overlays, err := Overlays(tenants.FS, c.Folder)
		if err != nil {
			t.Fatal(err)
		}
		for id, overlay := range overlays {
			merged := Merge(shared[id], overlay)
			diff, ok := Diff(shared[id], merged)
			if !ok || !reflect.DeepEqual(Merge(shared[id], diff), merged) {
				t.Errorf("%s %s: %v", c.Folder, id, Compare(Merge(shared[id], diff), merged))
			}
			if back, ok := Diff(merged, merged); !ok || len(back) != 0 {
				t.Errorf("%s %s: %v differs from itself", c.Folder, id, back)
			}
			n++
		}
	}
	if n < 50 {
		t.Errorf("only %d services", n)
	}
}

func TestDiff(t *testing.T) {
	base := tree(t, `{"note":"n","who":"w","keywords":["a","b"],"fee":{"amounts":{"a":{"chf":20},"b":{"chf":5}}},"form":{"steps":[{"id":"s","fields":[{"id":"x"},{"id":"y"}]}]}}`)
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
		got, ok := Diff(base, tree(t, c.target))
		if ok != c.ok || ok && !reflect.DeepEqual(got, tree(t, c.want)) {
			t.Errorf("%s: %t %v", name, ok, got)
		}
	}
}

func TestGetAndWith(t *testing.T) {
	base := tree(t, `{"title":"T","contact":{"phone":"1"},"form":{"steps":[{"id":"s","fields":[{"id":"x","label":"L"}]}]},"examples":[{"name":"uno"}]}`)
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
		from, err := parseTree([]byte(one))
		if err != nil {
			return
		}
		to, err := parseTree([]byte(two))
		if err != nil {
			return
		}
		if overlay, ok := Diff(from, to); ok && !reflect.DeepEqual(map[string]any(Merge(from, overlay)), map[string]any(to)) {
			t.Fatalf("%v over %v is not %v", overlay, from, to)
		}
	})
}

// An edit whose ground has moved is shown, cannot be published, and is rebased
// or dropped; what it did not touch follows.
func TestAnEditWhoseGroundMoved(t *testing.T) {
	b, ctx := newBench(t, true), context.Background()
	by := admin(b.Lugano)
	b.apply(t, tenants.FS, b.Lugano, Options{Demo: true})
	const id = "stato-famiglia"
	amend := func(path, value string) {
		t.Helper()
		if clash, err := b.module.Amend(ctx, by, id, []Set{{Path: []string{path}, Value: value}}); err != nil || len(clash) > 0 {
			t.Fatal(clash, err)
		}
	}
	amend("note", "Dalla modifica.")
	amend("who", "Dalla modifica.")
	underneath := func(path, value string) {
		t.Helper()
		err := b.module.change(ctx, by, id, "test", func(_ *tenancy.Tx, r *row) (map[string]any, error) {
			r.Console = r.Console.With(value, path)
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look := func() Workbench {
		t.Helper()
		w, err := b.module.Workbench(ctx, by, id)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	underneath("remedy", "Dal basso.")
	underneath("who", "Dal basso.")
	w := look()
	if !w.Stale() || len(w.Moved) != 2 || len(w.Clashes) != 1 || w.Clashes[0].Path != "who" {
		t.Fatalf("moved %v, clashes %v", w.Moved, w.Clashes)
	}
	if err := b.module.PublishEdit(ctx, by, id, w.Edit.Revision, ""); !errors.Is(err, ErrEditMoved) {
		t.Fatalf("published over what moved: %v", err)
	}
	if err := b.module.RebaseEdit(ctx, by, id); err != nil {
		t.Fatal(err)
	}
	w = look()
	if w.Stale() || w.Pending["remedy"] != "Dal basso." || w.Pending["who"] != "Dalla modifica." || w.Pending["note"] != "Dalla modifica." {
		t.Fatalf("%v %v", w.Moved, w.Pending["who"])
	}
	if err := b.module.PublishEdit(ctx, by, id, w.Edit.Revision, ""); err != nil {
		t.Fatal(err)
	}
	s, err := b.module.Service(ctx, b.Lugano, id)
	if err != nil || s.Who.In("it") != "Dalla modifica." || s.Remedy.In("it") != "Dal basso." {
		t.Errorf("%v %v", s.Who, err)
	}

	// Dropped, nothing is left; the neighbour never had any of it.
	amend("note", "Ancora.")
	if err := b.module.DropEdit(ctx, by, id); err != nil {
		t.Fatal(err)
	}
	if w := look(); w.Edit != nil || len(w.Differences()) != 0 {
		t.Errorf("%+v", w.Edit)
	}
	if err := b.module.PublishEdit(ctx, by, id, 1, ""); !errors.Is(err, ErrNoEdit) {
		t.Error(err)
	}
	b.apply(t, tenants.FS, b.Chiasso, Options{Demo: true})
	if edits, err := b.module.Edits(ctx, admin(b.Chiasso)); err != nil || len(edits) != 0 {
		t.Errorf("%v %v", edits, err)
	}
}

// An edit that cannot be compiled is kept, says why, and cannot be published.
func TestAWrongEditIsKept(t *testing.T) {
	b, ctx := newBench(t, true), context.Background()
	by := admin(b.Lugano)
	b.apply(t, tenants.FS, b.Lugano, Options{Demo: true})
	const id = "stato-famiglia"
	if _, err := b.module.Amend(ctx, by, id, []Set{{Path: []string{"minutes"}, Value: 999.0}}); err != nil {
		t.Fatal(err)
	}
	w, err := b.module.Workbench(ctx, by, id)
	if err != nil || w.Next != nil || len(w.Problems) != 1 || w.Problems[0].Where() != "minutes" {
		t.Fatalf("%v %v", w.Problems, err)
	}
	if err := b.module.PublishEdit(ctx, by, id, w.Edit.Revision, ""); !errors.Is(err, ErrEditWrong) {
		t.Error(err)
	}
	if _, err := b.module.Amend(ctx, by, id, []Set{{Path: []string{"minutes"}, Value: w.InForce["minutes"]}}); err != nil {
		t.Fatal(err)
	}
	if w, err = b.module.Workbench(ctx, by, id); err != nil || w.Edit != nil {
		t.Errorf("an edit that changes nothing any more is still there: %v", err)
	}
}

// A pause takes nothing else with it, and a fee that an edit changes is
// confirmed by whoever publishes it.
func TestPauseAndFee(t *testing.T) {
	b, ctx := newBench(t, false), context.Background()
	by := admin(b.Lugano)
	b.apply(t, tenants.FS, b.Lugano, Options{})
	const id = "suolo-occupazione-temporanea"
	if _, err := b.module.Amend(ctx, by, id, []Set{{Path: []string{"fee", "amounts", "base", "chf"}, Value: 60.0}, {Path: []string{"examples", "qui il trasloco è autorizzato subito", "expect", "fee"}, Value: 72.0}}); err != nil {
		t.Fatal(err)
	}
	if err := b.module.Pause(ctx, by, id, i18n.Italian("Chiuso per ferie.")); err != nil {
		t.Fatal(err)
	}
	w, err := b.module.Workbench(ctx, by, id)
	if err != nil || w.Stale() {
		t.Fatalf("a pause moved the ground of an edit: %v %v", w.Moved, err)
	}
	if err := b.module.PublishEdit(ctx, by, id, w.Edit.Revision, "ordinanza nuova"); err != nil {
		t.Fatal(err)
	}
	entry, err := b.module.Entry(ctx, by, id)
	if err != nil || entry.DemoFee() || entry.FeeConfirmedBy != "Carla Provini" || entry.Paused.In("it") != "Chiuso per ferie." {
		t.Errorf("%v %v %v", entry.FeeConfirmedBy, entry.Paused, err)
	}
	if err := b.module.Switch(ctx, by, id, true); err != nil {
		t.Fatal(err)
	}
	if _, err := b.module.Offer(ctx, b.Lugano, id); !errors.Is(err, ErrPaused) {
		t.Errorf("can be begun while it is paused: %v", err)
	}
}
