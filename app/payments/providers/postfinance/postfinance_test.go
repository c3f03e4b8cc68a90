package postfinance

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/payments/providers/postfinance/sandbox"
)

// The signature that PostFinance publishes with its Java SDK
// (github.com/pfpayments/java-sdk, tests of the webhook encryption service).
const (
	publishedBody      = `{"entityId":11,"eventId":35,"listenerEntityId":1472041829003,"listenerEntityTechnicalName":"Transaction","spaceId":1,"state":"PROCESSING","timestamp":"2023-12-19T13:43:35+0000","webhookListenerId":2}`
	publishedSignature = "MEYCIQCTzbMrMsOAC6T57T9kQTb1iGZVg2R7n6pY9A4ML4P31gIhAIOoav8cG8x0jpRWQztqSJIC8gXWKq+4DuENEySvmMYf"
	publishedKey       = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEdWq7ZBGsjUzhBO3e6mzUBLpjpV3TQw1bL1rk3ocjn5C5qne7TY0OBBhiWgaPtWlvUcqASz903vtfeSTQma+SBA=="
)

var account = payments.Account{Provider: "postfinance", SpaceID: 1, UserID: 7, Secret: base64.StdEncoding.EncodeToString([]byte("una chiave di prova di 32 byte...."))}

func order(reference string) payments.Order {
	return payments.Order{
		Reference: reference, CaseRef: "PRO-2026-7K2M-4", Language: "it",
		Lines:      []payments.Line{{Key: "1", Name: "Certificato di domicilio", Amount: 1500}, {Key: "2", Name: "Supplemento", Amount: 5}},
		SuccessURL: "http://prova.localhost:8080/area/pagamenti/1/esito", FailedURL: "http://prova.localhost:8080/area/pagamenti/1/esito",
	}
}

// start runs sandbox and client; changes may alter the sandbox's options.
func start(t *testing.T, change ...func(*sandbox.Options)) (*Provider, *sandbox.Server) {
	t.Helper()
	o := sandbox.Options{
		Spaces:  []sandbox.Space{{ID: 1, Name: "Comune di Prova", UserID: 7, Key: account.Secret}, {ID: 2, Name: "Altro", UserID: 8, Key: account.Secret}},
		Retries: []time.Duration{10 * time.Millisecond, 10 * time.Millisecond, 10 * time.Millisecond},
	}
	for _, c := range change {
		c(&o)
	}
	box, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box)
	t.Cleanup(func() { server.Close(); box.Close() })
	return against(t, server.URL), box
}

