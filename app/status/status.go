package status

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/sportello-ticino/sportello/app/bulletin"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// Part is something of the desk that people use.
type Part string

// The parts, in the order of the page.
const (
	Desk     Part = "desk"     // services and forms
	SignIn   Part = "sign-in"  // accounts
	Cases    Part = "cases"    // applications and documents
	Payments Part = "payments" // through the commune's provider
	Mails    Part = "mails"    // what the desk writes
)

var parts = []Part{Desk, SignIn, Cases, Payments, Mails}

// State is how a part is.
type State string

// The states.
const (
	Works State = "works"
	Late  State = "late"
	Down  State = "down"
)

// How long a look is shown, and how long it may take.
const (
	freshFor    = 5 * time.Second
	probeWithin = 1500 * time.Millisecond
)

// Snapshot is what is known of a commune's desk at a moment.
type Snapshot struct {
	At     time.Time
	Parts  map[Part]State
	Memory *Memory // nil while it cannot be read
}

// Service looks at communes.
type Service struct {
	DB    *tenancy.DB
	Clock clock.Clock
	Board *bulletin.Board
	Redis func(ctx context.Context) error // nil when sessions are there

	mu   sync.Mutex
	held map[string]Snapshot
	once singleflight.Group
}

// Now is how a commune's desk is doing, at most five seconds old.
func (s *Service) Now(ctx context.Context, t tenancy.Tenant) Snapshot {
	s.mu.Lock()
	h, ok := s.held[t.Slug()]
	s.mu.Unlock()
	if ok && s.Clock.Now().Sub(h.At) < freshFor {
		return h
	}
	v, _, _ := s.once.Do(t.Slug(), func() (any, error) {
		ctx := context.WithoutCancel(ctx)
		now := Snapshot{At: s.Clock.Now(), Parts: s.look(ctx, t)}
		if m, err := s.remember(ctx, t); err == nil {
			now.Memory = m
		}
		s.mu.Lock()
		s.held[t.Slug()] = now
		s.mu.Unlock()
		return now, nil
	})
	return v.(Snapshot)
}

// look asks the commune and Redis. Work counts as late when it has waited for
// longer than people would wait, or was tried several times in vain.
func (s *Service) look(ctx context.Context, t tenancy.Tenant) map[Part]State {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	sessions := make(chan error, 1)
	go func() { sessions <- s.Redis(ctx) }()
	late := map[Part]bool{}
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		rows, err := tx.Query(`select distinct case when kind like 'payments.%' then 'payments' when kind like 'notifications.%' then 'mails' else 'cases' end
			from outbox where done_at is null and gave_up_at is null
			and (run_after < now() - interval '5 minutes' or attempts >= 3 and created_at < now() - interval '2 minutes')`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p Part
			if err := rows.Scan(&p); err != nil {
				return err
			}
			late[p] = true
		}
		return rows.Err()
	})
	out := map[Part]State{}
	for _, p := range parts {
		out[p] = Works
		switch {
		case err != nil && p == Mails:
			out[p] = Late
		case err != nil:
			out[p] = Down
		case late[p]:
			out[p] = Late
		}
	}
	if <-sessions != nil {
		out[SignIn] = Down
	}
	return out
}
