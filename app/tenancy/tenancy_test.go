package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

type setting struct {
	Key   string `gorm:"primaryKey"`
	Value string
}

func count(t *testing.T, db *tenancy.DB, c tenancy.Tenant, key string) (n int64) {
	t.Helper()
	if err := db.Read(t.Context(), c, func(tx *tenancy.Tx) error {
		return tx.DB().Model(&setting{}).Where("key = ?", key).Count(&n).Error
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestZeroTenantIsRefused(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	defer func() {
		if recover() == nil {
			t.Fatal("a transaction of no commune was opened")
		}
	}()
	_ = e.DB.In(t.Context(), tenancy.Tenant{}, func(*tenancy.Tx) error { return nil })
}

func TestNestedTransactionRollbackLeavesNothing(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	stop := errors.New("stop")
	cases := map[string]func(tx *tenancy.Tx) error{
		"error": func(tx *tenancy.Tx) error { return stop },
		"panic": func(tx *tenancy.Tx) error { panic(stop) },
		"commit inside": func(tx *tenancy.Tx) error {
			if err := tx.DB().Commit().Error; err == nil {
				t.Error("the outer transaction was committed from inside")
			}
			return stop
		},
		"nested rollback": func(tx *tenancy.Tx) error {
			err := tx.DB().Transaction(func(g *gorm.DB) error {
				if err := g.Create(&setting{Key: "rolled back", Value: `1`}).Error; err != nil {
					return err
				}
				return stop
			})
			if !errors.Is(err, stop) {
				t.Errorf("nested transaction: %v", err)
			}
			return stop
		},
		"statement fails": func(tx *tenancy.Tx) error {
			_, err := tx.Exec("select 1/0")
			return err
		},
	}
	for name, end := range cases {
		t.Run(name, func(t *testing.T) {
			func() {
				defer func() { _ = recover() }()
				err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
					if err := tx.DB().Create(&setting{Key: "outer", Value: `1`}).Error; err != nil {
						return err
					}
					if err := tx.DB().Transaction(func(g *gorm.DB) error {
						return g.Create(&setting{Key: "nested", Value: `1`}).Error
					}); err != nil {
						return err
					}
					return end(tx)
				})
				if err == nil {
					t.Error("no error")
				}
			}()
			if n := count(t, e.DB, e.Lugano, "outer") + count(t, e.DB, e.Lugano, "nested"); n != 0 {
				t.Fatalf("%d rows survived the rollback", n)
			}
		})
	}
}

func TestCancelledRequestLeavesNothingAndTheConnectionIsClean(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		err := e.DB.In(ctx, e.Lugano, func(tx *tenancy.Tx) error {
			if _, err := tx.Exec(`insert into settings (key, value) values ('cancelled', '1')`); err != nil {
				return err
			}
			cancel()
			_, err := tx.Exec("select pg_sleep(1)")
			return err
		})
		if err == nil {
			t.Fatal("a cancelled transaction succeeded")
		}
	}
	if n := count(t, e.DB, e.Lugano, "cancelled"); n != 0 {
		t.Fatalf("%d rows survived", n)
	}
}

// Every login, tried with plain SQL as an injection would: it reaches its own
// commune's schema and nothing else.
func TestNoLoginReachesTheNeighbour(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	owner, err := pgx.Connect(t.Context(), e.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	type place struct{ slug, schema, role, login string }
	places := map[string]place{}
	rows, err := owner.Query(t.Context(), "select slug, schema_name, role_name, login_name from platform.communes")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var p place
		if err := rows.Scan(&p.slug, &p.schema, &p.role, &p.login); err != nil {
			t.Fatal(err)
		}
		places[p.slug] = p
	}
	if len(places) != 2 {
		t.Fatalf("%d communes", len(places))
	}
	for from, to := range map[string]string{"lugano": "chiasso", "chiasso": "lugano"} {
		me, neighbour := places[from], places[to]
		u, _ := url.Parse(e.RuntimeURL)
		u.User = url.UserPassword(me.login, tenancy.LoginPassword(tenancytest.MasterKey, me.login))
		conn, err := pgx.Connect(t.Context(), u.String())
		if err != nil {
			t.Fatalf("%s: %v", from, err)
		}
		defer conn.Close(context.Background())
		refused := []string{
			"set role " + neighbour.role,
			"set role " + neighbour.login,
			"select * from " + neighbour.schema + ".settings",
			"insert into " + neighbour.schema + ".audit (at, actor_id, actor, action) values (now(), '', '', '')",
			"create schema mine",
			"create table " + neighbour.schema + ".mine (x int)",
			"create table " + me.schema + ".mine (x int)",
			"create role mine",
			"select * from platform.staff",
			"select * from platform.outbox_hints",
			"select * from platform.communes",
			"delete from platform.outbox_hints",
			// NOINHERIT: without its role a login is nobody.
			"select * from " + me.schema + ".settings",
		}
		for _, sql := range refused {
			mustBeRefused(t, conn, from, sql)
		}
		if _, err := conn.Exec(t.Context(), "set role "+me.role); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "select * from "+me.schema+".settings"); err != nil {
			t.Fatalf("%s cannot read its own: %v", from, err)
		}
		for _, sql := range append(refused[:12],
			"update "+me.schema+".audit set actor = ''",
			"delete from "+me.schema+".audit",
			"truncate "+me.schema+".audit",
			"delete from "+me.schema+".audit_chain",
			"insert into platform.outbox_hints (tenant) values ('"+neighbour.role+"')",
			"update "+me.schema+".schema_versions set checksum = ''",
		) {
			mustBeRefused(t, conn, from+" as its role", sql)
		}
	}
}

