package tenancy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/migrations"
)

// axe cuts a connection when its n-th statement begins, as a death of the
// process does.
type axe struct{ left, seen int }

func (a *axe) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	a.seen++
	if a.left--; a.left == 0 {
		_ = conn.PgConn().Conn().Close()
	}
	return ctx
}

func (a *axe) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func connectWith(t *testing.T, e *tenancytest.Env, tracer pgx.QueryTracer) *pgx.Conn {
	t.Helper()
	cfg, err := pgx.ParseConfig(e.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Tracer = tracer
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// shape is everything that migrations make in a schema, in one value, and the
// newest version it is said to have.
func shape(t *testing.T, conn *pgx.Conn, schema string) (sum string, version int64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), `select md5(coalesce(string_agg(line, e'\n' order by line), '')) from (
		select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || a.attnotnull || coalesce(c.relacl::text, '') as line
			from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = $1::text::regnamespace and a.attnum > 0 and not a.attisdropped
				and c.relname not in ('schema_versions', 'insert_only_tables') and c.relkind = 'r'
		union all select 'constraint ' || conname || replace(pg_get_constraintdef(oid), $1::text || '.', '') from pg_constraint where connamespace = $1::text::regnamespace and conname not like 'schema_versions%' and conname not like 'insert_only%'
		union all select 'index ' || indexname from pg_indexes where schemaname = $1::text and tablename not in ('schema_versions', 'insert_only_tables')
		union all select 'function ' || proname from pg_proc where pronamespace = $1::text::regnamespace
		union all select 'trigger ' || tgname from pg_trigger g join pg_class c on c.oid = g.tgrelid where c.relnamespace = $1::text::regnamespace and not tgisinternal) s`, schema).Scan(&sum); err != nil {
		t.Fatal(err)
	}
	var begun bool
	if err := conn.QueryRow(t.Context(), "select to_regclass($1) is not null", schema+".schema_versions").Scan(&begun); err != nil {
		t.Fatal(err)
	}
	if begun {
		if err := conn.QueryRow(t.Context(), "select coalesce(max(version), 0) from "+schema+".schema_versions").Scan(&version); err != nil {
			t.Fatal(err)
		}
	}
	return sum, version
}

// The runner dies at each of its statements in turn: what is left is some
// version, whole, and the next run completes it.
func TestMigrationsKilledAtEveryStep(t *testing.T) {
	e := tenancytest.New(t)
	all, err := tenancy.ReadMigrations(migrations.Tenant, "tenant")
	if err != nil {
		t.Fatal(err)
	}
	all = all[:4] // each takes the same steps
	look := connectWith(t, e, nil)
	var role string
	if err := look.QueryRow(t.Context(), "select role_name from platform.communes where slug = 'lugano'").Scan(&role); err != nil {
		t.Fatal(err)
	}
	create := func(schema string) {
		t.Helper()
		if _, err := look.Exec(t.Context(), "create schema "+schema); err != nil {
			t.Fatal(err)
		}
	}
	create("t_whole")
	whole := map[int64]string{}
	whole[0], _ = shape(t, look, "t_whole")
	counting := &axe{}
	straight := connectWith(t, e, counting)
	for i := range all {
		if _, err := tenancy.MigrateSchema(t.Context(), straight, "t_whole", role, all[:i+1]); err != nil {
			t.Fatal(err)
		}
		sum, version := shape(t, look, "t_whole")
		whole[version] = sum
	}
	newest := all[len(all)-1].Version
	for begun, least := range []int{4, 5 * (len(all) - 1)} { // an empty schema gets all at once, one that has begun version by version
		steps := 0
		for k := 1; ; k++ {
			schema := fmt.Sprintf("t_killed_%d_%d", begun, k)
			create(schema)
			if _, err := tenancy.MigrateSchema(t.Context(), connectWith(t, e, nil), schema, role, all[:begun]); err != nil {
				t.Fatal(err)
			}
			a := &axe{left: k}
			_, err := tenancy.MigrateSchema(t.Context(), connectWith(t, e, a), schema, role, all)
			if a.seen < k {
				if err != nil {
					t.Fatalf("nothing was cut: %v", err)
				}
				break
			}
			steps++
			if err == nil {
				t.Errorf("step %d: the connection was cut and nobody says so", k)
			}
			if sum, version := shape(t, look, schema); whole[version] == "" || sum != whole[version] {
				t.Errorf("step %d: the schema says it is version %d and is not", k, version)
			}
			if v, err := tenancy.MigrateSchema(t.Context(), connectWith(t, e, nil), schema, role, all); err != nil || v != newest {
				t.Errorf("step %d: the second run reaches %d: %v", k, v, err)
			}
			if sum, version := shape(t, look, schema); version != newest || sum != whole[newest] {
				t.Errorf("step %d: after the second run the schema differs from one that was migrated version by version", k)
			}
			var wrong int
			if err := look.QueryRow(t.Context(), "select count(*) from "+schema+".schema_versions full join t_whole.schema_versions w using (version, checksum, name) where w.version is null or applied_at is null").Scan(&wrong); err == nil && wrong > 0 {
				t.Errorf("step %d: %d checksums differ", k, wrong)
			}
			if _, err := look.Exec(t.Context(), "drop schema "+schema+" cascade"); err != nil {
				t.Fatal(err)
			}
		}
		if steps < least {
			t.Errorf("only %d steps were cut for %d migrations", steps, len(all))
		}
		t.Logf("killed at %d steps of %d migrations, %d of them there before", steps, len(all), begun)
	}
}

