package payments_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// The pages around a payment: waiting, failed, paid; and nobody else's.
func TestPaymentPages(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	lugano := e.Tenant(t, "lugano")
	c := e.As(t, "lugano", "citizen-verified")
	payer := persona(t, e, lugano, "anna.esempi@lugano.example")
	start := func() (id uuid.UUID, transaction int64) {
		url, err := e.Payments.Start(context.Background(), payer, request(uuid.New()))
		if err != nil || !strings.Contains(url, "/pay/") {
			t.Fatal(url, err)
		}
		list, err := e.Payments.OwnList(context.Background(), payer)
		if err != nil {
			t.Fatal(err)
		}
		var account payments.AccountView
		if account, err = e.Payments.ReadAccount(context.Background(), payer); err != nil || !account.HasSecret {
			t.Fatal(account, err)
		}
		all := e.Sandbox.Transactions(account.SpaceID)
		return list[0].ID, all[len(all)-1].ID
	}
	outcome := func(id uuid.UUID) string { return "/area/pagamenti/" + id.String() + "/esito" }

	waiting, transaction := start()
	if err := e.Sandbox.Advance(transaction, "CONFIRMED"); err != nil {
		t.Fatal(err)
	}
	c.Get(outcome(waiting), 200).Contains("main", "Stiamo verificando")
	if err := e.Sandbox.Decide(transaction, "paga", "twint"); err != nil {
		t.Fatal(err)
	}
	if res := c.Send(http.MethodGet, outcome(waiting), "", nil); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/area/pratiche/LUG-2026-7K2M-4" {
		t.Errorf("paid: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}

	declined, transaction := start()
	if err := e.Sandbox.Decide(transaction, "rifiuta", "visa"); err != nil {
		t.Fatal(err)
	}
	failed := c.Get(outcome(declined), 200)
	failed.Contains("main", "non è riuscito")
	failed.Attr("main form", "action", "/area/pratiche/LUG-2026-7K2M-4/paga")

	list := c.Get("/area/pagamenti", 200)
	list.Contains("main", "Pagato")
	list.Contains("main", "TWINT")
	list.Contains("main", "Non riuscito")

	e.As(t, "lugano", "citizen").Get(outcome(waiting), 404)
	e.As(t, "bellinzona", "citizen-verified").Get(outcome(waiting), 404)
	c.Get("/area/pagamenti/nessuno/esito", 404)
	visitor := e.Visit(t, "lugano")
	for _, path := range []string{"/hooks/pagamenti/postfinance", "/hooks/pagamenti/altro"} {
		if res := visitor.Send(http.MethodPost, path, "application/json", []byte(`{"entityId":1}`)); res.StatusCode != http.StatusNotFound {
			t.Errorf("unsigned webhook to %s: %s", path, res.Status)
		}
	}
	if res := visitor.Send(http.MethodPost, "/hooks/pagamenti/postfinance", "application/json", make([]byte, 1<<20)); res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("huge webhook: %s", res.Status)
	}
}

// persona is the actor of one of the demo's people.
func persona(t *testing.T, e *apptest.Env, commune tenancy.Tenant, email string) identity.Actor {
	t.Helper()
	var id uuid.UUID
	if err := e.DB.Read(context.Background(), commune, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select id from accounts where email = $1", email).Scan(&id)
	}); err != nil {
		t.Fatal(err)
	}
	return identity.Person(commune, identity.Account{ID: id, Email: email, Level: 3}, nil)
}