func mustBeRefused(t *testing.T, conn *pgx.Conn, who, sql string) {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql)
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "42501" {
		t.Errorf("%s: %q was not refused for want of permission: %v", who, sql, err)
	}
}

// The process that faces the web: neither its platform login nor any
// commune's may create a schema.
func TestTheWebProcessCannotCreateSchemas(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	err := e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec("create schema t_stolen")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "42501") {
		t.Fatalf("platform login: %v", err)
	}
	err = e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("create schema t_stolen")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "42501") {
		t.Fatalf("commune's login: %v", err)
	}
}

// Many goroutines, two communes, errors and cancellations between: every read
// sees its own commune and no other.
func TestNoTransactionSeesTheWrongCommune(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	for _, c := range []tenancy.Tenant{e.Lugano, e.Chiasso} {
		if err := e.DB.In(t.Context(), c, func(tx *tenancy.Tx) error {
			return tx.DB().Create(&setting{Key: "canary", Value: `"` + c.Slug() + `"`}).Error
		}); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range 60 {
				c := []tenancy.Tenant{e.Lugano, e.Chiasso}[(w+i)%2]
				ctx, cancel := context.WithCancel(t.Context())
				err := e.DB.In(ctx, c, func(tx *tenancy.Tx) error {
					var s setting
					if err := tx.DB().Take(&s, "key = ?", "canary").Error; err != nil {
						return err
					}
					if s.Value != `"`+c.Slug()+`"` {
						t.Errorf("%s read %s", c, s.Value)
					}
					switch i % 5 {
					case 1:
						return errors.New("roll back")
					case 2:
						cancel()
						_, err := tx.Exec("select pg_sleep(0.01)")
						return err
					}
					return nil
				})
				cancel()
				if err != nil && i%5 != 1 && i%5 != 2 {
					t.Errorf("%s: %v", c, err)
				}
			}
		}()
	}
	wg.Wait()
}

func TestCachedValueIsLoadedAgainAfterABump(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	loads := 0
	c := tenancy.NewCached(e.DB, "greeting", func(tx *tenancy.Tx) (string, error) {
		loads++
		var s string
		err := tx.QueryRow("select coalesce((select value::text from settings where key = 'greeting'), 'none')").Scan(&s)
		return fmt.Sprintf("%s %s", tx.Tenant().Slug(), s), err
	})
	want := func(tn tenancy.Tenant, text string) {
		t.Helper()
		got, err := c.Get(t.Context(), tn)
		if err != nil || got != text {
			t.Fatalf("got %q, %v; want %q", got, err, text)
		}
	}
	want(e.Lugano, "lugano none")
	want(e.Lugano, "lugano none")
	want(e.Chiasso, "chiasso none")
	if loads != 2 {
		t.Fatalf("%d loads, want one for each commune", loads)
	}
	if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		if _, err := tx.Exec(`insert into settings (key, value) values ('greeting', '"ciao"')`); err != nil {
			return err
		}
		return tx.Bump("greeting")
	}); err != nil {
		t.Fatal(err)
	}
	want(e.Lugano, `lugano "ciao"`)
	want(e.Chiasso, "chiasso none")
	if loads != 3 {
		t.Fatalf("%d loads, want 3: the neighbour's value was dropped too", loads)
	}
}

