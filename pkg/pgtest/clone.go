package pgtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// DB is a database of one test.
type DB struct {
	Name     string // "t_…", unique on the server
	OwnerURL string // account that owns it: may create schemas and roles
	AppURL   string // account of the running program: nothing but what the owner granted
	AdminURL string // the server's superuser; the owner when the server was not started here
}

const ready = "template is complete" // comment on a finished template

// Clone gives the test a copy of the template database for key, which build
// makes if it does not exist yet. The copy is dropped when the test ends, cutting
// whatever is still connected to it. build is given the template's owner address
// and must close its connections.
func Clone(t testing.TB, key string, build func(ownerURL string) error) DB {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s.clone(t, key, build)
}

// CloneSecond is Clone on a second server: two PostgreSQL clusters, as one
// deployment may have. With a server given from outside it is that one again.
func CloneSecond(t testing.TB, key string, build func(ownerURL string) error) DB {
	t.Helper()
	s, err := second()
	if err != nil {
		t.Fatal(err)
	}
	return s.clone(t, key, build)
}

func (s server) clone(t testing.TB, key string, build func(ownerURL string) error) DB {
	t.Helper()
	sum := sha256.Sum256([]byte(key))
	template := "template_" + hex.EncodeToString(sum[:8])
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := s.prepare(ctx, template, build); err != nil {
		t.Fatalf("pgtest: template for %.40q: %v", key, err)
	}
	db := s.at("t_" + strings.ToLower(rand.Text()[:20]))
	// With WAL_LOG (the default from version 15) a copy is not followed by checkpoints.
	if err := s.exec(ctx, s.owner, "CREATE DATABASE "+db.Name+" TEMPLATE "+template); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		// As the server's administrator: the owner may not cut the connections
		// of logins that the template created.
		if err := s.exec(ctx, s.admin, "DROP DATABASE "+db.Name+" WITH (FORCE)"); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return db
}

// New gives the test an empty database.
func New(t testing.TB) DB {
	t.Helper()
	return Clone(t, "empty", func(string) error { return nil })
}

// at is a database of the server by name.
func (s server) at(name string) DB {
	return DB{Name: name, OwnerURL: withPath(s.owner, name), AppURL: withPath(s.app, name), AdminURL: withPath(s.admin, name)}
}

func withPath(address, database string) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err) // the address has already been connected to
	}
	u.Path = "/" + database
	return u.String()
}

func (s server) exec(ctx context.Context, as, sql string) error {
	conn, err := pgx.Connect(ctx, as)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql)
	return err
}

// prepare makes the template if it is missing. An advisory lock lets one process
// build and the others wait; one that a crash left unfinished is made anew.
func (s server) prepare(ctx context.Context, template string, build func(ownerURL string) error) error {
	conn, err := pgx.Connect(ctx, s.owner)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) // releases the lock
	done := func() (is bool, err error) {
		err = conn.QueryRow(ctx, `SELECT coalesce((SELECT shobj_description(oid, 'pg_database') = $2
			FROM pg_database WHERE datname = $1), false)`, template, ready).Scan(&is)
		return is, err
	}
	if is, err := done(); err != nil || is {
		return err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", template); err != nil {
		return err
	}
	if is, err := done(); err != nil || is {
		return err
	}
	for _, sql := range []string{
		"DROP DATABASE IF EXISTS " + template + " WITH (FORCE)",
		"CREATE DATABASE " + template,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := build(withPath(s.owner, template)); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	_, err = conn.Exec(ctx, "COMMENT ON DATABASE "+template+" IS '"+ready+"'")
	return err
}
