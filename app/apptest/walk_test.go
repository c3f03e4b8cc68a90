package apptest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/web"
)

// neighbour is what Lugano holds and Bellinzona's people try to reach.
type neighbour struct {
	ref, draft, upload, draftUpload, document, payment string
}

// prepare lets Lugano's people make one of everything.
func prepare(t *testing.T, e *apptest.Env) neighbour {
	t.Helper()
	var n neighbour
	uuid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

	// A paid certificate: a case, a payment and a document.
	c := e.As(t, "lugano", "citizen-verified")
	certificate(t, c).Submit(c, "main form", url.Values{"confermo": {"true"}}).Submit(c, "form", url.Values{"esito": {"paga"}})
	apptest.Eventually(t, "the document is there", func() bool {
		n.document = uuid.FindString(c.Get("/area/documenti", 200).Text("main") + string(c.Bytes("/area/documenti", 200)))
		return n.document != ""
	})
	for _, tx := range e.Sandbox.Transactions(915192) {
		n.payment = tx.MerchantReference
	}

	// A case of the office with a file, and a draft with a file.
	c = e.As(t, "lugano", "citizen")
	n.ref = refPattern.FindString(publicGround(t, c, true).Text("main"))
	n.upload = uuid.FindString(string(c.Bytes("/area/pratiche/"+n.ref, 200)))
	step := publicGround(t, c, false)
	n.draft = uuid.FindString(step.AttrOf("main form", "action"))
	n.draftUpload = uuid.FindString(step.AttrOf("main a[href*='/documenti/']", "href"))
	if n.ref == "" || n.upload == "" || n.draft == "" || n.draftUpload == "" || n.payment == "" {
		t.Fatalf("not everything was made: %+v", n)
	}
	return n
}

// publicGround asks for ground so large that an official must decide; it ends
// before or after sending.
func publicGround(t *testing.T, c *apptest.Client, send bool) interface {
	Text(string) string
	AttrOf(string, string) string
} {
	t.Helper()
	p := c.Get("/servizi/suolo-occupazione-temporanea/avvia", 200)
	p = p.Submit(c, "main form", url.Values{"luogo_address": {"Via dell’Esempio 5"}, "luogo_postcode": {"6900"}, "luogo_town": {"Lugano"}, "scopo": {"benna"}})
	p = p.Submit(c, "main form", nil)
	action := p.AttrOf("main form", "action")
	p = c.Upload(action, url.Values{"periodo_from": {day(10)}, "periodo_to": {day(12)}, "orario": {"07.00-18.00"}, "superficie": {"90"}, "carreggiata": {"true"}},
		[]apptest.File{{Field: "schizzo", Name: "schizzo.png", Data: sketch(t)}}, 200)
	if !send {
		return c.Get(action, 200)
	}
	p = p.Submit(c, "main form", url.Values{"condizioni": {"true"}})
	return p.Submit(c, "main form", url.Values{"confermo": {"true"}})
}

// fills puts Lugano's ids into a route's path as its row of the matrix says;
// private tells that somebody else's is not found.
func (n neighbour) fills(t *testing.T, e *apptest.Env, r web.Route) (filled string, private bool) {
	t.Helper()
	m, err := apptest.ReadMatrix()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range m.Rows {
		if row.Area == string(r.Area) && row.Method == r.Method && row.Path == r.Path {
			return row.Fill(e.IDs(t, m, "lugano", nil)), row.Private
		}
	}
	t.Fatalf("%s %s stands in no row of the matrix", r.Method, r.Path)
	return "", false
}

// without is a persona that may not do an action; "" where every signed-in
// person may.
func without(action access.Action) string {
	switch module, _, _ := strings.Cut(string(action), "."); {
	case module == "console":
		return "official"
	case module == "operator" && action != "operator.open":
		return "entity-auditor"
	case action == "costs.see":
		return "" // everybody of the entity
	case slices.Contains([]string{"costs", "bulletin", "support", "projects", "processors", "staff"}, module):
		if strings.HasSuffix(string(action), ".see") {
			return "entity-finance"
		}
		return "entity-auditor"
	case action == "cases.desk", action == "cases.work", action == "cases.decide", action == "documents.desk":
		return "commune-admin"
	}
	return ""
}

// mayDo is a persona that holds an action.
func mayDo(r web.Route) string {
	switch r.Area {
	case web.AreaDesk:
		return "office-head"
	case web.AreaConsole:
		return "commune-admin"
	case web.AreaOperator:
		return "entity-operator"
	}
	return "citizen-verified"
}

func hostOf(r web.Route, commune string) string {
	switch r.Area {
	case web.AreaOperator:
		return web.EntityHost
	case web.AreaRoot:
		return ""
	}
	return commune
}

