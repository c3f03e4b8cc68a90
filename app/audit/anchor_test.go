package audit_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/auditchain"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// A head is kept once a day in a table that nobody but the owner can change,
// and in a file; a chain that was cut or written anew afterwards shows.
func TestAnchorsAreKeptOutsideTheCommune(t *testing.T) {
	e := tenancytest.New(t)
	a := &audit.Anchors{DB: e.DB, Clock: clock.System{}, Dir: filepath.Join(t.TempDir(), "anchors")}
	record(t, e, 40)
	for range 3 {
		if err := a.Daily(t.Context(), e.Lugano); err != nil {
			t.Fatal(err)
		}
	}
	last, ok, err := a.Last(t.Context(), "lugano")
	if err != nil || !ok || last.Seq != 40 || last.Lines != 40 {
		t.Fatalf("%+v %v %v", last, ok, err)
	}
	record(t, e, 8)
	if head, err := a.Now(t.Context(), e.Lugano); err != nil || head.Seq != 49 { // the first anchor is a line itself
		t.Fatalf("%+v %v", head, err)
	}
	raw, err := os.ReadFile(filepath.Join(a.Dir, audit.AnchorFile))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := auditchain.ReadAnchors(bytes.NewReader(raw))
	if err != nil || len(kept) != 2 {
		t.Fatalf("%d anchors in the file, %v", len(kept), err)
	}

	// The runtime login adds and reads; a commune's role does not even read.
	for _, sql := range []string{"update audit_anchors set seq = 1", "delete from audit_anchors", "truncate audit_anchors"} {
		if err := e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error { _, err := tx.Exec(sql); return err }); err == nil {
			t.Errorf("the runtime login may %s", sql)
		}
	}
	for _, sql := range []string{"select seq from platform.audit_anchors",
		"insert into platform.audit_anchors (slug, seq, lines, hash, head_at) values ('chiasso', 1, 1, sha256(''), now())"} {
		if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error { _, err := tx.Exec(sql); return err }); err == nil {
			t.Errorf("a commune's role may %s", sql)
		}
	}

	owner, err := pgx.Connect(t.Context(), e.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	read := func() auditchain.Report {
		t.Helper()
		rep, err := auditchain.VerifyDatabase(t.Context(), owner, "t_lugano", kept)
		if err != nil {
			t.Fatal(err)
		}
		return rep
	}
	rep := read()
	if !rep.Whole() || rep.Lines != 49 || rep.Unlinked != 1 {
		t.Fatalf("untouched: %+v", rep)
	}
	var file bytes.Buffer
	if n, err := auditchain.Export(t.Context(), owner, "t_lugano", &file); err != nil || n != 50 {
		t.Fatalf("%d lines exported, %v", n, err)
	}
	if rep, err := auditchain.VerifyFile(bytes.NewReader(file.Bytes()), kept); err != nil || !rep.Whole() || rep.Lines != 49 {
		t.Errorf("the export: %+v %v", rep, err)
	}
	if rep, err := auditchain.VerifyFile(strings.NewReader(strings.Replace(file.String(), "thing:101", "thing:999", 1)), kept); err != nil || rep.Whole() {
		t.Errorf("a changed export: %+v %v", rep, err)
	}

	// The end cut off, then the whole chain made anew without one line.
	exec := func(sql string) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec("delete from t_lugano.audit_chain where seq > 45")
	if rep := read(); rep.Whole() || rep.Findings[0].Kind != auditchain.Truncated {
		t.Errorf("cut: %+v", rep)
	}
	exec("delete from t_lugano.audit_chain; delete from t_lugano.audit where id = 7")
	chainAll(t, e)
	if rep := read(); rep.Whole() || rep.Findings[0].Kind != auditchain.Rewritten || rep.Findings[0].Seq != 40 {
		t.Errorf("made anew: %+v", rep)
	}
}

// With two hundred thousand lines no search looks at all of them.
func TestSearchesGoByIndex(t *testing.T) {
	e := tenancytest.New(t)
	owner, err := pgx.Connect(t.Context(), e.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	if _, err := owner.Exec(t.Context(), `insert into t_lugano.audit (at, actor_id, actor, action, object)
		select now() - make_interval(secs => 200000 - i), 'account:' || i % 500, 'Persona ' || i % 500, (array['cases.read', 'cases.noted', 'identity.sign-in'])[i % 3 + 1], 'case:LUG-' || i % 5000
		from generate_series(1, 200000) i; analyze t_lugano.audit`); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, f := range map[string]audit.Filter{
		"all": {}, "person": {Actor: "Persona 17"}, "nobody": {Actor: "Nessuno"}, "action": {Action: "cases.read"}, "no action": {Action: "nothing"},
		"object": {Object: "case:LUG-77"}, "period": {From: now.Add(-20 * time.Hour), To: now.Add(-19 * time.Hour)},
		"page": {Before: audit.Cursor{At: now.Add(-30 * time.Hour), ID: 90_000}}, "person in a period": {Actor: "Persona 17", From: now.Add(-20 * time.Hour), To: now.Add(-10 * time.Hour)},
	} {
		if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
			var plan []string
			explained := audit.Explain(tx, f, &plan)
			if text := strings.Join(plan, "\n"); explained == nil && strings.Contains(text, "Seq Scan") {
				t.Errorf("%s:\n%s", name, text)
			}
			start := time.Now()
			lines, err := audit.Search(tx, f)
			if took := time.Since(start); took > 500*time.Millisecond {
				t.Errorf("%s took %s", name, took)
			} else {
				t.Logf("%s: %d lines in %s", name, len(lines), took.Round(100*time.Microsecond))
			}
			if err != nil {
				return err
			}
			return explained
		}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}
