package figures_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/cases"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/figures"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/tenants"
)

// friday is 20 November 2026, 10.00 in Zurich.
var friday = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

type world struct {
	*tenancytest.Env
	module *figures.Module
	clock  *clock.Fake
	owner  *pgx.Conn
	made   int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	env := tenancytest.New(t)
	now := clock.NewFake(friday)
	services := catalogue.New(catalogue.Deps{DB: env.DB, Sites: site.NewSites(env.DB), Clock: now, Root: tenants.FS})
	owner, err := pgx.Connect(t.Context(), env.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = owner.Close(context.Background()) })
	w := &world{Env: env, module: figures.New(env.DB, now, services), clock: now, owner: owner}
	face, err := site.ReadFolder(tenants.FS, "lugano")
	if err != nil {
		t.Fatal(err)
	}
	if err := env.DB.In(t.Context(), env.Lugano, func(tx *tenancy.Tx) error {
		_, err := site.Apply(tx, face, false)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.exec(t, `insert into t_lugano.accounts (id, email, first_name, last_name) values ('00000000-0000-7000-8000-000000000001', 'anna@lugano.example', 'Anna', 'Esempi')`)
	w.exec(t, `insert into t_lugano.case_definitions (hash, service_id, definition) values ('h', 's', '{}')`)
	return w
}

func (w *world) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := w.owner.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

const insertCase = `insert into t_lugano.cases (id, ref, service_id, service_version, definition_hash, service_title, service_kind, office, applicant_id, applicant_name,
	answers, rows, outcome, state, submitted_at, decided_at, closed_at, updated_at)
	select gen_random_uuid(), 'LUG-' || $1 || '-' || i, $2, 1, 'h', '{"it": "x"}', 'traditional', 'cancelleria', '00000000-0000-7000-8000-000000000001', 'Anna Esempi',
	'{}', '[]', '{}', $3, $4, $5, $6, $4 from generate_series(1, $7) i`

// cases makes n cases of a service: submitted, and answered unless the moments are
// zero.
func (w *world) cases(t *testing.T, n int, service, state string, submitted, decided, closed time.Time) {
	t.Helper()
	at := func(m time.Time) any {
		if m.IsZero() {
			return nil
		}
		return m
	}
	w.made++
	w.exec(t, insertCase, fmt.Sprint(w.made), service, state, submitted, at(decided), at(closed), n)
}

func (w *world) figures(t *testing.T) map[string]catalogue.Figure {
	t.Helper()
	// A change reaches a process within a second.
	time.Sleep(1100 * time.Millisecond)
	f, err := w.module.Of(t.Context(), w.Lugano)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The median is of the commune's working days and rests on five answers at least;
// withdrawn and old cases do not count, what has no ruling counts when it ends,
// and the neighbour has figures of its own.
func TestFiguresAreMediansOfFiveAnswersAtLeast(t *testing.T) {
	w := newWorld(t)
	day := func(n int) time.Time { return friday.AddDate(0, 0, -n) }
	// Friday 6 to Monday 9 November: one working day. All others the same day.
	w.cases(t, 3, "permesso", "decided", day(14), day(11), time.Time{})
	w.cases(t, 2, "permesso", "decided", day(14), day(14).Add(2*time.Hour), time.Time{})
	w.cases(t, 4, "raro", "decided", day(14), day(11), time.Time{})
	w.cases(t, 6, "certificato", "completed", day(3), time.Time{}, day(3).Add(20*time.Minute))
	w.cases(t, 9, "certificato", "withdrawn", day(10), time.Time{}, day(1))
	w.cases(t, 9, "vecchio", "decided", day(200), day(120), time.Time{})
	w.cases(t, 7, "aperto", "in_review", day(5), time.Time{}, time.Time{})
	// 8 December is a holiday in Ticino: from the 7th to the 9th is one working day.
	w.clock.Set(time.Date(2026, 12, 11, 9, 0, 0, 0, time.UTC))
	w.cases(t, 5, "festa", "decided", time.Date(2026, 12, 7, 9, 0, 0, 0, time.UTC), time.Date(2026, 12, 9, 9, 0, 0, 0, time.UTC), time.Time{})
	if err := w.module.Reckon(t.Context(), w.Lugano); err != nil {
		t.Fatal(err)
	}
	got := w.figures(t)
	for service, want := range map[string]string{
		"permesso": "5 5 1 72", "raro": "4 4 - -", "certificato": "15 6 0 0", "vecchio": "0 0 - -", "aperto": "7 0 - -", "festa": "5 5 1 48",
	} {
		f, shown := got[service], "- -"
		if f.Days != nil && f.Hours != nil {
			shown = fmt.Sprint(*f.Days, *f.Hours)
		}
		if line := fmt.Sprint(f.Asked, f.Answered) + " " + shown; line != want {
			t.Errorf("%s: %s, want %s", service, line, want)
		}
	}
	if there, err := w.module.Of(t.Context(), w.Chiasso); err != nil || len(there) != 0 {
		t.Errorf("the neighbour has %v, %v", there, err)
	}
}

// Doing it again changes nothing, a night's figures are reckoned once, and what
// nobody asks for any more leaves the table.
func TestFiguresAreReckonedOnceANight(t *testing.T) {
	w := newWorld(t)
	nightly := func() {
		t.Helper()
		if err := w.module.Nightly(t.Context(), w.Lugano); err != nil {
			t.Fatal(err)
		}
	}
	w.cases(t, 5, "permesso", "decided", friday.AddDate(0, 0, -80), friday.AddDate(0, 0, -79), time.Time{})
	nightly()
	if f := w.figures(t)["permesso"]; f.Asked != 5 || f.Answered != 5 {
		t.Fatalf("%+v", f)
	}
	w.cases(t, 5, "permesso", "decided", friday.AddDate(0, 0, -2), friday.AddDate(0, 0, -1), time.Time{})
	nightly()
	if f := w.figures(t)["permesso"]; f.Asked != 5 {
		t.Errorf("the same night was reckoned again: %+v", f)
	}
	w.clock.Set(time.Date(2026, 11, 21, 0, 59, 0, 0, time.UTC)) // 01.59 in Zurich
	nightly()
	if f := w.figures(t)["permesso"]; f.Asked != 5 {
		t.Errorf("reckoned before two in the morning: %+v", f)
	}
	w.clock.Set(time.Date(2026, 11, 21, 1, 1, 0, 0, time.UTC))
	nightly()
	if f := w.figures(t)["permesso"]; f.Asked != 10 {
		t.Errorf("the next night was not reckoned: %+v", f)
	}
	w.clock.Set(friday.AddDate(1, 0, 0))
	nightly()
	if f := w.figures(t); len(f) != 0 {
		t.Errorf("a year later there is %v", f)
	}
}

// With two hundred thousand cases the night's work looks at a quarter's by index.
func TestFiguresGoByIndex(t *testing.T) {
	w := newWorld(t)
	w.exec(t, `insert into t_lugano.cases (id, ref, service_id, service_version, definition_hash, service_title, service_kind, office, applicant_id, applicant_name,
		answers, rows, outcome, state, submitted_at, decided_at, updated_at)
		select gen_random_uuid(), 'LUG-' || i, 'servizio-' || i % 140, 1, 'h', '{}', 'traditional', 'cancelleria', '00000000-0000-7000-8000-000000000001', 'Anna Esempi',
		'{}', '[]', '{}', 'decided', $1::timestamptz - make_interval(mins => i * 15), $1::timestamptz - make_interval(mins => i * 15 - 60), $1 from generate_series(1, 200000) i`, friday)
	w.exec(t, "vacuum analyze t_lugano.cases")
	since := friday.AddDate(0, 0, -90)
	for name, sql := range cases.FigureQueries {
		var plan []string
		if err := w.DB.Read(t.Context(), w.Lugano, func(tx *tenancy.Tx) error {
			rows, err := tx.Query("explain "+sql, since)
			if err != nil {
				return err
			}
			plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan") || !strings.Contains(text, "cases_") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	if err := w.module.Reckon(t.Context(), w.Lugano); err != nil {
		t.Fatal(err)
	}
	if n := len(w.figures(t)); n != 140 {
		t.Errorf("%d services have figures", n)
	}
}
