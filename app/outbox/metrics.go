package outbox

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	jobsDone = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "sportello_jobs_total", Help: "Background jobs by commune, kind and outcome.",
	}, []string{"commune", "kind", "outcome"})
	jobSeconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "sportello_job_seconds", Help: "Time a background job took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8),
	}, []string{"kind"})
)
