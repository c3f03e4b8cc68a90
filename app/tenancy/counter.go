package tenancy

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// counter counts statements as pgx sends them, alone or in a batch.
type counter struct{ sent atomic.Int64 }

// Statements is how many statements this process has sent to its databases, begin
// and commit included. Tests hold pages to a number with it.
func (db *DB) Statements() int64 { return db.sent.sent.Load() }

// TraceQueryStart is pgx's.
func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.sent.Add(1)
	return ctx
}

// TraceQueryEnd is pgx's.
func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart is pgx's.
func (c *counter) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	c.sent.Add(int64(d.Batch.Len()))
	return ctx
}

// TraceBatchQuery is pgx's.
func (c *counter) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd is pgx's.
func (c *counter) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
