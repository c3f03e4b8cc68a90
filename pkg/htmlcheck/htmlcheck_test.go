package htmlcheck_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/htmlcheck"
)

const page = `<!doctype html><html lang="it"><body><h1> Servizi   comunali </h1>
<a href="/servizi/x" class="card">Certificato</a><a href="/servizi/y" class="card">Posteggio</a>
<form method="post" action="/invia?x=1">
<input type="hidden" name="token" value="t1"><input name="name" value="Anna"><input name="off" value="1" disabled>
<fieldset disabled><input name="off2" value="1"></fieldset>
<input type="checkbox" name="a" checked><input type="checkbox" name="b" value="2">
<input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked>
<select name="s"><option value="">–</option><option value="de" selected>de</option></select>
<select name="first"><option>uno</option><option>due</option></select>
<select name="m" multiple><option>uno</option></select>
<textarea name="t">
riga</textarea><input type="file" name="f">
<button name="go" value="1">Invia</button><button name="go" value="2">Salva</button></form></body></html>`

// complaints notes failures instead of failing.
type complaints struct {
	testing.TB
	n int
}

func (c *complaints) Helper()               {}
func (c *complaints) Errorf(string, ...any) { c.n++ }
func (c *complaints) Fatalf(string, ...any) { c.n++; panic("fatal") }

func TestAssertions(t *testing.T) {
	c := &complaints{TB: t}
	p := htmlcheck.Parse(c, strings.NewReader(page))
	if got := p.Text("h1"); got != "Servizi comunali" {
		t.Errorf("Text: %q", got)
	}
	p.Contains("a.card", "Posteggio")
	p.Attr("a", "href", "/servizi/y")
	p.None("table")
	if p.Count(".card") != 2 || p.AttrOf("html", "lang") != "it" || len(p.Select("form").Texts("button")) != 2 {
		t.Error("Count, AttrOf or Select")
	}
	if c.n != 0 {
		t.Fatalf("%d assertions failed that hold", c.n)
	}
	for name, broken := range map[string]func(){
		"contains": func() { p.Contains("h1", "Cantone") },
		"attr":     func() { p.Attr("a", "href", "/") },
		"none":     func() { p.None("a") },
		"select":   func() { defer func() { _ = recover() }(); p.Select("table") },
		"field": func() {
			defer func() { _ = recover() }()
			p.Submit(http.DefaultClient, "form", url.Values{"unknown": {"1"}})
		},
	} {
		c.n = 0
		if broken(); c.n != 1 {
			t.Errorf("%s: %d complaints, want 1", name, c.n)
		}
	}
}

func TestValuesAreThoseABrowserSends(t *testing.T) {
	got := htmlcheck.Parse(t, strings.NewReader(page)).Values("form")
	want := url.Values{
		"token": {"t1"}, "name": {"Anna"}, "a": {"on"}, "r": {"2"}, "s": {"de"}, "first": {"uno"}, "t": {"riga"}, "go": {"1"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestSubmitAndFollow(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/":
			_, _ = io.WriteString(w, page)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusUnprocessableEntity)
			_, _ = io.WriteString(w, "<p>"+r.FormValue("name")+" "+r.FormValue("token")+" "+r.URL.RawQuery+" "+r.Header.Get("Origin")+"</p>")
		default:
			_, _ = io.WriteString(w, "<h1>"+r.URL.Path+"</h1>")
		}
	}))
	defer s.Close()
	resp, err := http.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	home := htmlcheck.Response(t, resp)
	answer := home.Submit(s.Client(), "form", url.Values{"name": {"Beat"}})
	if answer.Status != http.StatusUnprocessableEntity || answer.Text("p") != "Beat t1 x=1 "+s.URL {
		t.Errorf("%d %q", answer.Status, answer.Text("p"))
	}
	if got := home.Follow(s.Client(), "a.card").Text("h1"); got != "/servizi/x" {
		t.Errorf("Follow: %q", got)
	}
}
