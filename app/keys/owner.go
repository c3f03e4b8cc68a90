package keys

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/kms"
)

// Owner makes, rotates, rewraps and destroys keys. It needs the owner's credential
// and never stands in a process that faces the web.
type Owner struct {
	owner   *tenancy.Owner
	masters *kms.Chain
	logins  []byte
}

// NewOwner makes the owner's side and gives it to owner, which from then on makes
// keys for what it opens and migrates. logins are the 32 bytes from which the
// passwords of the communes' logins derive where the deployment has none yet: the
// configured master key, so that processes of the release before go on connecting;
// nil for random ones.
func NewOwner(owner *tenancy.Owner, masters *kms.Chain, logins []byte) *Owner {
	o := &Owner{owner, masters, logins}
	owner.UseKeys(o)
	return o
}

// MakeKeys makes the keysets that a commune ("" for the deployment) does not have.
// Destroyed ones are not made again.
func (o *Owner) MakeKeys(ctx context.Context, conn *pgx.Conn, slug string) error {
	rows, err := conn.Query(ctx, "select purpose from platform.keysets where slug = $1", slug)
	if err != nil {
		return err
	}
	have, err := pgx.CollectRows(rows, pgx.RowTo[Purpose])
	if err != nil {
		return err
	}
	for _, p := range purposesOf(slug) {
		if slices.Contains(have, p) {
			continue
		}
		r := row{Slug: slug, Purpose: p}
		if err := o.fill(ctx, &r); err != nil {
			return fmt.Errorf("keys: %s: %w", p, err)
		}
		versions, err := json.Marshal(r.Versions)
		if err != nil {
			return err
		}
		// Two runs at the same time: the first one's counts.
		if _, err := conn.Exec(ctx, `insert into platform.keysets (slug, purpose, wrapped, master, versions) values ($1, $2, $3, $4, $5)
			on conflict do nothing`, slug, p, r.Wrapped, r.Master, string(versions)); err != nil {
			return err
		}
	}
	return nil
}

func (o *Owner) fill(ctx context.Context, r *row) (err error) {
	now := time.Now().UTC()
	if r.Purpose == Login {
		key := o.logins
		if len(key) == 0 {
			key = make([]byte, 32)
			_, _ = rand.Read(key) // never fails
		}
		r.Master, r.Versions = o.masters.Current().Name(), []Version{{MadeAt: now, Primary: true}}
		r.Wrapped, err = o.masters.Current().EncryptWithContext(ctx, key, place(r.Slug, Login))
		return err
	}
	h, err := keyset.NewHandle(templates[r.Purpose]())
	if err != nil {
		return err
	}
	r.Versions = []Version{{ID: h.KeysetInfo().GetPrimaryKeyId(), MadeAt: now, Primary: true}}
	return r.wrap(ctx, h, o.masters)
}

