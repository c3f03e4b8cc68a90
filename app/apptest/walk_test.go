package apptest_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
)

// publicGround asks for ground so large that an official must decide; it ends
// before or after sending.
func publicGround(t *testing.T, c *apptest.Client, send bool) interface {
	Text(string) string
	AttrOf(string, string) string
} {
	t.Helper()
	return groundAt(t, c, "6900", "Lugano", apptest.File{Field: "schizzo", Name: "schizzo.png", Data: sketch(t)}, send)
}

// groundAt asks for ground in a town, with a file.
func groundAt(t *testing.T, c *apptest.Client, postcode, town string, file apptest.File, send bool) interface {
	Text(string) string
	AttrOf(string, string) string
} {
	t.Helper()
	p := c.Get("/servizi/suolo-occupazione-temporanea/avvia", 200)
	p = p.Submit(c, "main form", url.Values{"luogo_address": {"Via dell’Esempio 5"}, "luogo_postcode": {postcode}, "luogo_town": {town}, "scopo": {"benna"}})
	p = p.Submit(c, "main form", nil)
	action := p.AttrOf("main form", "action")
	p = c.Upload(action, url.Values{"periodo_from": {day(10)}, "periodo_to": {day(12)}, "orario": {"07.00-18.00"}, "superficie": {"90"}, "carreggiata": {"true"}},
		[]apptest.File{file}, 200)
	if !send {
		return c.Get(action, 200)
	}
	p = p.Submit(c, "main form", url.Values{"condizioni": {"true"}})
	return p.Submit(c, "main form", url.Values{"confermo": {"true"}})
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
