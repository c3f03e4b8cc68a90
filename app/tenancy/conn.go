package tenancy

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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
type txConn struct {
	*sql.Conn
	tx pgx.Tx
}

func (c *txConn) Commit() error   { return errNotHere }
func (c *txConn) Rollback() error { return errNotHere }

// transact takes a connection, begins with the given statements in one round
// trip, runs fn and ends the transaction through pgx, which reports a commit
// that the server turned into a rollback. A connection in doubt is destroyed.
func (db *DB) transact(ctx context.Context, pool *sql.DB, begin string, fn func(*txConn) error) (err error) {
	wait, cancel := context.WithTimeout(ctx, db.opt.AcquireTimeout)
	conn, err := pool.Conn(wait)
	cancel()
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			return errBusy(err)
		}
		return fmt.Errorf("tenancy: connect: %w", err)
	}
	defer conn.Close()

	var tx pgx.Tx
	err = conn.Raw(func(dc any) error {
		var err error
		tx, err = dc.(*stdlib.Conn).Conn().BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
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
	if err = fn(&txConn{Conn: conn, tx: tx}); err != nil {
		return err
	}
	if err = tx.Commit(ctx); err != nil {
		if !errors.Is(err, pgx.ErrTxCommitRollback) {
			destroy(conn)
		}
		done = true
		return fmt.Errorf("tenancy: commit: %w", err)
	}
	done = true
	return nil
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
