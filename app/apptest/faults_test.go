package apptest_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/registers/registerstest"
	watch "github.com/sportello-ticino/sportello/app/status"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// gate stands before a server and can be shut: what it let through is cut, and
// what comes next is refused.
type gate struct {
	addr string
	to   string

	mu       sync.Mutex
	listener net.Listener
	open     map[net.Conn]bool
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	g := &gate{to: to, open: map[net.Conn]bool{}}
	g.Open(t)
	t.Cleanup(g.Shut)
	return g
}

// Open lets connections through, at the same address as before.
func (g *gate) Open(t *testing.T) {
	t.Helper()
	addr := g.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.listener, g.addr = l, l.Addr().String()
	g.mu.Unlock()
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", g.to)
			if err != nil {
				_ = in.Close()
				continue
			}
			g.mu.Lock()
			g.open[in], g.open[out] = true, true
			g.mu.Unlock()
			pipe := func(a, b net.Conn) { _, _ = io.Copy(a, b); _ = a.Close(); _ = b.Close() }
			go pipe(in, out)
			go pipe(out, in)
		}
	}()
}

// Shut takes the server away.
func (g *gate) Shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.listener.Close()
	for c := range g.open {
		_ = c.Close()
	}
	g.open = map[net.Conn]bool{}
}

// hostOfURL is host and port of an address.
func hostOfURL(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// While the population register is away a request goes to an official, and the
// citizen is told so; nobody pays for a certificate that nobody can issue.
func TestRegisterAway(t *testing.T) {
	register := &registerstest.Breakable{}
	register.Down.Store(true)
	e := apptest.New(t, func(_ *config.Config, o *app.Options) { o.Registers = register })
	c := e.As(t, "lugano", "citizen-verified")
	c.Get("/servizi/certificato-domicilio/avvia", 200).Contains("main", "registro")
	review := certificate(t, c)
	review.Contains("main", "registro")
	sent := review.Submit(c, "main form", url.Values{"confermo": {"true"}})
	sent.Contains("main", "registro")
	ref := refPattern.FindString(sent.Text("main"))
	e.WaitForMail(t, "anna.esempi@lugano.example", ref)
	official := e.As(t, "lugano", "official")
	official.Get("/ufficio/pratiche/"+ref, 200).Contains("main", "registro")
	if n := len(e.Sandbox.Transactions(915192)); n != 0 {
		t.Errorf("%d payments", n)
	}
}

// Without Redis public pages go on, nobody signs in, nothing panics, and this
// process says that it is degraded; with it all sessions are there again.
func TestRedisAway(t *testing.T) {
	var g *gate
	e := apptest.New(t, apptest.WithoutWorker, func(c *config.Config, _ *app.Options) {
		g = newGate(t, hostOfURL(t, c.Redis.URL))
		c.Redis.URL = strings.Replace(c.Redis.URL, hostOfURL(t, c.Redis.URL), g.addr, 1)
	})
	c, visitor := e.As(t, "lugano", "citizen-verified"), e.Visit(t, "lugano")
	c.Get("/area", 200)
	g.Shut()
	begin := time.Now()
	for _, path := range []string{"/", "/servizi", "/servizi/certificato-domicilio", "/verifica", "/stato", "/api/v1/services"} {
		for who, p := range map[string]*apptest.Client{"visitor": visitor, "citizen": c} {
			if res := p.Send(http.MethodGet, path, "", nil); res.StatusCode != http.StatusOK {
				t.Errorf("%s %s: %s", who, path, res.Status)
			}
		}
	}
	if took := time.Since(begin); took > 6*time.Second {
		t.Errorf("twelve pages took %s", took)
	}
	res := visitor.Send(http.MethodPost, "/accedi", formType, []byte(credentials("anna.esempi@lugano.example", demoPassword).Encode()))
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("signing in: %s, retry after %q", res.Status, res.Header.Get("Retry-After"))
	}
	var ready struct{ Ready, Degraded bool }
	res = visitor.Send(http.MethodGet, "/readyz", "", nil)
	if err := json.NewDecoder(res.Body).Decode(&ready); err != nil || res.StatusCode != http.StatusOK || !ready.Ready || !ready.Degraded {
		t.Errorf("readyz: %s %+v %v", res.Status, ready, err)
	}
	// Somebody who was signed in is told to come back, not that the session ended.
	if res := c.Send(http.MethodGet, "/area", "", nil); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("personal page: %s to %s", res.Status, res.Header.Get("Location"))
	}
	g.Open(t)
	apptest.Eventually(t, "the session is there again", func() bool { return c.Send(http.MethodGet, "/area", "", nil).StatusCode == http.StatusOK })
}

