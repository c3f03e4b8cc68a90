package catalogue_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// What people of Ticino type, and the service that must come first: their words
// and other countries', other languages, without accents, with slips.
func TestPeopleFindTheirService(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	for _, c := range []struct{ query, first string }{
		{"certificato di residenza", "certificato-domicilio"},
		{"residenza", "certificato-domicilio"},
		{"anagrafe certificato", "certificato-domicilio"},
		{"Wohnsitzbescheinigung", "certificato-domicilio"},
		{"certificat de domicile", "certificato-domicilio"},
		{"certifcato domicilo", "certificato-domicilio"},
		{"cane", "cane-notifica-possesso"},
		{"cani", "cane-notifica-possesso"},
		{"cnae", "cane-notifica-possesso"},
		{"tassa del cane", "cane-notifica-possesso"},
		{"Hund anmelden", "cane-notifica-possesso"},
		{"dog tax", "cane-notifica-possesso"},
		{"parcheggio residenti", "zona-blu-contrassegno-residenti"},
		{"zona blù", "zona-blu-contrassegno-residenti"},
		{"blaue Zone", "zona-blu-contrassegno-residenti"},
		{"trasloco", "cambio-indirizzo-interno"},
		{"Umzug", "cambio-indirizzo-interno"},
		{"cambiare residenza", "cambio-indirizzo-interno"},
		{"bici elettrica contributo", "contributo-ebike"},
		{"dehors", "suolo-occupazione-temporanea"},
		{"lampione guasto", "segnalazione-guasti"},
		{"accesso agli atti", "accesso-documenti-ufficiali"},
	} {
		found, err := e.Catalogue.Search(t.Context(), e.Tenant(t, "lugano"), c.query, "it")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range found.Services {
			got = append(got, s.ID)
		}
		if len(got) == 0 || got[0] != c.first {
			t.Errorf("%q finds %v, want %s first", c.query, got, c.first)
		}
	}
}

// The list: the words found are set off, a slip is said, filters hold together and
// can be taken away, and an empty list leads on.
func TestListSearchesAndFilters(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	v := e.Visit(t, "lugano")
	page := v.Get("/servizi?q=cani", http.StatusOK)
	page.Contains(".sp-rows mark", "cane")
	page = v.Get("/servizi?q=certifcato", http.StatusOK)
	page.Contains("main [role=status]", "per «certificato»")
	page = v.Get("/servizi?q=cane+astronave", http.StatusOK)
	page.Contains("main [role=status]", "Nessun servizio ha tutte le parole")

	page = v.Get("/servizi?pubblico=business&subito=1", http.StatusOK)
	if n := page.Count(".sp-rows li"); n == 0 || n != page.Count(".sp-rows .sp-num") {
		t.Errorf("%d services for businesses with an answer at once", n)
	}
	for _, fact := range page.Texts(".sp-rows .sp-num") {
		if fact != "Subito" {
			t.Errorf("a service that answers %q passed the filter", fact)
		}
	}
	page.Contains(".sp-set", "Ditte")
	page.Attr(".sp-set li:first-child a", "href", "/servizi?subito=1")
	page.Attr(`.sp-narrow select[name=pubblico] option[selected]`, "value", "business")
	page.Attr(`.sp-narrow input[name=subito]`, "checked", "")
	page = v.Get("/servizi?q=suolo&gratis=1&ufficio=cimiteri", http.StatusOK)
	page.Attr("main .sp-cols p a", "href", "/servizi?q=suolo") // the way out of the filter
	for _, bad := range []string{"tema=x", "evento=x", "pubblico=x"} {
		v.Get("/servizi?"+bad, http.StatusNotFound)
	}

	page = v.Get("/servizi?q=certificato+astronave+xyzzy", http.StatusOK)
	page.Contains("main", "Certificato di domicilio")
	page.Attr("main form[action='/servizi/manca'] input[name=q]", "value", "certificato astronave xyzzy")
	v.Get("/servizi?q=certificato", http.StatusOK).None("main form[action='/servizi/manca']")
	if page = v.Get("/servizi?q=certificato+volante", http.StatusOK); strings.Contains(page.Text("main"), "«certificato vote»") {
		t.Error("a word half as long is no slip")
	}
	page = v.Get("/servizi?q=xyzzy", http.StatusOK)
	page.Contains("main", "Nessun servizio corrisponde")
	page.Contains("main .sp-panel", "+41 58 866 71 11")
	page.Attr("main form[action='/servizi/manca'] input[name=q]", "value", "xyzzy")
}

