package payments_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

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
	w.settle() // the first that is read counts, the other is the duplicate
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
