package apptest_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/mail"
)

var inviteLink = regexp.MustCompile(`/invito/[A-Za-z0-9_-]+`)

// An administrator lets somebody work at the desk: the roles begin when the
// link of the mail is used, and end at once when they are taken away.
func TestConsoleStaff(t *testing.T) {
	e := apptest.New(t)
	e.StartWorker(t)
	admin := e.As(t, "lugano", "commune-admin")
	page := admin.Get("/console/personale", http.StatusOK)
	page.Contains("main table", "Marta Modellini")
	page.Contains("main table", "Controllo abitanti")

	refused := admin.Post("/console/personale", url.Values{"name": {"Ines"}, "email": {"ines@"}, "roles": {"official"}, "offices": {"polizia"}}, 422)
	refused.Attr("main input[name=name]", "value", "Ines")
	refused.Contains("main", "Scriva nome e cognome")
	refused = admin.Post("/console/personale", url.Values{"name": {"Ines Ipotesi"}, "email": {"ines.ipotesi@lugano.example"}}, 422)
	refused.Contains("main", "Scelga almeno un ruolo")
	for _, hostile := range []url.Values{
		{"roles": {"official"}, "offices": {"ufficio-inventato"}}, {"roles": {"official"}}, {"roles": {"entity-admin"}}, {"roles": {"entity-admin"}, "offices": {"polizia"}},
	} {
		hostile.Set("name", "Ines Ipotesi")
		hostile.Set("email", "ines.ipotesi@lugano.example")
		admin.Post("/console/personale", hostile, 422).Contains("main", "Scelga almeno un ruolo")
	}
	admin.Post("/console/personale", url.Values{"name": {"Marta Modellini"}, "email": {"marta.modellini@lugano.example"}, "roles": {"official"}, "offices": {"polizia"}}, 422).
		Contains("main", "lavora già qui")

	admin.Post("/console/personale", url.Values{"name": {"Ines Ipotesi"}, "email": {"ines.ipotesi@lugano.example"}, "roles": {"official", "counter-clerk"}, "offices": {"polizia"}}, http.StatusOK).
		Contains("main", "L’invito è partito")
	page = admin.Get("/console/personale", http.StatusOK)
	page.Contains("main table", "Invitata")
	var id string
	var holds int
	ask := func() {
		t.Helper()
		err := e.DB.Read(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
			return tx.QueryRow(`select a.id::text, (select count(*) from role_holders h where h.account_id = a.id)
				from accounts a where a.email = 'ines.ipotesi@lugano.example'`).Scan(&id, &holds)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if ask(); holds != 0 {
		t.Fatal("the roles begin before the address is proved")
	}
	// link waits for the mail with another link than the one before.
	link := func(before string) (path string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		_, err := e.Inbox.Wait(ctx, "ines.ipotesi@lugano.example", func(m mail.Received) bool {
			path = inviteLink.FindString(m.Text)
			return path != "" && path != before
		})
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	old := link("")
	admin.Post("/console/personale/"+id+"/invito", url.Values{"do": {"again"}}, http.StatusOK).Contains("main", "L’invito è partito")
	now := link(old)
	visitor := e.Visit(t, "lugano")
	visitor.Get(old, http.StatusNotFound)
	visitor.Get(now, http.StatusOK).Contains("main", "lavorare allo sportello")
	visitor.Post(now, url.Values{"password": {"una frase lunga"}}, http.StatusOK).Contains("main", "Ora lavora allo sportello")
	if ask(); holds != 2 {
		t.Fatalf("%d roles", holds)
	}
	visitor.Post("/accedi", url.Values{"email": {"ines.ipotesi@lugano.example"}, "password": {"una frase lunga"}}, http.StatusOK)
	visitor.Get("/ufficio", http.StatusOK)
	visitor.Get("/console/personale", http.StatusForbidden)

	own := admin.Get("/console/personale", http.StatusOK)
	if strings.Contains(own.Text("main table"), "Invitata") {
		t.Error("still invited")
	}
	admin.Post("/console/personale/"+id+"/ruoli", url.Values{"roles": {"data-protection-officer"}}, http.StatusOK).Contains("main", "I ruoli sono salvati")
	visitor.Get("/ufficio", http.StatusForbidden)
	admin.Post("/console/personale/"+id+"/ruoli", url.Values{"do": {"end"}}, http.StatusOK).Contains("main", "non ha più ruoli")
	visitor.Get("/console/operazioni", http.StatusForbidden)
	admin.Get("/console/personale/"+id, http.StatusNotFound)
	log := admin.Get("/console/operazioni", http.StatusOK)
	log.Contains("main table", "Ruoli cambiati")
	log.Contains("main table", "official:polizia")
}

// Nobody changes the own roles, an administrator is always left, and a
// citizen's account gets its roles at once.
func TestConsoleStaffKeepsAnAdministrator(t *testing.T) {
	e := apptest.New(t)
	admin := e.As(t, "lugano", "commune-admin")
	account := func(email string) (id string) {
		t.Helper()
		err := e.DB.Read(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
			return tx.QueryRow("select id::text from accounts where email = $1", email).Scan(&id)
		})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	self := account("carla.provini@lugano.example")
	admin.Post("/console/personale/"+self+"/ruoli", url.Values{"roles": {"official"}, "offices": {"polizia"}}, http.StatusForbidden)
	admin.Post("/console/personale", url.Values{"name": {"Carla Provini"}, "email": {"carla.provini@lugano.example"}, "roles": {"official"}, "offices": {"polizia"}}, 422).
		Contains("main", "propri ruoli")
	// Two administrators who put each other out at once: one is left.
	marta := account("marta.modellini@lugano.example")
	admin.Post("/console/personale/"+marta+"/ruoli", url.Values{"roles": {"commune-admin"}}, http.StatusOK)
	other := e.As(t, "lugano", "official")
	other.Post("/console/personale/"+self+"/ruoli", url.Values{"do": {"end"}}, http.StatusOK)
	admin.Get("/console/personale", http.StatusForbidden)
	other.Post("/console/personale/"+marta+"/ruoli", url.Values{"do": {"end"}}, http.StatusForbidden)
	// Carla has an account: she is let in again at once.
	other.Post("/console/personale", url.Values{"name": {"Carla Provini"}, "email": {"carla.provini@lugano.example"}, "roles": {"commune-admin"}}, http.StatusOK).
		Contains("main", "ha i suoi ruoli")
	admin.Get("/console/personale", http.StatusOK)
}
