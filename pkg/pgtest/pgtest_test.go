package pgtest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/pkg/pgtest"
)

func TestClonesAreBuiltOnceAndKeptApart(t *testing.T) {
	// A key of this run alone: the server may know the one of an earlier run.
	key := fmt.Sprintf("test %d %d", os.Getpid(), time.Now().UnixNano())
	var built atomic.Int32
	build := func(ownerURL string) error {
		built.Add(1)
		return exec(ownerURL, "CREATE TABLE people (name text)", "INSERT INTO people VALUES ('template')")
	}
	var wg sync.WaitGroup
	dbs := make([]pgtest.DB, 4)
	for i := range dbs {
		wg.Go(func() { dbs[i] = pgtest.Clone(t, key, build) })
	}
	wg.Wait()
	if built.Load() != 1 {
		t.Errorf("template built %d times", built.Load())
	}
	for i, db := range dbs {
		if err := exec(db.OwnerURL, fmt.Sprintf("INSERT INTO people VALUES ('%d')", i), "CREATE SCHEMA own"); err != nil {
			t.Error(err)
		}
	}
	for _, db := range dbs {
		if got := count(t, db.OwnerURL); got != 2 {
			t.Errorf("%s holds %d rows, want the template's and its own", db.Name, got)
		}
		if err := exec(db.AppURL, "SELECT * FROM people"); os.Getenv("SPORTELLO_OWNER_DATABASE_URL") == "" && err == nil {
			t.Error("the program's account may read what nobody granted it")
		}
	}
}

func TestCloneIsDroppedWithItsTest(t *testing.T) {
	var db pgtest.DB
	t.Run("inner", func(t *testing.T) {
		db = pgtest.New(t)
		conn, err := pgx.Connect(t.Context(), db.OwnerURL)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn // left open on purpose: the drop must cut it
	})
	if err := exec(db.OwnerURL, "SELECT 1"); err == nil {
		t.Errorf("%s outlived its test", db.Name)
	}
}

func TestAFailedBuildIsTriedAgain(t *testing.T) {
	key := fmt.Sprintf("failing %d %d", os.Getpid(), time.Now().UnixNano())
	broken := errors.New("broken")
	failed := &failing{TB: t}
	func() {
		defer func() { _ = recover() }()
		pgtest.Clone(failed, key, func(url string) error {
			return errors.Join(broken, exec(url, "CREATE TABLE people (name text)"))
		})
	}()
	if !failed.fatal {
		t.Fatal("a failed build must fail the test")
	}
	db := pgtest.Clone(t, key, func(url string) error { return exec(url, "CREATE TABLE people (name text)") })
	if got := count(t, db.OwnerURL); got != 0 {
		t.Errorf("%d rows", got)
	}
}

// failing is a test that notes its failure instead of failing.
type failing struct {
	testing.TB
	fatal bool
}

func (f *failing) Fatalf(string, ...any) { f.fatal = true; panic("fatal") }

func exec(url string, sql ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range sql {
		if _, err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func count(t *testing.T, url string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM people").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