// A scanner that is configured and away lets no file through, says so, and
// loses nothing that was typed.
func TestScannerAway(t *testing.T) {
	e := apptest.New(t, func(c *config.Config, _ *app.Options) {
		c.Scanner.ClamdAddr, c.Scanner.Timeout = "127.0.0.1:1", time.Second
	})
	c := e.As(t, "lugano", "citizen")
	p := c.Get("/servizi/suolo-occupazione-temporanea/avvia", 200)
	p = p.Submit(c, "main form", url.Values{"luogo_address": {"Via dell’Esempio 5"}, "luogo_postcode": {"6900"}, "luogo_town": {"Lugano"}, "scopo": {"benna"}}).Submit(c, "main form", nil)
	refused := c.Upload(p.AttrOf("main form", "action"), groundTimes(), []apptest.File{{Field: "schizzo", Name: "schizzo.png", Data: sketch(t)}}, 422)
	refused.Contains("main", "non possiamo controllare")
	refused.Attr("main input[name=orario]", "value", "07.00-18.00")
	refused.Attr("main input[name=superficie]", "value", "90")
	var files int
	asTenant(t, e, "lugano", "select count(*) from uploads where draft_id is not null and name = 'schizzo.png' and created_at > now() - interval '1 minute'", &files)
	if files != 0 {
		t.Error("a file that nobody looked into was kept")
	}
}

// A mail relay may be away for days: the mail waits and goes out, once.
func TestMailRelayAwayForDays(t *testing.T) {
	var g *gate
	e := apptest.New(t, func(c *config.Config, _ *app.Options) {
		g = newGate(t, c.Mail.SMTPAddr)
		c.Mail.SMTPAddr = g.addr
	})
	g.Shut()
	const to = "paziente.esempi@posta.example"
	form := credentials(to, "una frase che ricordo")
	form.Set("name", "Paziente Esempi")
	e.Visit(t, "lugano").Post("/registrati", form, 200)
	apptest.Eventually(t, "the first try failed", func() bool {
		var n int
		asTenant(t, e, "lugano", "select count(*) from outbox where kind = 'notifications.send' and last_error <> '' and done_at is null", &n)
		return n == 1
	})
	asOwner(t, e, "update t_lugano.outbox set attempts = 60, run_after = now(), relayed_at = null where kind = 'notifications.send' and done_at is null")
	apptest.Eventually(t, "it was tried for the 61st time", func() bool {
		var n int
		asTenant(t, e, "lugano", "select coalesce(max(attempts), 0) from outbox where kind = 'notifications.send' and last_error <> '' and run_after > now()", &n)
		return n == 61
	})
	var waiting int
	asTenant(t, e, "lugano", "select count(*) from outbox where kind = 'notifications.send' and done_at is null and gave_up_at is null", &waiting)
	if waiting != 1 {
		t.Error("the mail was given up")
	}
	var wait float64
	asTenant(t, e, "lugano", "select extract(epoch from max(run_after - now())) from outbox where kind = 'notifications.send' and done_at is null", &wait)
	if wait > 3700 {
		t.Errorf("the next try is in %.0f s", wait)
	}
	g.Open(t)
	asOwner(t, e, "update t_lugano.outbox set run_after = now(), relayed_at = null where kind = 'notifications.send' and done_at is null")
	e.WaitForMail(t, to, "/conferma/")
}

// The payment provider is away when a request is sent: the request stays, the
// page says so, and it can be paid later, once.
func TestPaymentProviderAwayAtSubmit(t *testing.T) {
	var g *gate
	e := apptest.New(t, func(c *config.Config, _ *app.Options) {
		g = newGate(t, hostOfURL(t, c.Payments.PostFinanceURL))
		c.Payments.PostFinanceURL, c.Egress.Allow = "http://"+g.addr, append(c.Egress.Allow, g.addr)
	})
	c := e.As(t, "lugano", "citizen-verified")
	review := certificate(t, c)
	g.Shut()
	kept := review.Submit(c, "main form", url.Values{"confermo": {"true"}})
	ref := refPattern.FindString(kept.Text("main"))
	if ref == "" {
		t.Fatal(kept.Text("main"))
	}
	kept.Contains("main", "CHF 10.00")
	again := c.Post("/area/pratiche/"+ref+"/paga", nil, 200)
	again.Contains("main", ref)
	g.Open(t)
	apptest.Eventually(t, "the payment page is there", func() bool {
		res := c.Send(http.MethodPost, "/area/pratiche/"+ref+"/paga", "", nil)
		return strings.Contains(res.Header.Get("Location"), "127.0.0.1")
	})
	c.Post("/area/pratiche/"+ref+"/paga", nil, 200).Submit(c, "form", url.Values{"esito": {"paga"}})
	apptest.Eventually(t, "the certificate is there", func() bool {
		var n int
		asTenant(t, e, "lugano", "select count(*) from documents where case_ref = $1 and sha256 <> ''", &n, ref)
		return n == 1
	})
	if n := len(e.Sandbox.Transactions(915192)); n != 1 {
		t.Errorf("%d transactions", n)
	}
}

