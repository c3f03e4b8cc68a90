package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

// poisonVariable sets the number of transactions; `make poison` asks for 100,000
// under the race detector.
const poisonVariable = "SPORTELLO_POISON"

// TestPoisonedConnections runs transactions of two communes over three shared
// connections, most of which fail in some way and at some point: each still works
// as its own commune and on its own rows, what was committed is there once, and
// what failed is not.
func TestPoisonedConnections(t *testing.T) {
	n := 20_000 // `make poison`: five times as many, under the race detector
	if asked := os.Getenv(poisonVariable); asked != "" {
		var err error
		if n, err = strconv.Atoi(asked); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		n = 2_000
	}
	p := newPoison(t)
	const workers = 8
	start := time.Now()
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 20261122))
			for i := range n / workers {
				p.one(r, fmt.Sprintf("%d-%d", w, i))
			}
		})
	}
	wait.Wait()
	took := time.Since(start)
	p.check()
	names := make([]string, 0, len(p.count))
	for name := range p.count {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []string
	for _, name := range names {
		c := p.count[name]
		out = append(out, fmt.Sprintf("%s %d (%d committed)", name, c[0], c[1]))
		if c[0] == 0 {
			t.Errorf("%s was never tried", name)
		}
	}
	t.Logf("%d transactions in %.1f s, %d of the wrong commune; %s", n, took.Seconds(), p.wrong, strings.Join(out, ", "))
	if p.wrong > 0 {
		t.Errorf("%d transactions saw another commune", p.wrong)
	}
}

type poison struct {
	t       *testing.T
	db      *tenancy.DB
	owner   *pgx.Conn
	killer  *pgx.Conn
	both    []tenancy.Tenant
	role    map[string]string
	payment map[string]string

	killing sync.Mutex
	mu      sync.Mutex
	wrong   int
	outcome map[string]map[string]error // commune → key → what In said
	unsure  map[string]bool             // its end was not told: both are right
	count   map[string]*[2]int
}

