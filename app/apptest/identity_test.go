package apptest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sportello-ticino/sportello/app/apptest"
)

// Somebody registers, confirms the address by mail, and signs in; before that
// the account does nothing.
func TestRegistrationNeedsTheMail(t *testing.T) {
	e := apptest.New(t)
	c := e.Visit(t, "lugano")
	bad := c.Post("/registrati", url.Values{"name": {"Nuova"}, "email": {"niente"}, "password": {"corta"}}, 422)
	bad.Contains("main", "nome e cognome")
	bad.Contains("main", "almeno 12 caratteri")
	bad.Attr("main input[name=name]", "value", "Nuova")
	const email, password = "nuova.esempi@posta.example", "una frase che ricordo"
	who := url.Values{"name": {"Nuova  Esempi"}, "email": {"Nuova.Esempi@Posta.example"}, "password": {password}}
	c.Post("/registrati", who, 200).Contains("main", "posta")
	signIn := url.Values{"email": {email}, "password": {password}}
	c.Post("/accedi", signIn, 422)
	mail := e.WaitForMail(t, email, "/conferma/")
	link := regexp.MustCompile(`http://\S+/conferma/\S+`).FindString(mail.Text)
	// The link is the commune's own: it opens nothing in another.
	path := link[strings.Index(link, "/conferma/"):]
	e.Visit(t, "bellinzona").Get(path, 404)
	c.Get(link, 200).Submit(c, "main form", url.Values{"password": {password}}).Contains("main", "confermato")
	c.Get(link, 404)
	c.Post("/accedi", signIn, 200)
	c.Get("/area", 200).Contains("header", "Nuova Esempi")
	if res := e.Visit(t, "bellinzona").Send(http.MethodPost, "/accedi", "application/x-www-form-urlencoded", []byte(signIn.Encode())); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the account of one commune signs in at another: %s", res.Status)
	}
	// An address that is known is answered the same, and told by mail.
	c2 := e.Visit(t, "lugano")
	c2.Post("/registrati", who, 200).Contains("main", "posta")
	e.WaitForMail(t, email, "/accedi")

	c.Post("/esci", nil, 200)
	if res := c.Send(http.MethodGet, "/area", "", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("after signing out: %s", res.Status)
	}
}

// After signing in one goes on to where one wanted to go, and nowhere else.
func TestNextStaysOnThisDesk(t *testing.T) {
	e := apptest.New(t)
	for next, want := range map[string]string{
		"/area/pratiche": "/area/pratiche", "//evil.example": "/area", "https://evil.example": "/area",
		`/\evil.example`: "/area", "/\t/evil.example": "/area", "": "/area",
	} {
		form := url.Values{"email": {"anna.esempi@lugano.example"}, "password": {"sportello-demo-2026"}, "next": {next}}
		res := e.Visit(t, "lugano").Send(http.MethodPost, "/accedi", "application/x-www-form-urlencoded", []byte(form.Encode()))
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("next %q: %s to %q, want %q", next, res.Status, got, want)
		}
	}
}

// The entity's staff need a second factor; a code works once.
func TestStaffNeedASecondFactor(t *testing.T) {
	e := apptest.New(t)
	secret, err := totp.Generate(totp.GenerateOpts{Issuer: "Sportello", AccountName: "test"})
	if err != nil {
		t.Fatal(err)
	}
	const email, password = "prova.staff@ente.example", "una frase che ricordo"
	if _, err := e.Staff.Create(t.Context(), "Prova Staff", email, password, secret.Secret(), []string{"entity-operator"}); err != nil {
		t.Fatal(err)
	}
	c := e.Visit(t, "ente")
	c.Post("/accedi", url.Values{"email": {email}, "password": {"sbagliata del tutto"}}, 422)
	c.Post("/accedi", url.Values{"email": {email}, "password": {password}}, 200).Contains("main", "codice")
	if res := c.Send(http.MethodGet, "/comuni", "", nil); res.Header.Get("Location") != "/codice" {
		t.Fatalf("the password alone opens %s %s", res.Status, res.Header.Get("Location"))
	}
	c.Post("/codice", url.Values{"code": {"000000"}}, 422)
	code, err := totp.GenerateCode(secret.Secret(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	c.Post("/codice", url.Values{"code": {code}}, 200)
	c.Get("/comuni", 200).Contains("main table", "Lugano")

	again := e.Visit(t, "ente")
	again.Post("/accedi", url.Values{"email": {email}, "password": {password}}, 200)
	again.Post("/codice", url.Values{"code": {code}}, 422)
}
