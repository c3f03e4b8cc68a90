package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/bouncertest"
	"github.com/sportello-ticino/sportello/pkg/devstack"
)

const (
	poolerTarget = .5
	poolerConns  = 8 // to the server, on both ways
	poolerRounds = 3
)

// pooler measures transactions of all communes through PgBouncer in transaction
// mode and on direct connections, both in exec mode: the same statements in the
// same protocol, with and without somebody between.
func pooler(ctx context.Context, out io.Writer, s settings, w *world, pg *devstack.Postgres) (err error) {
	master, err := w.Config.Keys.Master()
	if err != nil {
		return err
	}
	direct := pg.TCPURL(devstack.App, devstack.Database)
	runtime, err := pgx.ParseConfig(direct)
	if err != nil {
		return err
	}
	users := map[string]string{runtime.User: runtime.Password}
	if err := w.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select distinct login_name from communes")
		if err != nil {
			return err
		}
		logins, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, login := range logins {
			users[login] = tenancy.LoginPassword(master, login)
		}
		return err
	}); err != nil {
		return err
	}
	b, err := bouncertest.Start(ctx, bouncertest.Options{Upstream: direct, Users: users, PoolSize: poolerConns})
	if err != nil {
		return err
	}
	defer func() {
		if stopped := b.Stop(); err == nil {
			err = stopped
		}
	}()
	led, err := b.URL(direct)
	if err != nil {
		return err
	}
	var ways []*tenancy.DB
	for _, address := range []string{led, direct} {
		db, err := tenancy.Open(address, master, w.Config.Server.BaseDomain, tenancy.Options{Pooler: tenancy.PoolerTransaction, PoolSize: poolerConns})
		if err != nil {
			return err
		}
		defer db.Close()
		ways = append(ways, db)
	}
	rates := make([][]float64, len(ways))
	for range poolerRounds {
		for i, db := range ways { // by turns: what disturbs the machine disturbs both
			rate, err := transactions(ctx, db, s.clients, s.duration/poolerRounds)
			if err != nil {
				return err
			}
			rates[i] = append(rates[i], rate)
		}
	}
	for i := range rates {
		slices.Sort(rates[i])
	}
	through, straight := rates[0][poolerRounds/2], rates[1][poolerRounds/2]
	_, err = fmt.Fprintf(out, "\nthrough PgBouncer in transaction mode %.0f transactions per second, directly %.0f, both in exec mode: %.2f (target: %.1f)\n",
		through, straight, through/straight, poolerTarget)
	return err
}

// transactions counts point reads per second, each in a transaction of one of the
// communes by turns; one that meets another commune is an error.
func transactions(ctx context.Context, db *tenancy.DB, clients int, d time.Duration) (perSecond float64, err error) {
	all, err := db.Directory().All(ctx)
	if err != nil {
		return 0, err
	}
	var n atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for c := range clients {
		g.Go(func() error {
			for i := c; time.Since(start) < d; i++ {
				t := all[i%len(all)]
				if err := db.Read(ctx, t, func(tx *tenancy.Tx) error {
					var schema, value string
					if err := tx.QueryRow("select current_schema(), value::text from settings where key = $1", "brand").Scan(&schema, &value); err != nil {
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
	err = g.Wait()
	return float64(n.Load()) / time.Since(start).Seconds(), err
}
