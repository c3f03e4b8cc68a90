package web

import (
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// note writes a request's one line of log and counts it.
func (s *Server) note(c *gin.Context, v *visit, took time.Duration) {
	g := s.meterOf(labels{v.commune(), method(c.Request.Method), route(c), c.Writer.Status()})
	g.count.Inc()
	g.took.Observe(took.Seconds())
	g.log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request", slog.String("request", v.id),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("actor", v.actor))
}

// commune is the label of whose host was asked; the entity's is "entity".
func (v *visit) commune() string {
	if v.kind == hostEntity {
		return "entity"
	}
	return v.tenant.String()
}

// route is the path as it was declared, never as it was asked for.
func route(c *gin.Context) string {
	if r := c.FullPath(); r != "" {
		return r
	}
	return "none"
}

// method is the request's for the metrics: a stranger may invent any number of
// them, and each would stay in memory.
func method(asked string) string {
	switch asked {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions:
		return asked
	}
	return "other"
}

// labels are what requests are counted by. All come from lists of ours, so that
// there are few.
type labels struct {
	commune, method, route string
	status                 int
}

// meter is where one combination of labels is counted and written down, found
// once: looking the labels up and writing them out costs more than counting.
type meter struct {
	count prometheus.Counter
	took  prometheus.Observer
	log   *slog.Logger
}

func (s *Server) meterOf(l labels) meter {
	known, ok := s.meters.Load(l)
	if !ok {
		known, _ = s.meters.LoadOrStore(l, meter{
			count: requests.WithLabelValues(l.commune, l.method, l.route, strconv.Itoa(l.status)),
			took:  seconds.WithLabelValues(l.commune, l.route),
			log:   s.Log.With("commune", l.commune, "method", l.method, "route", l.route, "status", l.status)})
	}
	return known.(meter)
}
