package apptest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
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
		r, err := s.Run(context.Background(), lugano, "Vecchio sportello", strings.NewReader(people), strings.NewReader(cases), dry)
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
