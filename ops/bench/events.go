package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

const (
	eventKind   = "bench.event"
	eventTarget = time.Second
)

// arrivals notes when each event was committed and when its handler's transaction
// was.
type arrivals struct {
	mu              sync.Mutex
	committed, done []time.Time
	left            int
	all             chan struct{}
}

func newArrivals(n int) *arrivals {
	return &arrivals{committed: make([]time.Time, n), done: make([]time.Time, n), left: n, all: make(chan struct{})}
}

func (a *arrivals) commit(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.committed[n] = time.Now()
}

func (a *arrivals) arrive(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.done[n].IsZero() {
		return
	}
	a.done[n] = time.Now()
	if a.left--; a.left == 0 {
		close(a.all)
	}
}

func (a *arrivals) figures(elapsed time.Duration) figures {
	a.mu.Lock()
	defer a.mu.Unlock()
	took := make([]time.Duration, len(a.done))
	for i, at := range a.done {
		took[i] = max(0, at.Sub(a.committed[i]))
	}
	slices.Sort(took)
	return summary(took, 0, elapsed)
}

// events measures from an event's commit to its handler's: a relay, asynq and a
// worker with the product's settings, events of all communes at a steady rate.
// The floor does the handler's transaction in the same process right after the
// commit, with nothing between.
func events(ctx context.Context, out io.Writer, s settings, w *world) (err error) {
	resume, err := w.pauseWorker()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resume()) }()
	n := int(float64(s.events) * s.duration.Seconds())
	through, floor := newArrivals(n), newArrivals(n)

	reg := outbox.NewRegistry()
	reg.Handle(eventKind, func(_ context.Context, tx *tenancy.Tx, job outbox.Job) error {
		var i int
		if err := job.Decode(&i); err != nil {
			return err
		}
		tx.AfterCommit(func() { through.arrive(i) })
		return nil
	})
	box := outbox.New(reg, w.Redis)
	worker := outbox.NewWorker(outbox.WorkerDeps{DB: w.DB, Registry: reg, Redis: w.Redis, Log: w.Log})
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(running) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()

	start := time.Now()
	late, err := w.steadily(ctx, s.events, n, func(ctx context.Context, t tenancy.Tenant, i int) error {
		err := w.DB.In(ctx, t, func(tx *tenancy.Tx) error { return box.Add(tx, eventKind, i) })
		through.commit(i)
		return err
	})
	if err != nil {
		return err
	}
	sent := time.Since(start)
	select {
	case <-through.all:
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Minute):
		return fmt.Errorf("%d of %d events were not handled within a minute", through.left, n)
	}
	got := through.figures(time.Since(start))
	start = time.Now()
	if _, err := w.steadily(ctx, s.events, n, func(ctx context.Context, t tenancy.Tenant, i int) error {
		var id int64
		if err := w.DB.In(ctx, t, func(tx *tenancy.Tx) error {
			// done already for whoever else looks: nobody but this takes it
			return tx.QueryRow("insert into outbox (kind, payload, run_after, gave_up_at) values ($1, $2, now(), now()) returning id", eventKind, fmt.Sprint(i)).Scan(&id)
		}); err != nil {
			return err
		}
		floor.commit(i)
		if err := w.DB.In(ctx, t, func(tx *tenancy.Tx) error {
			var kind string
			if err := tx.QueryRow("select kind from outbox where id = $1 for update", id).Scan(&kind); err != nil {
				return err
			}
			_, err := tx.Exec("update outbox set done_at = now(), last_error = '' where id = $1", id)
			return err
		}); err != nil {
			return err
		}
		floor.arrive(i)
		return nil
	}); err != nil {
		return err
	}
	bare := floor.figures(time.Since(start))
	_, err = fmt.Fprintf(out, "\nfrom commit to handler, %d events wanted per second: %.0f sent, %.0f handled per second, p50 %s, p99 %s (target: p99 at most %s), the sender at most %s behind; handled at once without a queue: %.0f per second, p50 %s, p99 %s\n",
		s.events, float64(n)/sent.Seconds(), got.PerSecond, round(got.P50), round(got.P99), eventTarget, round(late), bare.PerSecond, round(bare.P50), round(bare.P99))
	return err
}

// steadily does something n times at a rate, in all communes by turns, on sixteen
// hands. late is by how much it fell behind at most.
func (w *world) steadily(ctx context.Context, rate, n int, do func(context.Context, tenancy.Tenant, int) error) (late time.Duration, err error) {
	all, err := w.DB.Directory().All(ctx)
	if err != nil {
		return 0, err
	}
	due := make(chan int)
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	when := func(i int) time.Time { return start.Add(time.Duration(i) * time.Second / time.Duration(rate)) }
	for range 16 {
		g.Go(func() error {
			for i := range due {
				behind := time.Since(when(i))
				mu.Lock()
				late = max(late, behind)
				mu.Unlock()
				if err := do(ctx, all[i%len(all)], i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(due)
		for i := range n {
			time.Sleep(time.Until(when(i)))
			select {
			case due <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return late, g.Wait()
}
