package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sportello-ticino/sportello/migrations"
)

// PlaceOf is where a commune's data lies now. Errors: ErrUnknown.
func (o *Owner) PlaceOf(ctx context.Context, slug string) (Place, error) {
	conn, err := o.connect(ctx)
	if err != nil {
		return Place{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var p Place
	err = conn.QueryRow(ctx, "select cluster, schema_name, role_name, login_name, shard from platform.communes where slug = $1 and state <> 'archived'", slug).
		Scan(&p.Cluster, &p.Schema, &p.Role, &p.Login, &p.Shard)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, ErrUnknown
	}
	return p, err
}

// PlaceOn is where a commune's data lies, or would lie, on a cluster.
func (o *Owner) PlaceOn(ctx context.Context, slug, cluster string) (p Place, err error) {
	err = o.Outside(ctx, func(conn *pgx.Conn) error {
		p, err = o.place(ctx, conn, slug, cluster)
		return err
	})
	return p, err
}

// NewPlace makes an empty, migrated schema for a commune on a cluster, beside the
// one it has: its data is then copied there. version bounds the migrations
// applied (0: all). What an interrupted attempt left is removed first. The
// commune's role has no rights there before [Owner.Switch].
func (o *Owner) NewPlace(ctx context.Context, slug, cluster string, version int64) (Place, error) {
	now, err := o.PlaceOf(ctx, slug)
	if err != nil {
		return Place{}, err
	}
	dir, err := o.connect(ctx)
	if err != nil {
		return Place{}, err
	}
	defer dir.Close(context.WithoutCancel(ctx))
	conn, err := o.Connect(ctx, cluster)
	if err != nil {
		return Place{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	p, err := o.place(ctx, dir, slug, cluster)
	if err != nil {
		return Place{}, err
	}
	// Schemas of one commune take turns; names across clusters differ too, so
	// that the directory can tell them apart.
	p.Schema = "t_" + slug
	if p.Schema == now.Schema {
		p.Schema += "_2"
	}
	if err := o.Drop(ctx, Place{Cluster: cluster, Schema: p.Schema}); err != nil {
		return Place{}, err
	}
	if err := o.prepare(ctx, dir, conn, p); err != nil {
		return Place{}, err
	}
	all, err := ReadMigrations(migrations.Tenant, "tenant")
	if err != nil {
		return Place{}, err
	}
	if version > 0 {
		for i, m := range all {
			if m.Version > version {
				all = all[:i]
				break
			}
		}
	}
	_, err = migrate(ctx, conn, target{schema: p.Schema, role: p.Role}, all, nil)
	return p, err
}

// Upgrade applies what a place made by NewPlace for an older version still lacks.
func (o *Owner) Upgrade(ctx context.Context, p Place) error {
	conn, err := o.Connect(ctx, p.Cluster)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	all, err := ReadMigrations(migrations.Tenant, "tenant")
	if err != nil {
		return err
	}
	_, err = migrate(ctx, conn, target{schema: p.Schema, role: p.Role}, all, nil)
	return err
}

// Freeze stops writing to a commune: all processes hold its writes from now on,
// and PostgreSQL refuses those of a process that does not know yet. It returns
// when the last transaction that wrote has ended.
func (o *Owner) Freeze(ctx context.Context, slug string) error {
	p, err := o.PlaceOf(ctx, slug)
	if err != nil {
		return err
	}
	if err := o.directory(ctx, "update platform.communes set read_only_since = now(), updated_at = now() where slug = $1", slug); err != nil {
		return err
	}
	conn, err := o.Connect(ctx, p.Cluster)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, fmt.Sprintf("revoke insert, update, delete on all tables in schema %s from %s", p.Schema, p.Role)); err != nil {
		return err
	}
	return waitForWriters(ctx, conn, p.Schema)
}

// waitForWriters returns when no transaction holds a lock that a writer takes on
// a table of the schema.
func waitForWriters(ctx context.Context, conn *pgx.Conn, schema string) error {
	for {
		var busy bool
		if err := conn.QueryRow(ctx, `select exists (select from pg_locks l join pg_class c on c.oid = l.relation
			where l.database = (select oid from pg_database where datname = current_database())
			and c.relnamespace = $1::regnamespace and l.mode = 'RowExclusiveLock')`, schema).Scan(&busy); err != nil || !busy {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Thaw lets a commune be written to again where it is. It undoes Freeze, also one
// whose process was killed.
func (o *Owner) Thaw(ctx context.Context, slug string) error {
	p, err := o.PlaceOf(ctx, slug)
	if err != nil {
		return err
	}
	if err := o.grant(ctx, p); err != nil {
		return err
	}
	return o.directory(ctx, "update platform.communes set read_only_since = null, updated_at = now() where slug = $1 and read_only_since is not null", slug)
}

// Frozen lists the communes that have been read-only for longer than d.
func (o *Owner) Frozen(ctx context.Context, d time.Duration) ([]string, error) {
	conn, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, "select slug from platform.communes where read_only_since < now() - make_interval(secs => $1)", d.Seconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// grant gives a commune's role its rights in a place.
func (o *Owner) grant(ctx context.Context, p Place) error {
	conn, err := o.Connect(ctx, p.Cluster)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: "begin; set local search_path = " + p.Schema + ", ext"})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if err := grantTenant(ctx, tx, target{schema: p.Schema, role: p.Role}, nil); err != nil {
		return err
	}
	if err := grantPlatform(ctx, tx, p); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// Switch makes to the place of a commune, in one step and writable: processes
// follow within a second, and their held writes go there. What is left at the
// old place can no longer be read by the commune's role.
func (o *Owner) Switch(ctx context.Context, slug string, to Place, version int64) error {
	from, err := o.PlaceOf(ctx, slug)
	if err != nil {
		return err
	}
	if err := o.grant(ctx, to); err != nil {
		return err
	}
	if err := o.directory(ctx, `update platform.communes set cluster = $2, schema_name = $3, role_name = $4, login_name = $5, shard = $6,
		schema_version = $7, read_only_since = null, placed_at = clock_timestamp(), updated_at = now() where slug = $1`,
		slug, to.Cluster, to.Schema, to.Role, to.Login, to.Shard, version); err != nil {
		return err
	}
	conn, err := o.Connect(ctx, from.Cluster)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, fmt.Sprintf("revoke all on all tables in schema %s from %s; revoke usage on schema %s from %s", from.Schema, from.Role, from.Schema, from.Role))
	return err
}

// Drop removes a schema of a commune that the directory does not name any more,
// with its role and login when nothing else is theirs. Errors: when the
// directory does name it.
func (o *Owner) Drop(ctx context.Context, p Place) error {
	dir, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer dir.Close(context.WithoutCancel(ctx))
	var used bool
	if err := dir.QueryRow(ctx, "select exists (select from platform.communes where cluster = $1 and schema_name = $2 and state <> 'archived')", p.Cluster, p.Schema).Scan(&used); err != nil {
		return err
	}
	if used || !schemaName.MatchString(p.Schema) {
		return fmt.Errorf("tenancy: %s on cluster %s is in use and is not dropped", p.Schema, p.Cluster)
	}
	conn, err := o.Connect(ctx, p.Cluster)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "drop schema if exists "+p.Schema+" cascade"); err != nil {
		return err
	}
	for _, role := range []string{p.Role, p.Login} {
		if role == "" || strings.Contains(role, sharedLogin) {
			continue // others will use a shared login again
		}
		column := "role_name"
		if role == p.Login {
			column = "login_name"
		}
		var needed bool
		if err := dir.QueryRow(ctx, "select exists (select from platform.communes where cluster = $1 and "+column+" = $2 and state <> 'archived')", p.Cluster, role).Scan(&needed); err != nil {
			return err
		}
		if needed {
			continue
		}
		if err := dropRole(ctx, conn, role); err != nil {
			return err
		}
	}
	return nil
}

func dropRole(ctx context.Context, conn *pgx.Conn, role string) error {
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", role).Scan(&exists); err != nil || !exists {
		return err
	}
	// Its rights first: PostgreSQL keeps a role that still holds some.
	_, err := conn.Exec(ctx, fmt.Sprintf("revoke all on all tables in schema platform from %s; revoke all on schema platform, ext from %s; drop role %s", role, role, role))
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "2BP01" { // it has rights in another database of the cluster
		return nil
	}
	return err
}

// Archive takes a commune out of the directory for good. Its data must be gone.
func (o *Owner) Archive(ctx context.Context, slug, reason string) error {
	p, err := o.PlaceOf(ctx, slug)
	if errors.Is(err, ErrUnknown) {
		return nil // done already
	}
	if err != nil {
		return err
	}
	for _, sql := range []string{"delete from platform.hosts where slug = $1", "delete from platform.certificates where slug = $1",
		"update platform.domains set state = 'removed', ended_at = now() where slug = $1 and state in ('waiting', 'live')"} {
		if err := o.directory(ctx, sql, slug); err != nil {
			return err
		}
	}
	if err := o.directory(ctx, "update platform.communes set state = 'archived', state_reason = $2, read_only_since = null, updated_at = now() where slug = $1", slug, reason); err != nil {
		return err
	}
	return o.Drop(ctx, p)
}

// directory runs one statement on the directory.
func (o *Owner) directory(ctx context.Context, sql string, args ...any) error {
	return o.Outside(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
}
