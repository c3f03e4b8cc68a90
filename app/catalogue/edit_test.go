package catalogue

import (
	"context"
	"errors"
	"testing"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/tenants"
)

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
	if err := b.module.PublishEdit(ctx, by, id, w.Edit.Revision, "", false); !errors.Is(err, ErrEditMoved) {
		t.Fatalf("published over what moved: %v", err)
	}
	if err := b.module.RebaseEdit(ctx, by, id); err != nil {
		t.Fatal(err)
	}
	w = look()
	if w.Stale() || w.Pending["remedy"] != "Dal basso." || w.Pending["who"] != "Dalla modifica." || w.Pending["note"] != "Dalla modifica." {
		t.Fatalf("%v %v", w.Moved, w.Pending["who"])
	}
	if err := b.module.PublishEdit(ctx, by, id, w.Edit.Revision, "", false); err != nil {
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
	if err := b.module.PublishEdit(ctx, by, id, 1, "", false); !errors.Is(err, ErrNoEdit) {
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
	if err := b.module.PublishEdit(ctx, by, id, w.Edit.Revision, "", false); !errors.Is(err, ErrEditWrong) {
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
	if err := b.module.PublishEdit(ctx, by, id, w.Edit.Revision, "ordinanza nuova", false); err != nil {
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
