package tenancy

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// errNotHere is returned to whoever tries to end the transaction from inside.
var errNotHere = errors.New("tenancy: the transaction ends where it was opened, not inside")

// refusingConnector stands behind the shared gorm handle: it parses models
// and can never reach a database.
type refusingConnector struct{}

func (refusingConnector) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("tenancy: a query outside DB.In, DB.Read or DB.Platform")
}
func (refusingConnector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// txConn is what gorm queries through: one connection in one transaction. It
// implements gorm's TxCommitter so that a nested Transaction becomes a
// SAVEPOINT, and refuses to commit or roll back the outer one.
//
// Writes whose outcome nobody waits for (Tx.Queue) stand in queued and are sent,
// in their order and in one round trip, before any other statement and together
// with the commit.
type txConn struct {
	*sql.Conn
	tx     pgx.Tx
	queued *pgx.Batch
	failed error // of a queued write: the transaction is lost
}

func (c *txConn) Commit() error   { return errNotHere }
func (c *txConn) Rollback() error { return errNotHere }

func (c *txConn) queue(sql string, args ...any) {
	if c.queued == nil {
		c.queued = &pgx.Batch{}
	}
	c.queued.Queue(sql, args...)
}

// open refuses a statement once somebody has ended the transaction with SQL of
// their own: it would run outside, as whoever the connection belongs to.
func (c *txConn) open() error {
	if conn := c.tx.Conn(); !conn.IsClosed() && conn.PgConn().TxStatus() == 'I' {
		return errNotHere
	}
	return nil
}

// flush sends what is queued.
func (c *txConn) flush(ctx context.Context) error {
	if err := c.open(); err != nil {
		return err
	}
	if c.queued == nil || c.failed != nil {
		return c.failed
	}
	b := c.queued
	c.queued = nil
	c.failed = c.tx.SendBatch(ctx, b).Close()
	return c.failed
}

// ExecContext and its three sisters are how gorm queries.
func (c *txConn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	return c.Conn.ExecContext(ctx, query, args...)
}

// QueryContext: see ExecContext.
func (c *txConn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	return c.Conn.QueryContext(ctx, query, args...)
}

// QueryRowContext: see ExecContext. A queued write that failed has ended the
// transaction, so that this query fails too.
func (c *txConn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if c.flush(ctx) != nil && c.failed == nil { // kept in failed; ended otherwise
		ended, cancel := context.WithCancel(ctx)
		cancel()
		ctx = ended
	}
	return c.Conn.QueryRowContext(ctx, query, args...)
}

// PrepareContext: see ExecContext.
func (c *txConn) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := c.flush(ctx); err != nil {
		return nil, err
	}
	return c.Conn.PrepareContext(ctx, query)
}

// commit ends the transaction, with what is queued in the same round trip. inside
// tells that the transaction is still open: a queued write failed before it.
func (c *txConn) commit(ctx context.Context) (inside bool, err error) {
	if c.failed != nil {
		return true, c.failed
	}
	if err := c.open(); err != nil {
		return false, err
	}
	if c.queued == nil {
		return false, c.tx.Commit(ctx)
	}
	c.queued.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return pgx.ErrTxCommitRollback
		}
		return nil
	})
	err = c.tx.SendBatch(ctx, c.queued).Close()
	conn := c.tx.Conn()
	return err != nil && !conn.IsClosed() && conn.PgConn().TxStatus() != 'I', err
}

// acquire takes a connection from a pool. Errors: problem.Unavailable when none
// came free in time, or when the server does not answer.
func (db *DB) acquire(ctx context.Context, pool *sql.DB) (*sql.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, db.opt.AcquireTimeout)
	defer cancel()
	conn, err := pool.Conn(wait)
	if err == nil {
		return conn, nil
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, errBusy(err)
	}
	var refused *pgconn.PgError
	if ctx.Err() == nil && !errors.As(err, &refused) { // not even a refusal: it is away
		return nil, errAway(err)
	}
	return nil, fmt.Errorf("tenancy: connect: %w", err)
}

// transact takes a connection, begins with the given statements in one round
// trip, runs fn and ends the transaction through pgx, which reports a commit
// that the server turned into a rollback. A connection in doubt is destroyed.
func (db *DB) transact(ctx context.Context, pool *sql.DB, e *entry, begin string, fn func(*txConn) error) (err error) {
	release, err := db.turn(ctx, e)
	if err != nil {
		return err
	}
	defer release()
	conn, err := db.acquire(ctx, pool)
	if err != nil {
		return err
	}
	defer conn.Close()

	var tx pgx.Tx
	err = conn.Raw(func(dc any) error {
		var err error
		tx, err = dc.(*stdlib.Conn).Conn().BeginTx(ctx, pgx.TxOptions{BeginQuery: strings.Join(append([]string{begin}, db.limits...), "; ")})
		return err
	})
	if err != nil {
		destroy(conn)
		return fmt.Errorf("tenancy: begin: %w", err)
	}
	done := false
	defer func() {
		if done {
			return
		}
		// Reached on error and on panic alike. The request may be cancelled:
		// the rollback must still be sent.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if rerr := tx.Rollback(end); rerr != nil {
			destroy(conn)
		}
	}()
	c := &txConn{Conn: conn, tx: tx}
	if err = fn(c); err != nil {
		if c.failed != nil && !errors.Is(err, c.failed) {
			err = errors.Join(c.failed, err) // the cause first
		}
		return err
	}
	inside, err := c.commit(ctx)
	if err == nil {
		done = true
		return nil
	}
	if !inside {
		done = true
		if !errors.Is(err, pgx.ErrTxCommitRollback) {
			destroy(conn)
		}
	}
	var pg *pgconn.PgError
	if !inside && !errors.Is(err, pgx.ErrTxCommitRollback) && (!errors.As(err, &pg) || strings.HasPrefix(pg.Code, "57")) {
		err = unsure{err} // the server, or the way to it, went while it committed
	}
	return fmt.Errorf("tenancy: commit: %w", err)
}

// unsure is the error of a commit that nobody answered.
type unsure struct{ error }

// Unwrap is the cause.
func (u unsure) Unwrap() error { return u.error }

// Unsure reports whether a transaction that failed may have been committed all the
// same: its answer never came. Whoever tidies up after a failure leaves things as
// they are then.
func Unsure(err error) bool {
	var u unsure
	return errors.As(err, &u)
}

// destroy keeps a connection from going back to its pool.
func destroy(conn *sql.Conn) {
	_ = conn.Raw(func(dc any) error {
		c := dc.(*stdlib.Conn).Conn()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(ctx)
		return driver.ErrBadConn
	})
}
