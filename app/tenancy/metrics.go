package tenancy

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	poolConnections = prometheus.NewDesc("sportello_db_connections",
		"Connections of this process to a PostgreSQL cluster: in use, idle, and the most it may open.", []string{"cluster", "state"}, nil)
	poolWaits = prometheus.NewDesc("sportello_db_waits_total",
		"Times somebody waited for a connection to a cluster.", []string{"cluster"}, nil)
	poolWaited = prometheus.NewDesc("sportello_db_wait_seconds_total",
		"Time spent waiting for a connection to a cluster.", []string{"cluster"}, nil)

	cacheReads = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "sportello_cache_reads_total", Help: "Questions to what is kept of communes in memory, by topic: answered from memory (hit), loaded (miss), or answered from memory because the database is away (stale).",
	}, []string{"topic", "outcome"})
)

// Describe names what Collect counts; DB is a prometheus.Collector.
func (db *DB) Describe(to chan<- *prometheus.Desc) {
	to <- poolConnections
	to <- poolWaits
	to <- poolWaited
}

// Collect counts the connections of all pools by cluster. Waits of a pool that a
// commune has left are forgotten: counters may begin again.
func (db *DB) Collect(to chan<- prometheus.Metric) {
	type sums struct{ inUse, idle, most, waits, waited float64 }
	by := map[string]*sums{}
	for name := range db.clusters {
		by[name] = &sums{}
	}
	db.mu.Lock()
	for key, p := range db.pools {
		s := by[clusterOf(key)]
		if s == nil {
			continue
		}
		st := p.Stats()
		s.inUse += float64(st.InUse)
		s.idle += float64(st.Idle)
		s.most += float64(st.MaxOpenConnections)
		s.waits += float64(st.WaitCount)
		s.waited += st.WaitDuration.Seconds()
	}
	db.mu.Unlock()
	for name, s := range by {
		to <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, s.inUse, name, "in_use")
		to <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, s.idle, name, "idle")
		to <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, s.most, name, "most")
		to <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, s.waits, name)
		to <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, s.waited, name)
	}
}

// clusterOf reads the cluster from a pool's key: "<cluster>/…" or "platform/<cluster>".
func clusterOf(key string) string {
	first, rest, _ := strings.Cut(key, "/")
	if first == "platform" && !strings.Contains(rest, "/") {
		return rest
	}
	return first
}
