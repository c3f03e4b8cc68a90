package life

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Moved tells how a move went.
type Moved struct {
	From, To string
	Rows     int64
	ReadOnly time.Duration // how long nothing could be written
}

// Move takes a commune to another PostgreSQL cluster while people use it. Most of
// its rows are copied under way; then writing stops for a moment, what has changed
// since is copied, both sides are compared row by row, and the directory names the
// new place. Reads go on throughout; writes wait and then go there. Interrupted,
// it leaves the commune where it was, and is run again from the beginning; files
// lie in the file store and do not move. Errors: when the two sides differ the
// commune stays where it was.
func (l *Life) Move(ctx context.Context, slug, cluster string, say Progress) (Moved, error) {
	from, err := l.Owner.PlaceOf(ctx, slug)
	if err != nil {
		return Moved{}, err
	}
	m := Moved{From: from.Cluster, To: cluster}
	if from.Cluster == cluster {
		return m, l.tidy(ctx, slug, from) // a move that was interrupted at its very end
	}
	t, err := l.tenant(ctx, slug)
	if err != nil {
		return m, err
	}
	if err := l.Owner.Thaw(ctx, slug); err != nil { // one that was interrupted in the middle
		return m, err
	}
	say(5, "place", cluster)
	to, err := l.Owner.NewPlace(ctx, slug, cluster, 0)
	if err != nil {
		return m, err
	}
	c, err := l.openCopy(ctx, from, to)
	if err != nil {
		return m, err
	}
	defer c.close(ctx)
	say(15, "copy", "")
	if m.Rows, err = c.bulk(ctx); err != nil {
		return m, fmt.Errorf("copy: %w", err)
	}
	say(60, "rows", fmt.Sprint(m.Rows))
	began := time.Now()
	if err := l.finish(ctx, slug, c, t.SchemaVersion()); err != nil {
		thaw, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return m, errors.Join(err, l.Owner.Thaw(thaw, slug))
	}
	m.ReadOnly = time.Since(began)
	say(90, "switched", m.ReadOnly.Round(time.Millisecond).String())
	err = l.record(ctx, slug, "life.move", map[string]any{"from": from.Cluster, "to": cluster, "rows": m.Rows, "read_only_ms": m.ReadOnly.Milliseconds()})
	return m, errors.Join(err, l.tidy(ctx, slug, to))
}

// finish is the part during which nothing can be written.
func (l *Life) finish(ctx context.Context, slug string, c *copying, version int64) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := l.Owner.Freeze(ctx, slug); err != nil {
		return fmt.Errorf("freeze: %w", err)
	}
	if err := c.rest(ctx); err != nil {
		return fmt.Errorf("copy the rest: %w", err)
	}
	if err := c.compare(ctx); err != nil {
		return err
	}
	return l.Owner.Switch(ctx, slug, c.toPlace, version)
}

// tidy drops what the commune left on other clusters. A process that has not yet
// noticed reads an error there, looks where the commune is, and goes on.
func (l *Life) tidy(ctx context.Context, slug string, now tenancy.Place) error {
	for _, cluster := range l.Owner.Clusters() {
		for _, schema := range []string{"t_" + slug, "t_" + slug + "_2"} {
			if cluster == now.Cluster && schema == now.Schema {
				continue
			}
			p, err := l.leftover(ctx, cluster, schema, slug)
			if err != nil {
				return err
			}
			if p == nil {
				continue
			}
			if err := l.Owner.Drop(ctx, *p); err != nil {
				return err
			}
		}
	}
	return nil
}

// leftover describes a schema of the commune, nil when there is none.
func (l *Life) leftover(ctx context.Context, cluster, schema, slug string) (*tenancy.Place, error) {
	conn, err := l.Owner.Connect(ctx, cluster)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_namespace where nspname = $1)", schema).Scan(&exists); err != nil || !exists {
		return nil, err
	}
	p, err := l.Owner.PlaceOn(ctx, slug, cluster)
	if err != nil {
		return nil, err
	}
	p.Schema = schema
	return &p, nil
}

