package documents

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var sealedPapers = promauto.NewCounterVec(prometheus.CounterOpts{
	Name: "sportello_documents_sealed_total", Help: "Papers that were sealed and stored.",
}, []string{"commune"})
