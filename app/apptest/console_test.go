package apptest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// An administrator changes the desk's face; colours that cannot be read are
// refused with the reason and the nearest that can.
func TestConsoleBrand(t *testing.T) {
	e := apptest.New(t)
	admin := e.As(t, "lugano", "commune-admin")
	before := e.Visit(t, "lugano").Get("/", 200).AttrOf("head link[href^='/tema/']", "href")
	p := admin.Get("/console/colori", 200)
	p.Attr("main input[name=first]", "value", "#C8102E")

	refused := admin.Post("/console/colori", url.Values{"first": {"#4FA9DE"}, "second": {"#1F2A37"}, "subtitle": {"Sportello di prova"}}, 422)
	refused.Contains("main", "Troppo chiaro")
	refused.Contains("main", "4.5 : 1")
	refused.Contains("main", "Le proponiamo #")
	refused.Attr("main input[name=subtitle]", "value", "Sportello di prova")
	if now := e.Visit(t, "lugano").Get("/", 200).AttrOf("head link[href^='/tema/']", "href"); now != before {
		t.Fatal("a refused colour was published")
	}
	p = refused.Submit(admin, "main form.sp-panel", nil)
	p.Contains("main", "pubblicati")
	home := e.Visit(t, "lugano").Get("/", 200)
	home.Contains("header", "Sportello di prova")
	if home.AttrOf("head link[href^='/tema/']", "href") == before {
		t.Error("the new colours are not on the home page")
	}
	now := home.AttrOf("head link[href^='/tema/']", "href")
	for address, keep := range map[string]string{now: "public, max-age=31536000, immutable", before: "no-store"} {
		css := e.Visit(t, "lugano").Send(http.MethodGet, address, "", nil)
		body, err := io.ReadAll(css.Body)
		_ = css.Body.Close()
		if err != nil || css.StatusCode != http.StatusOK || css.Header.Get("Cache-Control") != keep || !strings.Contains(string(body), ":root") {
			t.Errorf("%s: %d, %q, %v", address, css.StatusCode, css.Header.Get("Cache-Control"), err)
		}
	}
	e.Visit(t, "lugano").Get("/tema/"+strings.Repeat("0", 16)+".svg", 404)
	e.Visit(t, "bellinzona").Get("/", 200).Contains("header", "Città di Bellinzona")
	log := admin.Get("/console/operazioni", 200)
	log.Contains("main table", "Colori e nome pubblicati")
	log.Contains("main table", "#C8102E → #")
}

// A service is switched off and on, its fee set; people see it at once, and
// the audit says who did it.
func TestConsoleServices(t *testing.T) {
	e := apptest.New(t)
	admin := e.As(t, "lugano", "commune-admin")
	path := "/console/servizi/certificato-domicilio"
	p := admin.Get(path, 200)
	p.Contains("main", "Dimostrativa")
	bad := admin.Get(path+"/modifica/tariffa", 200).Submit(admin, "main form", url.Values{"fee.amounts.certificato.chf": {"dieci"}})
	bad.Contains("main", "Scriva un importo")
	bad.Attr("main input[name='fee.amounts.certificato.chf']", "value", "dieci")
	publishFee(admin, "certificato-domicilio", "certificato", "12.50")
	card := e.Visit(t, "lugano").Get("/servizi/certificato-domicilio", 200)
	card.Contains("main", "CHF 12.50")
	if strings.Contains(card.Text("main"), "dimostrativa") {
		t.Error("a confirmed fee is still called demonstrative")
	}
	e.Visit(t, "bellinzona").Get("/servizi/certificato-domicilio", 200).Contains("main", "dimostrativa")

	admin.Post(path+"/attiva", url.Values{"on": {"false"}}, 200)
	for _, at := range []string{"/servizi/certificato-domicilio", "/api/v1/services/certificato-domicilio"} {
		if res := e.Visit(t, "lugano").Send(http.MethodGet, at, "", nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s is still offered: %s", at, res.Status)
		}
	}
	e.Visit(t, "bellinzona").Get("/servizi/certificato-domicilio", 200)
	admin.Post(path+"/attiva", url.Values{"on": {"true"}}, 200)
	e.Visit(t, "lugano").Get("/servizi/certificato-domicilio", 200)
	log := admin.Get("/console/operazioni", 200)
	log.Contains("main table", "Servizio pubblicato")
	log.Contains("main table", "Carla Provini")
}

