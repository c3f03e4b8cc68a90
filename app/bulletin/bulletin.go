// Package bulletin carries the entity's announcements to the desks.
//
// It owns announcements and maintenance windows: written on the entity's
// console, shown to officials while they last, and a maintenance window also to
// citizens, from a day before. Every process keeps the current ones in memory
// and asks for them at most once a second, whatever the number of pages.
//
// Life: written → (begins) → ends, or withdrawn. Nothing is edited: a wrong
// announcement is withdrawn and written anew.
package bulletin

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// The kinds.
const (
	Info        = "info"
	Maintenance = "maintenance"
)

// ahead is how long before it begins a maintenance window is shown.
const ahead = 24 * time.Hour

// Announcement is one of them.
type Announcement struct {
	ID           uuid.UUID
	Kind         string
	Texts        i18n.Text // by language; Italian always
	Starts, Ends time.Time
	Slugs        []string // empty: all communes
	By           string
	At           time.Time
	Withdrawn    *time.Time
}

// For reports whether a commune is meant.
func (a Announcement) For(slug string) bool {
	return len(a.Slugs) == 0 || slices.Contains(a.Slugs, slug)
}

// Shown reports whether officials, or citizens too, see it at that moment.
func (a Announcement) Shown(now time.Time, citizens bool) bool {
	from := a.Starts
	if a.Kind == Maintenance {
		from = from.Add(-ahead)
	} else if citizens {
		return false
	}
	return a.Withdrawn == nil && !now.Before(from) && now.Before(a.Ends)
}

// Words is the text in a language, Italian where there is none.
func (a Announcement) Words(lang string) string {
	if s := a.Texts[lang]; s != "" {
		return s
	}
	return a.Texts[i18n.Reference]
}

// freshFor is how long a process trusts what it holds.
const freshFor = 900 * time.Millisecond

// Board is what a process holds in memory.
type Board struct {
	DB    *tenancy.DB
	Clock clock.Clock
	once  sync.Mutex
	held  atomic.Pointer[board]
}

type board struct {
	at   time.Time
	list []Announcement
}

// Current lists what a commune's people see now. When the database does not
// answer it is what was known before: a page never waits for an announcement.
func (b *Board) Current(ctx context.Context, t tenancy.Tenant, citizens bool) []Announcement {
	var out []Announcement
	now := b.Clock.Now()
	for _, a := range b.load(ctx) {
		if a.For(t.Slug()) && a.Shown(now, citizens) {
			out = append(out, a)
		}
	}
	return out
}

// Coming lists the maintenance windows of a commune that have not ended yet, the
// next one first.
func (b *Board) Coming(ctx context.Context, t tenancy.Tenant) []Announcement {
	var out []Announcement
	now := b.Clock.Now()
	for _, a := range b.load(ctx) {
		if a.Kind == Maintenance && a.Withdrawn == nil && a.For(t.Slug()) && now.Before(a.Ends) {
			out = append(out, a)
		}
	}
	return out
}

func (b *Board) load(ctx context.Context) []Announcement {
	h := b.held.Load()
	if h != nil && time.Since(h.at) < freshFor {
		return h.list
	}
	if h != nil && !b.once.TryLock() {
		return h.list // somebody is asking already
	} else if h == nil {
		b.once.Lock()
	}
	defer b.once.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	next := &board{at: time.Now()}
	if h != nil {
		next.list = h.list
	}
	var list []Announcement
	if err := b.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		list, err = query(tx, "where withdrawn_at is null and ends_at > $1 order by starts_at, id limit 100", b.Clock.Now().Add(-time.Minute))
		return err
	}); err == nil {
		next.list = list
	}
	b.held.Store(next)
	return next.list
}

// forget makes the next page of this process ask at once.
func (b *Board) forget() { b.held.Store(nil) }

// What is wrong with an announcement.
var (
	ErrText  = problem.Invalid("bulletin.text", "bulletin.error.text")
	ErrTimes = problem.Invalid("bulletin.times", "bulletin.error.times")
)

// Write publishes an announcement.
func (b *Board) Write(ctx context.Context, by identity.Actor, a Announcement) error {
	for lang, text := range a.Texts {
		if a.Texts[lang] = strings.TrimSpace(text); len([]rune(text)) > 500 {
			return ErrText
		}
	}
	switch {
	case len([]rune(a.Texts[i18n.Reference])) < 3:
		return ErrText
	case !a.Ends.After(a.Starts) || !a.Ends.After(b.Clock.Now()) || a.Ends.Sub(a.Starts) > 366*24*time.Hour || a.Kind != Info && a.Kind != Maintenance:
		return ErrTimes
	}
	texts, err := json.Marshal(a.Texts)
	if err != nil {
		return err
	}
	if a.Slugs == nil {
		a.Slugs = []string{}
	}
	a.ID = uuid.Must(uuid.NewV7())
	defer b.forget()
	return b.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if _, err := tx.Exec("insert into announcements (id, kind, texts, starts_at, ends_at, slugs, written_by, written_at) values ($1, $2, $3, $4, $5, $6, $7, $8)",
			a.ID, a.Kind, string(texts), a.Starts, a.Ends, a.Slugs, by.Name(), b.Clock.Now()); err != nil {
			return err
		}
		return identity.Note(tx, by, "bulletin.written", "announcement:"+a.ID.String(), map[string]any{"kind": a.Kind, "communes": len(a.Slugs)})
	})
}

// Withdraw takes an announcement back; one that is not there is NotFound.
func (b *Board) Withdraw(ctx context.Context, by identity.Actor, id uuid.UUID) error {
	defer b.forget()
	return b.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		n, err := tx.Exec("update announcements set withdrawn_at = $2 where id = $1 and withdrawn_at is null", id, b.Clock.Now())
		if err != nil {
			return err
		}
		if n == 0 {
			return problem.NotFound("bulletin.unknown", "errors.404.text")
		}
		return identity.Note(tx, by, "bulletin.withdrawn", "announcement:"+id.String(), nil)
	})
}

// Recent lists the newest announcements, withdrawn ones too.
func (b *Board) Recent(ctx context.Context) (out []Announcement, err error) {
	err = b.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		out, err = query(tx, "where written_at > $1 order by written_at desc limit 50", b.Clock.Now().AddDate(-1, 0, 0))
		return err
	})
	return out, err
}

func query(tx *tenancy.PlatformTx, where string, arg time.Time) ([]Announcement, error) {
	rows, err := tx.Query("select id, kind, texts::text, starts_at, ends_at, slugs, written_by, written_at, withdrawn_at from announcements "+where, arg)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Announcement
	for rows.Next() {
		var a Announcement
		var texts string
		if err := rows.Scan(&a.ID, &a.Kind, &texts, &a.Starts, &a.Ends, &a.Slugs, &a.By, &a.At, &a.Withdrawn); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(texts), &a.Texts); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}
