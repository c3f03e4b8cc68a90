package apptest_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
)

var nonceInPolicy = regexp.MustCompile(`'nonce-([A-Za-z0-9_-]{16})'`)

// A page for visitors is kept in memory and still carries its own nonce each
// time; it is never another commune's, language's or person's.
func TestKeptPagesStayApart(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	read := func(c *apptest.Client, path string, header ...string) (body, nonce string) {
		t.Helper()
		res := c.Send(http.MethodGet, path, "", nil, header...)
		raw, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s %v", path, res.Status, err)
		}
		m := nonceInPolicy.FindStringSubmatch(res.Header.Get("Content-Security-Policy"))
		if m == nil {
			t.Fatalf("%s has no nonce: %s", path, res.Header.Get("Content-Security-Policy"))
		}
		if n := strings.Count(string(raw), `nonce="`+m[1]+`"`); n == 0 || n != strings.Count(string(raw), `nonce="`) {
			t.Errorf("%s: %d scripts carry the answer's nonce, of %d", path, n, strings.Count(string(raw), `nonce="`))
		}
		return strings.ReplaceAll(string(raw), m[1], ""), m[1]
	}
	for _, path := range []string{"/", "/servizi", "/servizi/certificato-domicilio"} {
		visitor := e.Visit(t, "lugano")
		first, one := read(visitor, path)
		second, two := read(visitor, path)
		if first != second || one == two {
			t.Errorf("%s: the same page is %v, the same nonce %v; want true and false", path, first == second, one == two)
		}
		if neighbour, _ := read(e.Visit(t, "bellinzona"), path); neighbour == first || strings.Contains(neighbour, "Città di Lugano") {
			t.Errorf("%s: the neighbour sees Lugano's page", path)
		}
		if german, _ := read(e.Visit(t, "lugano"), path, "Cookie", "__Host-lang=de"); !strings.Contains(german, `<html lang="de`) {
			t.Errorf("%s: asked for German, got another language", path)
		}
		person := e.As(t, "lugano", "citizen-verified")
		own, _ := read(person, path)
		if !strings.Contains(own, `action="/esci"`) {
			t.Errorf("%s: a person who signed in is not shown as such", path)
		}
		if again, _ := read(e.Visit(t, "lugano"), path); again != first {
			t.Errorf("%s: a visitor sees another page after somebody signed in", path)
		}
	}
}
