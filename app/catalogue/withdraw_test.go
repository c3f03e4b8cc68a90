package catalogue

import (
	"errors"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// A version that turned out wrong is offered to nobody any more; who stands on it
// reads why and returns with the undo that is there anyway, to the same bytes; what
// mends it is the next version, under a number nobody had.
func TestWithdrawASharedVersion(t *testing.T) {
	s := newShelf(t)
	ctx, by := t.Context(), admin(s.Lugano)
	before := s.bytes(t, s.Lugano, blue)
	wrong := s.publish(t, blue, `{"minutes":17}`, Large)
	u := s.update(t, s.Lugano, blue)
	if err := s.module.Accept(ctx, by, blue, Decision{State: u.State}); err != nil {
		t.Fatal(err)
	}
	if err := s.module.Withdraw(ctx, s.entity, blue, wrong.Version, " "); !errors.Is(err, ErrWhy) {
		t.Errorf("without a reason: %v", err)
	}
	if err := s.module.Withdraw(ctx, s.entity, blue, 99, "Non esiste."); !errors.Is(err, ErrNotShared) {
		t.Errorf("a version that never was: %v", err)
	}
	if err := s.module.Withdraw(ctx, s.entity, blue, wrong.Version, "I minuti sono sbagliati."); err != nil {
		t.Fatal(err)
	}
	if err := s.module.Withdraw(ctx, s.entity, blue, wrong.Version, "Ancora."); !errors.Is(err, ErrWithdrawn) {
		t.Errorf("twice: %v", err)
	}

	// Lugano stands on it and reads why; it goes on until Lugano decides.
	fallen, err := s.module.Fallen(ctx, by)
	if err != nil || len(fallen) != 1 || fallen[0].Why != "I minuti sono sbagliati." || fallen[0].Version != wrong.Version || !fallen[0].Back {
		t.Fatalf("%+v %v", fallen, err)
	}
	if got := s.inForce(t, s.Lugano, blue).Tree["minutes"]; got != 17.0 {
		t.Errorf("it changed by itself: %v", got)
	}
	// Chiasso waits for nothing and cannot accept it, nobody can adopt it.
	if _, err := s.module.Update(ctx, admin(s.Chiasso), blue); !errors.Is(err, ErrNoUpdate) {
		t.Errorf("still offered: %v", err)
	}
	if list, err := s.module.Waiting(ctx, admin(s.Chiasso)); err != nil || len(list) != 0 {
		t.Errorf("still waits: %v %v", list, err)
	}
	if trees, err := s.module.SharedTrees(ctx); err != nil || trees[blue].Version != wrong.Version-1 {
		t.Errorf("version %d is offered, %v", trees[blue].Version, err)
	}
	history, err := s.module.History(ctx, blue)
	if err != nil || history[0].Version != wrong.Version || history[0].Withdrawn == nil || history[0].Withdrawn.Why != "I minuti sono sbagliati." || history[1].Withdrawn != nil {
		t.Errorf("the changelog does not say so: %+v %v", history, err)
	}
	if latest, err := s.module.Shared(ctx); err != nil || len(latest) != len(s.shared) {
		t.Errorf("%d services, %v", len(latest), err)
	}

	// One click back.
	back, err := s.module.LookAtUndo(ctx, by, blue)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.module.Undo(ctx, by, blue, back.State, false); err != nil {
		t.Fatal(err)
	}
	if got := s.bytes(t, s.Lugano, blue); got != before {
		t.Errorf("other bytes:\n%s\n%s", before, got)
	}
	if fallen, err := s.module.Fallen(ctx, by); err != nil || len(fallen) != 0 {
		t.Errorf("%+v %v", fallen, err)
	}

	// The number is used up; the next version reaches everybody.
	tree := history[0].Tree(t, s)
	tree["version"] = float64(wrong.Version)
	p, err := s.module.Propose(ctx, Candidate{Tree: tree.With(18.0, "minutes"), Why: "Corretta.", Size: Large})
	if err != nil || !strings.Contains(strings.Join(p.Problems, "\n"), "write version: ") {
		t.Errorf("the number was given again: %v %v", p.Problems, err)
	}
	mended := s.publish(t, blue, `{"minutes":18}`, Large)
	if mended.Version != wrong.Version+1 {
		t.Errorf("version %d", mended.Version)
	}
	for _, tenant := range []tenancy.Tenant{s.Lugano, s.Chiasso} {
		if u := s.update(t, tenant, blue); u.To.Version != mended.Version {
			t.Errorf("%s waits for %d", tenant.Slug(), u.To.Version)
		}
	}
}

// A service all of whose versions are withdrawn can be neither adopted nor brought
// in by a folder, and stops nobody from coming in.
func TestAWithdrawnServiceIsNotAdopted(t *testing.T) {
	s := newShelf(t)
	ctx := t.Context()
	_, newest, err := s.module.SharedTree(ctx, blue, 0)
	if err != nil {
		t.Fatal(err)
	}
	version := int(newest["version"].(float64))
	if err := s.module.Withdraw(ctx, s.entity, blue, version, "Non era pronta."); err != nil {
		t.Fatal(err)
	}
	if err := s.DB.In(ctx, s.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("delete from services where id = $1", blue)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.module.Adopt(ctx, admin(s.Lugano), blue); !errors.Is(err, ErrNotShared) {
		t.Errorf("adopted: %v", err)
	}
	if lines, err := s.module.PublishFolder(ctx, s.entity, s.shared); err != nil || !strings.Contains(strings.Join(lines, "\n"), "was withdrawn: Non era pronta.") {
		t.Errorf("%v %v", lines, err)
	}
	if lines := s.takeIn(t, s.Lugano); !strings.Contains(strings.Join(lines, "\n"), blue+": not taken in: the shared catalogue has withdrawn it") {
		t.Errorf("%v", lines)
	}
}

// Tree is the definition of a version.
func (v SharedVersion) Tree(t *testing.T, s shelf) Tree {
	t.Helper()
	_, tree, err := s.module.SharedTree(t.Context(), v.Service, v.Version)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}
