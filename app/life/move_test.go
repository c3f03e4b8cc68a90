package life_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/life"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

func quiet(int, string, string) {}

func newLife(t *testing.T, e *tenancytest.Env) *life.Life {
	t.Helper()
	bucket, err := blob.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bucket.Close() })
	return life.New(life.Deps{Owner: e.Owner, DB: e.DB, Keys: e.Keys, Blobs: bucket, Dir: t.TempDir(), Clock: clock.System{}})
}

// fillAccounts gives a commune something to carry.
func fillAccounts(t *testing.T, e *tenancytest.Env, n int) {
	t.Helper()
	if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec(`insert into accounts (id, email, first_name, last_name)
			select gen_random_uuid(), 'p' || i || '@persone.example', 'Nome', 'Prova ' || i from generate_series(1, $1) i`, n)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestMoveUnderLoad moves a commune to another cluster and back while two
// processes write to it: nothing that was acknowledged is missing, nothing that
// was refused is there, and no request fails.
func TestMoveUnderLoad(t *testing.T) {
	e, _ := tenancytest.NewTwo(t)
	fillAccounts(t, e, 20_000)
	l := newLife(t, e)
	other, err := tenancy.Open(e.RuntimeURL, tenancytest.MasterKey, "localhost", tenancy.Options{Clusters: map[string]string{tenancytest.North: e.North}})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := keys.NewRing(other, tenancytest.Masters(), tenancytest.MasterKey); err != nil {
		t.Fatal(err)
	}

	var mu sync.Mutex
	kept := map[string]int{} // key → the value last acknowledged; 0 when deleted
	var writes, reads atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range 6 {
		db := []*tenancy.DB{e.DB, other}[w%2]
		held, err := db.Directory().BySlug(t.Context(), "lugano") // a long job holds its Tenant for ever
		if err != nil {
			t.Fatal(err)
		}
		wg.Add(2)
		go func() {
			defer wg.Done()
			for i := 1; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key, remove := fmt.Sprintf("w%d-%d", w, rand.N(40)), i%7 == 0
				err := db.In(context.Background(), held, func(tx *tenancy.Tx) error {
					if remove {
						_, err := tx.Exec("delete from settings where key = $1", key)
						return err
					}
					if _, err := tx.Exec("insert into settings (key, value) values ($1, to_jsonb($2::int)) on conflict (key) do update set value = excluded.value", key, i); err != nil {
						return err
					}
					_, err := tx.Exec("insert into outbox (kind, payload) values ('test', to_jsonb($1::text))", uuid.NewString())
					return err
				})
				if err != nil {
					t.Errorf("a write failed: %v", err)
					return
				}
				mu.Lock()
				kept[key] = i
				if remove {
					kept[key] = 0
				}
				mu.Unlock()
				writes.Add(1)
			}
		}()
		go func() {
			defer wg.Done()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := db.Read(context.Background(), held, func(tx *tenancy.Tx) error {
					var n int
					return tx.QueryRow("select count(*) from settings").Scan(&n)
				}); err != nil {
					t.Errorf("a read failed: %v", err)
					return
				}
				reads.Add(1)
				time.Sleep(2 * time.Millisecond)
			}
		}()
	}
	time.Sleep(300 * time.Millisecond)
	for _, to := range []string{tenancytest.North, tenancy.MainCluster} {
		m, err := l.Move(t.Context(), "lugano", to, quiet)
		if err != nil {
			t.Fatalf("move to %s: %v", to, err)
		}
		t.Logf("to %s: %d rows, read-only for %s", to, m.Rows, m.ReadOnly)
		if m.ReadOnly > 5*time.Second {
			t.Errorf("nothing could be written for %s", m.ReadOnly)
		}
		time.Sleep(300 * time.Millisecond)
	}
	close(stop)
	wg.Wait()
	t.Logf("%d writes and %d reads went on", writes.Load(), reads.Load())

	found := map[string]int{}
	if err := e.DB.Read(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select key, (value #>> '{}')::int from settings where key like 'w%'")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var k string
			var v int
			if err := rows.Scan(&k, &v); err != nil {
				return err
			}
			found[k] = v
		}
		return rows.Err()
	}); err != nil {
		t.Fatal(err)
	}
	for k, v := range kept {
		if found[k] != v {
			t.Errorf("%s: acknowledged %d, found %d", k, v, found[k])
		}
	}
	var jobs int
	if err := e.DB.Read(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		return tx.QueryRow("select count(distinct id) from outbox").Scan(&jobs)
	}); err != nil || int64(jobs) < writes.Load()*6/7-10 {
		t.Errorf("%d jobs of %d writes, %v", jobs, writes.Load(), err)
	}
}

// TestMoveInterrupted ends a move at each of its steps: the commune goes on where
// it was, and the next move succeeds.
func TestMoveInterrupted(t *testing.T) {
	e, _ := tenancytest.NewTwo(t)
	fillAccounts(t, e, 500)
	l := newLife(t, e)
	for _, at := range []string{"place", "copy", "rows"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := l.Move(ctx, "lugano", tenancytest.North, func(_ int, step, _ string) {
			if step == at {
				cancel()
			}
		})
		cancel()
		if err == nil {
			t.Fatalf("a move that was interrupted at %q succeeded", at)
		}
		e.DB.Directory().Forget()
		c := e.Tenant(t, "lugano")
		if c.Cluster() != tenancy.MainCluster {
			t.Fatalf("after an interruption at %q it lies on %s", at, c.Cluster())
		}
		if err := e.DB.In(t.Context(), c, func(tx *tenancy.Tx) error {
			_, err := tx.Exec("insert into settings (key, value) values ($1, '1')", "after "+at)
			return err
		}); err != nil {
			t.Fatalf("after an interruption at %q: %v", at, err)
		}
	}
	// Killed while nothing could be written: the next run lets it go.
	if err := e.Owner.Freeze(t.Context(), "lugano"); err != nil {
		t.Fatal(err)
	}
	m, err := l.Move(t.Context(), "lugano", tenancytest.North, quiet)
	if err != nil || m.To != tenancytest.North {
		t.Fatal(err)
	}
	// Killed before the old place was dropped: run again, it only tidies.
	if _, err := l.Move(t.Context(), "lugano", tenancytest.North, quiet); err != nil {
		t.Fatal(err)
	}
	conn, err := e.Owner.Connect(t.Context(), tenancy.MainCluster)
	if err != nil {
		t.Fatal(err)
	}
	var left bool
	err = conn.QueryRow(t.Context(), "select exists (select from pg_namespace where nspname in ('t_lugano', 't_lugano_2'))").Scan(&left)
	if err := errors.Join(err, conn.Close(t.Context())); err != nil || left {
		t.Errorf("something was left on the old cluster: %v, %v", left, err)
	}
}
