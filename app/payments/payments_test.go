package payments_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/payments"
)

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

// Twenty notices of one payment at the same moment: one of them made the
// transition, and the log of deliveries says which.
func TestNoticesAtOnceAreNotedAsWhatTheyDid(t *testing.T) {
	w := newWorld(t)
	w.start(uuid.New())
	w.box.Hold()
	w.decide(w.transaction(), "paga")
	body := fmt.Appendf(nil, `{"eventId":1,"entityId":%d,"listenerEntityId":1472041829003,"listenerEntityTechnicalName":"Transaction","spaceId":%d,"webhookListenerId":1,"timestamp":"2026-11-22T10:00:00+0000","state":"FULFILL"}`,
		w.transaction(), luganoSpace)
	signature, err := w.box.SignedBy(body)
	if err != nil {
		t.Fatal(err)
	}
	begin := make(chan struct{})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			<-begin
			if err := w.m.Notice(context.Background(), w.Lugano, "postfinance", http.Header{"X-Signature": {signature}}.Get, body); err != nil {
				t.Error(err)
			}
		})
	}
	close(begin)
	group.Wait()
	w.box.Drop()
	w.want("deliveries", w.scan("select count(*) filter (where outcome = 'applied') || ' of ' || (count(*) >= 20) from webhook_deliveries"), "1 of true")
	w.want("ledger", w.ledger(), bookedOnce)
	w.want("jobs", w.jobs(), toldOnce)
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
