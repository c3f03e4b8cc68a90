package apptest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// How many statements a page may send, begin and commit included: few, and no
// more when there is more to show. A page that asks once per row fails here.
func TestPagesAskForAllRowsAtOnce(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	citizen, head, admin := e.As(t, "lugano", "citizen-verified"), e.As(t, "lugano", "office-head"), e.As(t, "lugano", "commune-admin")
	certificate(t, citizen).Submit(citizen, "main form", url.Values{"confermo": {"true"}})
	ref := submitted(t, e)
	quiet(e) // the payment provider tells what happened in its own time
	pages := []struct {
		who  *apptest.Client
		path string
		most int
	}{
		{e.Visit(t, "lugano"), "/servizi/certificato-domicilio", 0},
		{e.Visit(t, "lugano"), "/servizi?q=certificato", 0},
		{e.Visit(t, "lugano"), "/", 0},
		{citizen, "/servizi/certificato-domicilio", 4},
		{citizen, "/area", 9},
		{citizen, "/area/pratiche", 4},
		{citizen, "/area/pratiche/" + ref, 10},
		{citizen, "/area/documenti", 4},
		{citizen, "/area/pagamenti", 4},
		{head, "/ufficio", 8},
		{admin, "/console/servizi", 5},
		{admin, "/console/operazioni", 8},
	}
	few := statements(t, e, func(i int) (*apptest.Client, string) { return pages[i].who, pages[i].path }, len(pages))
	for i, p := range pages {
		if few[i] > p.most {
			t.Errorf("%s sends %d statements, at most %d are allowed", p.path, few[i], p.most)
		}
	}
	copies(t, e, ref, 30)
	many := statements(t, e, func(i int) (*apptest.Client, string) { return pages[i].who, pages[i].path }, len(pages))
	for i, p := range pages {
		if many[i] > few[i] {
			t.Errorf("%s sends %d statements with 30 cases more, %d without", p.path, many[i], few[i])
		}
	}
}

// statements counts what PostgreSQL was asked by the commune's login for each
// page; of several tries the least, for caches are refreshed once a second.
func statements(t *testing.T, e *apptest.Env, page func(int) (*apptest.Client, string), n int) []int {
	t.Helper()
	counted := make([]int, n)
	for i := range n {
		who, path := page(i)
		who.Get(path, http.StatusOK) // connections and caches are warm
		least := -1
		for range 6 {
			before := e.DB.Statements()
			who.Get(path, http.StatusOK)
			if took := int(e.DB.Statements() - before); least < 0 || took < least {
				least = took
			}
		}
		counted[i] = least
	}
	return counted
}

// quiet waits until nothing has been sent for half a second.
func quiet(e *apptest.Env) {
	for before := int64(-1); before != e.DB.Statements(); {
		before = e.DB.Statements()
		time.Sleep(500 * time.Millisecond)
	}
}

// submitted is the reference of the newest case.
func submitted(t *testing.T, e *apptest.Env) (ref string) {
	t.Helper()
	if err := e.DB.Read(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		return tx.QueryRow("select ref from cases order by submitted_at desc limit 1").Scan(&ref)
	}); err != nil {
		t.Fatal(err)
	}
	return ref
}

// copies makes n more cases like one, each with its history.
func copies(t *testing.T, e *apptest.Env, ref string, n int) {
	t.Helper()
	if err := e.DB.In(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		rows, err := tx.Query(`select column_name::text from information_schema.columns where table_schema = current_schema() and table_name = 'cases'
			and column_name not in ('id', 'ref', 'draft_id')`)
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		columns := strings.Join(names, ", ")
		for i := range n {
			id := uuid.New()
			tx.Queue("insert into cases (id, ref, draft_id, "+columns+") select $1, $2, $3, "+columns+" from cases where ref = $4", id, fmt.Sprintf("LUG-COPIA-%d", i), uuid.New(), ref)
			tx.Queue("insert into case_events (case_id, at, kind, actor) select $1, $2, kind, actor from case_events where case_id = (select id from cases where ref = $3)", id, time.Now(), ref)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
