package app

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sportello-ticino/sportello/app/quotas"
)

// metrics are what this process counts: what packages count for themselves, and
// this product's connections.
func (a *App) metrics() (prometheus.Gatherers, *prometheus.Registry) {
	own := prometheus.NewRegistry()
	own.MustRegister(a.DB, quotas.Gauges{Service: a.Quotas})
	return prometheus.Gatherers{prometheus.DefaultGatherer, own}, own
}

func (a *App) metricsPage() http.Handler {
	all, _ := a.metrics()
	return promhttp.HandlerFor(all, promhttp.HandlerOpts{})
}

// Metrics describes every metric that a process of the product registers, built
// without any connection.
func Metrics() ([]*prometheus.Desc, error) {
	a, err := unconnected()
	if err != nil {
		return nil, err
	}
	defer a.Close()
	_, own := a.metrics()
	to := make(chan *prometheus.Desc)
	go func() {
		defer close(to)
		own.Describe(to)
		if r, ok := prometheus.DefaultRegisterer.(*prometheus.Registry); ok {
			r.Describe(to)
		}
	}()
	var out []*prometheus.Desc
	for d := range to {
		out = append(out, d)
	}
	return out, nil
}
