package outbox_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

func (b *bench) owner(t *testing.T, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) errands(t *testing.T) (n int) {
	t.Helper()
	if err := b.DB.Platform(context.Background(), func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select count(*) from errands").Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func (b *bench) send(t *testing.T, to tenancy.Tenant, fail error) {
	t.Helper()
	if err := b.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
		if err := b.out.Errand(tx, to, "count", nil); err != nil {
			return err
		}
		return fail
	}); !errors.Is(err, fail) {
		t.Fatal(err)
	}
}

// An errand is done once, in its own commune, only after the commit, and again
// after a failure.
func TestAnErrandIsDoneOnceAndOnlyAfterCommit(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var tries atomic.Int64
	b.reg.Errand("count", func(_ context.Context, tx *tenancy.Tx, _ outbox.Errand) error {
		if err := increment(tx, "done"); err != nil {
			return err
		}
		switch tries.Add(1) {
		case 1:
			return errors.New("not yet")
		case 2:
			panic("worse")
		}
		return nil
	})
	b.run(t)
	b.run(t)
	b.send(t, b.Lugano, errors.New("rolled back"))
	for range 20 {
		b.send(t, b.Lugano, nil)
	}
	eventually(t, "all errands are done", func() bool { return b.errands(t) == 0 })
	if n := b.count(t, b.Lugano, "done"); n != 20 {
		t.Errorf("%d effects of 20 errands", n)
	}
	if n := b.count(t, b.Chiasso, "done"); n != 0 {
		t.Errorf("%d errands ran in the neighbour", n)
	}
	if err := b.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error { return b.out.Errand(tx, b.Lugano, "unknown", nil) }); err == nil {
		t.Error("an errand that nobody does was accepted")
	}
}

// A worker that dies after the commune's commit leaves the errand in the
// platform's table: whoever takes it up finds that it was done.
func TestAnErrandWhoseWorkerDiesIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var runs atomic.Int64
	b.reg.Errand("count", func(_ context.Context, tx *tenancy.Tx, _ outbox.Errand) error {
		runs.Add(1)
		return increment(tx, "done")
	})
	b.owner(t, `create function platform.stay() returns trigger language plpgsql as $$ begin raise exception 'the worker died'; end $$;
		create trigger stay before delete on platform.errands for each row execute function platform.stay()`)
	stop := b.run(t)
	b.send(t, b.Lugano, nil)
	eventually(t, "the commune has done it", func() bool { return b.count(t, b.Lugano, "done") == 1 })
	stop()
	if b.errands(t) != 1 {
		t.Fatal("the errand is not there any more: the test proves nothing")
	}
	b.owner(t, "drop trigger stay on platform.errands; update platform.errands set run_after = now()")
	b.run(t)
	eventually(t, "the errand is over", func() bool { return b.errands(t) == 0 })
	if n := b.count(t, b.Lugano, "done"); n != 1 || runs.Load() != 1 {
		t.Errorf("done %d times in %d runs, want once", n, runs.Load())
	}
}
