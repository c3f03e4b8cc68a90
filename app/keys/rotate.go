package keys

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Settle is how long a rotation waits after each step: longer than any process
// trusts what it knows of the keys.
const Settle = 3 * trusted

// Rotator gives a commune a new key and brings everything under it while the
// desks go on.
type Rotator struct {
	Owner *Owner
	DB    *tenancy.DB
	Ring  *Ring
	Works []Work
	// Settle is how long every process needs to notice a change; 0 means Settle.
	Settle time.Duration
	// Say reports progress; nil for nobody.
	Say func(string)
}

func (r *Rotator) say(format string, args ...any) {
	if r.Say != nil {
		r.Say(fmt.Sprintf(format, args...))
	}
}

func (r *Rotator) wait(ctx context.Context) error {
	d := r.Settle
	if d == 0 {
		d = Settle
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// env is where passes of a commune run.
func (r *Rotator) env(ctx context.Context, t tenancy.Tenant) (Env, error) {
	if err := r.Ring.check(ctx); err != nil {
		return Env{}, err
	}
	k, err := r.Ring.For(ctx, t)
	return Env{DB: r.DB, Tenant: t, Keys: k}, err
}

// Rotate gives a commune a new key. First every process learns the key, then it
// seals, then what older keys sealed is sealed anew, in small transactions. Killed
// anywhere and run again it goes on where it was: a key that waits is not made
// twice, and while something is under an older key no new one is made.
func (r *Rotator) Rotate(ctx context.Context, t tenancy.Tenant) error {
	waiting, err := r.waiting(ctx, t.Slug())
	if err != nil {
		return err
	}
	if !waiting {
		left, err := r.Left(ctx, t)
		if err != nil {
			return err
		}
		if left.Left() > 0 {
			r.say("%s: going on with what an interrupted run has left", t.Slug())
			return r.Reseal(ctx, t)
		}
	}
	for _, p := range []Purpose{Data, Stream} {
		id, err := r.Owner.addKey(ctx, t.Slug(), p)
		if err != nil {
			return err
		}
		r.say("%s: new %s key %s is known", t.Slug(), p, Hex(id))
	}
	if err := r.wait(ctx); err != nil {
		return err
	}
	for _, p := range []Purpose{Data, Stream} {
		if err := r.Owner.promote(ctx, t.Slug(), p); err != nil {
			return err
		}
	}
	r.say("%s: the new keys seal", t.Slug())
	// Until here a process may still have sealed with the key of before.
	if err := r.wait(ctx); err != nil {
		return err
	}
	return r.Reseal(ctx, t)
}

func (r *Rotator) waiting(ctx context.Context, slug string) (bool, error) {
	all, err := r.Owner.all(ctx)
	if err != nil {
		return false, err
	}
	for _, one := range all {
		if one.Slug == slug && one.pending() != 0 {
			return true, nil
		}
	}
	return false, nil
}

// Left counts what is under which key.
func (r *Rotator) Left(ctx context.Context, t tenancy.Tenant) (total Count, err error) {
	env, err := r.env(ctx, t)
	if err != nil {
		return total, err
	}
	for _, w := range r.Works {
		c, err := w.Pass(ctx, env, true)
		if err != nil {
			return total, err
		}
		total.add(c)
	}
	return total, nil
}

// Reseal brings everything of a commune under its newest key: after a rotation, and
// as the backfill of what was there before it had keys. Run again it does nothing.
func (r *Rotator) Reseal(ctx context.Context, t tenancy.Tenant) error {
	if !t.Sealed() {
		return nil // its tables have no room yet
	}
	env, err := r.env(ctx, t)
	if err != nil {
		return err
	}
	var total Count
	for _, w := range r.Works {
		c, err := w.Pass(ctx, env, false)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Slug(), err)
		}
		if c.Left() > 0 {
			r.say("%s: %s: %d sealed anew", t.Slug(), w.What(), c.Left())
		}
		total.add(c)
	}
	return nil
}

// KeyStatus is one commune's keys as `sportello keys status` shows them.
type KeyStatus struct {
	Slug      string    `json:"commune"`
	Key       string    `json:"key"`
	MadeAt    time.Time `json:"made_at"`
	Older     int       `json:"older_keys"`
	Waiting   bool      `json:"rotation_waiting,omitempty"`
	Master    string    `json:"master_key"`
	Destroyed bool      `json:"destroyed,omitempty"`
}

// Status lists the data keys, the deployment's own ("") first.
func (o *Owner) Status(ctx context.Context) (out []KeyStatus, err error) {
	err = o.owner.Platform(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "select "+rowColumns+" from keysets where purpose = 'data' order by slug")
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (row, error) { return scanRow(r.Scan) })
		for _, r := range all {
			s := KeyStatus{Slug: r.Slug, Master: r.Master, Destroyed: r.Destroyed, Waiting: r.pending() != 0, Older: max(len(r.Versions)-1, 0)}
			for _, v := range r.Versions {
				if v.Primary {
					s.Key, s.MadeAt = Hex(v.ID), v.MadeAt
				}
			}
			if s.Waiting {
				s.Older--
			}
			out = append(out, s)
		}
		return err
	})
	return out, err
}

// SealedOnly notes that nothing of a commune is left unsealed: from now on a file
// without a seal is refused. It counts first, and answers false when there is
// something left.
func (r *Rotator) SealedOnly(ctx context.Context, t tenancy.Tenant) (bool, error) {
	if !t.Sealed() {
		return false, nil
	}
	left, err := r.Left(ctx, t)
	if err != nil || left.Plain > 0 {
		return false, err
	}
	err = r.Owner.owner.Platform(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "update keysets set sealed_since = now() where slug = $1 and purpose = 'data' and sealed_since is null and destroyed_at is null", t.Slug())
		return err
	})
	return err == nil, err
}

// Explain says in a sentence what is wrong with a key, and what to do next.
func Explain(err error) string {
	switch {
	case errors.Is(err, ErrDestroyed):
		return "The commune's keys were destroyed: what they sealed cannot be read any more, by anybody."
	case errors.Is(err, ErrNone):
		return "Run `sportello migrate up`: it makes the keys that are missing."
	}
	return explainMaster(err)
}
