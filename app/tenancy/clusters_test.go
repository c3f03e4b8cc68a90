package tenancy_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

func put(ctx context.Context, db *tenancy.DB, c tenancy.Tenant, key string) error {
	return db.In(ctx, c, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("insert into settings (key, value) values ($1, '1') on conflict (key) do nothing", key)
		return err
	})
}

// TestTwoClusters: each commune's rows lie on its own cluster and nowhere else.
func TestTwoClusters(t *testing.T) {
	t.Parallel()
	e, _ := tenancytest.NewTwo(t)
	for _, c := range []tenancy.Tenant{e.Lugano, e.Chiasso} {
		if err := put(t.Context(), e.DB, c, "of "+c.Slug()); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []struct {
		cluster, schema string
		want            bool
	}{{tenancy.MainCluster, "t_lugano", true}, {tenancy.MainCluster, "t_chiasso", false}, {tenancytest.North, "t_chiasso", true}, {tenancytest.North, "t_lugano", false}} {
		conn, err := e.Owner.Connect(t.Context(), q.cluster)
		if err != nil {
			t.Fatal(err)
		}
		var is bool
		err = conn.QueryRow(t.Context(), "select to_regclass($1) is not null", q.schema+".settings").Scan(&is)
		if err := errors.Join(err, conn.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
		if is != q.want {
			t.Errorf("%s on cluster %s: %v", q.schema, q.cluster, is)
		}
	}
	if count(t, e.DB, e.Chiasso, "of chiasso") != 1 || count(t, e.DB, e.Chiasso, "of lugano") != 0 {
		t.Error("Chiasso does not find its own row, or finds its neighbour's")
	}
	for _, cluster := range []string{tenancy.MainCluster, tenancytest.North} {
		if err := e.DB.Node(t.Context(), cluster, func(tx *tenancy.PlatformTx) error {
			_, err := tx.Exec("delete from outbox_hints")
			return err
		}); err != nil {
			t.Errorf("hints on %s: %v", cluster, err)
		}
	}
}

// TestOneClusterOfTwoIsDown: its communes say so at once, the others do not notice.
func TestOneClusterOfTwoIsDown(t *testing.T) {
	t.Parallel()
	e, gate := tenancytest.NewTwo(t)
	if err := put(t.Context(), e.DB, e.Chiasso, "before"); err != nil {
		t.Fatal(err)
	}
	gate.Close()
	began := time.Now()
	err := put(t.Context(), e.DB, e.Chiasso, "while down")
	var p *problem.Error
	if !errors.As(err, &p) || p.Kind != problem.KindUnavailable {
		// The connection that broke under the first statement is an error of its own.
		if err = put(t.Context(), e.DB, e.Chiasso, "while down"); !errors.As(err, &p) || p.Kind != problem.KindUnavailable {
			t.Errorf("a cluster that is away: %v", err)
		}
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %s to say so", d)
	}
	for range 20 {
		if err := put(t.Context(), e.DB, e.Lugano, "others go on"); err != nil {
			t.Fatalf("a neighbour noticed: %v", err)
		}
	}
	if all, err := e.DB.Directory().All(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("directory: %d communes, %v", len(all), err)
	}
	gate.Open(t)
	for try := 0; ; try++ {
		if err = put(t.Context(), e.DB, e.Chiasso, "back"); err == nil {
			break
		}
		if try == 50 {
			t.Fatalf("the cluster is back and its commune is not: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