// A commune whose connections are all taken says when to come back; the
// neighbour does not notice.
func TestConnectionsAllTaken(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker, func(c *config.Config, _ *app.Options) {
		c.Database.PoolSize, c.Database.AcquireTimeout = 2, 300*time.Millisecond
	})
	c, neighbour := e.As(t, "lugano", "citizen"), e.As(t, "bellinzona", "citizen")
	c.Get("/area", 200)
	release, taken := make(chan struct{}), make(chan struct{}, 2)
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			_ = e.DB.Read(context.Background(), e.Tenant(t, "lugano"), func(*tenancy.Tx) error { taken <- struct{}{}; <-release; return nil })
		})
		<-taken
	}
	res := c.Send(http.MethodGet, "/area", "", nil)
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("%s, retry after %q", res.Status, res.Header.Get("Retry-After"))
	}
	if strings.Contains(string(text), "tenancy") || strings.Contains(string(text), "deadline") {
		t.Error("the page tells what only the log may know")
	}
	neighbour.Get("/area", 200)
	close(release)
	wait.Wait()
	c.Get("/area", 200)
}

// A step with a mistake comes back as it was typed, in every kind of field, and
// a file that was good is kept.
func TestABrokenFormLosesNothing(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen")
	p := c.Get("/servizi/suolo-occupazione-temporanea/avvia", 200)
	action := p.AttrOf("main form", "action")
	wrong := c.Upload(action, url.Values{"luogo_address": {"Via dell’Esempio 5"}, "luogo_postcode": {"nessuno"}, "luogo_town": {"Altrove"}, "scopo": {"benna"}}, nil, 422)
	wrong.Attr("main input[name=luogo_address]", "value", "Via dell’Esempio 5")
	wrong.Attr("main input[name=luogo_postcode]", "value", "nessuno")
	wrong.Attr("main input[name=luogo_town]", "value", "Altrove")
	wrong.Select("main [value=benna][checked], main option[value=benna][selected]")
	action = publicGround(t, c, false).AttrOf("main form", "action")
	form := groundTimes()
	form.Set("superficie", "tanti")
	form.Set("periodo_to", "dopodomani")
	form.Set("orario", "dalle 7 alle 18")
	wrong = c.Upload(action, form, []apptest.File{{Field: "schizzo", Name: "secondo.png", Data: sketch(t)}}, 422)
	wrong.Attr("main input[name=superficie]", "value", "tanti")
	wrong.Attr("main input[name=periodo_from]", "value", day(10))
	wrong.Attr("main input[name=periodo_to]", "value", "dopodomani")
	wrong.Attr("main input[name=orario]", "value", "dalle 7 alle 18")
	wrong.Select("main input[name=carreggiata][value=true][checked]")
	wrong.Contains("main", "secondo.png")
	wrong.Select("main [role=alert], main .sp-error-summary, main .ds-error-summary")
	reply := refPattern.FindString(c.Upload(action, groundTimes(), nil, 200).Submit(c, "main form", url.Values{"condizioni": {"true"}}).Submit(c, "main form", url.Values{"confermo": {"true"}}).Text("main"))
	head := e.As(t, "lugano", "office-head")
	desk := "/ufficio/pratiche/" + reply
	head.Post(desk+"/prendi", nil, 200)
	// Words that cannot be taken come back to who wrote them, at the desk too.
	long := strings.Repeat("troppo lungo ", 500)
	head.Post(desk+"/nota", url.Values{"note": {long}}, 422).Contains("main textarea[name=note]", "troppo lungo")
	head.Post(desk+"/chiedi", url.Values{"testo": {long}}, 422).Contains("main textarea[name=testo]", "troppo lungo")
	head.Post(desk+"/decidi", url.Values{"ruling": {"refused"}, "reasons": {long}, "facts": {"I fatti restano."}}, 422).Contains("main", "I fatti restano.")
	head.Post(desk+"/chiedi", url.Values{"testo": {"Manca la larghezza."}}, 200)
	c.Post("/area/pratiche/"+reply+"/rispondi", url.Values{"risposta": {long}}, 422).Contains("main textarea[name=risposta]", "troppo lungo")
}