// record writes a line on the commune's audit.
func (l *Life) record(ctx context.Context, slug, action string, details map[string]any) error {
	t, err := l.tenant(ctx, slug)
	if err != nil {
		return err
	}
	return l.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		return audit.Record(tx, identity.System(t), action, slug, details)
	})
}

// copying is one copy between two places.
type copying struct {
	fromPlace, toPlace tenancy.Place
	from, to           *pgx.Conn
	tables             []table
	horizon            string // the oldest transaction that the bulk copy may have missed
}

func (l *Life) openCopy(ctx context.Context, from, to tenancy.Place) (c *copying, err error) {
	c = &copying{fromPlace: from, toPlace: to}
	if c.from, err = l.Owner.Connect(ctx, from.Cluster); err != nil {
		return nil, err
	}
	if c.to, err = l.Owner.Connect(ctx, to.Cluster); err != nil {
		return nil, errors.Join(err, c.from.Close(ctx))
	}
	for _, conn := range []*pgx.Conn{c.from, c.to} {
		if _, err = conn.Exec(ctx, sameText); err != nil {
			c.close(ctx)
			return nil, err
		}
	}
	if c.tables, err = describe(ctx, c.from, from.Schema); err != nil {
		c.close(ctx)
		return nil, err
	}
	return c, nil
}

func (c *copying) close(ctx context.Context) {
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_ = c.from.Close(end)
	_ = c.to.Close(end)
}

// bulk copies every table as one snapshot shows it.
func (c *copying) bulk(ctx context.Context) (int64, error) {
	if _, err := c.from.Exec(ctx, "begin isolation level repeatable read read only"); err != nil {
		return 0, err
	}
	defer func() { _, _ = c.from.Exec(context.WithoutCancel(ctx), "rollback") }()
	if err := c.from.QueryRow(ctx, "select (pg_snapshot_xmin(pg_current_snapshot())::text::numeric % 4294967296)::text").Scan(&c.horizon); err != nil {
		return 0, err
	}
	if err := triggers(ctx, c.to, c.toPlace.Schema, c.tables, "disable"); err != nil {
		return 0, err
	}
	var rows int64
	for _, t := range c.tables {
		n, err := t.fill(ctx, c.from, c.fromPlace.Schema, c.to, c.toPlace.Schema)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", t.Name, err)
		}
		rows += n
	}
	return rows, nil
}

// rest copies what has changed since bulk; nothing is written to the source any
// more. Where rows changed places in a way that cannot be followed row by row
// (two swapped a unique value), everything is copied again.
func (c *copying) rest(ctx context.Context) error {
	err := c.changes(ctx)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && strings.HasPrefix(pg.Code, "23") { // a constraint
		err = c.again(ctx)
	}
	if err != nil {
		return err
	}
	if err := setSerials(ctx, c.from, c.fromPlace.Schema, c.to, c.toPlace.Schema, c.tables); err != nil {
		return err
	}
	return triggers(ctx, c.to, c.toPlace.Schema, c.tables, "enable")
}

