package contingents_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/contingents"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

type bench struct {
	*tenancytest.Env
	t *testing.T
}

func (b bench) in(tenant tenancy.Tenant, f func(tx *tenancy.Tx) error) {
	b.t.Helper()
	if err := b.DB.In(context.Background(), tenant, f); err != nil {
		b.t.Fatal(err)
	}
}

// aCase is the least the database asks of a case.
func aCase(tx *tenancy.Tx) (uuid.UUID, error) {
	id, account := uuid.New(), uuid.New()
	tx.Queue("insert into accounts (id, email, first_name, last_name, level) values ($1, $2, 'Prova', 'Esempio', 1)", account, account.String()+"@posta.example")
	tx.Queue("insert into case_definitions (hash, service_id, definition) values ('h', 's', '{}') on conflict do nothing")
	_, err := tx.Exec(`insert into cases (id, ref, draft_id, service_id, service_version, definition_hash, service_title, service_kind, office, applicant_id,
		applicant_name, answers, rows, outcome, state, submitted_at, updated_at)
		values ($1, $2, $3, 's', 1, 'h', '{}', 'smart', 'o', $4, 'Prova', '{}', '[]', '{}', 'received', $5, $5)`, id, id.String(), uuid.New(), account, now)
	return id, err
}

func (b bench) take(tenant tenancy.Tenant, pot contingents.Pot, units, size int64, queue bool) (contingents.Claim, error) {
	var claim contingents.Claim
	err := b.DB.In(context.Background(), tenant, func(tx *tenancy.Tx) error {
		id, err := aCase(tx)
		if err != nil {
			return err
		}
		claim, err = contingents.Take(tx, id, pot, units, size, queue, now)
		return err
	})
	return claim, err
}

func (b bench) admit(tenant tenancy.Tenant, id uuid.UUID, size int64) (admitted bool) {
	b.t.Helper()
	b.in(tenant, func(tx *tenancy.Tx) (err error) {
		_, admitted, err = contingents.Admit(tx, id, size, now)
		return err
	})
	return admitted
}

func (b bench) release(tenant tenancy.Tenant, id uuid.UUID) (released bool) {
	b.t.Helper()
	b.in(tenant, func(tx *tenancy.Tx) (err error) {
		_, released, err = contingents.Release(tx, id, now)
		return err
	})
	return released
}

func (b bench) levels(tenant tenancy.Tenant, service string) map[string]contingents.Level {
	b.t.Helper()
	var list []contingents.Level
	var reads tenancy.Reads
	contingents.ReadLevels(&reads, service, []string{"2026"}, &list)
	if err := b.DB.ReadTogether(context.Background(), tenant, &reads); err != nil {
		b.t.Fatal(err)
	}
	out := map[string]contingents.Level{}
	for _, l := range list {
		out[l.Pot.Key] = l
	}
	return out
}

var centre = contingents.Pot{Service: "s", Key: "centro", Period: "2026"}

// Twenty people want three places at the same moment: three get one, the others
// wait in their order, and the neighbour's places are untouched.
func TestTheLastPlaceIsGivenOnce(t *testing.T) {
	b := bench{tenancytest.New(t), t}
	var held, waiting atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			claim, err := b.take(b.Lugano, centre, 1, 3, true)
			switch {
			case err != nil:
				t.Error(err)
			case claim.State == contingents.Held:
				held.Add(1)
			default:
				waiting.Add(1)
			}
		})
	}
	all.Wait()
	if held.Load() != 3 || waiting.Load() != 17 {
		t.Errorf("%d held, %d wait; 3 and 17 were expected", held.Load(), waiting.Load())
	}
	if level := b.levels(b.Lugano, "s")["centro"]; level.Used != 3 || level.Waiting != 17 {
		t.Errorf("the pot says %d used, %d wait", level.Used, level.Waiting)
	}
	if len(b.levels(b.Chiasso, "s")) != 0 {
		t.Error("the neighbour's pot was drawn from")
	}
}

func TestAPlaceGivenBackGoesToTheFirstWhoWaits(t *testing.T) {
	b := bench{tenancytest.New(t), t}
	holder, err := b.take(b.Lugano, centre, 1, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	var queue []contingents.Claim
	for range 2 {
		claim, err := b.take(b.Lugano, centre, 1, 1, true)
		if err != nil || claim.State != contingents.Waiting {
			t.Fatalf("%v %v", claim.State, err)
		}
		queue = append(queue, claim)
	}
	b.in(b.Lugano, func(tx *tenancy.Tx) error {
		for i, claim := range queue {
			if n, err := contingents.Position(tx, claim.CaseID); err != nil || n != int64(i+1) {
				t.Errorf("position %d, want %d: %v", n, i+1, err)
			}
		}
		return nil
	})
	if b.admit(b.Lugano, queue[0].CaseID, 1) {
		t.Error("admitted while the place is held")
	}
	if !b.release(b.Lugano, holder.CaseID) || b.release(b.Lugano, holder.CaseID) {
		t.Error("a place is given back once")
	}
	if b.admit(b.Lugano, queue[1].CaseID, 1) {
		t.Error("the second of the queue went before the first")
	}
	if b.admit(b.Chiasso, queue[0].CaseID, 1) {
		t.Error("the neighbour admitted a case that is not its own")
	}
	if !b.admit(b.Lugano, queue[0].CaseID, 1) {
		t.Error("the first of the queue was not admitted")
	}
	// One more place, and the one who gave up does not keep the others waiting.
	if !b.release(b.Lugano, queue[1].CaseID) {
		t.Error("who waits cannot leave the queue")
	}
	if level := b.levels(b.Lugano, "s")["centro"]; level.Used != 1 || level.Waiting != 0 {
		t.Errorf("%d used, %d wait", level.Used, level.Waiting)
	}
	// Who comes while somebody waits does not pass them.
	if late, err := b.take(b.Lugano, centre, 1, 1, true); err != nil || late.State != contingents.Waiting {
		t.Fatalf("%v %v", late.State, err)
	}
	if later, err := b.take(b.Lugano, centre, 1, 9, true); err != nil || later.State != contingents.Waiting {
		t.Errorf("passed the queue: %v %v", later.State, err)
	}
}

func TestACreditIsNotOverdrawn(t *testing.T) {
	b := bench{tenancytest.New(t), t}
	credit := contingents.Pot{Service: "bici", Period: "2026"}
	if _, err := b.take(b.Lugano, credit, 25_000, 40_000, false); err != nil {
		t.Fatal(err)
	}
	if _, err := b.take(b.Lugano, credit, 25_000, 40_000, false); !errors.Is(err, contingents.ErrNothingLeft) {
		t.Errorf("overdrawn: %v", err)
	}
	if _, err := b.take(b.Lugano, credit, 15_000, 40_000, false); err != nil {
		t.Errorf("what is left was not given: %v", err)
	}
	if level := b.levels(b.Lugano, "bici")[""]; level.Used != 40_000 {
		t.Errorf("%d used", level.Used)
	}
	next := contingents.Pot{Service: "bici", Period: "2027"}
	if _, err := b.take(b.Lugano, next, 25_000, 40_000, false); err != nil {
		t.Errorf("next year begins with what last year used: %v", err)
	}
}
