package tenancy_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

func connections(t *testing.T, db *tenancy.DB) map[string]float64 {
	t.Helper()
	r := prometheus.NewPedanticRegistry() // which also holds Collect against Describe
	r.MustRegister(db)
	all, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range all {
		for _, m := range f.GetMetric() {
			key := f.GetName()
			for _, l := range m.GetLabel() {
				key += " " + l.GetValue()
			}
			out[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}

// TestConnectionsAreCountedByCluster: those of communes and those of the
// directory together, on the cluster where they are.
func TestConnectionsAreCountedByCluster(t *testing.T) {
	t.Parallel()
	e, _ := tenancytest.NewTwo(t)
	before := connections(t, e.DB)
	if n, ok := before["sportello_db_connections "+tenancytest.North+" in_use"]; !ok || n != 0 {
		t.Errorf("a cluster nobody has used yet: %v", before)
	}
	if err := e.DB.In(t.Context(), e.Chiasso, func(*tenancy.Tx) error {
		during := connections(t, e.DB)
		if during["sportello_db_connections "+tenancytest.North+" in_use"] != 1 || during["sportello_db_connections main in_use"] != 0 {
			t.Errorf("in a transaction on the second cluster: %v", during)
		}
		return e.DB.In(t.Context(), e.Lugano, func(*tenancy.Tx) error {
			if n := connections(t, e.DB)["sportello_db_connections main in_use"]; n != 1 {
				t.Errorf("in a transaction on the first: %g", n)
			}
			return nil
		})
	}); err != nil {
		t.Fatal(err)
	}
	after := connections(t, e.DB)
	// Eight for the commune, six for the directory.
	if after["sportello_db_connections main in_use"] != 0 || after["sportello_db_connections main most"] != 14 || after["sportello_db_connections main idle"] < 2 {
		t.Errorf("afterwards: %v", after)
	}
}

// TestOpensIsWhatPoolsMayOpen holds the number that doctor computes against the
// sizes of the pools.
func TestOpensIsWhatPoolsMayOpen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ own, shared, want int }{
		{0, 0, 6}, {2, 0, 6 + 2*8}, {8, 0, 6 + 8*8}, {12, 0, 6 + 12*5}, {32, 0, 6 + 32*4}, {32, 8, 6 + 32*4 + 8*8},
	} {
		if got := (tenancy.Options{}).Opens(c.own, c.shared); got != c.want {
			t.Errorf("%d communes with a pool of their own, %d shared logins: %d connections, want %d", c.own, c.shared, got, c.want)
		}
	}
}
