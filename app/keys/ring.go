package keys

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/kms"
	"github.com/sportello-ticino/sportello/pkg/secret"
)

// trusted is how long a process believes that no key has changed. After half of
// it a question is asked in the background, so that a request seldom waits.
const trusted = time.Second

// Ring holds the keys of all communes that this process has met. It is safe for
// concurrent use.
type Ring struct {
	db      *tenancy.DB
	masters *kms.Chain
	legacy  []map[string]*secret.Box // one per configured master secret

	mu   sync.RWMutex
	held map[string]*Commune
	at   atomic.Pointer[checked]
	once singleflight.Group
}

type checked struct {
	rev  int64
	when time.Time
}

// legacyPurposes are what pkg/secret sealed for, before there were keys of
// communes: the beginning of the context says for which.
var legacyPurposes = []string{"payments", "seal", "staff"}

// NewRing makes the ring of a process and gives it to db. secrets are the master
// keys that pkg/secret may have sealed with. Nothing is dialled.
func NewRing(db *tenancy.DB, masters *kms.Chain, secrets ...[]byte) (*Ring, error) {
	r := &Ring{db: db, masters: masters, held: map[string]*Commune{}}
	for _, s := range secrets {
		boxes := map[string]*secret.Box{}
		for _, purpose := range legacyPurposes {
			box, err := secret.New(s, purpose)
			if err != nil {
				return nil, err
			}
			boxes[purpose] = box
		}
		r.legacy = append(r.legacy, boxes)
	}
	db.UseKeys(r)
	return r, nil
}

func (r *Ring) openLegacy(sealed []byte, place string) ([]byte, bool) {
	for _, boxes := range r.legacy {
		for purpose, box := range boxes {
			if !strings.HasPrefix(place, purpose) {
				continue
			}
			if plain, err := box.Open(sealed, place); err == nil {
				return plain, true
			}
		}
	}
	return nil, false
}

// Keys are the commune's keys; it is what tenancy.KeyRing asks for. Errors: as For.
func (r *Ring) Keys(ctx context.Context, t tenancy.Tenant) (tenancy.Keys, error) {
	return r.For(ctx, t)
}

// For is the commune's keys. Errors: ErrNone, ErrDestroyed; problem.Unavailable
// when they are not in memory and the directory or the key service is away.
func (r *Ring) For(ctx context.Context, t tenancy.Tenant) (*Commune, error) {
	return r.get(ctx, t.Slug())
}

func (r *Ring) get(ctx context.Context, slug string) (*Commune, error) {
	switch last := r.at.Load(); {
	case last == nil || time.Since(last.when) > trusted:
		// Keys in memory serve while the directory is away.
		if err := r.check(ctx); err != nil {
			slog.WarnContext(ctx, "keys cannot be checked", "error", err)
		}
	case time.Since(last.when) > trusted/2:
		r.once.DoChan("check", func() (any, error) { return nil, r.compare(context.WithoutCancel(ctx)) })
	}
	r.mu.RLock()
	c := r.held[slug]
	r.mu.RUnlock()
	if c != nil {
		if c.now.Load() == nil {
			return nil, fmt.Errorf("%w (%s)", ErrDestroyed, slug)
		}
		return c, nil
	}
	v, err, _ := r.once.Do("load "+slug, func() (any, error) { return r.load(context.WithoutCancel(ctx), slug) })
	if err != nil {
		return nil, err
	}
	return v.(*Commune), nil
}

// load opens a commune's keys for the first time.
func (r *Ring) load(ctx context.Context, slug string) (*Commune, error) {
	rows, err := r.read(ctx, []string{slug})
	if err != nil {
		return nil, away(err)
	}
	o, err := r.open(ctx, rows)
	if err != nil {
		err = fmt.Errorf("keys of %s: %w", named(slug), err)
		if errors.Is(err, kms.ErrUnavailable) {
			return nil, away(err)
		}
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &Commune{ring: r, slug: slug}
	c.now.Store(o)
	r.held[slug] = c
	return c, nil
}

func named(slug string) string {
	if slug == "" {
		return "the deployment"
	}
	return slug
}

func (r *Ring) open(ctx context.Context, rows []row) (*opened, error) {
	if len(rows) == 0 {
		return nil, ErrNone
	}
	o := &opened{revs: map[Purpose]int64{}}
	for _, row := range rows {
		if row.Destroyed {
			return nil, ErrDestroyed
		}
		o.revs[row.Purpose] = row.Rev
		if row.Purpose == Login {
			m, err := r.masters.Named(row.Master)
			if err != nil {
				return nil, err
			}
			if o.login, err = m.DecryptWithContext(ctx, row.Wrapped, place(row.Slug, Login)); err != nil {
				return nil, err
			}
			continue
		}
		h, err := row.unwrap(ctx, r.masters)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row.Purpose, err)
		}
		if err := o.take(row.Purpose, h); err != nil {
			return nil, fmt.Errorf("%s: %w", row.Purpose, err)
		}
		o.onlySeal = o.onlySeal || row.Purpose == Data && row.OnlySeal
	}
	for _, p := range purposesOf(rows[0].Slug) {
		if _, ok := o.revs[p]; !ok {
			return nil, fmt.Errorf("%w: %s", ErrNone, p)
		}
	}
	return o, nil
}