// Several runs open the same empty schema: one does it, the others find it done.
func TestFreshSchemaMigratedBySeveralAtOnce(t *testing.T) {
	e := tenancytest.New(t)
	all, err := tenancy.ReadMigrations(migrations.Tenant, "tenant")
	if err != nil {
		t.Fatal(err)
	}
	look := connectWith(t, e, nil)
	var role string
	if err := look.QueryRow(t.Context(), "select role_name from platform.communes where slug = 'lugano'").Scan(&role); err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		schema := fmt.Sprintf("t_raced_%d", round)
		if _, err := look.Exec(t.Context(), "create schema "+schema); err != nil {
			t.Fatal(err)
		}
		var g errgroup.Group
		for range 4 {
			conn := connectWith(t, e, nil)
			g.Go(func() error {
				v, err := tenancy.MigrateSchema(t.Context(), conn, schema, role, all)
				if err == nil && v != all[len(all)-1].Version {
					err = fmt.Errorf("version %d", v)
				}
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if sum, _ := shape(t, look, schema); sum == "" {
			t.Error("the schema is empty")
		}
	}
}

// The canary goes first and alone; a commune that fails later is named, and the
// others get what they lack.
func TestCanaryFirstAndTheOthersWithoutTheOneThatFails(t *testing.T) {
	e := tenancytest.New(t)
	all, err := tenancy.ReadMigrations(migrations.Tenant, "tenant")
	if err != nil {
		t.Fatal(err)
	}
	newest := all[len(all)-1].Version
	conn := connectWith(t, e, nil)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	// Both communes lack one version; in one of them it cannot be applied, for
	// something stands in its way.
	const version = 202611221150
	for _, slug := range []string{"lugano", "chiasso"} {
		exec("delete from t_"+slug+".schema_versions where version = $1", version)
		exec("drop table t_" + slug + ".tick_runs")
	}
	has := func(slug string) (is bool) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "select exists (select from t_"+slug+".schema_versions where version = $1)", version).Scan(&is); err != nil {
			t.Fatal(err)
		}
		return is
	}
	noted := func(slug string) (s string, v int64) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "select migration_error, schema_version from platform.communes where slug = $1", slug).Scan(&s, &v); err != nil {
			t.Fatal(err)
		}
		return s, v
	}
	exec("create view t_chiasso.tick_runs as select 1 as in_the_way")
	exec("update platform.communes set canary = (slug = 'chiasso')")
	if err := e.Owner.MigrateTenants(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "canary") {
		t.Errorf("a canary that fails: %v", err)
	}
	if has("lugano") {
		t.Error("the canary failed and another commune was touched")
	}
	if s, _ := noted("chiasso"); !strings.Contains(s, "tick_runs") {
		t.Errorf("the directory notes %q of the canary", s)
	}
	exec("update platform.communes set canary = (slug = 'lugano')")
	if err := e.Owner.MigrateTenants(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "chiasso") {
		t.Errorf("a commune that fails: %v", err)
	}
	if !has("lugano") || has("chiasso") {
		t.Error("the commune that can be migrated is not, or the other one is")
	}
	if s, v := noted("lugano"); s != "" || v != newest {
		t.Errorf("the directory notes %q and version %d of the one that went well", s, v)
	}
	if s, _ := noted("chiasso"); !strings.Contains(s, "tick_runs") {
		t.Errorf("the directory notes %q of the one that failed", s)
	}
	exec("drop view t_chiasso.tick_runs")
	if err := e.Owner.MigrateTenants(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if s, v := noted("chiasso"); s != "" || v != newest || !has("chiasso") {
		t.Errorf("after the repair: %q, version %d", s, v)
	}
}

// A migration grants on the platform's shared tables only what is missing: with
// two thousand communes each needless grant would make all sessions read the
// table's rights anew.
func TestMigrationsGrantOnSharedTablesOnlyWhatIsMissing(t *testing.T) {
	e := tenancytest.New(t)
	conn := connectWith(t, e, nil)
	var before, after, role string
	look := func(into *string) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), "select string_agg(xmin::text, ' ' order by oid) from pg_class where relnamespace = 'platform'::regnamespace and relkind = 'r'").Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	look(&before)
	if err := e.Owner.MigrateTenants(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if look(&after); before != after {
		t.Error("rights on the platform's tables were given once more")
	}
	if err := conn.QueryRow(t.Context(), "select role_name from platform.communes where slug = 'lugano'").Scan(&role); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "revoke insert (at) on platform.outbox_hints from "+role); err != nil {
		t.Fatal(err)
	}
	if err := e.Owner.MigrateTenants(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("insert into platform.outbox_hints (at) values (clock_timestamp())")
		return err
	}); err != nil {
		t.Errorf("a right that was missing was not given: %v", err)
	}
}