// A process that dies between the commit of a request to the service desk and
// its mail loses nothing: the mail goes out once, when a worker is back.
func TestAMailOfTheServiceDeskOutlivesItsProcess(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	inbox := e.Support.Inbox
	form := url.Values{"subject": {"La stampante delle etichette"}, "text": {"Non stampa più da stamattina."}, "priority": {"normal"}}
	e.As(t, "lugano", "commune-admin").Post("/console/assistenza", form, 200)
	if n := len(e.Inbox.List(inbox)); n != 0 {
		t.Fatalf("%d mails without a worker", n)
	}
	e.StartWorker(t)
	e.WaitForMail(t, inbox, "La stampante delle etichette")
	e.StartWorker(t) // and another, which finds nothing to do
	e.As(t, "lugano", "commune-admin").Post("/console/assistenza", url.Values{"subject": {"Un’altra cosa"}, "text": {"Non urgente."}, "priority": {"low"}}, 200)
	e.WaitForMail(t, inbox, "altra cosa")
	if n := len(e.Inbox.List(inbox)); n != 2 {
		t.Errorf("%d mails for two requests", n)
	}
}

// The status page answers with the commune's database away, with Redis away and
// with both, names nothing of the machinery, and remembers.
func TestStatusWhateverIsAway(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	c := e.Visit(t, "lugano")
	c.Get("/stato", 200).Contains("main", "Funziona tutto")
	c.Get("/stato?lang=de", 200).Contains("main", "Alles funktioniert")
	lugano := e.Tenant(t, "lugano")
	module := watch.New(e.DB, e.Clock, e.Bulletin, func(ctx context.Context) error { return e.Redis.Ping(ctx).Err() })
	if err := module.Look(t.Context(), lugano, time.Minute); err != nil {
		t.Fatal(err)
	}

	away := e.Second(t, func(c *config.Config, _ *app.Options) { c.Redis.URL = "redis://127.0.0.1:1" })
	get := func(path string) (int, string) {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.Host = "lugano.localhost"
		w := httptest.NewRecorder()
		away.Web.ServeHTTP(w, req)
		return w.Code, w.Body.String()
	}
	if code, text := get("/stato"); code != 200 || !strings.Contains(text, "Funziona con qualche limite") || !strings.Contains(text, "Accesso al conto utente") {
		t.Errorf("without Redis: %d %.300s", code, text)
	}
	// The commune does not let anybody in any more: as if its cluster were away.
	role := roleOf(t, e, lugano)
	asOwner(t, e, "revoke usage on schema t_lugano from "+role)
	away = e.Second(t, func(c *config.Config, _ *app.Options) { c.Redis.URL = "redis://127.0.0.1:1" })
	began := time.Now()
	code, text := get("/stato")
	if code != 200 || !strings.Contains(text, "Non funziona") || !strings.Contains(text, "Lugano") {
		t.Errorf("without both: %d %.500s", code, text)
	}
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %s", took)
	}
	for _, inner := range []string{"redis", "Redis", "postgres", "PostgreSQL", "cluster", "t_lugano", "outbox"} {
		if strings.Contains(text, inner) {
			t.Errorf("the page names %s", inner)
		}
	}
	// Two looks, the second one late: it stands for the two minutes since the first.
	for _, passed := range []string{"1 minute", "2 minutes"} {
		asOwner(t, e, "update platform.status_looks set at = at - interval '"+passed+"'")
		if err := module.Look(t.Context(), lugano, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	asOwner(t, e, "grant usage on schema t_lugano to "+role)
	if err := module.Look(t.Context(), lugano, time.Minute); err != nil {
		t.Fatal(err)
	}
	asOwner(t, e, "update platform.status_incidents set began_at = began_at - interval '5 minutes'")
	away = e.Second(t, func(*config.Config, *app.Options) {})
	if code, text := get("/stato"); code != 200 || !strings.Contains(text, "Ultima interruzione") || !strings.Contains(text, "Giorni senza problemi: 0. Con ritardi: 0. Con interruzioni: 1. Non osservati: 89.") {
		t.Errorf("afterwards: %d %.3000s", code, text)
	}
	code, text = get("/stato.json")
	var facts struct {
		Overall string
		Days    []struct {
			State       string
			MinutesDown int `json:"minutes_down"`
		}
		Parts map[string]string
	}
	if err := json.Unmarshal([]byte(text), &facts); err != nil || code != 200 || facts.Overall != "fine" || len(facts.Days) != 90 || facts.Days[89].State != "down" || facts.Days[89].MinutesDown != 3 || facts.Parts["desk"] != "works" {
		t.Errorf("%v: %d %.300s", err, code, text)
	}
}

// roleOf is the database role of a commune.
func roleOf(t *testing.T, e *apptest.Env, c tenancy.Tenant) (role string) {
	t.Helper()
	asTenant(t, e, c.Slug(), "select current_user::text", &role)
	return role
}
