package tenancy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// Reads are queries of one page that do not need each other's answers: they are
// sent together and cost one round trip instead of one each.
type Reads struct{ list []queued }

type queued struct {
	sql  string
	args []any
	take func(pgx.Rows) error
}

// Query adds a query with $1-style arguments. take reads its rows; it may be
// called a second time, with all rows again, and must then begin afresh.
func (r *Reads) Query(take func(pgx.Rows) error, sql string, args ...any) {
	for i, a := range args {
		if id, ok := a.(uuid.UUID); ok {
			args[i] = [16]byte(id) // pgx writes it without the detour of its text
		}
	}
	r.list = append(r.list, queued{sql, args, take})
}

// Collect adds a query whose rows become the elements of into.
func Collect[T any](r *Reads, into *[]T, row pgx.RowToFunc[T], sql string, args ...any) {
	r.Query(func(rows pgx.Rows) (err error) {
		*into, err = pgx.CollectRows(rows, row)
		return err
	}, sql, args...)
}

func (r *Reads) batch(b *pgx.Batch) {
	for _, q := range r.list {
		b.Queue(q.sql, q.args...).Query(q.take)
	}
}

// Together runs reads inside a transaction that is open already.
func (tx *Tx) Together(r *Reads) error {
	var b pgx.Batch
	r.batch(&b)
	return tx.Batch(&b).Close()
}

// ReadTogether runs reads in one read-only transaction of commune t, as t's role
// and on t's schema. Once a connection knows the statements, the transaction's
// begin, its reads and its end are one round trip. Errors: as Read.
func (db *DB) ReadTogether(ctx context.Context, t Tenant, r *Reads) error {
	done := false
	err := db.where(ctx, t, false, func(e *entry) error {
		pool, err := db.tenantPool(e)
		if err != nil {
			return err
		}
		done, err = db.readAtOnce(ctx, pool, e, r)
		return err
	})
	if err != nil || done {
		return err
	}
	return db.Read(ctx, t, func(tx *Tx) error {
		if err := tx.Together(r); err != nil {
			return err
		}
		return tx.conn.Raw(func(dc any) error {
			known := knownTo(dc.(*stdlib.Conn).Conn())
			for _, q := range r.list {
				known[q.sql] = true
			}
			return nil
		})
	})
}

// knownKey is where a connection keeps which reads it has prepared.
const knownKey = "sportello.reads"

func knownTo(c *pgx.Conn) map[string]bool {
	data := c.PgConn().CustomData()
	known, ok := data[knownKey].(map[string]bool)
	if !ok {
		known = map[string]bool{}
		data[knownKey] = known
	}
	return known
}

// readAtOnce sends the whole transaction in one piece. It is not done, without an
// error, when the connection has not prepared all statements yet: that is only
// possible where the transaction has set role and path.
func (db *DB) readAtOnce(ctx context.Context, pool *sql.DB, e *entry, r *Reads) (done bool, err error) {
	release, err := db.turn(ctx, e)
	if err != nil {
		return false, err
	}
	defer release()
	conn, err := db.acquire(ctx, pool)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	doubtful := false
	err = conn.Raw(func(dc any) error {
		c := dc.(*stdlib.Conn).Conn()
		known := knownTo(c)
		for _, q := range r.list {
			if !known[q.sql] && db.opt.Pooler == "" { // behind a pooler nothing is prepared
				return nil
			}
		}
		var b pgx.Batch
		b.Queue(beginReadOnly)
		b.Queue("select set_config('role', $1, true), set_config('search_path', $2, true)", e.role, e.schema+", ext")
		for _, limit := range db.limits {
			b.Queue(limit)
		}
		r.batch(&b)
		b.Queue("commit")
		err := c.SendBatch(ctx, &b).Close()
		done = err == nil
		if forgotten(err) { // prepared anew by the transaction that follows
			clear(known)
			err = nil
		}
		doubtful = !settle(ctx, c)
		return err
	})
	if doubtful {
		destroy(conn)
	}
	if err != nil {
		return false, fmt.Errorf("tenancy: read: %w", err)
	}
	return done, nil
}

// forgotten reports whether a batch failed because a statement had to be prepared
// outside its transaction, or because its table has changed.
func forgotten(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	switch pg.Code {
	case "42P01", "42883", "42501", "3F000", "26000", "0A000": // no such table, function, right, schema or statement; a changed plan
		return true
	}
	return false
}

// settle ends whatever transaction a failed batch left; false when that failed.
func settle(ctx context.Context, c *pgx.Conn) bool {
	if c.IsClosed() {
		return false
	}
	if c.PgConn().TxStatus() == 'I' {
		return true
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, err := c.Exec(end, "rollback")
	return err == nil && c.PgConn().TxStatus() == 'I'
}
