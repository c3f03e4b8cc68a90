// Package trace says where the time of a request, a job or a call went, to a
// collector that speaks OTLP over HTTP. It is off until Setup is called; then
// every Start costs one atomic load and nothing else.
//
// A span holds only what comes from our own lists: the commune's short name, the
// route as it was declared, a status, the kind of a job, the host of a provider.
// There is no way to put a person, an answer, an address with its query or the
// text of an error into one. Traces that strangers send (traceparent) are not
// continued and ours are not passed on to providers.
package trace

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Kinds of spans.
const (
	Request     = "request"     // an answer to a visitor
	Job         = "job"         // a row of the outbox being done
	Transaction = "transaction" // from begin to commit or rollback
	Call        = "call"        // over HTTP, to a provider or a webhook
	Mail        = "mail"        // one delivery to the relay
)

var kinds = map[string]trace.SpanKind{Request: trace.SpanKindServer, Job: trace.SpanKindConsumer,
	Transaction: trace.SpanKindClient, Call: trace.SpanKindClient, Mail: trace.SpanKindClient}

var active atomic.Pointer[sdk.TracerProvider]

// Setup sends spans to a collector from now on: "http://collector:4318", to which
// /v1/traces is added, or a whole address. stop sends what is left, within the
// time of its context, and turns traces off. A collector that is away costs the
// product nothing: spans are dropped and log says so.
func Setup(ctx context.Context, address, version string, log *slog.Logger) (stop func(context.Context) error, err error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("trace: the collector's address is not http(s)://host:port")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()))
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces are lost", "error", err.Error()) }))
	p := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "sportello"), attribute.String("service.version", version))))
	active.Store(p)
	return func(ctx context.Context) error {
		active.CompareAndSwap(p, nil)
		return p.Shutdown(ctx)
	}, nil
}

// Active reports whether spans go anywhere.
func Active() bool { return active.Load() != nil }

// Span is one stretch of time; the zero Span is one of nothing.
type Span struct{ s trace.Span }

type communeKey struct{}

// Start begins a span of a kind, in a commune ("" means the one of the span
// around it), under the span around it or as the first of a trace.
func Start(ctx context.Context, kind, name, commune string) (context.Context, Span) {
	p := active.Load()
	if p == nil {
		return ctx, Span{}
	}
	if commune == "" {
		commune, _ = ctx.Value(communeKey{}).(string)
	} else {
		ctx = context.WithValue(ctx, communeKey{}, commune)
	}
	ctx, s := p.Tracer("sportello").Start(ctx, kind+" "+name, trace.WithSpanKind(kinds[kind]),
		trace.WithAttributes(attribute.String("sportello.commune", commune), attribute.String("sportello.kind", kind)))
	return ctx, Span{s}
}

// Inside is Start where there is a span around, and nothing elsewhere: what the
// processes do for themselves, every second, would hide the rest.
func Inside(ctx context.Context, kind, name, commune string) (context.Context, Span) {
	if active.Load() == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return ctx, Span{}
	}
	return Start(ctx, kind, name, commune)
}

// Status notes an HTTP status; from 500 on the span counts as failed.
func (s Span) Status(code int) {
	if s.s == nil {
		return
	}
	s.s.SetAttributes(attribute.Int("http.response.status_code", code))
	if code >= 500 {
		s.s.SetStatus(codes.Error, "")
	}
}

// End ends the span. Of an error only that there was one is kept: its text may
// hold what a person wrote.
func (s Span) End(err error) {
	if s.s == nil {
		return
	}
	if err != nil {
		s.s.SetStatus(codes.Error, "")
	}
	s.s.End()
}
