package payments_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
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
	"github.com/sportello-ticino/sportello/pkg/secret"
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
	hookErr error

	mu     sync.Mutex
	events []string
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
	secrets, err := secret.New(tenancytest.MasterKey, "payments")
	if err != nil {
		t.Fatal(err)
	}
	reg := outbox.NewRegistry()
	w.m = payments.New(payments.Deps{
		DB: w.DB, Outbox: outbox.New(reg, nil), Clock: w.clock, Secrets: secrets,
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

const (
	bookedOnce = "payment provider 2000, payment fees -2000"
	toldOnce   = "payments.fulfilled>test 1"
)

func TestPaidOnceHoweverOftenItIsTold(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	url := w.start(id)
	if !strings.Contains(url, fmt.Sprintf("/s/%d/pay/", luganoSpace)) {
		t.Fatalf("url %q", url)
	}
	again := w.start(id) // a second click leads to the same payment
	w.want("second click", again, url)
	w.box.Hold()
	w.decide(w.transaction(), "paga")
	w.box.Release(3, true) // every webhook three times, the last first
	w.settle()
	w.want("states", w.states(id), "fulfilled")
	w.want("ledger", w.ledger(), bookedOnce)
	w.want("jobs", w.jobs(), toldOnce)
	w.sums()
	if _, err := w.m.Start(context.Background(), w.payer, request(id)); !errors.Is(err, payments.ErrPaid) {
		t.Errorf("start after paying: %v", err)
	}
	if n := len(w.box.Transactions(luganoSpace)); n != 1 {
		t.Errorf("%d transactions", n)
	}
	w.want("deliveries", w.scan("select count(*) filter (where outcome = 'applied') || ' of ' || (count(*) > 5) from webhook_deliveries"), "1 of true")
}

// All who learn of it at the same moment make one transition.
func TestManyReadersAtOnce(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	w.start(id)
	w.box.Hold()
	w.decide(w.transaction(), "paga")
	payment := uuid.MustParse(w.scan("select id::text from payments"))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := w.m.Refresh(context.Background(), w.Lugano, payment); err != nil {
				t.Error(err)
			}
		})
	}
	w.box.Release(2, false)
	group.Wait()
	w.settle()
	w.want("ledger", w.ledger(), bookedOnce)
	w.want("jobs", w.jobs(), toldOnce)
}

// Webhooks that never come: the return page or the comparison finds out.
func TestLostWebhooks(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	w.start(id)
	w.settle()
	w.box.Hold()
	w.decide(w.transaction(), "paga")
	w.box.Drop()
	w.clock.Advance(2 * time.Minute)
	if err := w.m.Reconcile(context.Background(), w.Lugano); err != nil {
		t.Fatal(err)
	}
	w.want("states", w.states(id), "fulfilled")
	w.want("jobs", w.jobs(), toldOnce)
}

// Before FULFILL nothing is delivered, however far the transaction is.
func TestNothingBeforeFulfil(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	w.start(id)
	tx := w.transaction()
	for _, state := range []string{"CONFIRMED", "PROCESSING", "AUTHORIZED", "COMPLETED"} {
		if err := w.box.Advance(tx, state); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.want(state, w.jobs()+w.ledger(), "")
	}
	w.want("state", w.states(id), "processing")
	if url := w.start(id); !strings.HasPrefix(url, "http://lugano.localhost:8080/area/pagamenti/") {
		t.Errorf("while processing Start leads to %q", url)
	}
	if err := w.box.Advance(tx, "FULFILL"); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.want("jobs", w.jobs(), toldOnce)
}

func TestDeclinedThenPaid(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	for range 2 {
		w.start(id)
		w.decide(w.transaction(), "rifiuta")
		w.settle()
	}
	w.want("states", w.states(id), "failed failed")
	w.want("jobs", w.jobs(), "payments.failed>test 2")
	w.start(id)
	w.decide(w.transaction(), "paga")
	w.settle()
	w.want("states", w.states(id), "failed failed fulfilled")
	w.want("ledger", w.ledger(), bookedOnce)
	w.sums()
}

// Abandoned: the page is left open; a later click finds the transaction ended
// and begins anew.
func TestAbandoned(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	w.start(id)
	w.box.Hold()
	w.decide(w.transaction(), "annulla")
	w.box.Drop()
	url := w.start(id)
	if !strings.HasSuffix(strings.Split(url, "?")[0], strconv.FormatInt(w.transaction(), 10)) {
		t.Errorf("url %q", url)
	}
	w.want("states", w.states(id), "failed open")
}

