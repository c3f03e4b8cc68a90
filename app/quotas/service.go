package quotas

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Deps is what the service needs.
type Deps struct {
	DB     *tenancy.DB
	Outbox *outbox.Outbox
	Clock  clock.Clock
	Mail   interface {
		Send(tx *tenancy.Tx, m notifications.Message) error
	}
	Texts *i18n.Bundle
	URL   func(t tenancy.Tenant, path string) string
	// Default is what a commune may use where nothing was granted, by kind.
	Default map[string]int64
}

// Service answers what is granted and what is left.
type Service struct {
	Deps
	calls meters.Tally
	once  sync.Mutex
	held  atomic.Pointer[grants]
}

// grants is what a process holds of what was granted.
type grants struct {
	of    map[string]map[string]int64
	stale atomic.Bool
}

// New makes the service.
func New(d Deps) *Service {
	return &Service{Deps: d, calls: meters.Tally{DB: d.DB, Write: `insert into api_calls as c (slug, day, n) values ($1, $2, $3)
		on conflict (slug, day) do update set n = c.n + excluded.n returning n`}}
}

// ErrRange means that a quota is no number, or beyond what can be granted.
var ErrRange = problem.Invalid("quotas.range", "quotas.error.range")

// freshFor is how long a process trusts what it holds.
const freshFor = 2 * time.Second

// granted is a commune's quota, and whether it is its own. It answers from memory
// and asks at most once in freshFor; when the database does not answer it is what
// was known before.
func (s *Service) granted(ctx context.Context, t tenancy.Tenant, kind string) (n int64, own bool) {
	if n, own = s.load(ctx).of[t.Slug()][kind]; own {
		return n, true
	}
	return s.Default[kind], false
}

func (s *Service) load(ctx context.Context) *grants {
	h := s.held.Load()
	switch {
	case h != nil && !h.stale.Load():
		return h
	case h != nil && !s.once.TryLock():
		return h // somebody is asking already
	case h == nil:
		s.once.Lock()
	}
	defer s.once.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	next := &grants{}
	if h != nil {
		next.of = h.of
	}
	_ = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		of, err := grantsOf(tx, "")
		if err == nil {
			next.of = of
		}
		return err
	})
	s.held.Store(next)
	time.AfterFunc(freshFor, func() { next.stale.Store(true) })
	return next
}

// Set grants a commune quotas by kind; nil is the default again. What is not named
// stays. Errors: ErrRange with the kind as field.
func (s *Service) Set(ctx context.Context, by identity.Actor, t tenancy.Tenant, want map[string]*int64) error {
	for kind, n := range want {
		if _, known := s.Default[kind]; !known || n != nil && (*n < 0 || *n > most(kind)) {
			return ErrRange.WithField(kind, ErrRange.Key)
		}
	}
	now := s.Clock.Now()
	err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		all, err := grantsOf(tx, t.Slug())
		if err != nil {
			return err
		}
		details := map[string]any{}
		for _, kind := range Kinds { // in one order: two people may set at once
			n, asked := want[kind]
			if !asked {
				continue
			}
			before, had := all[t.Slug()][kind]
			if had == (n != nil) && (n == nil || *n == before) {
				continue
			}
			grant(tx, t.Slug(), kind, n, by.Name(), now)
			details[kind] = s.change(kind, had, before, n)
		}
		if len(details) == 0 {
			return nil
		}
		return identity.Note(tx, by, "quotas.set", "commune:"+t.Slug(), details)
	})
	s.held.Store(nil)
	return err
}

// change says for the audit what a quota was and what it is.
func (s *Service) change(kind string, had bool, before int64, n *int64) map[string]int64 {
	out := map[string]int64{"before": s.Default[kind], "now": s.Default[kind]}
	if had {
		out["before"] = before
	}
	if n != nil {
		out["now"] = *n
	}
	return out
}

// Uses is how a commune stands now, in the order of Kinds.
func (s *Service) Uses(ctx context.Context, t tenancy.Tenant) ([]Use, error) {
	now := s.Clock.Now()
	used := map[string]int64{}
	var waiting int64
	if err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		for _, kind := range []string{Storage, Mails} {
			if used[kind], err = meters.Used(tx, kind, now); err != nil {
				return err
			}
		}
		waiting, err = outbox.Waiting(tx, notifications.Job)
		return err
	}); err != nil {
		return nil, err
	}
	var grown []level
	var own map[string]int64
	if err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		all, err := grantsOf(tx, t.Slug())
		if err != nil {
			return err
		}
		own = all[t.Slug()]
		if used[API], err = callsOn(tx, t.Slug(), meters.Day(now)); err != nil {
			return err
		}
		grown, err = levels(tx, t.Slug(), meters.Day(now).AddDate(0, 0, -storageDays))
		return err
	}); err != nil {
		return nil, err
	}
	out := make([]Use, len(Kinds))
	for i, kind := range Kinds {
		u := Use{Kind: kind, Used: max(used[kind], 0), Quota: s.Default[kind]}
		if n, ok := own[kind]; ok {
			u.Quota, u.Own = n, true
		}
		if kind == Mails {
			u.Waiting = waiting
		}
		u.Forecast = foretell(u, now, grown)
		out[i] = u
	}
	return out, nil
}

// left is what remains of a current meter; known is false when it cannot be read.
func (s *Service) left(ctx context.Context, t tenancy.Tenant, kind string) (n int64, known bool) {
	quota, _ := s.granted(ctx, t, kind)
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		used, err := meters.Used(tx, kind, s.Clock.Now())
		n = quota - used
		return err
	})
	return n, err == nil
}

// Room reports whether so many bytes still have room.
func (s *Service) Room(ctx context.Context, t tenancy.Tenant, bytes int64) bool {
	n, known := s.left(ctx, t, Storage)
	return !known || n >= bytes
}

// MailsWaitUntil is until when a mail that can wait has to, and whether it has to.
func (s *Service) MailsWaitUntil(ctx context.Context, t tenancy.Tenant) (time.Time, bool) {
	n, known := s.left(ctx, t, Mails)
	return meters.NextMonth(s.Clock.Now()), known && n <= 0
}

// Calls counts a call of the machine interface and says what is left of the day.
// It answers from memory: calls that other processes granted in the last seconds
// are missing. A call that is not granted counts nothing.
func (s *Service) Calls(t tenancy.Tenant) web.Calls {
	now := s.Clock.Now()
	day := meters.Day(now)
	quota, _ := s.granted(context.Background(), t, API)
	c := web.Calls{Quota: quota, Reset: nextDay(now).Sub(now)}
	if c.Over = s.calls.Sum(t, day) >= quota; !c.Over {
		c.Left = max(quota-s.calls.Add(t, day), 0)
	}
	return c
}
