package apptest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/htmlcheck"
)

// What the service says of its own stands in the person's mail, and the office
// that wants to hear of a request does, without a word about the person.
func TestAServiceAddsToTheMailsOfItsCases(t *testing.T) {
	e := apptest.New(t)
	overlay(t, e, "lugano", "accesso-documenti-ufficiali", `{"notifications": {"mail": {"received": {"it": "Tenga pronto un documento d’identità."}}, "office": {"received": true}}}`)
	c := e.As(t, "lugano", "citizen-verified")
	done := fileAccess(c)
	ref := refPattern.FindString(done.Text("main"))
	if ref == "" {
		t.Fatal(done.Text("main"))
	}
	mail := e.WaitForMail(t, "anna.esempi@lugano.example", ref)
	if !strings.Contains(mail.Text, "Tenga pronto un documento d’identità.") {
		t.Errorf("the service's sentence is missing:\n%s", mail.Text)
	}
	office := e.WaitForMail(t, "cancelleria@lugano.example", ref)
	if strings.Contains(office.Text, "Anna") || !strings.Contains(office.Text, "/ufficio/pratiche/"+ref) {
		t.Errorf("the office reads:\n%s", office.Text)
	}
	var n int
	asTenant(t, e, "bellinzona", "select count(*) from notifications where template like 'office-%'", &n)
	if n != 0 {
		t.Error("the neighbour's office was written to")
	}
}

// change writes into a commune's schema what no page can.
func change(t *testing.T, e *apptest.Env, slug, sql string, args ...any) {
	t.Helper()
	if err := e.DB.In(t.Context(), e.Tenant(t, slug), func(tx *tenancy.Tx) error { _, err := tx.Exec(sql, args...); return err }); err != nil {
		t.Fatal(err)
	}
}

// fileAccess asks for an official document.
func fileAccess(c *apptest.Client) *htmlcheck.Page {
	p := c.Get("/servizi/accesso-documenti-ufficiali/avvia", 200)
	for range 5 {
		if strings.HasSuffix(p.AttrOf("main form", "action"), "/riepilogo") {
			return p.Submit(c, "main form", url.Values{"confermo": {"true"}})
		}
		p = p.Submit(c, "main form", url.Values{"documento": {"La perizia sul traffico del quartiere"}, "forma": {"file"}})
	}
	return p
}

// A permit that ends is called to mind once, thirty days before; one that was
// taken back is not.
func TestWhatWasGrantedIsCalledToMindBeforeItEnds(t *testing.T) {
	e := apptest.New(t)
	lugano := e.Tenant(t, "lugano")
	c := e.As(t, "lugano", "citizen-verified")
	bluePermit(c).Submit(c, "main form", url.Values{"confermo": {"true"}}).Submit(c, "form", url.Values{"esito": {"paga"}})
	ref := refPattern.FindString(c.Get("/area/pratiche", 200).Text("main"))
	apptest.Eventually(t, "the permit is there", func() bool {
		return strings.Contains(c.Get("/area/pratiche/"+ref, 200).Text("main"), "Conclusa")
	})
	c.Get("/area/pratiche/"+ref, 200).Contains("main", "31.12.20")
	ready := e.WaitForMail(t, "anna.esempi@lugano.example", "documento è pronto")
	if !strings.Contains(ready.Text, "Il contrassegno è legato alla targa.") {
		t.Errorf("the service's sentence is missing:\n%s", ready.Text)
	}

	remind := func() (sent int) {
		t.Helper()
		if err := e.Cases.Remind(t.Context(), lugano); err != nil {
			t.Fatal(err)
		}
		asTenant(t, e, "lugano", "select count(*) from notifications where template = 'grant-ends'", &sent)
		return sent
	}
	change(t, e, "lugano", "update cases set remind_on = current_date + 1, ends_on = current_date + 31 where closed_at is not null")
	if n := remind(); n != 0 {
		t.Errorf("%d reminders a day too early", n)
	}
	due := "update cases set remind_on = current_date, ends_on = current_date + 30 where closed_at is not null"
	change(t, e, "lugano", due)
	remind()
	if n := remind(); n != 1 {
		t.Errorf("%d reminders, want one", n)
	}
	mail := e.WaitForMail(t, "anna.esempi@lugano.example", "Scade il")
	if !strings.Contains(mail.Text, "/servizi/zona-blu-contrassegno-residenti") || !strings.Contains(mail.Text, "Il rinnovo non è automatico.") {
		t.Errorf("the reminder says:\n%s", mail.Text)
	}

	change(t, e, "lugano", "delete from notifications where template = 'grant-ends'")
	change(t, e, "lugano", "update documents set revoked_at = now(), reason = 'Prova'")
	change(t, e, "lugano", due)
	if n := remind(); n != 0 {
		t.Error("a permit that was taken back is called to mind")
	}
}
