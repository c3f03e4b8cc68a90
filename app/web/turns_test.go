package web

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// TestTurns: a commune never has more than its share at work, its neighbour enters
// at once, and whoever waits too long is told when to come back.
func TestTurns(t *testing.T) {
	e := tenancytest.New(t)
	l := newTurns(3)
	l.wait = 50 * time.Millisecond
	var now, most, refused atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			leave, err := l.enter(t.Context(), e.Lugano)
			var p *problem.Error
			if errors.As(err, &p) && p.Kind == problem.KindUnavailable && p.RetryAfter > 0 {
				refused.Add(1)
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-stop
			now.Add(-1)
			leave()
		})
	}
	time.Sleep(5 * time.Millisecond)
	began := time.Now()
	leave, err := l.enter(t.Context(), e.Chiasso)
	if err != nil {
		t.Fatalf("the neighbour: %v", err)
	}
	leave()
	if d := time.Since(began); d > l.wait/2 {
		t.Errorf("the neighbour waited %s", d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.enter(ctx, e.Lugano); !errors.Is(err, context.Canceled) {
		t.Errorf("who has gone away: %v", err)
	}
	for refused.Load() < 37 {
		time.Sleep(time.Millisecond)
	}
	close(stop)
	wg.Wait()
	if most.Load() != 3 || refused.Load() != 37 {
		t.Errorf("%d at a time, %d told to come back", most.Load(), refused.Load())
	}
	if leave, err = l.enter(t.Context(), e.Lugano); err != nil {
		t.Errorf("when all have left: %v", err)
	} else {
		leave()
	}
}