func (r *Ring) read(ctx context.Context, slugs []string) (out []row, err error) {
	err = r.db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select "+rowColumns+" from keysets where slug = any($1) order by slug, purpose", slugs)
		if err != nil {
			return err
		}
		defer rows.Close()
		out = nil
		for rows.Next() {
			one, err := scanRow(rows.Scan)
			if err != nil {
				return err
			}
			out = append(out, one)
		}
		return rows.Err()
	})
	return out, err
}

// check asks whether any key has changed, now.
func (r *Ring) check(ctx context.Context) error {
	_, err, _ := r.once.Do("check", func() (any, error) { return nil, r.compare(context.WithoutCancel(ctx)) })
	return err
}

func (r *Ring) compare(ctx context.Context) error {
	started := time.Now()
	var rev int64
	if err := r.db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select rev from keysets_revision").Scan(&rev)
	}); err != nil {
		if last := r.at.Load(); last != nil { // not again for each request
			r.at.Store(&checked{last.rev, started})
		}
		return err
	}
	if last := r.at.Load(); last == nil || last.rev != rev {
		if err := r.refresh(ctx); err != nil {
			return err
		}
	}
	r.at.Store(&checked{rev, started})
	return nil
}

// refresh reads again what this process holds. Destroyed keys are forgotten
// first; a changed keyset that cannot be opened now leaves the old one in use.
func (r *Ring) refresh(ctx context.Context) error {
	r.mu.RLock()
	held := make(map[string]*Commune, len(r.held))
	slugs := make([]string, 0, len(r.held))
	for slug, c := range r.held {
		held[slug], slugs = c, append(slugs, slug)
	}
	r.mu.RUnlock()
	if len(slugs) == 0 {
		return nil
	}
	rows, err := r.read(ctx, slugs)
	if err != nil {
		return err
	}
	bySlug := map[string][]row{}
	for _, row := range rows {
		bySlug[row.Slug] = append(bySlug[row.Slug], row)
		if row.Destroyed {
			held[row.Slug].now.Store(nil)
		}
	}
	var failed error
	for slug, c := range held {
		o := c.now.Load()
		if o == nil || !changed(o, bySlug[slug]) {
			continue
		}
		next, err := r.open(ctx, bySlug[slug])
		switch {
		case errors.Is(err, ErrNone): // the row itself is gone
			c.now.Store(nil)
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("keys of %s: %w", named(slug), err))
		default:
			c.now.Store(next)
		}
	}
	return failed
}

func changed(o *opened, rows []row) bool {
	for _, row := range rows {
		if o.revs[row.Purpose] != row.Rev || row.Purpose == Data && row.OnlySeal != o.onlySeal {
			return true
		}
	}
	return len(rows) != len(o.revs)
}

// LoginKey is what the passwords of the communes' logins derive from.
func (r *Ring) LoginKey(ctx context.Context) ([]byte, error) {
	c, err := r.get(ctx, "")
	if err != nil {
		return nil, err
	}
	o, err := c.current()
	if err != nil {
		return nil, err
	}
	return o.login, nil
}

// Entity seals what belongs to the deployment itself: its staff's second factors.
type Entity struct{ Ring *Ring }

// Seal encrypts under the deployment's key.
func (e Entity) Seal(plain []byte, place string) ([]byte, error) {
	c, err := e.Ring.get(context.Background(), "")
	if err != nil {
		return nil, err
	}
	return c.Seal(plain, place)
}

// Open decrypts what Seal made with the same context. Errors: ErrOpen.
func (e Entity) Open(sealed []byte, place string) ([]byte, error) {
	c, err := e.Ring.get(context.Background(), "")
	if err != nil {
		return nil, err
	}
	return c.Open(sealed, place)
}
