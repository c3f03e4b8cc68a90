package web

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// turns keeps one commune from taking all of a process: at most `each` of its
// requests are worked on at a time, the others wait in line for a moment. So a
// request of a quiet commune never stands behind more than `each` of a busy one,
// however many come in.
type turns struct {
	each int
	wait time.Duration

	mu sync.Mutex
	of map[string]chan struct{}
}

// How a process shares itself out where the settings do not say.
const (
	turnsPerCore = 4
	turnWait     = 5 * time.Second
	turnRetry    = 3 * time.Second
)

var turnedAway = promauto.NewCounterVec(prometheus.CounterOpts{Name: "sportello_requests_turned_away_total",
	Help: "Requests told to come back because their commune had its share of this process."}, []string{"commune"})

func newTurns(each int) *turns {
	if each <= 0 {
		each = turnsPerCore * runtime.GOMAXPROCS(0)
	}
	return &turns{each: each, wait: turnWait, of: map[string]chan struct{}{}}
}

// enter waits for the request's turn. Errors: problem.Unavailable with
// Retry-After when the line does not move.
func (l *turns) enter(ctx context.Context, t tenancy.Tenant) (leave func(), err error) {
	l.mu.Lock()
	line := l.of[t.Slug()]
	if line == nil {
		line = make(chan struct{}, l.each)
		l.of[t.Slug()] = line
	}
	l.mu.Unlock()
	leave = func() { <-line }
	select {
	case line <- struct{}{}:
		return leave, nil
	default:
	}
	patience := time.NewTimer(l.wait)
	defer patience.Stop()
	select {
	case line <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-patience.C:
		turnedAway.WithLabelValues(t.Slug()).Inc()
		return nil, problem.Unavailable("web.busy", "error.busy").WithRetry(turnRetry)
	}
}
