package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	fairnessTarget = 2.
	quietRate      = 20 // requests per second of the quiet commune
	busyClients    = 64
)

// fairness measures a quiet commune's page at a constant rate: alone, beside a
// commune with ten times as much, and beside one whose many clients ask without
// pause.
func fairness(ctx context.Context, out io.Writer, s settings, w *world) error {
	all, err := w.fleet(ctx, 2)
	if err != nil {
		return err
	}
	who, err := visitors(ctx, all)
	if err != nil {
		return err
	}
	asking := func(i int) func(context.Context) (*http.Request, error) {
		return func(ctx context.Context) (*http.Request, error) { return all[i].area(ctx, who[i]) }
	}
	quiet, busy := asking(0), asking(1)
	if _, err := load(ctx, 4, time.Second, http.StatusOK, busy); err != nil {
		return err
	}
	if _, err := atRate(ctx, quietRate, time.Second, quiet); err != nil {
		return err
	}
	beside := func(disturb func(context.Context) (figures, error)) (mine, other figures, err error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		done := make(chan error, 1)
		go func() { var err error; other, err = disturb(ctx); done <- err }()
		mine, err = atRate(ctx, quietRate, s.duration, quiet)
		return mine, other, errors.Join(err, <-done)
	}
	var alone, ten, many []figures
	var tenOther, manyOther figures
	part := s
	part.duration = s.duration / rounds
	s = part
	for range rounds {
		got, err := atRate(ctx, quietRate, s.duration, quiet)
		if err != nil {
			return err
		}
		alone = append(alone, got)
		if got, tenOther, err = beside(func(ctx context.Context) (figures, error) { return atRate(ctx, 10*quietRate, s.duration, busy) }); err != nil {
			return err
		}
		ten = append(ten, got)
		if got, manyOther, err = beside(func(ctx context.Context) (figures, error) {
			return load(ctx, busyClients, s.duration*5/6, http.StatusOK, busy)
		}); err != nil {
			return err
		}
		many = append(many, got)
	}
	base := middle(alone)
	fmt.Fprintf(out, "\na quiet commune, %d requests per second: alone p50 %s, p99 %s\n", quietRate, round(base.P50), round(base.P99))
	for _, beside := range []struct {
		what string
		mine figures
		busy figures
	}{{"beside ten times as many of another", middle(ten), tenOther}, {fmt.Sprintf("beside %d clients of another without pause", busyClients), middle(many), manyOther}} {
		fmt.Fprintf(out, "  %s (%.0f per second, failed %d): p50 %s, p99 %s, %.2f times its own (target: under %.0f), failed %d\n", beside.what,
			beside.busy.PerSecond, beside.busy.Failed, round(beside.mine.P50), round(beside.mine.P99), beside.mine.P99.Seconds()/base.P99.Seconds(), fairnessTarget, beside.mine.Failed)
	}
	return nil
}

// middle is the median by p99, with the failures of all.
func middle(list []figures) figures {
	slices.SortFunc(list, func(a, b figures) int { return int(a.P99 - b.P99) })
	out := list[len(list)/2]
	out.Failed = 0
	for _, f := range list {
		out.Failed += f.Failed
	}
	return out
}

// atRate asks at a constant rate whatever the answers take; times count from
// when a request was due.
func atRate(ctx context.Context, rate int, d time.Duration, ask func(context.Context) (*http.Request, error)) (figures, error) {
	c := client(256)
	defer c.CloseIdleConnections()
	var (
		mu     sync.Mutex
		took   []time.Duration
		failed int
		first  error
		wg     sync.WaitGroup
	)
	start := time.Now()
	for i := range int(d.Seconds() * float64(rate)) {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(due))
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			req, err := ask(ctx)
			status := 0
			if err == nil {
				status, err = do(c, req)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil || status != http.StatusOK {
				if failed++; first == nil {
					first = fmt.Errorf("status %d (%w)", status, err)
				}
				return
			}
			took = append(took, time.Since(due))
		})
	}
	wg.Wait()
	if len(took) == 0 {
		return figures{}, fmt.Errorf("no request of %d succeeded: %w", failed, first)
	}
	slices.Sort(took)
	return summary(took, failed, time.Since(start)), nil
}