func TestForgedAndForeignWebhooks(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	w.start(id)
	tx := w.transaction()
	body := fmt.Appendf(nil, `{"entityId":%d,"eventId":1,"listenerEntityTechnicalName":"Transaction","spaceId":%d,"state":"FULFILL"}`, tx, luganoSpace)
	ctx := context.Background()
	header := func(v string) func(string) string { return http.Header{"X-Signature": {v}}.Get }
	right, err := w.box.SignedBy(body)
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]string{"unsigned": "", "nonsense": "algorithm=SHA256withECDSA, keyId=abc, signature=AAAA", "cut": right[:len(right)-4]} {
		if err := w.m.Notice(ctx, w.Lugano, "postfinance", header(h), body); !errors.Is(err, payments.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// rightly signed, but for the neighbour
	if err := w.m.Notice(ctx, w.Chiasso, "postfinance", header(right), body); !errors.Is(err, payments.ErrForged) {
		t.Errorf("neighbour's webhook: %v", err)
	}
	// rightly signed and lying: the transaction is open and stays so
	if err := w.m.Notice(ctx, w.Lugano, "postfinance", header(right), body); err != nil {
		t.Errorf("lying webhook: %v", err)
	}
	// about a transaction nobody knows: silence
	unknown := bytes.Replace(body, []byte(strconv.FormatInt(tx, 10)), []byte("77"), 1)
	signed, err := w.box.SignedBy(unknown)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.m.Notice(ctx, w.Lugano, "postfinance", header(signed), unknown); err != nil {
		t.Errorf("unknown transaction: %v", err)
	}
	if err := w.m.Notice(ctx, w.Lugano, "altro", header(right), body); err == nil {
		t.Error("unknown provider accepted")
	}
	w.want("states", w.states(id), "open")
	w.want("effects", w.jobs()+w.ledger(), "")
}

// The answer to the creation is lost: the next click finds the transaction and
// makes no second one.
func TestCrashBetweenProviderAndRow(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	w.fault.set(func(r *http.Request) bool { return r.Method == http.MethodPost })
	if _, err := w.m.Start(context.Background(), w.payer, request(id)); !errors.Is(err, payments.ErrAway) {
		t.Fatalf("lost answer: %v", err)
	}
	w.fault.set(nil)
	if n := len(w.box.Transactions(luganoSpace)); n != 1 {
		t.Fatalf("%d transactions", n)
	}
	w.clock.Advance(time.Minute) // the first request's claim is over
	w.start(id)
	if n := len(w.box.Transactions(luganoSpace)); n != 1 {
		t.Errorf("%d transactions after the second click", n)
	}
	w.decide(w.transaction(), "paga")
	w.settle()
	w.want("states", w.states(id), "fulfilled")
	w.want("ledger", w.ledger(), bookedOnce)
}

// The same, and nobody clicks again: the payer had the page of the lost answer.
func TestCrashThenWebhookFindsThePayment(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	w.box.Hold()
	w.fault.set(func(r *http.Request) bool { return r.Method == http.MethodPost })
	_, _ = w.m.Start(context.Background(), w.payer, request(id))
	w.fault.set(nil)
	w.decide(w.transaction(), "paga")
	w.box.Release(1, false)
	w.settle()
	w.want("states", w.states(id), "fulfilled")
	w.want("jobs", w.jobs(), toldOnce)
}

// Two clicks at the same moment open one transaction.
func TestTwoClicksAtOnce(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	var group sync.WaitGroup
	urls := make([]string, 6)
	for i := range urls {
		group.Go(func() {
			url, err := w.m.Start(context.Background(), w.payer, request(id))
			if err != nil {
				t.Error(err)
			}
			urls[i] = url
		})
	}
	group.Wait()
	for _, url := range urls {
		w.want("url", url, urls[0])
	}
	if n := len(w.box.Transactions(luganoSpace)); n != 1 {
		t.Errorf("%d transactions", n)
	}
}

// Paid twice: the second money is booked as owed, an official hears of it and
// a job gives it back, once however often it runs.
func TestPaidTwice(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	w.start(id)
	first := w.transaction()
	payment := w.scan("select id::text from payments")
	// a second transaction under the same reference, as a lost answer leaves it
	second := w.createDirectly(payment)
	w.decide(first, "paga")
	w.decide(second, "paga")
	w.settle()
	w.want("states", w.states(id), "fulfilled overpaid")
	w.want("jobs", w.jobs(), "payments.duplicate>test 1, payments.fulfilled>test 1, payments.refund 1")
	w.sums()
	twin := uuid.MustParse(w.scan("select id::text from payments where state = 'overpaid'"))
	for range 3 {
		if err := w.m.GiveBackNow(context.Background(), w.Lugano, twin); err != nil {
			t.Fatal(err)
		}
	}
	w.want("states", w.states(id), "fulfilled refunded")
	w.want("ledger", w.ledger(), bookedOnce+", payment provider 2000, payment owed -2000, refund owed 2000, refund provider -2000")
	for _, tx := range w.box.Transactions(luganoSpace) {
		if want := map[int64]string{first: "0.00", second: "20.00"}[tx.ID]; tx.Refunded != want {
			t.Errorf("transaction %d refunded %s, want %s", tx.ID, tx.Refunded, want)
		}
	}
	w.sums()
}

// createDirectly opens a transaction behind the module's back.
func (w *world) createDirectly(reference string) int64 {
	w.t.Helper()
	account := payments.Account{Provider: "postfinance", SpaceID: luganoSpace, UserID: 1, Secret: key}
	remote, err := w.m.Providers["postfinance"].Create(context.Background(), account, payments.Order{
		Reference: reference, Lines: []payments.Line{{Key: "1", Name: "Certificato", Amount: 2000}},
		SuccessURL: "http://lugano.localhost:8080/", FailedURL: "http://lugano.localhost:8080/", Language: "it",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	id, err := strconv.ParseInt(remote.Ref, 10, 64)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestGivenBackAfterWithdrawal(t *testing.T) {
	w := newWorld(t)
	id := uuid.New()
	w.start(id)
	w.decide(w.transaction(), "paga")
	w.settle()
	payment := uuid.MustParse(w.scan("select id::text from payments"))
	for range 2 {
		if err := w.DB.In(context.Background(), w.Lugano, func(tx *tenancy.Tx) error { return w.m.GiveBack(tx, w.payer, payment) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.m.GiveBackNow(context.Background(), w.Lugano, payment); err != nil {
		t.Fatal(err)
	}
	w.want("state", w.states(id), "refunded")
	w.want("ledger", w.ledger(), bookedOnce+", correction fees 2000, correction owed -2000, refund owed 2000, refund provider -2000")
	w.sums()
}

func TestLedgerCannotBeFalsified(t *testing.T) {
	w := newWorld(t)
	w.start(uuid.New())
	w.decide(w.transaction(), "paga")
	w.settle()
	for name, sql := range map[string]string{
		"one-sided": "insert into ledger_entries (payment_id, kind, account, amount, at) select id, 'refund', 'owed', 5, now() from payments",
		"twice":     "insert into ledger_entries (payment_id, kind, account, amount, at) select payment_id, kind, account, amount, at from ledger_entries",
		"changed":   "update ledger_entries set amount = amount * 2",
		"deleted":   "delete from ledger_entries",
	} {
		if err := w.DB.In(context.Background(), w.Lugano, func(tx *tenancy.Tx) error { _, err := tx.Exec(sql); return err }); err == nil {
			t.Errorf("%s: the database let it pass", name)
		}
	}
	w.want("ledger", w.ledger(), bookedOnce)
}

func TestProviderAwayAndNoAccount(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	if err := w.DB.In(ctx, w.Lugano, func(tx *tenancy.Tx) error { _, err := tx.Exec("delete from payment_accounts"); return err }); err != nil {
		t.Fatal(err)
	}
	if _, err := w.m.Start(ctx, w.payer, request(uuid.New())); !errors.Is(err, payments.ErrNoAccount) {
		t.Errorf("no account: %v", err)
	}
	in := request(uuid.New())
	in.Lines = nil
	if _, err := w.m.Start(ctx, w.payer, in); !errors.Is(err, payments.ErrAmount) {
		t.Errorf("nothing to pay: %v", err)
	}
	for name, in := range map[string]payments.AccountInput{
		"no secret": {SpaceID: 1, UserID: 1}, "no base64": {SpaceID: 1, UserID: 1, Secret: "§§"}, "short": {SpaceID: 1, UserID: 1, Secret: "AAAA"}, "no space": {UserID: 1, Secret: key},
	} {
		if err := w.m.SetAccount(ctx, w.payer, in); !errors.Is(err, payments.ErrAccount) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v, err := w.m.ReadAccount(ctx, w.payer); err != nil || v.HasSecret {
		t.Errorf("%+v, %v", v, err)
	}
}

// What the database keeps of an account is of no use in another commune.
func TestSecretsAreSealedToTheirCommune(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	var sealed []byte
	if err := w.DB.Read(ctx, w.Chiasso, func(tx *tenancy.Tx) error { return tx.QueryRow("select secret from payment_accounts").Scan(&sealed) }); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte(key)) {
		t.Error("the secret lies open in the database")
	}
	if err := w.DB.In(ctx, w.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update payment_accounts set secret = $1", sealed)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.m.Start(ctx, w.payer, request(uuid.New())); err == nil {
		t.Error("a neighbour's secret was opened")
	}
}
