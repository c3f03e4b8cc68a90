package tenancy

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
)

// core is what both kinds of transaction can do.
type core struct {
	db   *DB
	ctx  context.Context
	conn *txConn
	g    *gorm.DB
}

// DB is gorm bound to this transaction and its context.
func (c *core) DB() *gorm.DB {
	if c.g == nil {
		g := c.db.gorm.Session(&gorm.Session{NewDB: true, Context: c.ctx})
		g.Statement.ConnPool = c.conn
		c.g = g
	}
	return c.g
}

// Context is the context the transaction was opened with.
func (c *core) Context() context.Context { return c.ctx }

// Exec runs one statement with $1-style arguments and returns the number of
// rows it touched.
func (c *core) Exec(sql string, args ...any) (int64, error) {
	if err := c.conn.open(); err != nil {
		return 0, err
	}
	if c.conn.queued == nil {
		tag, err := c.conn.tx.Exec(c.ctx, sql, args...)
		return tag.RowsAffected(), err
	}
	var rows int64
	c.conn.queued.Queue(sql, args...).Exec(func(tag pgconn.CommandTag) error {
		rows = tag.RowsAffected()
		return nil
	})
	return rows, c.conn.flush(c.ctx)
}

// Queue is Exec for a write whose outcome nobody waits for: it is sent with the
// next statement or with the commit, in order, and costs no round trip of its
// own. When it fails, so does the whole transaction, and In says why.
func (c *core) Queue(sql string, args ...any) { c.conn.queue(sql, args...) }

// Query and QueryRow read without gorm, for hot paths. Rows must be closed
// before the next statement.
func (c *core) Query(sql string, args ...any) (pgx.Rows, error) {
	if err := c.conn.flush(c.ctx); err != nil {
		return nil, err
	}
	return c.conn.tx.Query(c.ctx, sql, args...)
}

// QueryRow reads at most one row.
func (c *core) QueryRow(sql string, args ...any) pgx.Row {
	if err := c.conn.open(); err != nil {
		return failedRow{err}
	}
	if c.conn.queued == nil {
		return c.conn.tx.QueryRow(c.ctx, sql, args...)
	}
	return pendingRow{c, sql, args}
}

// failedRow is the answer to a query that was not sent.
type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// pendingRow is a query that goes out with the queued writes when it is read.
type pendingRow struct {
	c    *core
	sql  string
	args []any
}

func (r pendingRow) Scan(dest ...any) error {
	conn := r.c.conn
	if conn.queued == nil {
		return conn.tx.QueryRow(r.c.ctx, r.sql, r.args...).Scan(dest...)
	}
	var read error // none found, or not readable: no fault of the transaction
	conn.queued.Queue(r.sql, r.args...).QueryRow(func(row pgx.Row) error {
		read = row.Scan(dest...)
		return nil
	})
	if err := conn.flush(r.c.ctx); err != nil {
		return err
	}
	return read
}

// Batch sends several statements in one round trip.
func (c *core) Batch(b *pgx.Batch) pgx.BatchResults {
	if err := c.conn.flush(c.ctx); err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	return c.conn.tx.SendBatch(c.ctx, b)
}

// Tx is a transaction inside one commune. Table names are unqualified: the
// search path holds that commune's schema and no other.
type Tx struct {
	core
	tenant Tenant
	after  []func()
}

// Nested runs f behind a savepoint: when f fails its writes are undone and the
// transaction goes on. Errors: f's.
func (tx *Tx) Nested(f func() error) error {
	return tx.DB().Transaction(func(*gorm.DB) error { return f() })
}

// Tenant is the commune this transaction belongs to.
func (tx *Tx) Tenant() Tenant { return tx.tenant }

// AfterCommit calls f once the transaction has been committed, never before
// and never when it was rolled back. f must not fail: what must happen goes
// into the outbox.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Bump tells every process that what it cached under topic is stale.
func (tx *Tx) Bump(topic string) error {
	tx.Queue(`insert into revisions (topic) values ($1)
		on conflict (topic) do update set rev = revisions.rev + 1`, topic)
	t, db := tx.tenant, tx.db
	tx.AfterCommit(func() { db.forgetRevisions(t) })
	return nil
}

// PlatformTx is a transaction on the platform schema.
type PlatformTx struct{ core }
