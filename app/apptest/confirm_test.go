package apptest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/apptest"
)

var confirmLink = regexp.MustCompile(`/area/conferme/[A-Za-z0-9_-]{43}`)

// marriage files a request for a room that names two people; the second one's name,
// birthday and address are given. It returns the page after it.
func marriage(c *apptest.Client, first, second, born, email string) (ref, text string) {
	a, b, _ := strings.Cut(first, " ")
	d, e, _ := strings.Cut(second, " ")
	p := c.Get("/servizi/matrimonio-sala-prenotazione/avvia", 200)
	for range 6 {
		if strings.HasSuffix(p.AttrOf("main form", "action"), "/riepilogo") {
			p = p.Submit(c, "main form", url.Values{"confermo": {"true"}})
			return refPattern.FindString(p.Text("main")), p.Text("main")
		}
		form := url.Values{}
		for name, value := range map[string]string{
			"richiedenti.0.persona_first_name": a, "richiedenti.0.persona_last_name": b, "richiedenti.0.persona_born": "1990-05-04", "richiedenti.0.persona_email": "prima@posta.example", "richiedenti.0.qui": "true",
			"richiedenti.1.persona_first_name": d, "richiedenti.1.persona_last_name": e, "richiedenti.1.persona_born": born, "richiedenti.1.persona_email": email, "richiedenti.1.qui": "true",
			"data": time.Now().AddDate(0, 0, 90).Format(time.DateOnly), "ora": "14:30", "luogo": "sala", "invitati": "40",
		} {
			if p.Count("main [name='"+name+"']") > 0 {
				form.Set(name, value)
			}
		}
		p = p.Submit(c, "main form", form)
	}
	return "", p.Text("main")
}

// askedToConfirm files in Lugano as Anna and returns the reference and the path of the link
// that Pietro gets.
func askedToConfirm(t *testing.T, e *apptest.Env, c *apptest.Client) (ref, link string) {
	t.Helper()
	ref, text := marriage(c, "Anna Esempi", "pietro  CAMPIONI", "1946-05-08", "pietro.campioni@lugano.example")
	if ref == "" || !strings.Contains(text, "Manca la conferma") {
		t.Fatalf("nobody is asked: %s", text)
	}
	mail := e.WaitForMail(t, "pietro.campioni@lugano.example", "/area/conferme/")
	if strings.Contains(mail.Text, ref) || strings.Contains(mail.Text, "14.30") || !strings.Contains(mail.Text, "Anna Esempi") {
		t.Errorf("the mail says:\n%s", mail.Text)
	}
	return ref, confirmLink.FindString(mail.Text)
}

func roomsTaken(t *testing.T, e *apptest.Env) (places int) {
	t.Helper()
	asTenant(t, e, "lugano", "select coalesce(sum(used), 0) from contingent_pots where service_id = 'matrimonio-sala-prenotazione'", &places)
	return places
}

// A request that names a second person reaches the office only when that person
// has confirmed it; until then the place is kept and the term stands still.
func TestTheSecondPersonConfirms(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	ref, link := askedToConfirm(t, e, c)
	own := c.Get("/area/pratiche/"+ref, 200)
	for _, part := range []string{"In attesa di conferma", "pietro CAMPIONI", "Il termine è fermo", "Chiesta la conferma"} {
		own.Contains("main", part)
	}
	head := e.As(t, "lugano", "office-head")
	if strings.Contains(head.Get("/ufficio?vista=office&stato=received", 200).Text("main"), ref) {
		t.Error("the office has it to do before it is confirmed")
	}
	if roomsTaken(t, e) != 1 {
		t.Error("the place is not kept")
	}

	// The link is for Pietro alone: not for who is not signed in, not for the
	// applicant, not for anybody else, not in another commune.
	if res := e.Visit(t, "lugano").Send(http.MethodGet, link, "", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("a visitor: %s", res.Status)
	}
	for who, client := range map[string]*apptest.Client{"applicant": c, "somebody": e.As(t, "lugano", "citizen"), "other": e.As(t, "lugano", "mandate-holder"), "neighbour": e.As(t, "bellinzona", "represented"), "official": head} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			res := client.Send(method, link, formType, []byte("conferma=true"))
			if res.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s: %s", method, who, res.Status)
			}
		}
	}

	second := e.As(t, "lugano", "represented")
	p := second.Get(link, 200)
	p.Contains("main", "Anna Esempi le chiede una conferma")
	p.Contains("main", "14.30")
	p.Submit(second, "main form", nil).Contains("main", "Scelga se è d’accordo")
	wrong := p.Submit(second, "main form", url.Values{"conferma": {"false"}, "parola": {"x"}})
	wrong.Contains("main", "Scriva perché non è d’accordo")
	wrong.Contains("main textarea", "x")
	done := p.Submit(second, "main form", url.Values{"conferma": {"true"}, "parola": {"Con piacere."}})
	done.Contains("main", "ha confermato")
	if done.Count("main form") != 0 {
		t.Error("it asks again")
	}
	e.WaitForMail(t, "anna.esempi@lugano.example", "confermata")
	own = c.Get("/area/pratiche/"+ref, 200)
	for _, part := range []string{"Inoltrata", "Conferma ricevuta", "Con piacere."} {
		own.Contains("main", part)
	}
	var state string
	var paused *time.Time
	asTenant(t, e, "lugano", "select state from cases where ref = $1", &state, ref)
	asTenant(t, e, "lugano", "select paused_at from cases where ref = $1", &paused, ref)
	if state != "received" || paused != nil || roomsTaken(t, e) != 1 {
		t.Errorf("state %s, paused %v, %d places", state, paused, roomsTaken(t, e))
	}
	// Said once is said: the link changes nothing any more.
	second.Post(link, url.Values{"conferma": {"false"}, "parola": {"Ho cambiato idea"}}, 200)
	asTenant(t, e, "lugano", "select state from cases where ref = $1", &state, ref)
	if state != "received" {
		t.Errorf("answered twice: %s", state)
	}
}

