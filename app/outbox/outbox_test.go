package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

type bench struct {
	*tenancytest.Env
	reg *outbox.Registry
	out *outbox.Outbox
}

func setUp(t *testing.T) *bench {
	e := tenancytest.New(t)
	reg := outbox.NewRegistry()
	return &bench{e, reg, outbox.New(reg, e.Redis)}
}

// run works until the test ends or stop is called.
func (b *bench) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	opt := *b.Redis.Options()
	rdb := redis.NewClient(&opt)
	w := outbox.NewWorker(outbox.WorkerDeps{DB: b.DB, Registry: b.reg, Redis: rdb, Log: slog.New(slog.DiscardHandler)})
	go func() { done <- w.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("worker: %v", err)
			}
			_ = rdb.Close()
		})
	}
	t.Cleanup(stop)
	return stop
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(25 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not in time: %s", what)
}

func (b *bench) open(t *testing.T, c tenancy.Tenant) (n int64) {
	t.Helper()
	if err := b.DB.Read(context.Background(), c, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select count(*) from outbox where done_at is null").Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func (b *bench) count(t *testing.T, c tenancy.Tenant, key string) (n int64) {
	t.Helper()
	if err := b.DB.Read(context.Background(), c, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select coalesce((select (value)::text::bigint from settings where key = $1), 0)", key).Scan(&n)
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func increment(tx *tenancy.Tx, key string) error {
	_, err := tx.Exec("insert into settings (key, value) values ($1, '1') on conflict (key) do update set value = to_jsonb((settings.value)::text::bigint + 1)", key)
	return err
}

// A job is done once, in its own commune, and only if its transaction was
// committed.
func TestAJobIsDoneOnceAndOnlyAfterCommit(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.reg.Handle("count", func(_ context.Context, tx *tenancy.Tx, j outbox.Job) error { return increment(tx, "done") })
	b.run(t)
	for i := range 30 {
		err := b.DB.In(t.Context(), b.Lugano, func(tx *tenancy.Tx) error {
			if err := b.out.Add(tx, "count", nil); err != nil {
				return err
			}
			if i%3 == 0 {
				return errors.New("roll back")
			}
			return nil
		})
		if (err != nil) != (i%3 == 0) {
			t.Fatal(err)
		}
	}
	eventually(t, "all jobs done", func() bool { return b.count(t, b.Lugano, "done") == 20 && b.open(t, b.Lugano) == 0 })
	if n := b.count(t, b.Chiasso, "done"); n != 0 {
		t.Fatalf("%d jobs ran in the neighbour", n)
	}
}

// Redis forgets everything in the middle: what was committed is still done,
// once.
func TestALostRedisLosesNothing(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var ran atomic.Int64
	b.reg.Handle("count", func(_ context.Context, tx *tenancy.Tx, j outbox.Job) error {
		ran.Add(1)
		return increment(tx, "done")
	})
	b.run(t)
	const jobs = 120
	for i := range jobs {
		if err := b.DB.In(t.Context(), b.Lugano, func(tx *tenancy.Tx) error { return b.out.Add(tx, "count", nil) }); err != nil {
			t.Fatal(err)
		}
		if i%30 == 15 {
			if err := b.Redis.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	eventually(t, "all jobs done after FLUSHALL", func() bool { return b.open(t, b.Lugano) == 0 })
	if n := b.count(t, b.Lugano, "done"); n != jobs {
		t.Fatalf("%d effects of %d jobs (%d runs)", n, jobs, ran.Load())
	}
}

// A handler that fails is tried again; one that panics too.
func TestAFailedJobIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var tries atomic.Int64
	b.reg.Handle("flaky", func(_ context.Context, tx *tenancy.Tx, j outbox.Job) error {
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
	if err := b.DB.In(t.Context(), b.Lugano, func(tx *tenancy.Tx) error { return b.out.Add(tx, "flaky", nil) }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "third try succeeds", func() bool { return b.open(t, b.Lugano) == 0 })
	if n := b.count(t, b.Lugano, "done"); n != 1 || tries.Load() != 3 {
		t.Fatalf("%d effects after %d tries, want 1 after 3", n, tries.Load())
	}
}

// Every subscriber of an event hears of it exactly once, and a job outside the
// database carries the same key at every try.
func TestEventsReachEverySubscriberAndKeysStay(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	for _, name := range []string{"first", "second"} {
		b.reg.Subscribe("thing.happened", name, func(_ context.Context, tx *tenancy.Tx, j outbox.Job) error {
			var p struct{ N int }
			if err := j.Decode(&p); err != nil || p.N != 7 {
				return fmt.Errorf("payload %+v: %w", p, err)
			}
			return increment(tx, name)
		})
	}
	var mu sync.Mutex
	keys := map[string]int{}
	b.reg.HandleOutside("mail", func(_ context.Context, _ tenancy.Tenant, j outbox.Job) error {
		mu.Lock()
		defer mu.Unlock()
		keys[j.Key()]++
		if keys[j.Key()] == 1 {
			return errors.New("relay away")
		}
		return nil
	})
	b.run(t)
	if err := b.DB.In(t.Context(), b.Chiasso, func(tx *tenancy.Tx) error {
		if err := b.out.Add(tx, "mail", nil); err != nil {
			return err
		}
		return b.out.Publish(tx, "thing.happened", map[string]int{"N": 7})
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all done", func() bool { return b.open(t, b.Chiasso) == 0 })
	if b.count(t, b.Chiasso, "first") != 1 || b.count(t, b.Chiasso, "second") != 1 {
		t.Error("a subscriber was left out or called twice")
	}
	mu.Lock()
	defer mu.Unlock()
	if len(keys) != 1 || keys["chiasso:1"] != 2 {
		t.Errorf("keys %v", keys)
	}
	if err := b.DB.In(t.Context(), b.Chiasso, func(tx *tenancy.Tx) error { return b.out.Add(tx, "unknown", nil) }); err == nil {
		t.Error("a kind without a handler was accepted")
	}
}

// Two workers share the work and never do a job twice.
func TestTwoWorkersShareTheWork(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	b.reg.Handle("count", func(_ context.Context, tx *tenancy.Tx, j outbox.Job) error { return increment(tx, "done") })
	b.run(t)
	stop := b.run(t)
	for range 60 {
		if err := b.DB.In(t.Context(), b.Lugano, func(tx *tenancy.Tx) error { return b.out.Add(tx, "count", nil) }); err != nil {
			t.Fatal(err)
		}
	}
	stop() // one of them leaves in the middle
	eventually(t, "all done", func() bool { return b.open(t, b.Lugano) == 0 })
	if n := b.count(t, b.Lugano, "done"); n != 60 {
		t.Fatalf("%d effects, want 60", n)
	}
}

// Jobs of one relay are handed over while its transaction still holds their
// rows: a worker that is quicker than the commit waits for it.
func TestAQuickWorkerWaitsForTheRelay(t *testing.T) {
	t.Parallel()
	b := setUp(t)
	var did atomic.Int64
	b.reg.Handle("quick", func(context.Context, *tenancy.Tx, outbox.Job) error { did.Add(1); return nil })
	b.run(t)
	const jobs = 200
	if err := b.DB.In(t.Context(), b.Lugano, func(tx *tenancy.Tx) error {
		for range jobs {
			if err := b.out.Add(tx, "quick", nil); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	eventually(t, "all jobs are done", func() bool { return b.open(t, b.Lugano) == 0 })
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("took %s: some waited for the reconciler", took)
	}
	if n := did.Load(); n != jobs {
		t.Errorf("%d jobs ran, want %d", n, jobs)
	}
}
