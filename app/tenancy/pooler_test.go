package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/bouncertest"
)

// behindPooler is two communes that share a login and three connections behind
// PgBouncer in transaction mode, each with its name in its settings.
func behindPooler(t *testing.T) (db *tenancy.DB, both []tenancy.Tenant, address, login string) {
	t.Helper()
	e := tenancytest.New(t)
	owner, err := pgx.Connect(t.Context(), e.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	login, _ = shareLogin(t, owner)
	runtime, err := pgx.ParseConfig(e.RuntimeURL)
	if err != nil {
		t.Fatal(err)
	}
	b := bouncertest.New(t, bouncertest.Options{Upstream: e.RuntimeURL, PoolSize: 3, Users: map[string]string{
		runtime.User: runtime.Password, login: tenancy.LoginPassword(tenancytest.MasterKey, login)}})
	if address, err = b.URL(e.RuntimeURL); err != nil {
		t.Fatal(err)
	}
	if db, err = tenancy.Open(address, tenancytest.MasterKey, "localhost", tenancy.Options{Pooler: tenancy.PoolerTransaction, PoolSize: 16}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	for _, slug := range []string{"lugano", "chiasso"} {
		c, err := db.Directory().BySlug(t.Context(), slug)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, c)
		if err := db.In(t.Context(), c, func(tx *tenancy.Tx) error {
			_, err := tx.Exec("insert into settings (key, value) values ('canary', to_jsonb($1::text))", slug)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return db, both, address, login
}

// Through PgBouncer in transaction mode no transaction works in another commune,
// whether it is written, read in one piece, fails or is cancelled.
func TestBehindAPoolerEveryTransactionIsItsOwn(t *testing.T) {
	db, both, _, _ := behindPooler(t)
	const workers, each = 16, 300
	var wrong, done atomic.Int64
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 7))
			for i := range each {
				c, ctx, cancel := both[r.IntN(2)], t.Context(), context.CancelFunc(func() {})
				kind := r.IntN(5)
				if kind == 4 && i%10 == 0 {
					ctx, cancel = context.WithCancel(ctx)
				}
				var canary []string
				var err error
				if kind == 0 {
					var reads tenancy.Reads
					tenancy.Collect(&reads, &canary, pgx.RowTo[string], "select value #>> '{}' from settings where key = $1", "canary")
					err = db.ReadTogether(ctx, c, &reads)
				} else {
					canary = []string{""}
					err = db.In(ctx, c, func(tx *tenancy.Tx) error {
						tx.Queue("insert into settings (key, value) values ($1, to_jsonb($2::text))", fmt.Sprintf("row %d %d", w, i), c.Slug())
						var s setting
						if err := tx.DB().Take(&s, "key = ?", "canary").Error; err != nil {
							return err
						}
						canary[0] = strings.Trim(s.Value, `"`)
						switch kind {
						case 2:
							return errStop
						case 3:
							_, err := tx.Exec("select 1/0")
							return err
						case 4:
							cancel()
						}
						return nil
					})
				}
				cancel()
				if err != nil && kind != 2 && kind != 3 && !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", c, err)
					continue
				}
				done.Add(1)
				if len(canary) != 1 || canary[0] != c.Slug() && canary[0] != "" {
					wrong.Add(1)
				}
			}
		})
	}
	wait.Wait()
	foreign := 0
	for _, c := range both {
		var n int
		if err := db.Read(t.Context(), c, func(tx *tenancy.Tx) error {
			return tx.QueryRow("select count(*) from settings where key like 'row %' and value #>> '{}' <> $1", c.Slug()).Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
		foreign += n
	}
	t.Logf("%d transactions through PgBouncer, %d of the wrong commune, %d rows in the wrong place", done.Load(), wrong.Load(), foreign)
	if wrong.Load() > 0 || foreign > 0 || done.Load() < workers*each*9/10 {
		t.Error("the line between the communes does not hold behind a pooler")
	}
}

// The same, the way one must not do it: role and path are set for the session.
// That the probe finds it shows that the probe above can.
func TestBehindAPoolerASessionSettingIsSomebodyElses(t *testing.T) {
	_, both, address, login := behindPooler(t)
	var wrong, done atomic.Int64
	var wait sync.WaitGroup
	for w := range 16 {
		wait.Go(func() {
			cfg, err := pgx.ParseConfig(address)
			if err != nil {
				t.Error(err)
				return
			}
			cfg.User, cfg.Password = login, tenancy.LoginPassword(tenancytest.MasterKey, login)
			cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
			conn, err := pgx.ConnectConfig(t.Context(), cfg)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close(context.Background())
			c := both[w%2]
			for range 60 {
				if _, err := conn.Exec(t.Context(), "set search_path = t_"+c.Slug()+", ext"); err != nil {
					t.Error(err)
					return
				}
				var schema string
				if err := conn.QueryRow(t.Context(), "select coalesce(current_setting('search_path'), '')").Scan(&schema); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
				if schema != "t_"+c.Slug()+", ext" {
					wrong.Add(1)
				}
			}
		})
	}
	wait.Wait()
	t.Logf("%d statements after a SET for the session, %d in the wrong commune", done.Load(), wrong.Load())
	if wrong.Load() == 0 {
		t.Error("the probe finds nothing even where communes do get mixed up")
	}
}
