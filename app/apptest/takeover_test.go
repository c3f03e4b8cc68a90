package apptest_test

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/pkg/htmlcheck"
)

// TestTakeover: people and running cases of another desk come in once, whole or
// not at all, and an official finds them with what they said there.
func TestTakeover(t *testing.T) {
	e := apptest.New(t)
	lugano, err := e.DB.Directory().BySlug(t.Context(), "lugano")
	if err != nil {
		t.Fatal(err)
	}
	s := e.Takeover()
	run := func(people, cases string, dry bool) (people1, cases1, problems int, refs map[string]string) {
		t.Helper()
		r, err := s.Run(context.Background(), lugano, "Vecchio sportello", strings.NewReader(people), strings.NewReader(cases), dry, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Problems {
			t.Logf("%s line %d: %s", p.File, p.Line, p.Why)
		}
		return r.People, r.Cases, len(r.Problems), r.Refs
	}
	const people = "\xef\xbb\xbfemail;first_name;last_name;avs\nrita.prova@persone.example;Rita;Prova;\nugo.prova@persone.example;Ugo;Prova;756.0000.7777.01\n"
	const good = "ref;service;email;submitted_on;due_on;state;Luogo\nV-17;suolo-occupazione-temporanea;rita.prova@persone.example;2026-01-07;2026-02-07;in_review;Piazza della Prova\n"
	const bad = "ref;service;email;submitted_on\nV-18;non-esiste;rita.prova@persone.example;2026-01-07\nV-19;suolo-occupazione-temporanea;nessuno@persone.example;2026-01-07\nV-20;suolo-occupazione-temporanea;rita.prova@persone.example;domani\n"

	if p, c, wrong, _ := run(people, bad, false); wrong != 4 || p != 1 || c != 0 {
		t.Errorf("a bad file: %d people, %d cases, %d problems", p, c, wrong) // three cases, and an AVS number with a wrong check digit
	}
	ok := strings.Replace(people, "756.0000.7777.01", "", 1)
	if p, c, wrong, _ := run(ok, good, true); wrong != 0 || p != 2 || c != 1 {
		t.Errorf("a dry run: %d people, %d cases, %d problems", p, c, wrong)
	}
	if p, c, wrong, _ := run(ok, good, false); wrong != 0 || p != 2 || c != 1 {
		t.Errorf("kept though it was dry or bad: %d people, %d cases, %d problems", p, c, wrong)
	}
	p, c, wrong, refs := run(ok, good, false)
	if wrong != 0 || p != 0 || c != 0 {
		t.Errorf("a second time: %d people, %d cases, %d problems", p, c, wrong)
	}
	ref := refs["V-17"]
	official := e.As(t, "lugano", "office-head")
	page := official.Get("/ufficio/pratiche/"+ref, 200).Text("main")
	for _, want := range []string{"Rita Prova", "Vecchio sportello V-17", "Piazza della Prova", "Ripresa da un altro sportello"} {
		if !strings.Contains(page, want) {
			t.Errorf("the desk does not show %q", want)
		}
	}
	e.As(t, "bellinzona", "office-head").Get("/ufficio/pratiche/"+ref, 404)
}

// On the console a commune's administrator tries the files first and reads what is
// wrong by line; then everything comes in, once, though it is pressed twice.
func TestTakeoverOnTheConsole(t *testing.T) {
	e := apptest.New(t)
	admin := e.As(t, "lugano", "commune-admin")
	try := func(people, cases string) (*htmlcheck.Page, string) {
		t.Helper()
		files := []apptest.File{{Field: "people", Name: "persone.csv", Data: []byte(people)}, {Field: "cases", Name: "pratiche.csv", Data: []byte(cases)}}
		page := admin.Upload("/console/ripresa", url.Values{"desk": {"Sportello di prima"}}, files, 200)
		at := page.URL.Path
		apptest.Eventually(t, "the files are tried", func() bool {
			page = admin.Get(at, 200)
			return page.Count("main progress") == 0
		})
		return page, at
	}
	admin.Upload("/console/ripresa", url.Values{"desk": {"Prima"}}, nil, 422).Attr("main input[name=desk]", "value", "Prima")
	const head = "ref;service;email;submitted_on\n"
	const people = "email;first_name;last_name\nrita.prova@persone.example;Rita;Prova\n"
	wrong, at := try(people+"nessuno;Ugo;Prova\n", head+"V-1;non-esiste;rita.prova@persone.example;2026-01-07\n")
	wrong.Contains("main table", "«nessuno» non è un indirizzo e-mail")
	wrong.Contains("main table", "Il Comune non offre il servizio «non-esiste»")
	wrong.None("main form")
	if csv := string(admin.Bytes(at+"/problemi.csv", 200)); !strings.Contains(csv, "Persone;3;") {
		t.Errorf("the list of problems says %q", csv)
	}
	if res := admin.Send(http.MethodPost, at, "application/x-www-form-urlencoded", nil); res.StatusCode != http.StatusConflict {
		t.Errorf("what has problems is kept: %s", res.Status)
	}
	torn, _ := try("email;nome\n", head)
	torn.Contains("main table", "Manca la colonna «first_name»")

	good, at := try(people, head+"V-17;suolo-occupazione-temporanea;rita.prova@persone.example;2026-01-07\n")
	good.Contains("main .sp-tiles", "persone nuove")
	good.Submit(admin, "main form", nil)
	admin.Send(http.MethodPost, at, "application/x-www-form-urlencoded", nil) // pressed twice
	apptest.Eventually(t, "everything is in", func() bool { return strings.Contains(admin.Get(at, 200).Text("main"), "Ripreso") })
	numbers := string(admin.Bytes(at+"/numeri.csv", 200))
	ref := regexp.MustCompile(`V-17;(LUG-[\w-]+)`).FindStringSubmatch(numbers)
	if ref == nil {
		t.Fatalf("the numbers: %q", numbers)
	}
	e.As(t, "lugano", "office-head").Get("/ufficio/pratiche/"+ref[1], 200).Contains("main", "Rita Prova")
	again, _ := try(people, head+"V-17;suolo-occupazione-temporanea;rita.prova@persone.example;2026-01-07\n")
	again.Contains("main", "è già nello sportello")
	again.None("main form")
	admin.Get("/console/operazioni", 200).Contains("main table", "Ripresa da un altro sportello")
	var files int
	asTenant(t, e, "lugano", "select count(*) from takeovers where file_key is not null and state = 'kept'", &files)
	if files != 0 {
		t.Error("the files of a take-over that is done are still there")
	}
	if page := e.As(t, "bellinzona", "commune-admin").Get("/console/ripresa", 200); strings.Contains(page.Text("main"), "Sportello di prima") {
		t.Error("the neighbour sees it")
	}
	if res := e.As(t, "lugano", "official").Send(http.MethodGet, "/console/ripresa", "", nil); res.StatusCode < 400 {
		t.Errorf("an official opens it: %s", res.Status)
	}
}
