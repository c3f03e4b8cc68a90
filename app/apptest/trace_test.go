package apptest_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// receiver is a collector that keeps what it is sent.
type receiver struct {
	mu    sync.Mutex
	raw   bytes.Buffer
	spans []*spans.Span
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var m collector.ExportTraceServiceRequest
	if err != nil || req.URL.Path != "/v1/traces" || proto.Unmarshal(body, &m) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw.Write(body)
	for _, rs := range m.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			r.spans = append(r.spans, ss.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func attr(s *spans.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// check counts the spans by kind and commune; whole is false while one waits for
// the span around it, which ends after it.
func (r *receiver) check(t *testing.T) (kinds map[string]int, whole bool) {
	t.Helper()
	kinds, whole = map[string]int{}, true
	byID := map[string]*spans.Span{}
	for _, s := range r.spans {
		byID[string(s.SpanId)] = s
	}
	for _, s := range r.spans {
		commune, kind := attr(s, "sportello.commune"), attr(s, "sportello.kind")
		kinds[kind+" "+commune]++
		if commune == "" || kind == "" {
			t.Errorf("span %q has no commune or no kind", s.Name)
		}
		around := byID[string(s.ParentSpanId)]
		if around == nil {
			whole = whole && (kind == "request" || kind == "job")
		} else if attr(around, "sportello.commune") != commune {
			t.Errorf("span %q of %s is under one of %s", s.Name, commune, attr(around, "sportello.commune"))
		}
	}
	return kinds, whole
}

// What a page and the mail it causes cost reaches the collector with its commune,
// and nothing in it says who asked for what.
func TestTracesNameTheCommuneAndNobody(t *testing.T) {
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100") // ms until what is over is sent
	got := &receiver{}
	srv := httptest.NewServer(got)
	defer srv.Close()
	e := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Trace.URL = srv.URL })
	c := e.Visit(t, "lugano")
	const email, name = "canarina.zqxtrace@posta.example", "Zqxtrace Canarina"
	c.Get("/?zqxtrace=zqxtrace", 200)
	c.Post("/registrati", url.Values{"name": {name}, "email": {email}, "password": {"zqxtrace frase lunga"}}, 200)
	e.WaitForMail(t, email, "/conferma/")
	e.Visit(t, "bellinzona").Get("/zqxtrace-no-such-page", 404)

	want := []string{"request lugano", "transaction lugano", "job lugano", "mail lugano", "request bellinzona"}
	apptest.Eventually(t, "the spans of page, job and mail arrive, each with the one around it", func() bool {
		got.mu.Lock()
		defer got.mu.Unlock()
		kinds, whole := got.check(t)
		for _, w := range want {
			whole = whole && kinds[w] > 0
		}
		return whole
	})
	got.mu.Lock()
	defer got.mu.Unlock()
	for _, canary := range []string{"zqxtrace", "canarina"} {
		if strings.Contains(strings.ToLower(got.raw.String()), canary) {
			t.Errorf("a trace holds %q", canary)
		}
	}
}