func (c *copying) changes(ctx context.Context) error {
	if _, err := c.to.Exec(ctx, "begin"); err != nil {
		return err
	}
	defer func() { _, _ = c.to.Exec(context.WithoutCancel(ctx), "rollback") }()
	for _, t := range slices.Backward(c.tables) {
		if err := c.deleted(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	for _, t := range c.tables {
		if err := c.changed(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	_, err := c.to.Exec(ctx, "commit")
	return err
}

// since is the condition on rows that the bulk copy may have missed. A row's xmin
// is the transaction that wrote this version of it (PostgreSQL manual, 5.5).
func (c *copying) since() string { return "age(xmin) <= age('" + c.horizon + "'::xid)" }

// deleted removes what is no longer in the source. Only where something has gone
// are the keys compared: rows there before plus new ones are otherwise all.
func (c *copying) deleted(ctx context.Context, t table) error {
	from, to := c.fromPlace.Schema+"."+t.Name, c.toPlace.Schema+"."+t.Name
	key := quoted(t.key)
	var there, here int64
	if err := c.from.QueryRow(ctx, "select count(*) from "+from).Scan(&there); err != nil {
		return err
	}
	if err := c.to.QueryRow(ctx, "select count(*) from "+to).Scan(&here); err != nil {
		return err
	}
	if there == here && here == 0 {
		return nil
	}
	keys := "gone_" + t.Name
	if _, err := c.to.Exec(ctx, fmt.Sprintf("create temp table %s on commit drop as select %s from %s where false", keys, key, to)); err != nil {
		return err
	}
	// The keys of rows that bulk saw: if all of them are still there, none went.
	old, err := stream(ctx, c.from, "select "+key+" from "+from+" where not ("+c.since()+")", c.to, "pg_temp."+keys+" ("+key+")")
	if err != nil {
		return err
	}
	if old == here {
		return nil
	}
	if _, err := stream(ctx, c.from, "select "+key+" from "+from+" where "+c.since(), c.to, "pg_temp."+keys+" ("+key+")"); err != nil {
		return err
	}
	_, err = c.to.Exec(ctx, fmt.Sprintf("delete from %s t where not exists (select from pg_temp.%s k where (%s) = (%s))",
		to, keys, prefixed("k", t.key), prefixed("t", t.key)))
	return err
}

// changed takes over rows that are new or were changed.
func (c *copying) changed(ctx context.Context, t table) error {
	to := c.toPlace.Schema + "." + t.Name
	columns, fresh := quoted(t.columns), "new_"+t.Name
	if _, err := c.to.Exec(ctx, fmt.Sprintf("create temp table %s on commit drop as select %s from %s where false", fresh, columns, to)); err != nil {
		return err
	}
	n, err := stream(ctx, c.from, "select "+columns+" from "+c.fromPlace.Schema+"."+t.Name+" where "+c.since(), c.to, "pg_temp."+fresh+" ("+columns+")")
	if err != nil || n == 0 {
		return err
	}
	var set []string
	for _, col := range t.columns {
		if !slices.Contains(t.key, col) && col != t.serial {
			set = append(set, fmt.Sprintf("%q = excluded.%q", col, col))
		}
	}
	do := "nothing"
	if len(set) > 0 {
		do = "update set " + strings.Join(set, ", ")
	}
	_, err = c.to.Exec(ctx, fmt.Sprintf("insert into %s (%s) overriding system value select %s from pg_temp.%s on conflict (%s) do %s",
		to, columns, columns, fresh, quoted(t.key), do))
	return err
}

func prefixed(alias string, names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%s.%q", alias, n)
	}
	return strings.Join(out, ", ")
}

// again empties the new place and copies everything.
func (c *copying) again(ctx context.Context) error {
	if _, err := c.to.Exec(ctx, "begin"); err != nil {
		return err
	}
	defer func() { _, _ = c.to.Exec(context.WithoutCancel(ctx), "rollback") }()
	for _, t := range slices.Backward(c.tables) {
		if _, err := c.to.Exec(ctx, "delete from "+c.toPlace.Schema+"."+t.Name); err != nil {
			return err
		}
	}
	for _, t := range c.tables {
		if _, err := t.fill(ctx, c.from, c.fromPlace.Schema, c.to, c.toPlace.Schema); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	_, err := c.to.Exec(ctx, "commit")
	return err
}

// compare refuses to go on when any table differs between the two places.
func (c *copying) compare(ctx context.Context) error {
	for _, t := range c.tables {
		a, err := t.sum(ctx, c.from, c.fromPlace.Schema)
		if err != nil {
			return err
		}
		b, err := t.sum(ctx, c.to, c.toPlace.Schema)
		if err != nil {
			return err
		}
		if a != b {
			return fmt.Errorf("table %s differs after the copy: %d rows here, %d there", t.Name, a.Rows, b.Rows)
		}
	}
	return nil
}
