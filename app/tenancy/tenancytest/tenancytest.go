// Package tenancytest gives a test a database with two communes in it: the one
// under test and the neighbour whose mail must stay closed.
package tenancytest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/migrations"
	"github.com/sportello-ticino/sportello/pkg/kms"
	"github.com/sportello-ticino/sportello/pkg/pgtest"
	"github.com/sportello-ticino/sportello/pkg/redistest"
)

// MasterKey is the tests' master key: 32 bytes that protect nothing.
var MasterKey = []byte("a master key that protects tests")

// The platform login of test databases. It belongs to the test server alone.
const (
	runtimeLogin    = "sportello_test_web"
	runtimePassword = "only-on-the-test-server"
)

// Env is a database of one's own with two communes, and an empty Redis.
type Env struct {
	DB         *tenancy.DB
	Owner      *tenancy.Owner
	Keys       *keys.Ring  // of DB, which hands them out
	KeysOwner  *keys.Owner // of Owner
	OwnerURL   string
	RuntimeURL string
	RedisURL   string
	North      string // of NewTwo: the runtime login's address on the second cluster
	NorthOwner string
	Redis      *redis.Client
	Lugano     tenancy.Tenant
	Chiasso    tenancy.Tenant
}

// New clones the template and opens it.
func New(t testing.TB) *Env {
	t.Helper()
	db := pgtest.Clone(t, "tenancy-"+sourceHash(t), build)
	return Open(t, db.OwnerURL)
}

// NewTwo is New on two PostgreSQL clusters: Chiasso lives on the second, "nord",
// whose runtime login goes through a gate that the test can close.
func NewTwo(t testing.TB) (*Env, *Gate) {
	t.Helper()
	db := pgtest.Clone(t, "tenancy-empty", func(string) error { return nil })
	north := pgtest.CloneSecond(t, "tenancy-empty", func(string) error { return nil })
	gate := newGate(t, RuntimeURL(t, north.OwnerURL))
	e := &Env{OwnerURL: db.OwnerURL, RuntimeURL: RuntimeURL(t, db.OwnerURL), RedisURL: redistest.New(t), North: gate.URL, NorthOwner: north.OwnerURL}
	var err error
	if e.Owner, err = tenancy.NewOwner(e.OwnerURL, e.RuntimeURL, MasterKey); err != nil {
		t.Fatal(err)
	}
	if err := e.Owner.AddCluster(North, north.OwnerURL, RuntimeURL(t, north.OwnerURL)); err != nil {
		t.Fatal(err)
	}
	e.KeysOwner = keys.NewOwner(e.Owner, Masters(), MasterKey)
	if err := provision(e.Owner, North); err != nil {
		t.Fatal(err)
	}
	if e.DB, err = tenancy.Open(e.RuntimeURL, MasterKey, "localhost", tenancy.Options{Clusters: map[string]string{North: gate.URL}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.DB.Close)
	if e.Keys, err = keys.NewRing(e.DB, Masters(), MasterKey); err != nil {
		t.Fatal(err)
	}
	e.Redis = redistest.Client(t, e.RedisURL)
	e.Lugano, e.Chiasso = e.Tenant(t, "lugano"), e.Tenant(t, "chiasso")
	return e, gate
}

// North is the name of the second cluster of NewTwo.
const North = "nord"

// Open opens a database that already holds the two communes.
func Open(t testing.TB, ownerURL string) *Env {
	t.Helper()
	e := &Env{OwnerURL: ownerURL, RuntimeURL: RuntimeURL(t, ownerURL), RedisURL: redistest.New(t)}
	var err error
	if e.DB, err = tenancy.Open(e.RuntimeURL, MasterKey, "localhost", tenancy.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.DB.Close)
	if e.Owner, err = tenancy.NewOwner(ownerURL, e.RuntimeURL, MasterKey); err != nil {
		t.Fatal(err)
	}
	if e.Keys, err = keys.NewRing(e.DB, Masters(), MasterKey); err != nil {
		t.Fatal(err)
	}
	e.KeysOwner = keys.NewOwner(e.Owner, Masters(), MasterKey)
	e.Redis = redistest.Client(t, e.RedisURL)
	e.Lugano, e.Chiasso = e.Tenant(t, "lugano"), e.Tenant(t, "chiasso")
	return e
}

// Masters is the master key of the tests, as the keys want it.
func Masters() *kms.Chain {
	m, err := kms.NewLocal(MasterKey)
	if err != nil {
		panic(err) // it has 32 bytes
	}
	return kms.NewChain(m)
}

// Tenant asks the directory for a commune.
func (e *Env) Tenant(t testing.TB, slug string) tenancy.Tenant {
	t.Helper()
	c, err := e.DB.Directory().BySlug(context.Background(), slug)
	for try := 0; errors.Is(err, context.DeadlineExceeded) && try < 10; try++ { // a machine busy with other tests
		c, err = e.DB.Directory().BySlug(context.Background(), slug)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// RuntimeURL is the platform login's address of a test database.
func RuntimeURL(t testing.TB, ownerURL string) string {
	t.Helper()
	s, err := runtimeURL(ownerURL)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func runtimeURL(ownerURL string) (string, error) {
	u, err := url.Parse(ownerURL)
	if err != nil {
		return "", err
	}
	u.User = url.UserPassword(runtimeLogin, runtimePassword)
	return u.String(), nil
}

func build(ownerURL string) error { return Provision(ownerURL) }

// Provision fills an empty database with the platform and two communes.
func Provision(ownerURL string) error {
	runtime, err := runtimeURL(ownerURL)
	if err != nil {
		return err
	}
	owner, err := tenancy.NewOwner(ownerURL, runtime, MasterKey)
	if err != nil {
		return err
	}
	keys.NewOwner(owner, Masters(), MasterKey)
	return provision(owner, tenancy.MainCluster)
}

// provision opens the two communes, Chiasso on the cluster that is named.
func provision(owner *tenancy.Owner, second string) error {
	ctx := context.Background()
	if err := owner.MigratePlatform(ctx, nil); err != nil {
		return err
	}
	for _, c := range []tenancy.Commune{
		{Slug: "lugano", Name: "Lugano", RefPrefix: "LUG", BFS: 5192, Inhabitants: 68507},
		{Slug: "chiasso", Name: "Chiasso", RefPrefix: "CHI", BFS: 5250, Inhabitants: 7786, Cluster: second},
	} {
		if err := owner.Provision(ctx, c, nil); err != nil {
			return err
		}
		if err := owner.SetState(ctx, c.Slug, tenancy.Active, ""); err != nil {
			return err
		}
	}
	return nil
}

// sourceHash changes when any migration does, or the code that provisions: a test
// that proves who is refused must not be answered by a database from before.
func sourceHash(t testing.TB) string {
	t.Helper()
	h := sha256.New()
	var files []string
	for _, dir := range []string{"tenancy", "keys"} {
		some, err := filepath.Glob(filepath.Join(root(t), "app", dir, "*.go"))
		if err != nil || len(some) == 0 {
			t.Fatalf("tenancytest: sources of %s: %d files, %v", dir, len(some), err)
		}
		files = append(files, some...)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(b)
	}
	for _, fsys := range []fs.FS{migrations.Platform, migrations.Tenant} {
		err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(fsys, name)
			h.Write([]byte(name))
			h.Write(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// root is the folder of go.mod, above the test's own.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
