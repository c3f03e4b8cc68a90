package postfinance

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/payments/providers/postfinance/sandbox"
	"github.com/sportello-ticino/sportello/pkg/money"
)

func TestWebhooksOfTheSandboxAreTaken(t *testing.T) {
	type got struct {
		notice payments.Notice
		err    error
	}
	received := make(chan got, 100)
	var p *Provider
	refuse := atomic.Int32{}
	refuse.Store(2)
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if refuse.Add(-1) >= 0 {
			w.WriteHeader(http.StatusInternalServerError) // it will be sent again
			return
		}
		n, err := p.ReadNotice(r.Context(), account, r.Header.Get, body)
		received <- got{n, err}
	}))
	defer shop.Close()
	address, err := url.Parse(shop.URL)
	if err != nil {
		t.Fatal(err)
	}
	provider, box := start(t, func(o *sandbox.Options) {
		o.Spaces[0].WebhookURL = "http://prova.localhost:" + address.Port() + "/hooks"
	})
	p = provider
	made, err := p.Create(context.Background(), account, order("ref"))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := strconv.ParseInt(made.Ref, 10, 64)
	box.Hold()
	if err := box.Decide(id, "paga", "twint"); err != nil {
		t.Fatal(err)
	}
	box.Release(2, true)
	var states []string
	for len(states) < 11 { // PENDING, then five states twice
		select {
		case g := <-received:
			if g.err != nil || g.notice.Ref != made.Ref {
				t.Fatalf("%+v", g)
			}
			states = append(states, g.notice.State)
		case <-time.After(5 * time.Second):
			t.Fatalf("only %v", states)
		}
	}
	if joined := strings.Join(states, " "); strings.Count(joined, "FULFILL") != 2 || strings.Index(joined, "COMPLETED") > strings.Index(joined, "PROCESSING") {
		t.Errorf("order %s", joined)
	}
}

func TestSandboxSendsNothingBeyondThisMachine(t *testing.T) {
	p, box := start(t, func(o *sandbox.Options) { o.Spaces[0].WebhookURL = "http://192.0.2.1/hooks" })
	if _, err := p.Create(context.Background(), account, order("ref")); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for box.Waiting() > 0 { // refused at once, given up after its retries
		if time.Now().After(deadline) {
			t.Fatal("still waiting")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestSandboxRemembers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sandbox.jsonl")
	keep := func(o *sandbox.Options) { o.File = file }
	p, box := start(t, keep)
	made, err := p.Create(context.Background(), account, order("ref"))
	if err != nil {
		t.Fatal(err)
	}
	id, _ := strconv.ParseInt(made.Ref, 10, 64)
	if err := box.Decide(id, "paga", "twint"); err != nil {
		t.Fatal(err)
	}
	body := []byte(publishedBody)
	signature, err := box.SignedBy(body)
	if err != nil {
		t.Fatal(err)
	}
	again, _ := start(t, keep)
	got, ok, err := again.Find(context.Background(), account, "ref")
	if err != nil || !ok || got.State != payments.RemoteFulfilled || got.Ref != made.Ref {
		t.Errorf("%+v, %v, %v", got, ok, err)
	}
	if _, err := again.ReadNotice(context.Background(), account, http.Header{"X-Signature": {signature}}.Get, body); err != nil {
		t.Errorf("signing key changed: %v", err)
	}
	next, err := again.Create(context.Background(), account, order("ref-2"))
	if err != nil || next.Ref == made.Ref {
		t.Errorf("%+v, %v", next, err)
	}
}

func TestSecretsStayOutOfLogs(t *testing.T) {
	var b strings.Builder
	log := slog.New(slog.NewTextHandler(&b, nil))
	log.Info("account", "account", account)
	fmt.Fprintf(&b, "%v %s %+v", account, account, account)
	if strings.Contains(b.String(), account.Secret) {
		t.Error(b.String())
	}
}

func TestAmountsTravelAsDecimals(t *testing.T) {
	for c, want := range map[money.CHF]string{1505: "15.05", 5: "0.05", 123450: "1234.50"} {
		if got, err := decimalCHF(c).MarshalJSON(); err != nil || string(got) != want {
			t.Errorf("%d → %s, %v", int64(c), got, err)
		}
	}
}
