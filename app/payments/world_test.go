package payments_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/payments/providers/postfinance"
	"github.com/sportello-ticino/sportello/app/payments/providers/postfinance/sandbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// world is a database with two communes, a running sandbox and the module.
type world struct {
	*tenancytest.Env
	t       *testing.T
	m       *payments.Module
	box     *sandbox.Server
	clock   *clock.Fake
	fault   *faulty
	payer   identity.Actor
	mu      sync.Mutex
	hookErr error
}

// faulty stands between client and sandbox and breaks calls on demand.
type faulty struct {
	next   http.RoundTripper
	mu     sync.Mutex
	breaks func(*http.Request) bool // the request arrives, the answer is lost
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := f.next.RoundTrip(r)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil && f.breaks != nil && f.breaks(r) {
		_ = res.Body.Close()
		return nil, errors.New("connection reset")
	}
	return res, err
}

func (f *faulty) set(breaks func(*http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.breaks = breaks
}

const (
	luganoSpace  = 915192
	chiassoSpace = 915250
)

var key = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, 32))

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Env: tenancytest.New(t), t: t, clock: clock.NewFake(time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)), fault: &faulty{next: http.DefaultTransport}}
	hooks := httptest.NewServer(http.HandlerFunc(w.hook))
	t.Cleanup(hooks.Close)
	var err error
	w.box, err = sandbox.New(sandbox.Options{
		Spaces: []sandbox.Space{
			{ID: luganoSpace, Name: "Lugano", UserID: 1, Key: key, WebhookURL: hooks.URL + "/lugano"},
			{ID: chiassoSpace, Name: "Chiasso", UserID: 2, Key: key, WebhookURL: hooks.URL + "/chiasso"},
		},
		Retries: []time.Duration{20 * time.Millisecond, 20 * time.Millisecond, 20 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.box)
	t.Cleanup(func() { server.Close(); w.box.Close() })
	provider, err := postfinance.New(postfinance.Options{Base: server.URL + "/api/v2.0", HTTP: &http.Client{Transport: w.fault}})
	if err != nil {
		t.Fatal(err)
	}
	reg := outbox.NewRegistry()
	w.m = payments.New(payments.Deps{
		DB: w.DB, Outbox: outbox.New(reg, nil), Clock: w.clock,
		Providers: map[string]payments.Provider{"postfinance": provider}, Provider: "postfinance",
		URL: func(t tenancy.Tenant, path string) string { return "http://" + t.Slug() + ".localhost:8080" + path },
		Log: slog.New(slog.DiscardHandler),
	})
	w.m.Jobs(reg)
	for _, e := range []string{payments.EventFulfilled, payments.EventFailed, payments.EventDuplicate} {
		reg.Subscribe(e, "test", func(context.Context, *tenancy.Tx, outbox.Job) error { return nil })
	}
	for tenant, in := range map[tenancy.Tenant]payments.AccountInput{
		w.Lugano: {SpaceID: luganoSpace, UserID: 1, Secret: key}, w.Chiasso: {SpaceID: chiassoSpace, UserID: 2, Secret: key},
	} {
		if err := w.m.SetAccount(context.Background(), identity.System(tenant), in); err != nil {
			t.Fatal(err)
		}
	}
	w.payer = identity.Person(w.Lugano, identity.Account{ID: uuid.New()}, nil)
	return w
}

// hook is where the sandbox's webhooks arrive.
func (w *world) hook(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	tenant := w.Lugano
	if strings.HasSuffix(r.URL.Path, "chiasso") {
		tenant = w.Chiasso
	}
	if err := w.m.Notice(r.Context(), tenant, "postfinance", r.Header.Get, body); err != nil {
		w.mu.Lock()
		w.hookErr = err
		w.mu.Unlock()
		rw.WriteHeader(http.StatusServiceUnavailable)
	}
}

func request(caseID uuid.UUID) payments.StartRequest {
	return payments.StartRequest{
		CaseID: caseID, CaseRef: "LUG-2026-7K2M-4", Purpose: "fee", Title: "Certificato di domicilio", Lang: "it",
		Lines:      []payments.Line{{Name: "Certificato", Amount: 1500}, {Name: "Supplemento", Amount: 500}},
		ReturnPath: "/area/pratiche/LUG-2026-7K2M-4", RetryPath: "/area/pratiche/LUG-2026-7K2M-4/paga",
	}
}

func (w *world) start(caseID uuid.UUID) string {
	w.t.Helper()
	url, err := w.m.Start(context.Background(), w.payer, request(caseID))
	if err != nil {
		w.t.Fatal(err)
	}
	return url
}

// transaction is the newest one in Lugano's space.
func (w *world) transaction() int64 {
	w.t.Helper()
	all := w.box.Transactions(luganoSpace)
	if len(all) == 0 {
		w.t.Fatal("no transaction")
	}
	return all[len(all)-1].ID
}

func (w *world) decide(id int64, outcome string) {
	w.t.Helper()
	if err := w.box.Decide(id, outcome, "twint"); err != nil {
		w.t.Fatal(err)
	}
}

// settle waits until the sandbox has delivered its webhooks.
func (w *world) settle() {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for w.box.Waiting() > 0 {
		if time.Now().After(deadline) {
			w.t.Fatalf("webhooks still waiting; last error %v", w.hookErr)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// states lists a case's payments, oldest first: "failed fulfilled".
func (w *world) states(caseID uuid.UUID) string {
	w.t.Helper()
	return w.scan("select coalesce(string_agg(state, ' ' order by attempt), '') from payments where case_id = '" + caseID.String() + "'")
}

// jobs counts the outbox: "payments.failed>test 1, …".
func (w *world) jobs() string {
	w.t.Helper()
	return w.scan("select coalesce(string_agg(k || ' ' || n, ', ' order by k), '') from (select kind k, count(*) n from outbox where kind like 'payments.%' group by kind) x")
}

func (w *world) ledger() string {
	w.t.Helper()
	return w.scan("select coalesce(string_agg(kind || ' ' || account || ' ' || amount, ', ' order by id), '') from ledger_entries")
}

func (w *world) scan(sql string) string {
	w.t.Helper()
	var out string
	if err := w.DB.Read(context.Background(), w.Lugano, func(tx *tenancy.Tx) error { return tx.QueryRow(sql).Scan(&out) }); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) want(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func (w *world) sums() {
	w.t.Helper()
	if err := w.m.CheckSums(context.Background(), w.Lugano); err != nil {
		w.t.Error(err)
	}
}
