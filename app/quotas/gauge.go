package quotas

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

var ratio = prometheus.NewDesc("sportello_quota_used_ratio",
	"How much of a commune's quota is used: 1 is all of it. As of the last look, every few minutes.", []string{"commune", "kind"}, nil)

// Gauges is the metric of all communes. It is read from the table when it is asked
// for, so that every process says the same and none keeps what is over.
type Gauges struct{ *Service }

// Describe names the metric.
func (g Gauges) Describe(out chan<- *prometheus.Desc) { out <- ratio }

// Collect reads the metric; with the database away there is none.
func (g Gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = g.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		all, err := kept(tx, "", g.Clock.Now())
		if err != nil {
			return err
		}
		for slug, list := range all {
			for _, u := range list {
				out <- prometheus.MustNewConstMetric(ratio, prometheus.GaugeValue, float64(u.Used)/float64(max(u.Quota, 1)), slug, u.Kind)
			}
		}
		return nil
	})
}