// A refusal ends the request, gives the place back and tells the first person why.
func TestTheSecondPersonRefuses(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	ref, link := askedToConfirm(t, e, c)
	second := e.As(t, "lugano", "represented")
	second.Get(link, 200).Submit(second, "main form", url.Values{"conferma": {"false"}, "parola": {"La data non va bene."}}).Contains("main", "Ha risposto di no")
	e.WaitForMail(t, "anna.esempi@lugano.example", "non confermata")
	own := c.Get("/area/pratiche/"+ref, 200)
	own.Contains("main", "Conferma negata")
	own.Contains("main", "La data non va bene.")
	own.Contains("main", "Ritirata")
	if roomsTaken(t, e) != 0 {
		t.Error("the place is still taken")
	}
}

// Who does not answer is reminded once, with a new link in place of the old; then
// the request lapses and the place is free again.
func TestNobodyConfirmsInTime(t *testing.T) {
	e := apptest.New(t)
	lugano := e.Tenant(t, "lugano")
	c := e.As(t, "lugano", "citizen-verified")
	ref, link := askedToConfirm(t, e, c)
	second := e.As(t, "lugano", "represented")
	follow := func() {
		t.Helper()
		if err := e.Cases.FollowUp(t.Context(), lugano); err != nil {
			t.Fatal(err)
		}
	}
	reminders := func() (n int) {
		t.Helper()
		asTenant(t, e, "lugano", "select count(*) from notifications where template = 'confirm-reminder'", &n)
		return n
	}
	change(t, e, "lugano", "update case_confirmations set asked_at = now() - interval '4 days'")
	follow()
	if reminders() != 0 {
		t.Error("reminded too early")
	}
	change(t, e, "lugano", "update case_confirmations set asked_at = now() - interval '6 days'")
	follow()
	follow()
	if reminders() != 1 {
		t.Errorf("%d reminders", reminders())
	}
	mail := e.WaitForMail(t, "pietro.campioni@lugano.example", "quello di prima non vale più")
	second.Get(link, 404)
	link = confirmLink.FindString(mail.Text)
	second.Get(link, 200)

	change(t, e, "lugano", "update case_confirmations set expires_at = now() - interval '1 minute'")
	second.Get(link, 404)
	follow()
	follow()
	own := c.Get("/area/pratiche/"+ref, 200)
	own.Contains("main", "La conferma non è arrivata")
	own.Contains("main", "Ritirata")
	if roomsTaken(t, e) != 0 {
		t.Error("the place is still taken")
	}
}

// Two people with one address are one person: nobody confirms for another.
func TestTheSecondPersonHasAnAddressOfTheirOwn(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	ref, text := marriage(c, "Anna Esempi", "Pietro Campioni", "1946-05-08", "anna.esempi@lugano.example")
	if ref != "" || !strings.Contains(text, "Ogni persona deve avere il suo indirizzo") {
		t.Errorf("%q: %s", ref, text)
	}
}

// A name that is the same is not enough: who was checked must also have the
// birthday that the request says.
func TestANamesakeDoesNotConfirm(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	if ref, text := marriage(c, "Anna Esempi", "Pietro Campioni", "1950-01-01", "pietro.campioni@lugano.example"); ref == "" {
		t.Fatal(text)
	}
	mail := e.WaitForMail(t, "pietro.campioni@lugano.example", "/area/conferme/")
	e.As(t, "lugano", "represented").Get(confirmLink.FindString(mail.Text), 404)
}