func newPoison(t *testing.T) *poison {
	t.Helper()
	e := tenancytest.New(t)
	p := &poison{t: t, role: map[string]string{}, payment: map[string]string{}, outcome: map[string]map[string]error{}, unsure: map[string]bool{}, count: map[string]*[2]int{}}
	var err error
	if p.owner, err = pgx.Connect(t.Context(), e.OwnerURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.owner.Close(context.Background()) })
	var login string
	login, p.role["lugano"] = shareLogin(t, p.owner)
	if err := p.owner.QueryRow(t.Context(), "select role_name from platform.communes where slug = 'chiasso'").Scan(new(string)); err != nil {
		t.Fatal(err)
	}
	var chiasso string
	if err := p.owner.QueryRow(t.Context(), "select role_name from platform.communes where slug = 'chiasso'").Scan(&chiasso); err != nil {
		t.Fatal(err)
	}
	p.role["chiasso"] = chiasso
	// Who signs in as the communes' login may end its backends.
	u, err := url.Parse(e.RuntimeURL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(login, tenancy.LoginPassword(tenancytest.MasterKey, login))
	if p.killer, err = pgx.Connect(t.Context(), u.String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.killer.Close(context.Background()) })
	if p.db, err = tenancy.Open(e.RuntimeURL, tenancytest.MasterKey, "localhost", tenancy.Options{PoolSize: 3, AcquireTimeout: 20 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.db.Close)
	for _, slug := range []string{"lugano", "chiasso"} {
		c, err := p.db.Directory().BySlug(t.Context(), slug)
		if err != nil {
			t.Fatal(err)
		}
		p.both = append(p.both, c)
		p.outcome[slug] = map[string]error{}
		if err := p.db.In(t.Context(), c, func(tx *tenancy.Tx) error {
			if _, err := tx.Exec("insert into settings (key, value) values ('canary', to_jsonb($1::text))", slug); err != nil {
				return err
			}
			var id string
			err := tx.QueryRow(`insert into payments (id, case_id, case_ref, payer_id, purpose, title, attempt, amount, lines, state, provider, return_path, retry_path, created_at, checked_at)
				values (gen_random_uuid(), gen_random_uuid(), '', gen_random_uuid(), '', '', 1, 100, '[]', 'open', '', '', '', now(), now()) returning id::text`).Scan(&id)
			p.payment[slug] = id
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// shareLogin puts both communes on one login, as beyond 32 communes: a role of
// this test's own, which ends with the tests' server, stands in for Lugano's.
func shareLogin(t *testing.T, owner *pgx.Conn) (login, role string) {
	t.Helper()
	if err := owner.QueryRow(t.Context(), "select login_name from platform.communes where slug = 'chiasso'").Scan(&login); err != nil {
		t.Fatal(err)
	}
	role = fmt.Sprintf("shared_%d_t", time.Now().UnixNano())
	for _, sql := range []string{
		"create role " + role + " nologin noinherit", "grant " + role + " to " + login,
		"grant usage on schema t_lugano, ext to " + role, "grant select, insert, update on all tables in schema t_lugano to " + role,
		"update platform.communes set login_name = '" + login + "', role_name = '" + role + "' where slug = 'lugano'",
	} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	return login, role
}

// errStop is a use case that says no.
var errStop = errors.New("stop")

// end is one way for a transaction to go. fn runs after the transaction has
// written its row; unsure tells that its end may have been lost on the way.
type end struct {
	name   string
	weight int
	unsure bool
	fn     func(p *poison, r *rand.Rand, c, other tenancy.Tenant, tx *tenancy.Tx, cancel context.CancelFunc) error
}

var ends = []end{
	{name: "committed", weight: 20, fn: func(*poison, *rand.Rand, tenancy.Tenant, tenancy.Tenant, *tenancy.Tx, context.CancelFunc) error {
		return nil
	}},
	{name: "refused", weight: 6, fn: func(*poison, *rand.Rand, tenancy.Tenant, tenancy.Tenant, *tenancy.Tx, context.CancelFunc) error {
		return errStop
	}},
	{name: "panicked", weight: 6, fn: func(*poison, *rand.Rand, tenancy.Tenant, tenancy.Tenant, *tenancy.Tx, context.CancelFunc) error {
		panic(errStop)
	}},
	{name: "statement failed", weight: 6, fn: func(_ *poison, _ *rand.Rand, _, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		_, err := tx.Exec("select 1/0")
		return err
	}},
	{name: "failure overlooked", weight: 6, fn: func(_ *poison, _ *rand.Rand, _, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		_, _ = tx.Exec("select 1/0") // the connection comes back in an aborted transaction
		return nil
	}},
	{name: "cancelled in a statement", weight: 1, fn: func(_ *poison, r *rand.Rand, _, _ tenancy.Tenant, tx *tenancy.Tx, cancel context.CancelFunc) error {
		time.AfterFunc(time.Duration(r.IntN(2000))*time.Microsecond, cancel)
		_, err := tx.Exec("select pg_sleep(1)")
		return err
	}},
	{name: "cancelled between", weight: 1, fn: func(_ *poison, _ *rand.Rand, _, _ tenancy.Tenant, tx *tenancy.Tx, cancel context.CancelFunc) error {
		cancel()
		_, err := tx.Exec("select 1")
		return err
	}},
	{name: "cancelled at commit", weight: 2, unsure: true, fn: func(_ *poison, r *rand.Rand, _, _ tenancy.Tenant, _ *tenancy.Tx, cancel context.CancelFunc) error {
		time.AfterFunc(time.Duration(r.IntN(300))*time.Microsecond, cancel)
		return nil
	}},
	{name: "timed out", weight: 2, fn: func(_ *poison, _ *rand.Rand, _, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		if _, err := tx.Exec("set local statement_timeout = 1"); err != nil {
			return err
		}
		_, err := tx.Exec("select pg_sleep(1)")
		return err
	}},
	{name: "failed at commit", weight: 6, fn: func(p *poison, _ *rand.Rand, c, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		_, err := tx.Exec("insert into ledger_entries (payment_id, kind, account, amount, at) values ($1, 'payment', 'fees', 5, now())", p.payment[c.Slug()])
		return err // one leg without the other: the deferred check refuses the commit
	}},
	{name: "queued write failed", weight: 6, fn: func(_ *poison, _ *rand.Rand, c, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		tx.Queue("insert into settings (key, value) values ('canary', to_jsonb($1::text))", c.Slug())
		return nil
	}},
	{name: "queued write failed early", weight: 4, fn: func(_ *poison, _ *rand.Rand, c, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		tx.Queue("insert into settings (key, value) values ('canary', to_jsonb($1::text))", c.Slug())
		var one int
		_ = tx.QueryRow("select 1").Scan(&one)
		return nil
	}},
	{name: "nested rolled back", weight: 5, fn: func(_ *poison, _ *rand.Rand, _, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		err := tx.DB().Transaction(func(g *gorm.DB) error {
			if err := g.Create(&setting{Key: "nested", Value: "1"}).Error; err != nil {
				return err
			}
			return errStop
		})
		if !errors.Is(err, errStop) {
			return fmt.Errorf("nested: %w", err)
		}
		return nil
	}},
	{name: "rows left open", weight: 1, unsure: true, fn: func(_ *poison, _ *rand.Rand, _, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		_, err := tx.Query("select generate_series(1, 1000)") //nolint:rowserrcheck,sqlclosecheck // left open on purpose
		return err
	}},
	{name: "left another path", weight: 4, fn: func(_ *poison, _ *rand.Rand, _, other tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		_, err := tx.Exec("set search_path = t_" + other.Slug()) // for the session, and it is committed
		return err
	}},
	{name: "left another role", weight: 4, fn: func(p *poison, _ *rand.Rand, _, other tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		_, err := tx.Exec("set role " + p.role[other.Slug()])
		return err
	}},
	{name: "ended inside", weight: 2, unsure: true, fn: func(_ *poison, r *rand.Rand, _, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		_, _ = tx.Exec([]string{"commit", "rollback"}[r.IntN(2)])
		if _, err := tx.Exec("insert into settings (key, value) values ('outside', '1')"); err == nil {
			return errors.New("a statement outside any transaction was taken")
		}
		return errStop
	}},
	{name: "connection killed", weight: 1, fn: func(p *poison, _ *rand.Rand, _, _ tenancy.Tenant, tx *tenancy.Tx, _ context.CancelFunc) error {
		var pid int
		if err := tx.QueryRow("select pg_backend_pid()").Scan(&pid); err != nil {
			return err
		}
		p.kill("select pg_terminate_backend($1)", pid)
		for range 1000 { // until it is gone: then its commit finds nobody
			if _, err := tx.Exec("select 1"); err != nil {
				return nil
			}
		}
		return errors.New("the backend outlived its end")
	}},
	{name: "idle connections killed", weight: 1, unsure: true, fn: func(p *poison, _ *rand.Rand, _, _ tenancy.Tenant, _ *tenancy.Tx, _ context.CancelFunc) error {
		p.kill("select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = current_user and datname = current_database() and state = 'idle' and pid <> pg_backend_pid()")
		return nil
	}},
}

func (p *poison) kill(sql string, args ...any) {
	p.killing.Lock()
	defer p.killing.Unlock()
	if _, err := p.killer.Exec(context.Background(), sql, args...); err != nil {
		p.t.Errorf("kill: %v", err)
	}
}

func pick(r *rand.Rand) end {
	total := 0
	for _, e := range ends {
		total += e.weight
	}
	n := r.IntN(total)
	for _, e := range ends {
		if n -= e.weight; n < 0 {
			return e
		}
	}
	panic("unreachable")
}

// one runs one transaction and, before every third, reads that go out in one
// piece or break half-way.
func (p *poison) one(r *rand.Rand, key string) {
	at := r.IntN(2)
	c, other := p.both[at], p.both[1-at]
	how := pick(r)
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	early := r.IntN(100)
	switch {
	case early < 1: // cancelled before it begins
		how.name, how.unsure = "cancelled before begin", true
		cancel()
	case early < 2: // while it begins
		how.name, how.unsure = "cancelled in begin", true
		time.AfterFunc(time.Duration(r.IntN(400))*time.Microsecond, cancel)
	}
	if r.IntN(3) == 0 {
		p.reads(r, c)
	}
	key = "p " + c.Slug() + " " + key
	ran := false
	err := func() (err error) {
		defer func() {
			if x := recover(); x != nil {
				err = fmt.Errorf("panicked: %v", x)
			}
		}()
		return p.db.In(ctx, c, func(tx *tenancy.Tx) error {
			var role, path, canary string
			if err := tx.QueryRow("select current_user::text, current_setting('search_path'), coalesce((select value #>> '{}' from settings where key = 'canary'), 'none')").Scan(&role, &path, &canary); err != nil {
				return err
			}
			if role != p.role[c.Slug()] || path != "t_"+c.Slug()+", ext" || canary != c.Slug() {
				p.mu.Lock()
				p.wrong++
				p.mu.Unlock()
				p.t.Errorf("a transaction of %s is %s on %s and reads the rows of %s", c, role, path, canary)
			}
			ran = true
			if r.IntN(2) == 0 {
				tx.Queue("insert into settings (key, value) values ($1, '1')", key)
			} else if _, err := tx.Exec("insert into settings (key, value) values ($1, '1')", key); err != nil {
				return err
			}
			return how.fn(p, r, c, other, tx, cancel)
		})
	}()
	if err == nil && !ran {
		p.t.Errorf("%s: nothing ran and nothing failed", key)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outcome[c.Slug()][key] = err
	p.unsure[key] = how.unsure && err != nil
	n := p.count[how.name]
	if n == nil {
		n = new([2]int)
		p.count[how.name] = n
	}
	n[0]++
	if err == nil {
		n[1]++
	}
	if must := map[string]bool{"committed": true, "nested rolled back": true, "left another path": true, "left another role": true}; must[how.name] && err != nil && !lost(err) {
		p.t.Errorf("%s: %v", how.name, err)
	}
}

// lost tells that a connection was killed under a transaction that did nothing
// to deserve it.
func lost(err error) bool {
	for _, part := range []string{"57P01", "unexpected EOF", "broken pipe", "connection reset", "conn closed", "bad connection", "closed"} {
		if strings.Contains(err.Error(), part) {
			return true
		}
	}
	return false
}

func (p *poison) reads(r *rand.Rand, c tenancy.Tenant) {
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	var canary, schema []string
	var reads tenancy.Reads
	tenancy.Collect(&reads, &canary, pgx.RowTo[string], "select value #>> '{}' from settings where key = $1", "canary")
	breaks := r.IntN(5)
	switch breaks {
	case 0: // one the connection has not prepared, of many
		tenancy.Collect(&reads, &schema, pgx.RowTo[string], fmt.Sprintf("select current_schema() || '%d'", r.IntN(50)))
	case 1:
		tenancy.Collect(&reads, &schema, pgx.RowTo[string], "select (1/(length(current_schema())-length(current_schema())))::text")
	case 2:
		time.AfterFunc(time.Duration(r.IntN(500))*time.Microsecond, cancel)
	}
	tenancy.Collect(&reads, &schema, pgx.RowTo[string], "select current_schema()")
	err := p.db.ReadTogether(ctx, c, &reads)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil && breaks == 1:
		p.t.Error("a division by zero went unnoticed")
	case err == nil && (len(canary) != 1 || canary[0] != c.Slug() || len(schema) != 1 || schema[0] != "t_"+c.Slug()):
		p.wrong++
		p.t.Errorf("reads of %s saw %v in %v", c, canary, schema)
	case err != nil && breaks > 2 && !lost(err):
		p.t.Errorf("reads of %s: %v", c, err)
	}
}

// check compares what is stored with what was said.
func (p *poison) check() {
	for _, c := range p.both {
		rows, err := p.owner.Query(context.Background(), "select key from t_"+c.Slug()+".settings where key <> 'canary'")
		if err != nil {
			p.t.Fatal(err)
		}
		stored, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			p.t.Fatal(err)
		}
		there := map[string]bool{}
		for _, key := range stored {
			there[key] = true
			if said, known := p.outcome[c.Slug()][key]; !known {
				p.wrong++
				p.t.Errorf("%s holds %q, which is not its own or was rolled back", c, key)
			} else if said != nil && !p.unsure[key] {
				p.t.Errorf("%s is stored in %s although it failed: %v", key, c, said)
			}
		}
		for key, said := range p.outcome[c.Slug()] {
			if said == nil && !there[key] {
				p.t.Errorf("%s was committed in %s and is not there", key, c)
			}
		}
		var entries int
		if err := p.owner.QueryRow(context.Background(), "select count(*) from t_"+c.Slug()+".ledger_entries").Scan(&entries); err != nil || entries != 0 {
			p.t.Errorf("%s has %d unbalanced entries: %v", c, entries, err)
		}
	}
}