// TestWalk tries every route there is without a session, without the action,
// from a foreign page, and with the neighbour's ids.
func TestWalk(t *testing.T) {
	e := apptest.New(t)
	n := prepare(t, e)
	canaries := []string{n.ref, "schizzo.png", "Luca Esempi", "luca.esempi@"}
	probes := 0
	try := func(c *apptest.Client, r web.Route, path string, header ...string) (int, string) {
		probes++
		body, kind := []byte(nil), ""
		if r.Method == http.MethodPost {
			body, kind = []byte("a=b"), "application/x-www-form-urlencoded"
		}
		res := c.Send(r.Method, path, kind, body, header...)
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s %s: %s", r.Method, path, res.Status)
		}
		return res.StatusCode, string(text)
	}
	as := map[string]*apptest.Client{}
	client := func(host, persona string) *apptest.Client {
		key := host + "/" + persona
		if as[key] == nil {
			if persona == "" {
				as[key] = e.Visit(t, host)
			} else {
				as[key] = e.As(t, host, persona)
			}
		}
		return as[key]
	}
	for _, r := range e.Router.Routes() {
		if r.Area == web.AreaRoot {
			continue // public pages without ids; the host without a commune
		}
		path, private := n.fills(t, e, r)
		line := fmt.Sprintf("%s %s %s (%s)", r.Area, r.Method, r.Path, r.Action)
		signsOut := strings.HasSuffix(r.Path, "/esci")

		// Without a session.
		code, _ := try(client(hostOf(r, "lugano"), ""), r, path)
		switch {
		case r.Action == access.Public:
			if code == http.StatusUnauthorized || code == http.StatusForbidden {
				t.Errorf("%s: a public route answers a visitor with %d", line, code)
			}
		case r.Method == http.MethodGet && code != http.StatusSeeOther, r.Method != http.MethodGet && code != http.StatusUnauthorized:
			t.Errorf("%s: a visitor gets %d", line, code)
		}

		// Without the action.
		if p := without(r.Action); p != "" {
			if code, _ := try(client(hostOf(r, "lugano"), p), r, path); code != http.StatusForbidden {
				t.Errorf("%s: %s gets %d, want 403", line, p, code)
			}
		}

		// From a foreign page.
		if r.Method != http.MethodGet && r.Area != web.AreaHooks {
			for _, h := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}} {
				if code, _ := try(client(hostOf(r, "lugano"), mayDo(r)), r, path, h...); code != http.StatusForbidden {
					t.Errorf("%s: %v gets %d, want 403", line, h, code)
				}
			}
		}

		// With the neighbour's ids, as somebody who holds the action here.
		if r.Area != web.AreaOperator && !signsOut {
			code, text := try(client("bellinzona", mayDo(r)), r, path)
			if private && code != http.StatusNotFound {
				t.Errorf("%s: the neighbour's id gets %d, want 404", line, code)
			}
			for _, canary := range canaries {
				// The address asked for may come back in the language links.
				if !strings.Contains(path, canary) && strings.Contains(text, canary) {
					t.Errorf("%s: the answer holds the neighbour's %q", line, canary)
				}
			}
			// In the right commune, but somebody else's.
			if private && r.Area == web.AreaPortal {
				if code, _ := try(client("lugano", "represented"), r, path); code != http.StatusNotFound {
					t.Errorf("%s: somebody else's id gets %d, want 404", line, code)
				}
			}
		}
	}
	t.Logf("%d probes on %d routes", probes, len(e.Router.Routes()))
}

// A session of one commune is no session on another's host.
func TestASessionStaysInItsCommune(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	c.Get("/area", 200)
	c.CarryCookies("lugano", "bellinzona")
	if res := c.Send(http.MethodGet, e.URLOf("bellinzona", "/area"), "", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("personal area of the neighbour: %s", res.Status)
	}
	if res := c.Send(http.MethodGet, e.URLOf("bellinzona", "/servizi"), "", nil); res.StatusCode != http.StatusOK {
		t.Errorf("public page of the neighbour: %s", res.Status)
	}
	c.CarryCookies("lugano", "ente")
	if res := c.Send(http.MethodGet, e.URLOf("ente", "/comuni"), "", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("the entity's console: %s", res.Status)
	}
}

// Hosts, services and addresses that are not there answer 404 and name nobody.
func TestUnknownIsNotFoundAndNamesNobody(t *testing.T) {
	e := apptest.New(t)
	for _, address := range []string{e.URLOf("nobody", "/"), e.URLOf("nobody", "/servizi"), "http://127.0.0.1:" + e.Port + "/"} {
		res := e.Visit(t, "lugano").Send(http.MethodGet, address, "", nil)
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusNotFound || regexp.MustCompile(`(?i)lugano|bellinzona`).Match(text) {
			t.Errorf("%s: %s %q", address, res.Status, text)
		}
	}
	c := e.Visit(t, "lugano")
	for _, path := range []string{"/servizi/nessuno", "/servizi/nessuno/avvia", "/nulla", "/api/v1/services/nessuno", "/.git/config"} {
		if res := c.Send(http.MethodGet, path, "", nil); res.StatusCode != http.StatusNotFound && !strings.HasSuffix(path, "avvia") {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if res := c.Send(http.MethodHead, "/servizi", "", nil); res.StatusCode != http.StatusOK {
		t.Errorf("HEAD /servizi: %s", res.Status)
	}
	res := c.Send(http.MethodGet, "/servizi", "", nil, "X-Forwarded-Host", "bellinzona.localhost", "X-Forwarded-For", "10.0.0.1")
	text, _ := io.ReadAll(res.Body)
	if strings.Contains(string(text), "Città di Bellinzona") {
		t.Error("X-Forwarded-Host chose the commune")
	}
}
