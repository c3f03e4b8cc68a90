package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/migrations"
	"github.com/sportello-ticino/sportello/pkg/devstack"
)

const (
	scaleDatabases = 5
	scaleTarget    = .7
	backendFormula = .59 // MB a backend keeps for each commune whose tables it touched
)

// estate is a deployment of many communes in several databases of one server,
// each of which the directory takes for a cluster.
type estate struct {
	pg    *devstack.Postgres
	owner *tenancy.Owner
	db    *tenancy.DB
	names []string // of the databases
}

// scale opens many communes and measures reads, migrations under load and the
// memory of the backends. The server writes nothing durable: opening thousands of
// schemas is what takes its time.
func scale(ctx context.Context, out io.Writer, s settings) (err error) {
	if err := devstack.Forget(ctx, s.data); err != nil {
		return err
	}
	pg, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: s.data, MaxConnections: 400, Volatile: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Stop()) }()
	e, err := newEstate(ctx, pg)
	if err != nil {
		return err
	}
	defer e.db.Close()
	if err := e.fill(ctx, out, s.scale); err != nil {
		return err
	}
	if err := e.reads(ctx, out, s); err != nil {
		return err
	}
	if err := e.memory(ctx, out); err != nil {
		return err
	}
	return e.migrations(ctx, out, s)
}

func newEstate(ctx context.Context, pg *devstack.Postgres) (*estate, error) {
	e := &estate{pg: pg}
	conn, err := pgx.Connect(ctx, pg.URL(devstack.Admin, devstack.Database))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	master := []byte("a key that opens nothing but the bench's own databases")
	clusters := map[string]string{}
	for i := range scaleDatabases {
		name := devstack.Database
		if i > 0 {
			name = fmt.Sprintf("scale%d", i)
			if _, err := conn.Exec(ctx, "create database "+name+" owner "+devstack.Owner); err != nil {
				return nil, err
			}
		}
		owner, runtime := pg.URL(devstack.Owner, name), pg.URL(devstack.App, name)
		if i == 0 {
			e.owner, err = tenancy.NewOwner(owner, runtime, master)
		} else {
			clusters[name] = runtime
			err = e.owner.AddCluster(name, owner, runtime)
		}
		if err != nil {
			return nil, err
		}
		e.names = append(e.names, name)
	}
	e.owner.OwnLogins = -1 // all share eight logins
	if err := e.owner.MigratePlatform(ctx, nil); err != nil {
		return nil, err
	}
	e.db, err = tenancy.Open(pg.URL(devstack.App, devstack.Database), master, "bench.localhost", tenancy.Options{Clusters: clusters, PoolSize: 2})
	return e, err
}

// fill opens n communes, as many in each database, and says how long the first
// and the last hundred took.
func (e *estate) fill(ctx context.Context, out io.Writer, n int) error {
	clusters := e.owner.Clusters()
	start := time.Now()
	mark, some := start, max(1, min(100, n/2))
	for i := range n {
		c := opened(i)
		c.Cluster = clusters[i%len(clusters)]
		if err := e.owner.Provision(ctx, c, nil); err != nil {
			return err
		}
		if err := e.owner.SetState(ctx, c.Slug, tenancy.Active, ""); err != nil {
			return err
		}
		if i+1 == some || i+1 == n-some {
			if i+1 == some {
				fmt.Fprintf(out, "opening the first %d communes: %s each", some, round(time.Since(start)/time.Duration(some)))
			}
			mark = time.Now()
		}
	}
	fmt.Fprintf(out, ", the last %d: %s each, all %d in %s\n", some, round(time.Since(mark)/time.Duration(some)), n, time.Since(start).Round(time.Second))
	conn, err := pgx.Connect(ctx, e.pg.URL(devstack.Admin, devstack.Database))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "checkpoint")
	return err
}