// What people report as missing reaches the console as words and counts. What
// could be somebody's number, or is there after all, is not kept; a neighbour sees
// nothing of it.
func TestMissingWordsReachTheConsole(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	v := e.Visit(t, "lugano")
	for _, q := range []string{"Astronave", "astronàve", "xyzzy plugh", "cane", "cane volante", "756.1234.5678.97", "a@b.example", "xy", strings.Repeat("abc ", 30)} {
		v.Post("/servizi/manca", url.Values{"q": {q}}, http.StatusOK)
	}
	v.Get("/servizi?q=astronave&segnalato=1", http.StatusOK).Contains("main [role=status]", "Grazie")
	page := e.As(t, "lugano", "commune-admin").Get("/console/parole", http.StatusOK)
	rows := page.Texts("tbody tr")
	if len(rows) != 3 || !strings.Contains(rows[0], "astronave") || !strings.Contains(rows[0], "2") || !strings.Contains(rows[1], "cane volante") || !strings.Contains(rows[2], "xyzzy plugh") {
		t.Errorf("the console shows %q", rows)
	}
	e.As(t, "bellinzona", "commune-admin").Get("/console/parole", http.StatusOK).None("tbody tr")
	if err := e.DB.In(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		_, err := tx.Exec("insert into missing_words (words, lang, last_on) select 'parola ' || chr(97 + i % 26) || chr(97 + i / 26 % 26) || chr(97 + i / 676), 'it', current_date from generate_series(1, 1100) i")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	v.Post("/servizi/manca", url.Values{"q": {"ultima parola"}}, http.StatusOK)
	var n int
	if err := e.DB.Read(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		return tx.QueryRow("select count(*) from missing_words where words = 'ultima parola'").Scan(&n)
	}); err != nil || n != 0 {
		t.Errorf("a full table took one more: %d %v", n, err)
	}
}

// Suggestions come as a list for the page and as JSON, never longer than six, and
// lead where the list says.
func TestSuggestions(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	v := e.Visit(t, "lugano")
	page := v.Get("/servizi/suggerimenti?q=certific", http.StatusOK)
	page.Attr("[role=listbox] [role=option]:first-child", "data-url", "/servizi/certificato-domicilio")
	page.Contains("[role=option] mark", "Certificato")
	if n := page.Count("[role=option]"); n < 2 || n > 7 {
		t.Errorf("%d suggestions", n)
	}
	if v.Get("/servizi/suggerimenti?q=%3Cb%3Ex", http.StatusOK).Count("[role=option]") != 0 {
		t.Error("suggestions for nothing")
	}
	res := v.Send(http.MethodGet, "/servizi/suggerimenti?q=tras", "", nil, "Accept", "application/json")
	body, err := io.ReadAll(res.Body)
	if err != nil || !strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") || !strings.Contains(string(body), `"/servizi/cambio-indirizzo-interno"`) {
		t.Errorf("%s %s %v", res.Status, body, err)
	}
	for range 400 {
		if res = v.Send(http.MethodGet, "/servizi/suggerimenti?q=tr", "", nil); res.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("nobody stopped 400 requests")
}

// Only the sites a commune lists may show the search and the cards inside theirs,
// never a page of a person who signed in; nobody may frame any other page.
func TestOnlyListedSitesMayEmbed(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	policy := func(c *apptest.Client, path string) string {
		t.Helper()
		return c.Send(http.MethodGet, path, "", nil).Header.Get("Content-Security-Policy")
	}
	framed := []string{"/incorpora/ricerca", "/incorpora/servizio/certificato-domicilio"}
	v, admin := e.Visit(t, "lugano"), e.As(t, "lugano", "commune-admin")
	for _, path := range framed {
		if p := policy(v, path); !strings.HasSuffix(p, "frame-ancestors 'self'") || strings.Contains(p, "script-src") {
			t.Errorf("%s: %s", path, p)
		}
	}
	for _, bad := range []string{"http://www.comune.example", "https://*.example", "javascript:alert(1)", "https://comune.example; script-src *", "https://", "https://x@y.example", "localhost"} {
		page := admin.Post("/console/incorpora", url.Values{"siti": {"https://buono.example\n" + bad}}, http.StatusUnprocessableEntity)
		page.Contains("textarea[name=siti]", "https://buono.example") // nothing typed is lost
	}
	admin.Post("/console/incorpora", url.Values{"siti": {"https://www.comune.example/pagina?x=1\ncomune.example:8443"}}, http.StatusOK)
	for _, path := range framed {
		if p := policy(v, path); !strings.HasSuffix(p, "frame-ancestors 'self' https://www.comune.example https://comune.example:8443") {
			t.Errorf("%s: %s", path, p)
		}
		if p := policy(e.Visit(t, "bellinzona"), path); !strings.HasSuffix(p, "frame-ancestors 'self'") {
			t.Errorf("the neighbour's %s: %s", path, p)
		}
		v.Get(path, http.StatusOK).None("script")
		admin.Get(path, http.StatusOK).None("form[action='/esci']")
	}
	v.Get("/incorpora/servizio/nessuno", http.StatusNotFound)

	seen := 0
	for _, route := range e.Router.Routes() {
		if route.Method != http.MethodGet || strings.Contains(route.Path, ":") || strings.HasPrefix(route.Path, "/incorpora/") || route.Area == "operator" || route.Area == "root" {
			continue
		}
		for _, who := range []*apptest.Client{v, admin} {
			if p := policy(who, route.Path); !strings.Contains(p, "frame-ancestors 'none'") && !strings.Contains(p, "sandbox") {
				t.Errorf("%s may be framed: %s", route.Path, p)
			}
		}
		seen++
	}
	if seen < 20 {
		t.Errorf("only %d pages were looked at", seen)
	}
	console := admin.Get("/console/incorpora?servizio=stato-famiglia", http.StatusOK)
	console.Attr("iframe[src='/incorpora/servizio/stato-famiglia']", "height", "520")
	console.Contains("pre", "/servizi")
	if p := policy(admin, "/console/incorpora"); !strings.Contains(p, "frame-src 'self'") {
		t.Errorf("the console's own preview is refused: %s", p)
	}
}
