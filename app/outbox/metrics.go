package outbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

var (
	jobsDone = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "sportello_jobs_total", Help: "Background jobs by commune, kind and outcome.",
	}, []string{"commune", "kind", "outcome"})
	jobSeconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "sportello_job_seconds", Help: "Time a background job took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
	}, []string{"kind"})
	relaySeconds = promauto.NewHistogram(prometheus.HistogramOpts{
		Name: "sportello_outbox_relay_seconds", Help: "Time from when a job was due to when it was handed over for the first time.", Buckets: prometheus.ExponentialBuckets(0.005, 3, 9),
	})
	hintsWaiting = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "sportello_outbox_hints", Help: "Hints of communes that have written, waiting on a cluster when last read.",
	}, []string{"cluster"})
	backlog = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "sportello_outbox_waiting", Help: "Jobs of a commune that are due and not done, when last counted.",
	}, []string{"commune"})
	oldest = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "sportello_outbox_oldest_seconds", Help: "How long the oldest of a commune's due jobs has waited.",
	}, []string{"commune"})
	givenUp = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "sportello_outbox_given_up", Help: "Jobs of a commune that were given up and wait for somebody.",
	}, []string{"commune"})
)

// gaugesEvery is how often a worker counts what waits in the communes.
const gaugesEvery = 15 * time.Second

// gauge is a number that a module wants to be seen, per commune.
type gauge struct {
	shown *prometheus.GaugeVec
	read  string
}

// Gauge shows a number of each commune as a gauge: name and help as Prometheus
// has them, and the query whose only row and column it is. Every worker counts,
// each for itself: take the maximum over them. A query must be cheap.
func (r *Registry) Gauge(name, help, query string) {
	gauges.Lock()
	defer gauges.Unlock()
	g := gauges.by[name]
	if g == nil { // a process of tests builds the product many times
		g = promauto.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"commune"})
		gauges.by[name] = g
	}
	r.gauges = append(r.gauges, gauge{g, query})
}

var gauges = struct {
	sync.Mutex
	by map[string]*prometheus.GaugeVec
}{by: map[string]*prometheus.GaugeVec{}}

// gaugeLoop counts in every commune, and forgets those that are gone.
func (w *Worker) gaugeLoop(ctx context.Context) {
	known := map[string]bool{}
	var mu sync.Mutex
	w.everyCommune(ctx, gaugesEvery, func(ctx context.Context, t tenancy.Tenant) error {
		mu.Lock()
		known[t.Slug()] = true
		for slug := range known {
			if _, err := w.db.Directory().BySlug(ctx, slug); errors.Is(err, tenancy.ErrUnknown) {
				delete(known, slug)
				w.forget(slug)
			}
		}
		mu.Unlock()
		return w.count(ctx, t)
	})
}

// count reads all numbers of one commune in one round trip.
func (w *Worker) count(ctx context.Context, t tenancy.Tenant) error {
	return w.db.Read(ctx, t, func(tx *tenancy.Tx) error {
		b := &pgx.Batch{}
		b.Queue(`select count(*), coalesce(extract(epoch from clock_timestamp() - min(run_after)), 0)::float8 from outbox
			where done_at is null and gave_up_at is null and run_after <= now()`).QueryRow(func(row pgx.Row) error {
			var n, age float64
			err := row.Scan(&n, &age)
			backlog.WithLabelValues(t.Slug()).Set(n)
			oldest.WithLabelValues(t.Slug()).Set(age)
			return err
		})
		for _, x := range append([]gauge{{givenUp, "select count(*) from outbox where gave_up_at is not null and done_at is null"}}, w.reg.gauges...) {
			b.Queue(x.read).QueryRow(func(row pgx.Row) error {
				var n float64
				err := row.Scan(&n)
				x.shown.WithLabelValues(t.Slug()).Set(n)
				return err
			})
		}
		return tx.Batch(b).Close()
	})
}

func (w *Worker) forget(slug string) {
	for _, g := range []*prometheus.GaugeVec{backlog, oldest, givenUp} {
		g.DeleteLabelValues(slug)
	}
	for _, x := range w.reg.gauges {
		x.shown.DeleteLabelValues(slug)
	}
}
