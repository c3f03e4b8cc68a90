package web

import (
	"encoding/json"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// Readiness is what /readyz tells. Without a database that fits, a process is
// not ready; without Redis it is degraded and says so.
type Readiness struct {
	Ready    bool              `json:"ready"`
	Degraded bool              `json:"degraded"`
	Checks   map[string]string `json:"checks"`
}

func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	state := Readiness{Ready: true}
	if s.Ready != nil {
		state = s.Ready(r.Context())
	}
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
	}
	body, err := json.Marshal(state)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

var (
	requests = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "sportello_http_requests_total", Help: "Requests by commune, method, route and status.",
	}, []string{"commune", "method", "route", "status"})
	seconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "sportello_http_seconds", Help: "Time a request took.", Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"commune", "route"})
	limited = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "sportello_requests_limited_total", Help: "Requests answered with 429, by the limit that was reached.",
	}, []string{"commune", "limit"})
	shelved = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "sportello_shared_pages_total", Help: "Pages for visitors: answered from memory (hit) or written (miss).",
	}, []string{"outcome"})
	shelfHit, shelfMiss = shelved.WithLabelValues("hit"), shelved.WithLabelValues("miss")
)