// Outside the demo a fee must be confirmed before the service can be
// published.
func TestOutsideTheDemoAFeeMustBeConfirmed(t *testing.T) {
	e := apptest.New(t)
	if got := e.Visit(t, "lugano").Get("/servizi/certificato-domicilio", 200); got == nil {
		t.Fatal("not offered in the demo")
	}
	production := e.Second(t, func(c *config.Config, _ *app.Options) { c.Demo = false })
	list, err := production.Catalogue.Offered(t.Context(), production.Tenant(t, "lugano"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		if s.DemoFee() {
			t.Errorf("%s is offered with a fee that nobody has confirmed", s.ID)
		}
	}
	if len(list) == 0 {
		t.Error("nothing is offered: also free services and confirmed fees were held back")
	}
}

// The commune enters its own payment account; the key is never shown again.
func TestConsolePaymentAccount(t *testing.T) {
	e := apptest.New(t)
	admin := e.As(t, "lugano", "commune-admin")
	key := "c2VjcmV0IGtleSBvZiB0aGUgbWVyY2hhbnQgYWNjb3VudA=="
	bad := admin.Post("/console/pagamenti", url.Values{"space_id": {"x"}, "user_id": {"7"}, "secret": {"no"}, "iban": {"CH00"}}, 422)
	bad.Contains("main", "IBAN")
	admin.Post("/console/pagamenti", url.Values{"space_id": {"4711"}, "user_id": {"7"}, "secret": {key}, "iban": {"CH9300762011623852957"}}, 200).Contains("main", "salvato")
	p := admin.Get("/console/pagamenti", 200)
	p.Attr("main input[name=space_id]", "value", "4711")
	p.Attr("main input[name=iban]", "value", "CH93 0076 2011 6238 5295 7")
	admin.Get("/console/operazioni", 200).Contains("main table", "IBAN cambiato")
	for _, at := range []string{"/console/pagamenti", "/console/operazioni"} {
		if strings.Contains(string(admin.Bytes(at, 200)), key) {
			t.Errorf("%s shows the key", at)
		}
	}
}

// The entity opens a sixth commune, suspends and resumes it, while the others
// go on. Its staff hold no role inside a commune.
func TestEntityOpensSuspendsAndResumes(t *testing.T) {
	e := apptest.New(t)
	opener, err := e.Opener()
	if err != nil {
		t.Fatal(err)
	}
	e.Background(t, opener.Run)
	op := e.As(t, "ente", "entity-operator")
	op.Get("/comuni", 200).Contains("main table", "Lugano")
	refused := op.Post("/comuni/nuovo", url.Values{"mode": {"form"}, "name": {"Prova"}, "slug": {"lugano"}, "ref_prefix": {"LUG"}, "first": {"#4FA9DE"}, "second": {"#1F2A37"}}, 422)
	refused.Contains("main", "Esiste già")
	refused.Contains("main", "non si legge")
	refused.Contains("main", "nome e cognome")
	op.Post("/comuni/nuovo", url.Values{"mode": {"folder"}, "folder": {"examples/valmora"}, "folder_admin_name": {"Ada"}, "folder_admin_email": {"ada"}}, 422).
		Attr("main input[name=folder_admin_name]", "value", "Ada")

	op.Post("/comuni/nuovo", url.Values{"mode": {"folder"}, "folder": {"examples/valmora"}, "folder_admin_name": {"Ada Esempi"}, "folder_admin_email": {"ada.esempi@valmora.example"}}, 200).Contains("main", "Apertura")
	apptest.Eventually(t, "Valmora's desk answers", func() bool {
		return e.Visit(t, "valmora").Send(http.MethodGet, "/servizi", "", nil).StatusCode == http.StatusOK
	})
	e.Visit(t, "valmora").Get("/", 200).Contains("header", "Valmora")
	op.Post("/comuni/nuovo", url.Values{"mode": {"form"}, "name": {"Montefinto"}, "slug": {"montefinto"}, "ref_prefix": {"mon"}, "bfs": {"9001"}, "first": {"#0B5CA8"}, "second": {"#C8102E"},
		"admin_name": {"Bice Prove"}, "admin_email": {"bice.prove@montefinto.example"}}, 200)
	apptest.Eventually(t, "Montefinto's desk answers", func() bool {
		return e.Visit(t, "montefinto").Send(http.MethodGet, "/", "", nil).StatusCode == http.StatusOK
	})
	e.Visit(t, "montefinto").Get("/", 200).Contains("header", "Comune di Montefinto")

	// Each is its own: the newcomer's personas are nobody elsewhere.
	op.Post("/comuni/valmora/sospendi", url.Values{"reason": {""}}, 422)
	op.Post("/comuni/valmora/sospendi", url.Values{"reason": {"Manutenzione fino a domani."}}, 200).Contains("main", "sospeso")
	closed := e.Visit(t, "valmora").Get("/servizi", 503)
	closed.Contains("main", "sospeso")
	closed.Contains("main", "Manutenzione fino a domani.")
	e.Visit(t, "lugano").Get("/servizi", 200)
	op.Post("/comuni/valmora/riapri", nil, 200).Contains("main", "di nuovo aperto")
	e.Visit(t, "valmora").Get("/servizi", 200)

	auditor := e.As(t, "ente", "entity-auditor")
	auditor.Get("/comuni/valmora", 200).None("main form[action$='/sospendi']")
	if res := auditor.Send(http.MethodPost, "/comuni/valmora/sospendi", "application/x-www-form-urlencoded", []byte("reason=perche")); res.StatusCode != http.StatusForbidden {
		t.Errorf("an auditor suspends: %s", res.Status)
	}
	op.CarryCookies("ente", "lugano")
	if res := op.Send(http.MethodGet, e.URLOf("lugano", "/ufficio"), "", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("the entity's operator finds a commune's desk: %s", res.Status)
	}
}

// Who did what is searched by person, action, case and days, page by page, and
// leaves as a file that a spreadsheet reads; that it left is on the audit.
func TestConsoleAuditIsSearchedAndLeavesAsAFile(t *testing.T) {
	e := apptest.New(t)
	citizen := e.As(t, "lugano", "citizen")
	ref := refPattern.FindString(publicGround(t, citizen, true).Text("main"))
	head, admin := e.As(t, "lugano", "office-head"), e.As(t, "lugano", "commune-admin")
	head.Get("/ufficio/pratiche/"+ref, 200)
	head.Get("/ufficio?vista=office&q=Esempi", 200)
	citizen.Get("/area/pratiche/"+ref, 200)
	found := admin.Get("/console/operazioni?pratica="+strings.ToLower(ref), 200)
	found.Contains("main table", "Pratica letta")
	found.Contains("main table", "Renzo Campioni")
	all := admin.Get("/console/operazioni?chi=Campioni", 200)
	all.Contains("main table", "Ricerca tra le pratiche")
	if text := all.Text("main table"); strings.Contains(text, "Esempi") {
		t.Error("the name that was searched for stands in the audit")
	}
	if text := admin.Get("/console/operazioni?azione=cases.read", 200).Text("main table"); strings.Contains(text, "Luca Esempi") {
		t.Error("a citizen's reading of an own case is on the audit")
	}
	res := admin.Send(http.MethodGet, "/console/operazioni.csv?pratica="+ref, "", nil)
	if got := res.Header.Get("Content-Type"); got != "text/csv; charset=utf-8" || !strings.Contains(res.Header.Get("Content-Disposition"), "operazioni-lugano.csv") {
		t.Errorf("the file is %s, %s", got, res.Header.Get("Content-Disposition"))
	}
	raw, _ := io.ReadAll(res.Body)
	if text := string(raw); !strings.HasPrefix(text, "\ufeffNumero;Quando;Chi") || !strings.Contains(text, "Pratica letta") || strings.Contains(text, "Accesso;") {
		t.Errorf("%.300s", text)
	}
	admin.Get("/console/operazioni?azione=audit.exported", 200).Contains("main table", "Registro scaricato")
	if _, err := e.Anchors.Now(t.Context(), e.Tenant(t, "lugano")); err != nil {
		t.Fatal(err)
	}
	admin.Get("/console/operazioni", 200).Contains("main", "Ultima copia dell’impronta fuori dal Comune")
	opened, err := e.Cases.Openings(t.Context(), actorOf(t, e, "citizen"), ref)
	if err != nil || len(opened) != 1 || opened[0].Who != "Renzo Campioni" || opened[0].Guest {
		t.Errorf("the person is told %+v %v", opened, err)
	}
}

// actorOf is a citizen of Lugano as a use case sees them.
func actorOf(t *testing.T, e *apptest.Env, persona string) (by identity.Actor) {
	t.Helper()
	email := map[string]string{"citizen": "luca.esempi@"}[persona]
	if err := e.DB.Read(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		var address string
		if err := tx.QueryRow("select email from accounts where email like $1 || '%'", email).Scan(&address); err != nil {
			return err
		}
		a, err := identity.AccountByEmail(tx, address)
		if err == nil {
			by = identity.Person(tx.Tenant(), *a, nil)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return by
}
