package apptest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// Every answer carries the headers that keep a browser from doing more than it
// should: pages, errors, and the plain answers for machines and strangers.
func TestEveryAnswerCarriesItsHeaders(t *testing.T) {
	e := apptest.New(t, func(c *config.Config, _ *app.Options) { c.Server.PublicScheme = "https" })
	c := e.Visit(t, "lugano")
	for _, address := range []string{
		"/", "/nulla", "/api/v1/services", "/api/v1/services/nessuno", "/healthz", "/readyz", e.URLOf("nobody", "/"), e.URLOf("nobody", "/healthz"),
		"/accedi", "/v/0000000000000000", c.Get("/", 200).AttrOf("head link[href^='/tema/']", "href"),
	} {
		h := c.Send(http.MethodGet, address, "", nil).Header
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no nosniff", address)
		}
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", address, csp)
		}
		if h.Get("Strict-Transport-Security") == "" || h.Get("Referrer-Policy") == "" {
			t.Errorf("%s: headers %v", address, h)
		}
	}
	res := c.Send(http.MethodGet, "/api/v1/services/nessuno", "", nil)
	if kind := res.Header.Get("Content-Type"); kind != "application/problem+json" {
		t.Errorf("a problem of the API is %q", kind)
	}
	if err := json.NewDecoder(res.Body).Decode(&struct{}{}); err != nil {
		t.Error(err)
	}
}

// What a signed-in person saw does not stay behind on a shared machine.
func TestPersonalPagesAreNotKept(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	for _, path := range []string{"/area", "/area/documenti", "/nulla"} {
		if kept := c.Send(http.MethodGet, path, "", nil).Header.Get("Cache-Control"); !strings.Contains(kept, "no-store") {
			t.Errorf("%s may be kept: %q", path, kept)
		}
	}
}

// The session cookie cannot be read by scripts, travels over TLS only, belongs
// to this host alone, and is another one after every sign-in.
func TestTheSessionCookie(t *testing.T) {
	e := apptest.New(t)
	c := e.Visit(t, "lugano")
	before := ""
	for range 2 {
		res := c.Send(http.MethodPost, "/dev/personas/citizen", "", nil)
		k := res.Cookies()[0]
		if k.Name != web.SessionCookie || !k.Secure || !k.HttpOnly || k.Domain != "" || k.Path != "/" || k.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie: %v", k)
		}
		if k.Value == before || len(k.Value) < 40 {
			t.Errorf("the token was not changed: %q", k.Value)
		}
		before = k.Value
	}
	// A token that somebody planted opens nothing and is not taken over.
	res := c.Send(http.MethodGet, "/area", "", nil, "Cookie", web.SessionCookie+"=planted")
	if len(res.Cookies()) != 0 {
		t.Errorf("cookies of a planted session: %v", res.Cookies())
	}
}

// Whatever stands in an address, a query or a form, the fault is never ours.
func TestNothingTypedIsAnInternalError(t *testing.T) {
	e := apptest.New(t)
	citizen, head, admin := e.As(t, "lugano", "citizen"), e.As(t, "lugano", "office-head"), e.As(t, "lugano", "commune-admin")
	nasty := []string{"%00", "a%00b", "%ff%fe", "%25%27%3B--", "9223372036854775807", "-9223372036854775808", "%E2%80%AE", strings.Repeat("a", 7000), "..%2F..%2Fetc"}
	paths := map[*apptest.Client][]string{
		citizen: {"/servizi?q=%s", "/servizi?tema=%s", "/servizi/%s", "/servizi/%s/avvia", "/v/%s", "/verifica?codice=%s", "/area/pratiche/%s", "/area/bozze/%s",
			"/area/documenti/%s", "/area/pagamenti/%s/esito", "/conferma/%s", "/?lang=%s", "/accedi?next=%s", "/tema/%s", "/marchio/%s",
			"/api/v1/services?q=%s", "/api/v1/services?cursor=%s&limit=%[1]s", "/api/v1/services/%s", "/api/v1/services/%s/schema", "/dev/posta/%s"},
		head:  {"/ufficio?q=%s", "/ufficio?pagina=%s", "/ufficio?vista=%s&stato=%[1]s&termine=%[1]s&servizio=%[1]s", "/ufficio/pratiche/%s", "/ufficio/documenti/%s", "/ufficio/pratiche/%s/allegati/%[1]s"},
		admin: {"/console/operazioni?chi=%s", "/console/operazioni?prima=%s&azione=%[1]s&dal=%[1]s&al=%[1]s", "/console/servizi/%s", "/console/colori?first=%s&second=%[1]s", "/console/colori/anteprima.css?first=%s&second=%[1]s", "/console?fatto=%s"},
	}
	for c, list := range paths {
		for _, pattern := range list {
			for _, bad := range nasty {
				path := fmt.Sprintf(pattern, bad)
				if res := c.Send(http.MethodGet, path, "", nil); res.StatusCode >= 500 {
					t.Errorf("GET %.90s: %s", path, res.Status)
				}
			}
		}
	}
	posts := map[*apptest.Client][]string{
		citizen: {"/accedi?email=%s&password=%[1]s", "/registrati?name=Aa+B%s&email=a%%40b.example&password=aaaaaaaaaaaaaaaa%[1]s", "/registrati?name=Aa+Bb&email=%s%%40b.example&password=aaaaaaaaaaaaaaaa"},
		admin: {"/console/colori?first=%%23C8102E&second=%%231F2A37&subtitle=x%s", "/console/pagamenti?space_id=1&user_id=1&secret=%s&iban=%[1]s",
			"/console/servizi/certificato-domicilio/modifica/tariffa?letto.fee.note=x&fee.note.it=%s", "/console/servizi/%s/attiva?on=%[1]s",
			"/console/servizi/certificato-domicilio/prova?stato=%s&passo=%[1]s", "/console/servizi/certificato-domicilio/importa?testo=%s",
			"/console/servizi/certificato-domicilio/esempi?stato=%s&nome=%[1]s", "/console/servizi/certificato-domicilio/pubblica?fare=publish&revisione=%s&nota=%[1]s",
			"/console/servizi/certificato-domicilio/avviso?avviso.it=%s"},
	}
	for c, list := range posts {
		for _, pattern := range list {
			for _, bad := range nasty {
				path, form, _ := strings.Cut(fmt.Sprintf(pattern, bad), "?")
				res := c.Send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form))
				if res.StatusCode >= 500 {
					t.Errorf("POST %.60s %.60s: %s", path, form, res.Status)
				}
			}
		}
	}
}