// reads compares point reads in five communes, one of each database, with point
// reads in all; by turns in three rounds.
func (e *estate) reads(ctx context.Context, out io.Writer, s settings) error {
	e.db.Directory().Forget()
	all, err := e.db.Directory().All(ctx)
	if err != nil {
		return err
	}
	var few []tenancy.Tenant
	seen := map[string]bool{}
	for _, t := range all {
		if !seen[t.Cluster()] {
			seen[t.Cluster()] = true
			few = append(few, t)
		}
	}
	if _, err := pointReads(ctx, e.db, all, s.clients, time.Duration(len(all))*10*time.Millisecond); err != nil { // each once or more
		return err
	}
	var rates [2][]float64
	for range rounds {
		for i, some := range [][]tenancy.Tenant{few, all} {
			rate, err := pointReads(ctx, e.db, some, s.clients, s.duration/rounds)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	five, many := median(rates[0]), median(rates[1])
	_, err = fmt.Fprintf(out, "reads in %d communes %.0f per second, in %d %.0f: %.2f (target: %.1f)\n", len(few), five, len(all), many, many/five, scaleTarget)
	return err
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

func pointReads(ctx context.Context, db *tenancy.DB, of []tenancy.Tenant, clients int, d time.Duration) (float64, error) {
	var turn, n atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for range clients {
		g.Go(func() error {
			for time.Since(start) < d {
				t := of[int(turn.Add(1))%len(of)]
				if err := db.Read(ctx, t, func(tx *tenancy.Tx) error {
					var schema string
					var there bool
					if err := tx.QueryRow("select current_schema(), exists (select from settings where key = $1)", "brand").Scan(&schema, &there); err != nil {
						return err
					}
					if schema != "t_"+t.Slug() {
						return fmt.Errorf("a transaction of %s is in %s", t, schema)
					}
					return nil
				}); err != nil {
					return err
				}
				n.Add(1)
			}
			return nil
		})
	}
	err := g.Wait()
	return float64(n.Load()) / time.Since(start).Seconds(), err
}

// memory lets one backend touch every table of its database's communes and
// compares what it keeps with the formula.
func (e *estate) memory(ctx context.Context, out io.Writer) error {
	tables, err := tenancy.Tables()
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, e.pg.URL(devstack.Owner, e.names[0]))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, "select nspname from pg_namespace where nspname like 't\\_%' order by 1")
	if err != nil {
		return err
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	var pid int
	if err := conn.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
		return err
	}
	before, err := ownMemory(pid)
	if err != nil {
		return err
	}
	for _, schema := range schemas {
		var b strings.Builder
		fmt.Fprintf(&b, "begin; set local search_path = %s, ext;", schema)
		for _, t := range tables {
			fmt.Fprintf(&b, "select * from %s limit 1;", t.Name)
		}
		b.WriteString("commit")
		if _, err := conn.PgConn().Exec(ctx, b.String()).ReadAll(); err != nil {
			return err
		}
	}
	after, err := ownMemory(pid)
	if err != nil {
		return err
	}
	each := (after - before) / float64(len(schemas))
	_, err = fmt.Fprintf(out, "a backend that touched %d tables of each of %d communes keeps %.0f MB: %.2f MB each (formula: %.2f)\n",
		len(tables), len(schemas), after, each, backendFormula)
	return err
}

// ownMemory is what a process has for itself, in MB (Linux only).
func ownMemory(pid int) (float64, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return float64(kb) / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d does not say what it holds", pid)
}

// migrations gives every commune two new columns through the
// product's runner while all are read and written.
func (e *estate) migrations(ctx context.Context, out io.Writer, s settings) error {
	all, err := e.db.Directory().All(ctx)
	if err != nil {
		return err
	}
	known, err := tenancy.ReadMigrations(migrations.Tenant, "tenant")
	if err != nil {
		return err
	}
	for i, change := range []struct{ what, sql string }{
		{"a nullable column", "alter table cases add column bench_note text"},
		{"a column NOT NULL DEFAULT", "alter table cases add column bench_flag boolean not null default false"},
	} {
		var done, failed atomic.Int64
		loaded, stop := context.WithCancel(ctx)
		var g errgroup.Group
		for c := range 4 {
			g.Go(func() error {
				for i := c; loaded.Err() == nil; i += 4 {
					t := all[i%len(all)]
					err := e.db.In(loaded, t, func(tx *tenancy.Tx) error {
						var n int
						if err := tx.QueryRow("select count(*) from (select * from cases limit 20) c").Scan(&n); err != nil {
							return err
						}
						_, err := tx.Exec("insert into outbox (kind, payload) values ('bench', '{}')")
						return err
					})
					if loaded.Err() != nil {
						return nil //nolint:nilerr // the run is over
					}
					if err != nil {
						failed.Add(1)
						fmt.Fprintln(os.Stderr, "bench: a request failed:", err)
						continue
					}
					done.Add(1)
				}
				return nil
			})
		}
		start := time.Now()
		known = append(known, tenancy.Migration{Version: 999900000000 + int64(i), Name: fmt.Sprintf("bench%d.sql", i), Checksum: change.sql, SQL: change.sql})
		e.owner.Migrations = known
		err := e.owner.MigrateTenants(ctx, nil)
		took := time.Since(start)
		stop()
		_ = g.Wait() // its workers count what failed
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s in %d communes: %s, meanwhile %d requests, %d failed (target: 0)\n", change.what, len(all), took.Round(10*time.Millisecond), done.Load(), failed.Load())
	}
	return nil
}
