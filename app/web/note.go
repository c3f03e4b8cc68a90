package web

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
)

// note writes a request's one line of log and counts it.
func (s *Server) note(c *gin.Context, id string, took time.Duration) {
	ctx := c.Request.Context()
	commune, route := commune(ctx), route(c)
	status := c.Writer.Status()
	g := meterOf(labels{commune, method(c.Request.Method), route, status})
	g.count.Inc()
	g.took.Observe(took.Seconds())
	if s.Log.Enabled(ctx, slog.LevelInfo) {
		s.Log.LogAttrs(ctx, slog.LevelInfo, "request", slog.String("request", id), slog.String("commune", commune),
			slog.String("method", c.Request.Method), slog.String("route", route), slog.Int("status", status),
			slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("actor", c.GetString("actor")))
	}
}

// commune is the label of whose host was asked; the entity's is "entity".
func commune(ctx context.Context) string {
	to, _ := ctx.Value(resolvedKey{}).(resolved)
	if to.kind == hostEntity {
		return "entity"
	}
	return to.tenant.String()
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

// meter is where one combination of labels is counted, found once: looking the
// labels up costs more than counting.
type meter struct {
	count prometheus.Counter
	took  prometheus.Observer
}

var meters sync.Map // labels → meter

func meterOf(l labels) meter {
	known, ok := meters.Load(l)
	if !ok {
		known, _ = meters.LoadOrStore(l, meter{
			count: requests.WithLabelValues(l.commune, l.method, l.route, strconv.Itoa(l.status)),
			took:  seconds.WithLabelValues(l.commune, l.route)})
	}
	return known.(meter)
}
