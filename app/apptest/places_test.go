package apptest_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/htmlcheck"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// overlay lays a change over a commune's service, as its folder would.
func overlay(t *testing.T, e *apptest.Env, slug, service, patch string) {
	t.Helper()
	ctx := t.Context()
	tenant, err := e.DB.Directory().BySlug(ctx, slug)
	if err != nil {
		t.Fatal(err)
	}
	err = e.DB.In(ctx, tenant, func(tx *tenancy.Tx) error {
		if _, err := tx.Exec("update services set overlay = overlay || $2::jsonb where id = $1", service, patch); err != nil {
			return err
		}
		return tx.Bump(catalogue.Topic)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// bluePermit fills in the form of the permit up to its review page.
func bluePermit(c *apptest.Client) *htmlcheck.Page {
	p := c.Get("/servizi/zona-blu-contrassegno-residenti/avvia", 200)
	p = p.Submit(c, "main form", url.Values{"targa": {"TI 123456"}, "intestatario": {"me"}})
	return p.Submit(c, "main form", url.Values{"zona": {"domicilio"}, "inizio": {time.Now().In(i18n.Zurich).Format(time.DateOnly)}, "senza_posteggio": {"true"}})
}

// One permit is left and two people want it: the second one waits, and goes on
// by itself when the first one withdraws.
func TestThePlaceOfWhoWithdrawsGoesToWhoWaits(t *testing.T) {
	e := apptest.New(t)
	overlay(t, e, "lugano", "zona-blu-contrassegno-residenti", `{"quota": {"places": 1, "key": null, "pots": null}}`)

	first := e.As(t, "lugano", "citizen-verified")
	bluePermit(first).Submit(first, "main form", url.Values{"confermo": {"true"}}).Contains("body", "TWINT")
	firstRef := refPattern.FindString(first.Get("/area/pratiche", 200).Text("main"))

	second := e.As(t, "lugano", "represented")
	review := bluePermit(second)
	review.Contains("main", "lista d’attesa")
	done := review.Submit(second, "main form", url.Values{"confermo": {"true"}})
	done.Contains("main", "È in lista d’attesa")
	done.Contains("main", "al posto 1 della lista")
	ref := refPattern.FindString(done.Text("main"))
	second.Get("/area/pratiche/"+ref, 200).Contains("main", "In lista d’attesa")

	first.Post("/area/pratiche/"+firstRef+"/ritira", nil, 200).Contains("main", "Ritirata")
	apptest.Eventually(t, "the one who waited is asked to pay", func() bool {
		return strings.Contains(second.Get("/area/pratiche/"+ref, 200).Text("main"), "Da pagare")
	})
	second.Get("/area/pratiche/"+ref, 200).Contains("main", "C’è un posto per lei")
	first.Get("/area/pratiche/"+firstRef, 200).Contains("main", "nessun posto")
}

// A commune that adds places sees its queue move without anybody giving one back.
func TestAddedPlacesMoveTheQueue(t *testing.T) {
	e := apptest.New(t)
	overlay(t, e, "lugano", "zona-blu-contrassegno-residenti", `{"quota": {"places": 0, "key": null, "pots": null}}`)
	c := e.As(t, "lugano", "citizen-verified")
	done := bluePermit(c).Submit(c, "main form", url.Values{"confermo": {"true"}})
	done.Contains("main", "È in lista d’attesa")
	ref := refPattern.FindString(done.Text("main"))

	overlay(t, e, "lugano", "zona-blu-contrassegno-residenti", `{"quota": {"places": 5, "key": null, "pots": null}}`)
	tenant, err := e.DB.Directory().BySlug(t.Context(), "lugano")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Cases.Sweep(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	apptest.Eventually(t, "the case goes on", func() bool {
		return strings.Contains(c.Get("/area/pratiche/"+ref, 200).Text("main"), "Da pagare")
	})
}

// A place is kept ten days for a fee that is not paid, and not longer.
func TestAPlaceIsNotKeptForAFeeThatIsNeverPaid(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	bluePermit(c).Submit(c, "main form", url.Values{"confermo": {"true"}}).Contains("body", "TWINT")
	ref := refPattern.FindString(c.Get("/area/pratiche", 200).Text("main"))
	tenant, err := e.DB.Directory().BySlug(t.Context(), "lugano")
	if err != nil {
		t.Fatal(err)
	}
	held := func(days int) {
		t.Helper()
		if err := e.DB.In(t.Context(), tenant, func(tx *tenancy.Tx) error {
			_, err := tx.Exec("update contingent_claims set held_at = now() - make_interval(days => $1)", days)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := e.Cases.Sweep(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	held(9)
	c.Get("/area/pratiche/"+ref, 200).Contains("main", "Da pagare")
	held(11)
	page := c.Get("/area/pratiche/"+ref, 200)
	page.Contains("main", "Posto lasciato libero")
	page.Contains("main", "Ritirata")
	e.WaitForMail(t, "anna.esempi@lugano.example", "il posto è di nuovo libero")
}

// Where the credit is used up nobody fills in a form for nothing.
func TestAnEmptyCreditIsSaidBeforeTheEffort(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	overlay(t, e, "lugano", "contributo-ebike", `{"budget": {"total": 0}, "limits": {"anni": {"value": 0}}}`)
	page := c.Get("/servizi/contributo-ebike/avvia", 403)
	page.Contains("main", "Il credito di quest’anno è esaurito")
}
