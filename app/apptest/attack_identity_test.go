package apptest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/config"
)

const (
	formType      = "application/x-www-form-urlencoded"
	demoPassword  = "sportello-demo-2026"
	staffPassword = "una frase che ricordo"
)

// behindProxy lets a test come from many addresses, as an attacker does.
func behindProxy(c *config.Config, _ *app.Options) {
	c.Server.TrustedProxies = []string{"127.0.0.0/8"}
}

// from posts a form as if from the n-th address of many.
func from(c *apptest.Client, n int, path string, form url.Values, header ...string) *http.Response {
	return c.Send(http.MethodPost, path, formType, []byte(form.Encode()), append(header, "X-Forwarded-For", fmt.Sprintf("2001:db8:%x::1", n+1))...)
}

func credentials(email, password string) url.Values {
	return url.Values{"email": {email}, "password": {password}}
}

// staff makes a member of the entity's staff and answers the secret of the
// second factor.
func staff(t *testing.T, e *apptest.Env, email string, roles ...string) string {
	t.Helper()
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Sportello", AccountName: email})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Staff.Create(t.Context(), "Prova Staff", email, staffPassword, key.Secret(), roles); err != nil {
		t.Fatal(err)
	}
	return key.Secret()
}

// Guessing one account's password is slowed down wherever the guesses come
// from, and tells nothing about whether the account exists.
func TestGuessingOneAccountIsBounded(t *testing.T) {
	e := apptest.New(t, behindProxy)
	for _, slug := range []string{"lugano", "ente"} {
		for _, email := range []string{"anna.esempi@lugano.example", "nessuno@posta.example"} {
			c, refused := e.Visit(t, slug), 0
			for i := 0; i < 30 && refused == 0; i++ {
				if res := from(c, i, "/accedi", credentials(email, "sbagliata del tutto")); res.StatusCode == http.StatusTooManyRequests {
					refused = i
					if res.Header.Get("Retry-After") == "" {
						t.Error("nobody says how long to wait")
					}
				}
			}
			if refused == 0 || refused > 12 {
				t.Errorf("%s %s: refused after %d guesses from as many addresses", slug, email, refused)
			}
		}
	}
	// Other people, and the neighbour's account of the same address, go on.
	if res := from(e.Visit(t, "lugano"), 1, "/accedi", credentials("luca.esempi@lugano.example", demoPassword)); res.StatusCode != http.StatusSeeOther {
		t.Errorf("somebody else: %s", res.Status)
	}
	if res := from(e.Visit(t, "bellinzona"), 1, "/accedi", credentials("anna.esempi@lugano.example", demoPassword)); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the neighbour's account: %s", res.Status)
	}
}

// Signing in rightly again and again is no guessing.
func TestSigningInOftenIsNoGuessing(t *testing.T) {
	e := apptest.New(t, behindProxy)
	for i := range 15 {
		if res := from(e.Visit(t, "lugano"), i, "/accedi", credentials("anna.esempi@lugano.example", demoPassword)); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d. sign-in: %s", i+1, res.Status)
		}
	}
}

// One network has as many IPv6 addresses as it likes: the limit counts the
// network.
func TestAnIPv6NetworkIsOneVisitor(t *testing.T) {
	e := apptest.New(t, behindProxy)
	c, last := e.Visit(t, "lugano"), 0
	for i := range 25 {
		body := []byte(credentials(fmt.Sprintf("nessuno%d@posta.example", i), "sbagliata del tutto").Encode())
		last = c.Send(http.MethodPost, "/accedi", formType, body, "X-Forwarded-For", fmt.Sprintf("2001:db8:1:2:%x::%x", i, i+7)).StatusCode
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("25 guesses from one network: %d", last)
	}
}

// Six digits are not guessed: after some wrong codes no code is taken for a
// while, the right one neither, whatever the address and the session.
func TestGuessingTheSecondFactorIsBounded(t *testing.T) {
	e := apptest.New(t, behindProxy)
	secret := staff(t, e, "codici@ente.example", "entity-operator")
	refused := 0
	for i := 0; i < 30 && refused == 0; i++ {
		c := e.Visit(t, "ente")
		if res := from(c, i, "/accedi", credentials("codici@ente.example", staffPassword)); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d. password: %s", i+1, res.Status)
		}
		if res := from(c, i, "/codice", url.Values{"code": {"00000" + fmt.Sprint(i%10)}}); res.StatusCode == http.StatusTooManyRequests {
			refused = i
			code, err := totp.GenerateCode(secret, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if res := from(c, 99, "/codice", url.Values{"code": {code}}); res.StatusCode != http.StatusTooManyRequests {
				t.Errorf("the right code after too many wrong ones: %s", res.Status)
			}
		}
	}
	if refused == 0 || refused > 10 {
		t.Errorf("refused after %d wrong codes", refused)
	}
}

