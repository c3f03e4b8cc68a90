package tenancy

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

// holdEvery is how often a held write looks whether it may go on.
const holdEvery = 100 * time.Millisecond

// where runs do with the place where a commune's data lies now. A commune that
// is moved to another cluster, or restored, takes writing away from its role for
// a moment: a write then waits and is run again where the data has gone, so that
// nothing a person sent is lost and nothing is written to the place it left.
func (db *DB) where(ctx context.Context, t Tenant, write bool, do func(e *entry) error) error {
	e, err := db.dir.newest(t.must())
	if err != nil {
		return err
	}
	if write && !e.readOnlySince.IsZero() {
		if e, err = db.hold(ctx, e); err != nil {
			return err
		}
	}
	err = do(e)
	if !displaced(err) {
		return err
	}
	next, rerr := db.dir.again(ctx, e)
	if rerr != nil {
		return errors.Join(err, rerr)
	}
	if next.samePlace(e) && next.readOnlySince.IsZero() {
		return err // it was refused for another reason
	}
	if write && !next.readOnlySince.IsZero() {
		if next, rerr = db.hold(ctx, next); rerr != nil {
			return errors.Join(rerr, err)
		}
	}
	return do(next)
}

// hold waits until a commune may be written to again. Errors:
// problem.Unavailable after Options.HoldTimeout.
func (db *DB) hold(ctx context.Context, e *entry) (*entry, error) {
	deadline := time.Now().Add(db.opt.HoldTimeout)
	for {
		next, err := db.dir.again(ctx, e)
		switch {
		case errors.Is(err, ErrUnknown):
			return nil, err
		case err == nil && next.readOnlySince.IsZero():
			return next, nil
		case time.Now().After(deadline):
			return nil, problem.Unavailable("tenancy.read-only", "errors.moving.text").WithRetry(10 * time.Second)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(holdEvery):
		}
	}
}

func (e *entry) samePlace(o *entry) bool {
	return e.cluster == o.cluster && e.database == o.database && e.schema == o.schema && e.login == o.login && e.placedAt.Equal(o.placedAt)
}

// displaced reports whether PostgreSQL refused what it refuses to a commune that
// has been moved away or is being moved.
func displaced(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "42501", // insufficient_privilege: writing, or everything, was revoked
		"3F000", "42P01", // the schema or its table is gone
		"22023", "42704", // the role is gone
		"28000", "28P01": // so is the login
		return true
	}
	return false
}

// turn lets at most half of a shared pool's connections be one commune's, so
// that its neighbours in the pool always find one. Errors: problem.Unavailable.
func (db *DB) turn(ctx context.Context, e *entry) (release func(), err error) {
	if e == nil || !e.shared {
		return func() {}, nil
	}
	db.mu.Lock()
	c := db.turns[e.slug]
	if c == nil {
		c = make(chan struct{}, max(1, db.opt.PoolSize/2))
		db.turns[e.slug] = c
	}
	db.mu.Unlock()
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	default:
	}
	wait := time.NewTimer(db.opt.AcquireTimeout)
	defer wait.Stop()
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-wait.C:
		return nil, errBusy(errors.New("tenancy: the commune uses its share of the pool"))
	}
}