func TestMigrationsRefuseAnEditedFile(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	owner, err := pgx.Connect(t.Context(), e.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	if err := e.Owner.MigrateTenants(t.Context(), nil); err != nil {
		t.Fatalf("a second run: %v", err)
	}
	if _, err := owner.Exec(t.Context(), "update t_chiasso.schema_versions set checksum = 'edited'"); err != nil {
		t.Fatal(err)
	}
	if err := e.Owner.MigrateTenants(t.Context(), nil); !errors.Is(err, tenancy.ErrDrift) {
		t.Fatalf("got %v, want ErrDrift", err)
	}
}

func TestASixthCommuneIsFoundWithinASecond(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	if _, err := e.DB.Directory().ByHost(t.Context(), "valmora.localhost"); !errors.Is(err, tenancy.ErrUnknown) {
		t.Fatalf("before: %v", err)
	}
	c := tenancy.Commune{Slug: "valmora", Name: "Valmora", RefPrefix: "VAL", Hosts: []string{"sportello.valmora.example"}}
	for range 2 { // interrupted and run again: the same
		if err := e.Owner.Provision(t.Context(), c, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Owner.SetState(t.Context(), "valmora", tenancy.Active, ""); err != nil {
		t.Fatal(err)
	}
	e.DB.Directory().Forget()
	for _, host := range []string{"valmora.localhost", "sportello.valmora.example"} {
		got, err := e.DB.Directory().ByHost(t.Context(), host)
		if err != nil || got.Slug() != "valmora" {
			t.Fatalf("%s: %v %v", host, got, err)
		}
	}
	valmora := e.Tenant(t, "valmora")
	if n := count(t, e.DB, valmora, "canary"); n != 0 {
		t.Fatal("a new commune is not empty")
	}
}

// Beyond 32 communes several share a login and its connections, and with them
// the statements a connection has prepared: a page read in one round trip must
// see its own commune all the same.
func TestReadsTogetherOnASharedConnectionSeeTheirOwnCommune(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	owner, err := pgx.Connect(t.Context(), e.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	var login, role string
	if err := owner.QueryRow(t.Context(), "select (select login_name from platform.communes where slug = 'chiasso'), (select role_name from platform.communes where slug = 'lugano')").Scan(&login, &role); err != nil {
		t.Fatal(err)
	}
	// Roles belong to the server and other tests use them too: a role of this
	// test's own, which ends with the tests' server, stands in for Lugano's.
	own := fmt.Sprintf("shared_%d_t", time.Now().UnixNano())
	for _, sql := range []string{
		"create role " + own + " nologin noinherit", "grant " + own + " to " + login,
		"grant usage on schema t_lugano, ext to " + own, "grant select, insert, update on all tables in schema t_lugano to " + own,
		"update platform.communes set login_name = '" + login + "', role_name = '" + own + "' where slug = 'lugano'",
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	db, err := tenancy.Open(e.RuntimeURL, tenancytest.MasterKey, "localhost", tenancy.Options{PoolSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var both []tenancy.Tenant
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
	for i := range 200 {
		c := both[(i/3)%2]
		var values, again []string
		var reads tenancy.Reads
		tenancy.Collect(&reads, &values, pgx.RowTo[string], "select value #>> '{}' from settings where key = $1", "canary")
		tenancy.Collect(&reads, &again, pgx.RowTo[string], "select current_schema()")
		if err := db.ReadTogether(t.Context(), c, &reads); err != nil {
			t.Fatal(err)
		}
		if len(values) != 1 || values[0] != c.Slug() || len(again) != 1 || again[0] != "t_"+c.Slug() {
			t.Fatalf("read %d of %s saw %v in %v", i, c, values, again)
		}
		if i%7 == 3 { // one that fails must leave nothing behind
			var none []string
			var broken tenancy.Reads
			tenancy.Collect(&broken, &none, pgx.RowTo[string], "select value #>> '{}' from settings where key = $1", "canary")
			tenancy.Collect(&broken, &none, pgx.RowTo[string], "select (1/0)::text")
			if err := db.ReadTogether(t.Context(), c, &broken); err == nil {
				t.Fatal("a division by zero went unnoticed")
			}
			cancelled, cancel := context.WithCancel(t.Context())
			cancel()
			if err := db.ReadTogether(cancelled, c, &reads); err == nil {
				t.Fatal("a cancelled read succeeded")
			}
		}
	}
}

// All reads of one transaction see the same moment, whatever is written meanwhile.
func TestReadsOfAPageSeeOneMoment(t *testing.T) {
	t.Parallel()
	e := tenancytest.New(t)
	if err := e.DB.Read(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		var n int64
		read := func() int64 {
			if err := tx.QueryRow("select count(*) from settings where key = 'moment'").Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := read(); n != 0 {
			t.Errorf("%d rows at first", n)
		}
		if err := e.DB.In(t.Context(), e.Lugano, func(other *tenancy.Tx) error {
			return other.DB().Create(&setting{Key: "moment", Value: "1"}).Error
		}); err != nil {
			return err
		}
		if n := read(); n != 0 {
			t.Error("a row that was written meanwhile shows in the middle of a page")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, e.DB, e.Lugano, "moment"); n != 1 {
		t.Errorf("the next page sees %d rows, want 1", n)
	}
}