// Whoever registers with somebody else's address gets nothing by it, whether the
// owner of the address registers too or only follows the link in the mail.
func TestNobodyTakesAnAccountByRegisteringFirst(t *testing.T) {
	e := apptest.New(t, behindProxy)
	const email, mine, theirs = "vittima.esempi@posta.example", "la frase della vittima", "la frase del ladro qui"
	register := func(n int, name, password string) string {
		form := credentials(email, password)
		form.Set("name", name)
		if res := from(e.Visit(t, "lugano"), n, "/registrati", form); res.StatusCode != http.StatusOK {
			t.Fatalf("register: %s", res.Status)
		}
		mail := e.WaitForMail(t, email, name)
		return regexp.MustCompile(`/conferma/\S+`).FindString(mail.Text)
	}
	thief := register(1, "Ladro Esempi", theirs)
	owner := register(2, "Vittima Esempi", mine)
	again := register(3, "Ladra Esempi", theirs)
	c := e.Visit(t, "lugano")
	// A mail program that looks at every link confirms nothing.
	for _, link := range []string{thief, owner, again} {
		c.Get(link, 200)
	}
	for _, password := range []string{mine, theirs} {
		if res := from(c, 4, "/accedi", credentials(email, password)); res.StatusCode != http.StatusUnprocessableEntity {
			t.Fatalf("an address nobody confirmed signs in: %s", res.Status)
		}
	}
	// The owner follows any of the links and knows one password only.
	c.Get(again, 200).Submit(c, "main form", url.Values{"password": {mine}}).Contains("main", "password")
	c.Get(owner, 200).Submit(c, "main form", url.Values{"password": {mine}}).Contains("main", "confermato")
	if res := from(c, 5, "/accedi", credentials(email, theirs)); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the thief's password signs in: %s", res.Status)
	}
	c.Post("/accedi", credentials(email, mine), 200)
	c.Get("/area", 200).Contains("header", "Vittima Esempi")
	// The other links end with the first that was followed.
	e.Visit(t, "lugano").Get(thief, 404)
}

// An address that is registered again and again is not flooded with mail, and
// the page says the same.
func TestRegisteringFloodsNobody(t *testing.T) {
	e := apptest.New(t, behindProxy)
	form := credentials("assediata@posta.example", "una frase che ricordo")
	form.Set("name", "Assediata Esempi")
	var wait sync.WaitGroup
	for i := range 12 {
		wait.Go(func() {
			if res := from(e.Visit(t, "lugano"), i, "/registrati", form); res.StatusCode != http.StatusOK {
				t.Errorf("%d: %s", i, res.Status)
			}
		})
	}
	wait.Wait()
	var mails int
	asTenant(t, e, "lugano", "select count(*) from notifications where recipient = 'assediata@posta.example'", &mails)
	if mails < 1 || mails > 3 {
		t.Errorf("%d mails to one address", mails)
	}
}

// An account that is disabled, raised or lowered is so at once, not when the
// session ends.
func TestStandingAppliesToOpenSessions(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	c.Get("/servizi/certificato-domicilio/avvia", 200)
	asOwner(t, e, "update t_lugano.accounts set level = 1 where email = 'anna.esempi@lugano.example'")
	apptest.Eventually(t, "the lower level counts", func() bool {
		return c.Send(http.MethodGet, "/servizi/certificato-domicilio/avvia", "", nil).StatusCode == http.StatusForbidden
	})
	asOwner(t, e, "update t_lugano.accounts set disabled_at = now() where email = 'anna.esempi@lugano.example'")
	apptest.Eventually(t, "the session is none any more", func() bool {
		return c.Send(http.MethodGet, "/area", "", nil).StatusCode == http.StatusSeeOther
	})
	// A role that is taken away is gone as well.
	head := e.As(t, "lugano", "office-head")
	head.Get("/ufficio", 200)
	asOwner(t, e, "delete from t_lugano.role_holders where role = 'office-head'")
	apptest.Eventually(t, "the role is gone", func() bool {
		return head.Send(http.MethodGet, "/ufficio", "", nil).StatusCode == http.StatusForbidden
	})
}

// The entity's staff lose what is taken from them at once, too.
func TestStaffStandingAppliesToOpenSessions(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "ente", "entity-operator")
	c.Get("/comuni/nuovo", 200)
	asOwner(t, e, "update platform.staff set roles = '{entity-auditor}'")
	if res := c.Send(http.MethodGet, "/comuni/nuovo", "", nil); res.StatusCode != http.StatusForbidden {
		t.Errorf("after the role was taken away: %s", res.Status)
	}
	asOwner(t, e, "update platform.staff set disabled_at = now()")
	if res := c.Send(http.MethodGet, "/comuni", "", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("after the account was disabled: %s", res.Status)
	}
}

// Signing out ends the session on the server, not only in the browser; a new
// sign-in ends the session it replaces.
func TestEndedSessionsStayEnded(t *testing.T) {
	e := apptest.New(t)
	c := e.Visit(t, "lugano")
	token := func() string {
		for _, k := range c.Send(http.MethodPost, "/dev/personas/citizen", "", nil).Cookies() {
			if k.Name == web.SessionCookie {
				return k.Value
			}
		}
		t.Fatal("no session")
		return ""
	}
	open := func(value string) bool {
		return e.Visit(t, "lugano").Send(http.MethodGet, "/area", "", nil, "Cookie", web.SessionCookie+"="+value).StatusCode == http.StatusOK
	}
	first := token()
	second := token()
	if open(first) || !open(second) {
		t.Errorf("after a second sign-in: first %t, second %t", open(first), open(second))
	}
	c.Send(http.MethodPost, "/esci", "", nil)
	if open(second) {
		t.Error("a session that signed out is open")
	}
}
