package outbox_test

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// gauge is what /metrics says of a commune.
func gauge(t *testing.T, name, commune string) (float64, bool) {
	t.Helper()
	all, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetValue() == commune {
				return m.GetGauge().GetValue(), true
			}
		}
	}
	return 0, false
}

// TestWhatWaitsIsCounted: a worker that starts says at once what waits, for each
// commune, with what modules want to be seen. Not parallel: it asks for the
// numbers of the process.
func TestWhatWaitsIsCounted(t *testing.T) {
	b := setUp(t)
	b.reg.Gauge("sportello_test_settings", "Settings of a commune.", "select count(*) from settings")
	if err := b.DB.In(t.Context(), b.Chiasso, func(tx *tenancy.Tx) error {
		if err := increment(tx, "one"); err != nil {
			return err
		}
		_, err := tx.Exec(`insert into outbox (kind, payload, run_after, gave_up_at, relayed_at) values
			('known.nowhere', '{}', now(), now(), null), ('known.nowhere', '{}', now(), now(), null),
			('known.nowhere', '{}', now() - interval '90 seconds', null, now())`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	b.run(t)
	eventually(t, "counted", func() bool {
		age, ok := gauge(t, "sportello_outbox_oldest_seconds", "chiasso")
		return ok && age >= 90 && age < 600
	})
	for name, want := range map[string]float64{"sportello_outbox_given_up": 2, "sportello_outbox_waiting": 1, "sportello_test_settings": 1} {
		if got, _ := gauge(t, name, "chiasso"); got != want {
			t.Errorf("%s of chiasso is %g, not %g", name, got, want)
		}
	}
	eventually(t, "the neighbour counted", func() bool { _, ok := gauge(t, "sportello_outbox_given_up", "lugano"); return ok })
	for _, name := range []string{"sportello_outbox_given_up", "sportello_test_settings"} {
		if got, _ := gauge(t, name, "lugano"); got != 0 {
			t.Errorf("%s of lugano is %g", name, got)
		}
	}
}
