package tenancy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/pkg/clean"
)

// migrationWorkers bring communes up to date at the same time; more did not help.
const migrationWorkers = 2

// migrationTries is how often a commune whose tables are locked is tried, a
// little later each time.
const migrationTries = 6

// MigrateTenants brings every commune's schema up to date: the canary first,
// alone; then two at a time. A commune that fails is noted in the directory and
// does not keep the others from theirs, unless it is the canary. It can be
// interrupted, run again, and run by several processes at once. Errors: every
// commune's that failed.
func (o *Owner) MigrateTenants(ctx context.Context, report func(string)) error {
	say := func(string) {}
	if report != nil {
		var mu sync.Mutex
		say = func(s string) { mu.Lock(); defer mu.Unlock(); report(s) }
	}
	dir, err := o.connect(ctx)
	if err != nil {
		return err
	}
	rows, err := dir.Query(ctx, `select slug, cluster, schema_name, role_name, login_name, shard from platform.communes
		where state <> 'archived' order by canary desc, cluster, slug`)
	if err != nil {
		return errors.Join(err, dir.Close(ctx))
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[migrating])
	if err = errors.Join(err, dir.Close(ctx)); err != nil || len(all) == 0 {
		return err
	}
	work := make(chan migrating)
	var mu sync.Mutex
	var failed []error
	canary := &migrator{owner: o, say: say}
	err = canary.one(ctx, all[0])
	canary.close()
	if err != nil {
		return fmt.Errorf("the canary failed, no other commune was touched: %w", err)
	}
	var g errgroup.Group
	for range min(migrationWorkers, len(all)-1) {
		g.Go(func() error {
			w := &migrator{owner: o, say: say}
			defer w.close()
			for c := range work {
				if err := w.one(ctx, c); err != nil {
					mu.Lock()
					failed = append(failed, err)
					mu.Unlock()
				}
			}
			return nil
		})
	}
	for _, c := range all[1:] {
		if ctx.Err() != nil {
			break
		}
		work <- c
	}
	close(work)
	_ = g.Wait() // the workers collect in failed
	return errors.Join(append(failed, ctx.Err())...)
}

type migrating struct {
	Slug                         string
	Cluster, Schema, Role, Login string
	Shard                        int
}

// migrator migrates one commune after the other. It keeps its connections: to the
// directory, and to the cluster it was at last.
type migrator struct {
	owner     *Owner
	say       func(string)
	dir, conn *pgx.Conn
	cluster   string // that conn leads to
}

// one migrates a commune and notes in the directory how it went.
func (w *migrator) one(ctx context.Context, c migrating) error {
	err := w.reach(ctx, c.Cluster)
	if err == nil {
		err = w.owner.migratePatiently(ctx, w.dir, w.conn, c, w.say)
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", c.Slug, err)
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if w.dir == nil || w.dir.IsClosed() {
		return err
	}
	_, nerr := w.dir.Exec(note, "update platform.communes set migration_error = $2, updated_at = now() where slug = $1", c.Slug, firstLine(err))
	return errors.Join(err, nerr)
}

// reach makes sure of both connections.
func (w *migrator) reach(ctx context.Context, cluster string) (err error) {
	if w.dir == nil || w.dir.IsClosed() {
		if w.dir, err = w.owner.connect(ctx); err != nil {
			return err
		}
	}
	if w.conn != nil && !w.conn.IsClosed() && w.cluster == cluster {
		return nil
	}
	if w.conn != nil {
		_ = w.conn.Close(context.WithoutCancel(ctx))
	}
	w.cluster = cluster
	w.conn, err = w.owner.Connect(ctx, cluster)
	return err
}

func (w *migrator) close() {
	for _, c := range []*pgx.Conn{w.dir, w.conn} {
		if c != nil {
			_ = c.Close(context.Background())
		}
	}
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return clean.Text(line, 300)
}

// migratePatiently tries again while other sessions hold the tables.
func (o *Owner) migratePatiently(ctx context.Context, dir, conn *pgx.Conn, c migrating, say func(string)) error {
	p := Place{Cluster: c.Cluster, Schema: c.Schema, Role: c.Role, Login: c.Login, Shard: c.Shard}
	for try := 1; ; try++ {
		err := o.migrateTenant(ctx, dir, conn, c.Slug, p, say)
		var pg *pgconn.PgError
		locked := errors.As(err, &pg) && (pg.Code == "55P03" || pg.Code == "40P01") // lock_not_available, deadlock_detected
		if !locked || try == migrationTries {
			return err
		}
		say(fmt.Sprintf("%s: tables are in use, trying again", c.Slug))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(try*try) * 200 * time.Millisecond):
		}
	}
}

// migrateTenant brings one commune up to date and notes it in the directory.
func (o *Owner) migrateTenant(ctx context.Context, dir, conn *pgx.Conn, slug string, p Place, report func(string)) error {
	all, err := o.tenantMigrations()
	if err != nil {
		return err
	}
	// Before the tables: once they are there, what goes into them is sealed.
	if err := o.makeKeys(ctx, dir, slug); err != nil {
		return fmt.Errorf("keys of %s: %w", slug, err)
	}
	v, err := migrate(ctx, conn, target{schema: p.Schema, role: p.Role}, all, report)
	if err != nil {
		return err
	}
	// Platform tables that are younger than the commune are granted here too.
	if err := grantPlatform(ctx, conn, p); err != nil {
		return err
	}
	_, err = dir.Exec(ctx, `update platform.communes set schema_version = $2, migrated_at = now(), migration_error = '', updated_at = now()
		where slug = $1 and (schema_version <> $2 or migration_error <> '')`, slug, v)
	return err
}