// A stranger's invented methods do not fill the memory with counters.
func TestInventedMethodsAreCountedAsOne(t *testing.T) {
	e := apptest.New(t)
	c := e.Visit(t, "lugano")
	for i := range 5 {
		c.Send(fmt.Sprintf("INVENTED%d", i), "/servizi", "", nil)
	}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if strings.Contains(fmt.Sprint(f.GetMetric()), "INVENTED") {
			t.Errorf("%s has a line for an invented method", f.GetName())
		}
	}
}

// The limit on sign-in counts the caller's address, not what a header claims.
func TestForwardedForDoesNotEscapeTheLimit(t *testing.T) {
	e := apptest.New(t)
	c := e.Visit(t, "lugano")
	last := 0
	for i := range 25 {
		form := url.Values{"email": {fmt.Sprintf("nessuno%d@posta.example", i)}, "password": {"sbagliata del tutto"}}
		last = c.Send(http.MethodPost, "/accedi", "application/x-www-form-urlencoded", []byte(form.Encode()),
			"X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i), "X-Real-Ip", fmt.Sprintf("203.0.113.%d", i), "Forwarded", fmt.Sprintf("for=203.0.113.%d", i)).StatusCode
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the twenty-fifth wrong sign-in: %d, want 429", last)
	}
}

// Somebody's papers do not stay in the machine's temporary folder.
func TestUploadsLeaveNothingInTheTemporaryFolder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	e := apptest.New(t)
	c := e.Visit(t, "lugano")
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", "grande.pdf")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(append([]byte("%PDF-1.4\n"), bytes.Repeat([]byte("x"), 6<<20)...))
	_ = w.Close()
	if res := c.Send(http.MethodPost, "/verifica", w.FormDataContentType(), b.Bytes()); res.StatusCode != http.StatusOK {
		t.Fatalf("verify: %s", res.Status)
	}
	apptest.Eventually(t, "temporary files are gone", func() bool {
		left, err := filepath.Glob(filepath.Join(dir, "multipart-*"))
		return err == nil && len(left) == 0
	})
}

// Every route that takes a body bounds it.
func TestEveryBodyIsBounded(t *testing.T) {
	e := apptest.New(t)
	big := strings.Repeat("a=bbbbbbbbbbbbbbb&", 62<<20/18)
	citizen := e.As(t, "lugano", "citizen")
	for _, path := range []string{"/accedi", "/registrati", "/area/bozze/0193d1d5-0000-7000-8000-000000000000/riepilogo", "/hooks/pagamenti/postfinance", "/verifica"} {
		res := citizen.Send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte(big))
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("POST %s with 62 MB: %s", path, res.Status)
		}
	}
}

// asOwner changes something behind the product's back.
func asOwner(t *testing.T, e *apptest.Env, sql string, args ...any) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), e.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// asTenant reads one value of a commune as its own login does.
func asTenant(t *testing.T, e *apptest.Env, slug, sql string, into any, args ...any) {
	t.Helper()
	if err := e.DB.Read(t.Context(), e.Tenant(t, slug), func(tx *tenancy.Tx) error { return tx.QueryRow(sql, args...).Scan(into) }); err != nil {
		t.Fatal(err)
	}
}

// What tells a stranger whether this process is well names no commune.
func TestReadinessNamesNobody(t *testing.T) {
	e := apptest.New(t)
	asOwner(t, e, "update platform.communes set schema_version = 1 where slug = 'lugano'")
	e.DB.Directory().Forget()
	res := e.Visit(t, "lugano").Send(http.MethodGet, e.URLOf("nobody", "/readyz"), "", nil)
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusServiceUnavailable || bytes.Contains(text, []byte("lugano")) {
		t.Errorf("%s %s", res.Status, text)
	}
}

// Outside the demonstration nobody becomes anybody.
func TestPersonasExistOnlyInTheDemo(t *testing.T) {
	e := apptest.New(t)
	cfg := e.Config
	cfg.Demo = false
	plain, err := app.New(t.Context(), cfg, app.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plain.Close)
	for _, r := range plain.Router.Routes() {
		if strings.HasPrefix(r.Path, "/dev") {
			t.Errorf("%s %s exists outside the demonstration", r.Method, r.Path)
		}
	}
	for _, command := range []config.Command{config.Serve, config.Work} {
		if err := e.Config.For(command); err == nil {
			t.Errorf("%s runs with the personas of the demonstration", command)
		}
	}
}