// OwnerLoginKey is what the passwords of the communes' logins derive from.
func (o *Owner) OwnerLoginKey(ctx context.Context, conn *pgx.Conn) ([]byte, error) {
	r, err := scanRow(conn.QueryRow(ctx, "select "+rowColumns+" from platform.keysets where slug = '' and purpose = 'login'").Scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	m, err := o.masters.Named(r.Master)
	if err != nil {
		return nil, err
	}
	return m.DecryptWithContext(ctx, r.Wrapped, place("", Login))
}

// change reads a keyset under a lock, lets f change it and writes it back; f
// answers false to leave it.
func (o *Owner) change(ctx context.Context, slug string, p Purpose, f func(*row) (bool, error)) error {
	return o.owner.Platform(ctx, func(tx pgx.Tx) error {
		r, err := scanRow(tx.QueryRow(ctx, "select "+rowColumns+" from keysets where slug = $1 and purpose = $2 for update", slug, p).Scan)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("%w (%s)", ErrNone, named(slug))
		}
		if err != nil {
			return err
		}
		if r.Destroyed {
			return fmt.Errorf("%w (%s)", ErrDestroyed, named(slug))
		}
		ok, err := f(&r)
		if err != nil || !ok {
			return err
		}
		versions, err := json.Marshal(r.Versions)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update keysets set wrapped = $3, master = $4, versions = $5, rev = rev + 1, changed_at = now()
			where slug = $1 and purpose = $2`, slug, p, r.Wrapped, r.Master, string(versions))
		return err
	})
}

// addKey puts a new key into a keyset that does not seal yet; one that is waiting
// there from an interrupted run is kept.
func (o *Owner) addKey(ctx context.Context, slug string, p Purpose) (added uint32, err error) {
	err = o.change(ctx, slug, p, func(r *row) (bool, error) {
		if added = r.pending(); added != 0 {
			return false, nil
		}
		h, err := r.unwrap(ctx, o.masters)
		if err != nil {
			return false, err
		}
		m := keyset.NewManagerFromHandle(h)
		if added, err = m.Add(templates[p]()); err != nil {
			return false, err
		}
		if h, err = m.Handle(); err != nil {
			return false, err
		}
		r.Versions = append(r.Versions, Version{ID: added, MadeAt: time.Now().UTC()})
		return true, r.wrap(ctx, h, o.masters)
	})
	return added, err
}

// promote lets the waiting key seal.
func (o *Owner) promote(ctx context.Context, slug string, p Purpose) error {
	return o.change(ctx, slug, p, func(r *row) (bool, error) {
		id := r.pending()
		if id == 0 {
			return false, nil
		}
		h, err := r.unwrap(ctx, o.masters)
		if err != nil {
			return false, err
		}
		m := keyset.NewManagerFromHandle(h)
		if err := m.SetPrimary(id); err != nil {
			return false, err
		}
		if h, err = m.Handle(); err != nil {
			return false, err
		}
		for i := range r.Versions {
			r.Versions[i].Primary = r.Versions[i].ID == id
		}
		return true, r.wrap(ctx, h, o.masters)
	})
}

// all reads every keyset that is not destroyed.
func (o *Owner) all(ctx context.Context) (out []row, err error) {
	err = o.owner.Platform(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "select "+rowColumns+" from keysets where destroyed_at is null order by slug, purpose")
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (row, error) { return scanRow(r.Scan) })
		return err
	})
	return out, err
}

// Rewrap wraps every keyset under the master key in use that is not yet, one row
// at a time: interrupted, it goes on where it was. The keys inside stay the same,
// and so does everything they sealed. It returns how many it rewrapped.
func (o *Owner) Rewrap(ctx context.Context) (n int, err error) {
	all, err := o.all(ctx)
	if err != nil {
		return 0, err
	}
	for _, one := range all {
		if one.Master == o.masters.Current().Name() {
			continue
		}
		err := o.change(ctx, one.Slug, one.Purpose, func(r *row) (bool, error) {
			old, err := o.masters.Named(r.Master)
			if err != nil || r.Master == o.masters.Current().Name() {
				return false, err
			}
			if r.Purpose != Login {
				h, err := r.unwrap(ctx, o.masters)
				if err != nil {
					return false, err
				}
				return true, r.wrap(ctx, h, o.masters)
			}
			plain, err := old.DecryptWithContext(ctx, r.Wrapped, place("", Login))
			if err != nil {
				return false, err
			}
			defer clear(plain)
			r.Master = o.masters.Current().Name()
			r.Wrapped, err = o.masters.Current().EncryptWithContext(ctx, plain, place("", Login))
			return true, err
		})
		if err != nil {
			return n, fmt.Errorf("keys of %s: %w", named(one.Slug), err)
		}
		n++
	}
	return n, nil
}

// Destroy makes everything a commune's keys ever sealed unreadable: its files, its
// marked columns, its backups. It cannot be undone, and a second call changes
// nothing. The row stays, with the time. The table is rewritten, so that no page of
// it keeps the old row; what older copies of the whole database keep is wrapped by
// the master key of their time (ops/docs/guides/keys.md says how to end that too).
func (o *Owner) Destroy(ctx context.Context, slug string) error {
	if slug == "" {
		return errors.New("keys: the deployment's own keys are not destroyed")
	}
	err := o.owner.Platform(ctx, func(tx pgx.Tx) error {
		var known bool
		if err := tx.QueryRow(ctx, "select exists (select from keysets where slug = $1)", slug).Scan(&known); err != nil || !known {
			return errors.Join(err, fmt.Errorf("%w (%s)", ErrNone, slug))
		}
		_, err := tx.Exec(ctx, `update keysets set wrapped = null, versions = '[]', destroyed_at = now(), changed_at = now(), rev = rev + 1
			where slug = $1 and destroyed_at is null`, slug)
		return err
	})
	if err != nil {
		return err
	}
	return o.owner.Outside(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "vacuum (full) platform.keysets")
		return err
	})
}