func against(t *testing.T, base string) *Provider {
	t.Helper()
	p, err := New(Options{Base: base, HTTP: http.DefaultClient})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPublishedSignature(t *testing.T) {
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if r.URL.Path != "/api/v2.0/webhooks/encryption-keys/8a3c-1" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, publishedKey)
	}))
	defer server.Close()
	p := against(t, server.URL+"/api/v2.0")
	header := func(v string) func(string) string { return http.Header{"X-Signature": {v}}.Get }
	right := "algorithm=SHA256withECDSA, keyId=8a3c-1, signature=" + publishedSignature
	for range 3 {
		n, err := p.ReadNotice(context.Background(), account, header(right), []byte(publishedBody))
		if err != nil || n.Ref != "11" || n.Event != "35" || n.State != "PROCESSING" {
			t.Fatalf("%+v, %v", n, err)
		}
	}
	if calls != 1 {
		t.Errorf("key asked for %d times", calls)
	}
	other := account
	other.SpaceID = 2
	if _, err := p.ReadNotice(context.Background(), other, header(right), []byte(publishedBody)); !errors.Is(err, payments.ErrForged) {
		t.Errorf("notice about another space: %v", err)
	}
	for name, c := range map[string]struct{ header, body string }{
		"no header":         {"", publishedBody},
		"changed body":      {right, strings.Replace(publishedBody, "PROCESSING", "FULFILL", 1)},
		"added space":       {right, publishedBody + " "},
		"other algorithm":   {strings.Replace(right, "SHA256", "SHA1", 1), publishedBody},
		"unknown key":       {strings.Replace(right, "8a3c-1", "8a3c-2", 1), publishedBody},
		"changed signature": {strings.Replace(right, "MEYC", "MEYD", 1), publishedBody},
		"no base64":         {"algorithm=SHA256withECDSA, keyId=8a3c-1, signature=====", publishedBody},
		"path in key id":    {strings.Replace(right, "8a3c-1", "../payment", 1), publishedBody},
	} {
		if _, err := p.ReadNotice(context.Background(), account, header(c.header), []byte(c.body)); !errors.Is(err, payments.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range 50 { // a flood of forged webhooks does not become a flood of questions
		_, _ = p.ReadNotice(context.Background(), account, header(strings.Replace(right, "8a3c-1", fmt.Sprintf("f-%d", i), 1)), []byte(publishedBody))
	}
	if calls > 12 {
		t.Errorf("%d questions for unknown keys", calls)
	}
}

func TestPaymentFromOrderToRefund(t *testing.T) {
	p, box := start(t)
	ctx := context.Background()
	made, err := p.Create(ctx, account, order("ref-1"))
	if err != nil || made.State != payments.RemoteOpen || made.Amount != 1505 || made.Reference != "ref-1" {
		t.Fatalf("%+v, %v", made, err)
	}
	found, ok, err := p.Find(ctx, account, "ref-1")
	if err != nil || !ok || found.Ref != made.Ref {
		t.Fatalf("find: %+v, %v, %v", found, ok, err)
	}
	if _, ok, err := p.Find(ctx, account, "ref-2"); err != nil || ok {
		t.Fatalf("find unknown: %v, %v", ok, err)
	}
	page, err := p.PageURL(ctx, account, made.Ref)
	if err != nil || !strings.Contains(page, "/s/1/pay/"+made.Ref) {
		t.Fatalf("%q, %v", page, err)
	}
	pay(t, page, "paga", "twint", "http://prova.localhost:8080/area/pagamenti/1/esito")
	paid, err := p.Read(ctx, account, made.Ref)
	if err != nil || paid.State != payments.RemoteFulfilled || paid.Method != "TWINT" || paid.Detail != "FULFILL" {
		t.Fatalf("%+v, %v", paid, err)
	}
	for range 2 { // the same refund twice is one refund
		r, err := p.Refund(ctx, account, payments.RefundOrder{Ref: made.Ref, Key: "back-1", Amount: 1000})
		if err != nil || !r.Done || r.Amount != 1000 {
			t.Fatalf("refund: %+v, %v", r, err)
		}
	}
	if again, err := p.Read(ctx, account, made.Ref); err != nil || again.Refunded != 1000 {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := p.Refund(ctx, account, payments.RefundOrder{Ref: made.Ref, Key: "back-2", Amount: 506}); !errors.Is(err, payments.ErrRefused) {
		t.Errorf("refund of more than was paid: %v", err)
	}
	if _, err := p.PageURL(ctx, account, made.Ref); !errors.Is(err, payments.ErrRefused) {
		t.Errorf("page of a paid transaction: %v", err)
	}
	if n := len(box.Transactions(1)); n != 1 {
		t.Errorf("%d transactions", n)
	}
}

// pay clicks through the payment page as a browser without script would.
func pay(t *testing.T, page, outcome, method, wantTarget string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	html, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	for _, want := range []string{"Ambiente di prova", "Comune di Prova", "CHF 15.05", "TWINT", "Mastercard", "PRO-2026-7K2M-4"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("payment page lacks %q", want)
		}
	}
	if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' http://prova.localhost:8080") {
		t.Errorf("policy %q", csp)
	}
	res, err = client.PostForm(page, url.Values{"esito": {outcome}, "mezzo": {method}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != wantTarget {
		t.Errorf("after paying: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
}

func TestDeclinedCancelledAndAccountsApart(t *testing.T) {
	p, _ := start(t)
	ctx := context.Background()
	for i, outcome := range []string{"rifiuta", "annulla"} {
		made, err := p.Create(ctx, account, order(fmt.Sprint("ref-", i)))
		if err != nil {
			t.Fatal(err)
		}
		page, err := p.PageURL(ctx, account, made.Ref)
		if err != nil {
			t.Fatal(err)
		}
		pay(t, page, outcome, "visa", order("").FailedURL)
		pay2, err := http.PostForm(page, url.Values{"esito": {"paga"}}) //nolint:bodyclose // closed below
		if err == nil {
			_ = pay2.Body.Close()
		}
		if got, err := p.Read(ctx, account, made.Ref); err != nil || got.State != payments.RemoteFailed {
			t.Errorf("%s: %+v, %v", outcome, got, err)
		}
		other := account
		other.SpaceID, other.UserID = 2, 8
		if _, err := p.Read(ctx, other, made.Ref); !errors.Is(err, payments.ErrRefused) {
			t.Errorf("another space reads it: %v", err)
		}
	}
}

func TestTokensAreChecked(t *testing.T) {
	p, _ := start(t)
	ctx := context.Background()
	made, err := p.Create(ctx, account, order("ref"))
	if err != nil {
		t.Fatal(err)
	}
	wrong := map[string]payments.Account{}
	a := account
	a.Secret = base64.StdEncoding.EncodeToString([]byte("un'altra chiave"))
	wrong["other key"] = a
	a = account
	a.UserID = 8
	wrong["other user"] = a
	a = account
	a.SpaceID = 99
	wrong["unknown space"] = a
	a = account
	a.Secret = "non base64!"
	wrong["broken key"] = a
	for name, a := range wrong {
		_, err := p.Read(ctx, a, made.Ref)
		if !errors.Is(err, payments.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), a.Secret) || strings.Contains(err.Error(), account.Secret)) {
			t.Errorf("%s: the error holds a secret", name)
		}
	}
	for name, shift := range map[string]time.Duration{"old": -time.Hour, "future": time.Hour} {
		late, err := New(Options{Base: p.c.base.String(), HTTP: http.DefaultClient, Now: func() time.Time { return time.Now().Add(shift) }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := late.Read(ctx, account, made.Ref); !errors.Is(err, payments.ErrRefused) {
			t.Errorf("%s token: %v", name, err)
		}
	}
	token, err := sign(account, http.MethodGet, "/api/v2.0/payment/transactions/1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []struct{ method, path string }{{"GET", "/payment/transactions/" + made.Ref}, {"POST", "/payment/transactions/1"}} {
		req, err := http.NewRequest(target.method, p.c.base.String()+target.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Space", "1")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			t.Errorf("a token for another request was accepted for %s %s", target.method, target.path)
		}
	}
}

func TestReadsAreRepeatedAndWritesAreNot(t *testing.T) {
	var reads, writes atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			writes.Add(1)
			w.WriteHeader(http.StatusBadGateway)
		case reads.Add(1) < 3:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = io.WriteString(w, `{"id":5,"state":"FULFILL","currency":"CHF","authorizationAmount":15.00000000,"refundedAmount":null}`)
		}
	}))
	defer server.Close()
	p := against(t, server.URL)
	got, err := p.Read(context.Background(), account, "5")
	if err != nil || got.State != payments.RemoteFulfilled || got.Amount != 1500 {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = p.Create(context.Background(), account, order("x"))
	var answer *Error
	if !errors.Is(err, payments.ErrUnavailable) || !errors.As(err, &answer) || answer.Status != http.StatusBadGateway || writes.Load() != 1 {
		t.Errorf("%v after %d writes", err, writes.Load())
	}
}

func TestSenselessAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"no json": "<html>", "unknown state": `{"id":5,"state":"SHINY","currency":"CHF"}`, "other currency": `{"id":5,"state":"FULFILL","currency":"EUR"}`,
		"fraction of a centime": `{"id":5,"state":"FULFILL","currency":"CHF","authorizationAmount":1.005}`, "empty": "",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		if got, err := against(t, server.URL).Read(context.Background(), account, "5"); !errors.Is(err, payments.ErrUnavailable) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		server.Close()
	}
}
