package costs

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// What can go wrong.
var (
	ErrClosed  = problem.Conflict("costs.closed", "costs.error.closed")     // somebody was quicker
	ErrRunning = problem.Conflict("costs.running", "costs.error.running")   // the month has not ended
	ErrNoKey   = problem.Conflict("costs.no-key", "costs.error.no-key")     // no agreement for that month
	ErrReason  = problem.Invalid("costs.reason", "costs.error.reason")      // a correction needs one
	ErrUnread  = problem.Conflict("costs.unread", "costs.error.not-read")   // the last day is not read yet
	ErrParts   = problem.Invalid("costs.parts", "costs.error.parts")        // not 100 per cent
	ErrWeights = problem.Invalid("costs.weights", "costs.error.weights")    // a part by use without a weight
	ErrTotal   = problem.Invalid("costs.total", "costs.error.total")        // negative or too large
	ErrNobody  = problem.Conflict("costs.nobody", "costs.error.no-parties") // no commune to share with
)

// Service owns keys and statements.
type Service struct {
	DB    *tenancy.DB
	Clock clock.Clock
}

// Statement is a month as it stands, or as one of its versions froze it.
type Statement struct {
	Month    time.Time
	Key      *Agreement // nil when there is no agreement yet
	Shares   []Share
	Read     time.Time // last day read, of a month that is not closed
	Ended    bool
	Closing  *Closing // nil when it is not closed
	Versions []Closing
}

// Total is what is shared.
func (s Statement) Total() money.CHF {
	var total money.CHF
	for _, x := range s.Shares {
		total += x.Amount()
	}
	return total
}

// Inhabitants are those of all communes of the statement.
func (s Statement) Inhabitants() (n int) {
	for _, x := range s.Shares {
		n += x.Inhabitants
	}
	return n
}

// Used is what all communes used of a meter.
func (s Statement) Used(meter string) (n int64) {
	for _, x := range s.Shares {
		n += x.Used[meter]
	}
	return n
}

// Statement reads a month: its newest version when it is closed (or the one
// asked for; 0 asks for the newest), else what it would be today.
// Errors: problem.NotFound for a version that does not exist.
func (s *Service) Statement(ctx context.Context, month time.Time, version int) (out Statement, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		out, err = s.read(tx, month, version)
		return err
	})
	return out, err
}

func (s *Service) read(tx *tenancy.PlatformTx, month time.Time, version int) (Statement, error) {
	out := Statement{Month: month, Ended: !month.AddDate(0, 1, 0).After(meters.Day(s.Clock.Now()))}
	versions, keyIDs, err := closings(tx, month)
	if err != nil {
		return out, err
	}
	out.Versions = versions
	for i, c := range versions {
		if version != 0 && c.Version != version {
			continue
		}
		out.Closing = &c
		if out.Key, err = keyByID(tx, keyIDs[i]); err != nil {
			return out, err
		}
		out.Shares, err = lines(tx, c.ID)
		return out, err
	}
	if version != 0 {
		return out, problem.NotFound("costs.version", "errors.404.text")
	}
	return out, s.reckon(tx, &out)
}

// reckon fills in what the month would be with what is known now.
func (s *Service) reckon(tx *tenancy.PlatformTx, out *Statement) error {
	list, last, err := parties(tx, out.Month)
	if err != nil {
		return err
	}
	out.Read = last
	if out.Key, err = keyOf(tx, out.Month); err != nil {
		return err
	}
	k := Key{Fixed: 1000} // without an agreement there is nothing to share
	if out.Key != nil {
		k = out.Key.Key
	}
	out.Shares = Shares(k, list)
	return nil
}

// Close freezes a month that has ended, as it is reckoned now. A month that is
// closed already gets a new version, and needs a reason.
func (s *Service) Close(ctx context.Context, by identity.Actor, month time.Time, reason string) error {
	reason = strings.TrimSpace(reason)
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		before, err := s.read(tx, month, 0)
		if err != nil {
			return err
		}
		next := Statement{Month: month}
		if err := s.reckon(tx, &next); err != nil {
			return err
		}
		c := Closing{ID: uuid.Must(uuid.NewV7()), Month: month, Version: len(before.Versions) + 1, Reason: reason, By: by.Name(), At: s.Clock.Now()}
		switch {
		case !before.Ended:
			return ErrRunning
		case next.Key == nil:
			return ErrNoKey
		case len(next.Shares) == 0:
			return ErrNobody
		case next.Read.Before(month.AddDate(0, 1, -1)):
			return ErrUnread
		case c.Version > 1 && len([]rune(reason)) < 3 || len([]rune(reason)) > 500:
			return ErrReason
		}
		c.Total = next.Key.Total
		if err := insertClosing(tx, c, next.Key.ID, next.Shares); err != nil {
			return err
		}
		return identity.Note(tx, by, "costs.closed", "month:"+month.Format("2006-01"), map[string]any{"version": c.Version, "total": c.Total.Decimal(), "communes": len(next.Shares)})
	})
}

// Agree sets the key from a month on. A month that is closed keeps its own.
func (s *Service) Agree(ctx context.Context, by identity.Actor, from time.Time, k Key, reason string) error {
	reason = strings.TrimSpace(reason)
	weight := 0
	for _, name := range meters.Names {
		w := k.Weights[name]
		if w < 0 || w > 1000 {
			return ErrWeights
		}
		weight += w
	}
	switch {
	case k.Total < 0 || k.Total > 99_999_999_999:
		return ErrTotal
	case k.Fixed < 0 || k.Inhabitants < 0 || k.Use < 0 || k.Fixed+k.Inhabitants+k.Use != 1000:
		return ErrParts
	case k.Use > 0 && weight == 0:
		return ErrWeights
	case len([]rune(reason)) < 3 || len([]rune(reason)) > 500:
		return ErrReason
	}
	a := Agreement{Key: k, ID: uuid.Must(uuid.NewV7()), From: monthOf(from), Reason: reason, By: by.Name(), DecidedAt: s.Clock.Now()}
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if err := insertKey(tx, a); err != nil {
			return err
		}
		return identity.Note(tx, by, "costs.key", "month:"+a.From.Format("2006-01"), map[string]any{"total": k.Total.Decimal(), "fixed": k.Fixed, "inhabitants": k.Inhabitants, "use": k.Use})
	})
}

// Keys lists the agreements, the newest first.
func (s *Service) Keys(ctx context.Context) (out []Agreement, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		out, err = keys(tx)
		return err
	})
	return out, err
}

// MonthLine is a month in the list of months.
type MonthLine struct {
	Month  time.Time
	Closed bool
	Total  money.CHF // of a closed month
}

// Months lists the last months, the running one first, at most n.
func (s *Service) Months(ctx context.Context, n int) (out []MonthLine, err error) {
	now := monthOf(meters.Day(s.Clock.Now()))
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		first, err := firstMonth(tx, now)
		if err != nil {
			return err
		}
		if oldest := now.AddDate(0, 1-n, 0); first.Before(oldest) {
			first = oldest
		}
		closed, err := closedMonths(tx, first)
		if err != nil {
			return err
		}
		for m := now; !m.Before(first); m = m.AddDate(0, -1, 0) {
			total, ok := closed[m]
			out = append(out, MonthLine{m, ok, total})
		}
		return nil
	})
	return out, err
}
