package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// The floor is a process of its own, which in a test is the test's program.
func TestMain(m *testing.M) {
	if plan := os.Getenv(floorVariable); plan != "" {
		if err := serveFloor(context.Background(), plan); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func TestParseLog(t *testing.T) {
	got := parseLog(strings.Join([]string{
		"2026-11-22 01:00:00.000 UTC [10] web@sportello LOG:  statement: begin; set local search_path = t_a",
		"2026-11-22 01:00:00.000 UTC [11] other@sportello LOG:  execute stmtcache_1: SELECT 1",
		"2026-11-22 01:00:00.001 UTC [10] web@sportello LOG:  execute stmtcache_ab: SELECT *",
		"\tFROM a WHERE b = $1 AND c = $2",
		"2026-11-22 01:00:00.001 UTC [10] web@sportello DETAIL:  parameters: $1 = 'l''ufficio:vero; $2', $2 = NULL",
		"2026-11-22 01:00:00.001 UTC [12] sportello_admin@sportello LOG:  statement: SELECT pg_reload_conf()",
		"2026-11-22 01:00:00.001 UTC [12] @ LOG:  checkpoint starting",
		"2026-11-22 01:00:00.002 UTC [10] web@sportello LOG:  statement: commit",
	}, "\n"))
	want := []transaction{
		{
			{SQL: "begin; set local search_path = t_a"},
			{SQL: "SELECT *\nFROM a WHERE b = $1 AND c = $2", Prepared: true, Args: []any{"l'ufficio:vero; $2", nil}},
			{SQL: "commit"},
		},
		{{SQL: "SELECT 1", Prepared: true}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	wantScript := "begin;\nset local search_path = t_a;\nSELECT * FROM a WHERE b = E'l''ufficio\\x3Avero\\x3B $2' AND c = NULL;\ncommit;\n"
	if diff := cmp.Diff(wantScript, script(got[:1])); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A request is recorded on a real server and done again by both floors.
func TestFloorsRepeatWhatWasRecorded(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pg, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: dir, Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	conn, err := pgx.Connect(ctx, pg.URL(devstack.Owner, devstack.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range []string{"CREATE SCHEMA t_a", "CREATE TABLE t_a.visits (n int, at timestamptz, tags text[], body jsonb)"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	page := func() error {
		if _, err := conn.PgConn().Exec(ctx, "begin; set local search_path = t_a").ReadAll(); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, "INSERT INTO visits VALUES ($1, $2, $3, $4)", 7, time.Now(), []string{"a'b", "c"}, `{"k":true,"s":"a;b\\c"}`); err != nil {
			return err
		}
		var n int
		if err := conn.QueryRow(ctx, "SELECT count(*)::int FROM visits WHERE n = $1", 7).Scan(&n); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "commit")
		return err
	}
	rec, err := newRecorder(ctx, pg)
	if err != nil {
		t.Fatal(err)
	}
	list, err := rec.page(ctx, page)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 1 || len(list[0]) != 4 || len(list[0][1].Args) != 4 {
		t.Fatalf("recorded %+v", list)
	}
	before := count(t, conn)
	database := pg.URL(devstack.Admin, devstack.Database)
	url, stop, err := startFloor(ctx, floorPlan{URL: database, PoolSize: 2, Status: http.StatusOK, ContentType: "text/plain", Body: []byte("page"), Transactions: list})
	if err != nil {
		t.Fatal(err)
	}
	got, err := load(ctx, 2, 200*time.Millisecond, http.StatusOK, func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	})
	stop()
	if err != nil || got.Failed > 0 || got.PerSecond == 0 || got.P50 > got.P99 {
		t.Errorf("%+v %v", got, err)
	}
	after := count(t, conn)
	if after <= before {
		t.Errorf("the floor wrote nothing: %d rows, %d before", after, before)
	}
	program := findPgbench()
	if program == "" {
		t.Fatal("pgbench is missing: it comes with the PostgreSQL that runs here")
	}
	if tps, err := pgbench(ctx, program, database, list, 2, time.Second); err != nil || tps <= 0 {
		t.Errorf("pgbench: %f %v", tps, err)
	}
	if count(t, conn) <= after {
		t.Error("pgbench wrote nothing")
	}
}

func count(t *testing.T, conn *pgx.Conn) (n int) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT count(*)::int FROM t_a.visits").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
