package apptest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

const edited = "/console/servizi/certificato-domicilio"

// publishFee changes one amount of a service, says that the examples' new
// results are right, and publishes.
func publishFee(admin *apptest.Client, service, amount, chf string) {
	base := "/console/servizi/" + service
	admin.Get(base+"/modifica/tariffa", 200).Submit(admin, "main form", url.Values{"fee.amounts." + amount + ".chf": {chf}})
	for range 5 {
		examples := admin.Get(base+"/esempi", 200)
		if examples.Count("main button[name=accetta]") == 0 {
			break
		}
		admin.Post(base+"/esempi", url.Values{"accetta": {examples.AttrOf("main button[name=accetta]", "value")}}, 200)
	}
	publish(admin, base, 200)
}

// publish presses the button with what the page shows.
func publish(admin *apptest.Client, base string, status int) {
	page := admin.Get(base+"/pubblica", 200)
	admin.Post(base+"/pubblica", url.Values{"fare": {"publish"}, "revisione": {page.AttrOf("main input[name=revisione]", "value")}}, status)
}

// A text and a fee are changed: nobody sees it before it is published, an
// example that fails says what it expected and holds it back, and afterwards
// everybody sees it.
func TestAnEditIsSeenOnlyOncePublished(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	admin := e.As(t, "lugano", "commune-admin")
	texts := admin.Get(edited+"/modifica/testi", 200)
	texts.Contains("main", "Tedesco")
	missing := texts.Submit(admin, "main form", url.Values{"title.it": {""}, "note.it": {"Parola <b>nuova</b>"}})
	missing.Contains("[role=alert]", "Scriva il testo italiano")
	if got := missing.Text("textarea[name='note.it']"); got != "Parola <b>nuova</b>" {
		t.Errorf("what was typed is lost: %q", got)
	}
	hub := texts.Submit(admin, "main form", url.Values{"summary.it": {"Testo cambiato apposta."}, "keywords": {"uno\ndue"}})
	hub.Contains("main", "È salvato nella modifica in preparazione.")
	hub.Contains("main", "Una modifica non è ancora pubblicata")
	hub.Contains("main", "2 differenze") // what was not touched is no difference
	admin.Get(edited+"/modifica/tariffa", 200).Submit(admin, "main form", url.Values{"fee.amounts.certificato.chf": {"12.50"}, "fee.note.de": {"Neu"}})
	if strings.Contains(e.Visit(t, "lugano").Get("/servizi/certificato-domicilio", 200).Text("main"), "apposta") {
		t.Fatal("seen before it was published")
	}
	admin.Copy("commune-admin").Get(edited, 200).Contains("main", "Una modifica non è ancora pubblicata") // another device

	// Preview: the real card in a frame, which only the console may show.
	admin.Get(edited+"/anteprima?larghezza=1280", 200).Attr("main iframe", "src", edited+"/anteprima/scheda")
	frame := admin.Get(edited+"/anteprima/scheda", 200)
	frame.Contains("main", "Testo cambiato apposta.")
	frame.Contains("main", "CHF 12.50")
	if csp := admin.Send(http.MethodGet, edited+"/anteprima/scheda", "", nil).Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'self'") {
		t.Error(csp)
	}
	if csp := admin.Send(http.MethodGet, edited, "", nil).Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "frame-src") {
		t.Error(csp)
	}
	admin.Get(edited+"/anteprima/nessuna", 404)

	review := admin.Get(edited+"/pubblica", 200)
	review.Contains("main table", "In breve")
	review.Contains("main table", "Testo cambiato apposta.")
	review.Contains("main table", "CHF 10.00")
	review.Contains("main", "Tassa attesa CHF 10.00, trovata CHF 12.50.")
	review.None("main button[value=publish]")
	refused := admin.Post(edited+"/pubblica", url.Values{"fare": {"publish"}, "revisione": {review.AttrOf("main input[name=revisione]", "value")}}, 422)
	refused.Contains("[role=alert]", "un esempio o più non danno il risultato atteso")
	publishFee(admin, "certificato-domicilio", "certificato", "12.50")
	card := e.Visit(t, "lugano").Get("/servizi/certificato-domicilio", 200)
	card.Contains("main", "Testo cambiato apposta.")
	card.Contains("main", "CHF 12.50")
	e.Visit(t, "lugano").Get("/servizi?q=due", 200)
	if strings.Contains(e.Visit(t, "bellinzona").Get("/servizi/certificato-domicilio", 200).Text("main"), "apposta") {
		t.Error("the neighbour's service changed")
	}
	admin.Get(edited+"/pubblica", 200).Contains("main", "Non c’è nessuna modifica in preparazione")
	log := admin.Get("/console/operazioni", 200)
	log.Contains("main table", "Servizio pubblicato")
	log.Contains("main table", "Servizio modificato, non ancora pubblicato")
}

// Of two who change the same text the later one is told; what they typed stays,
// and what only one of them touched is kept.
func TestTwoWhoChangeTheSameText(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	one, two := e.As(t, "lugano", "commune-admin"), e.As(t, "lugano", "commune-admin")
	pageOne, pageTwo := one.Get(edited+"/modifica/testi", 200), two.Get(edited+"/modifica/testi", 200)
	pageOne.Submit(one, "main form", url.Values{"who.it": {"Scritto per primo."}})
	form := pageTwo.Values("main form")
	form.Set("who.it", "Scritto per secondo.")
	form.Set("note.it", "Anche questo.")
	told := two.Post(edited+"/modifica/testi", form, http.StatusConflict)
	told.Contains("[role=alert]", "Nel frattempo Carla Provini ha cambiato «Chi può chiedere». Ora è: «Scritto per primo.»")
	if got := told.Text("textarea[name='who.it']"); got != "Scritto per secondo." {
		t.Errorf("what was typed is lost: %q", got)
	}
	if strings.Contains(one.Get(edited+"/pubblica", 200).Text("main"), "Anche questo") {
		t.Error("half of a refused form was saved")
	}
	told.Submit(two, "main form", nil).Contains("main", "È salvato")
	review := one.Get(edited+"/pubblica", 200)
	review.Contains("main table", "Scritto per secondo.")
	review.Contains("main table", "Anche questo.")

	// Untouched, the other's change stays.
	stale := pageOne.Values("main form")
	stale.Set("remedy.it", "Altro rimedio.")
	one.Post(edited+"/modifica/testi", stale, 200)
	one.Get(edited+"/pubblica", 200).Contains("main table", "Scritto per secondo.")

	// What was looked at is what is published.
	old := review.AttrOf("main input[name=revisione]", "value")
	one.Post(edited+"/pubblica", url.Values{"fare": {"publish"}, "revisione": {old}}, http.StatusConflict).Contains("[role=alert]", "Ricontrolli le differenze")
}

// Where the commune wants two persons, nobody publishes what they wrote.
func TestTwoPersonsPublish(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	asOwner(t, e, "insert into t_lugano.role_holders (account_id, role, office) select account_id, 'commune-admin', '' from t_lugano.role_holders where role = 'office-head' limit 1")
	author, second := e.As(t, "lugano", "commune-admin"), e.As(t, "lugano", "office-head")
	author.Post("/console/servizi/due-persone", url.Values{"on": {"true"}}, 200).Contains("main", "La regola di pubblicazione è cambiata.")
	author.Get(edited+"/modifica/testi", 200).Submit(author, "main form", url.Values{"note.it": {"In due."}})
	page := author.Get(edited+"/pubblica", 200)
	page.None("main button[value=publish]")
	revision := page.AttrOf("main input[name=revisione]", "value")
	author.Post(edited+"/pubblica", url.Values{"fare": {"publish"}, "revisione": {revision}}, http.StatusForbidden).Contains("[role=alert]", "un’altra persona")
	second.Post(edited+"/pubblica", url.Values{"fare": {"publish"}, "revisione": {revision}}, http.StatusConflict).Contains("[role=alert]", "prima proporla")
	author.Post(edited+"/pubblica", url.Values{"fare": {"propose"}, "revisione": {revision}}, 422).Contains("[role=alert]", "Scriva in breve perché")
	author.Post(edited+"/pubblica", url.Values{"fare": {"propose"}, "revisione": {revision}, "nota": {"Nuova ordinanza"}}, 200)
	approve := second.Get(edited+"/pubblica", 200)
	approve.Contains("main", "Nuova ordinanza")
	second.Post(edited+"/pubblica", url.Values{"fare": {"publish"}, "revisione": {revision}, "nota": {"Controllato"}}, 200)
	e.Visit(t, "lugano").Get("/servizi/certificato-domicilio", 200).Contains("main", "In due.")
	log := author.Get("/console/operazioni", 200)
	log.Contains("main table", "Regola delle due persone cambiata")
	log.Contains("main table", "Nuova ordinanza")

	// A change after the proposal must be proposed again, and its author is out.
	author.Get(edited+"/modifica/testi", 200).Submit(author, "main form", url.Values{"note.it": {"Di nuovo."}})
	now := author.Get(edited+"/pubblica", 200).AttrOf("main input[name=revisione]", "value")
	author.Post(edited+"/pubblica", url.Values{"fare": {"propose"}, "revisione": {now}, "nota": {"Ancora"}}, 200)
	second.Get(edited+"/modifica/testi", 200).Submit(second, "main form", url.Values{"note.it": {"Ritoccato."}})
	now = second.Get(edited+"/pubblica", 200).AttrOf("main input[name=revisione]", "value")
	second.Post(edited+"/pubblica", url.Values{"fare": {"publish"}, "revisione": {now}}, http.StatusForbidden)
}

func inFiveDays() string {
	return time.Now().In(i18n.Zurich).AddDate(0, 0, 5).Format("02.01.2006")
}

// rowsOf counts the rows of every table of a commune.
func rowsOf(t *testing.T, e *apptest.Env, slug string) map[string]int {
	t.Helper()
	out := map[string]int{}
	err := e.DB.Read(t.Context(), e.Tenant(t, slug), func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition")
		if err != nil {
			return err
		}
		var names []string
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				return err
			}
			names = append(names, name)
		}
		rows.Close()
		for _, name := range names {
			var n int
			if err := tx.QueryRow(fmt.Sprintf("select count(*) from %q", name)).Scan(&n); err != nil {
				return err
			}
			out[name] = n
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("only %d tables were counted", len(out))
	}
	return out
}

// A trial fills in the real form and leaves no row in any table; kept, it is an
// example of the edit.
func TestATrialLeavesNothing(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	admin := e.As(t, "lugano", "commune-admin")
	const ground = "/console/servizi/suolo-occupazione-temporanea"
	before := rowsOf(t, e, "lugano")
	who := admin.Get(ground+"/prova", 200)
	first := who.Submit(admin, "main form", nil)
	first.Contains("main h1", "Dove e perché?")
	first.Contains("main", "nessuna pratica")
	wrong := first.Submit(admin, "main form", url.Values{"luogo_address": {"Via dell’Esempio 3"}, "luogo_postcode": {"6500"}, "luogo_town": {"Bellinzona"}})
	wrong.Contains("[role=alert]", "Il NPA 6500 non è del nostro Comune")
	when := wrong.Submit(admin, "main form", url.Values{"luogo_postcode": {"6900"}, "luogo_town": {"Lugano"}, "scopo": {"ponteggio"}})
	when.Contains("main h1", "Quando e quanto spazio?")
	last := when.Submit(admin, "main form", url.Values{"periodo_from": {inFiveDays()}, "periodo_to": {inFiveDays()}, "orario": {"08.00-18.00"}, "superficie": {"25"}, "carreggiata": {"false"}})
	if strings.Contains(last.Text("main h1"), "Quando") { // the area opens the question for the sketch
		last = last.Submit(admin, "main form", url.Values{"schizzo": {"1"}})
	}
	last.Contains("main h1", "Che cosa conferma")
	result := last.Submit(admin, "main form", url.Values{"condizioni": {"true"}})
	result.Contains("main h1", "Risultato della prova")
	result.Contains("main", "CHF 75.00") // 50 + 25 × 1.00
	result.Contains("main", "Passa a una persona dell’ufficio")
	result.Contains("main", "Anna Esempi è autorizzata")
	after := rowsOf(t, e, "lugano")
	for table, n := range after {
		if n != before[table] {
			t.Errorf("%s has %d rows after the trial, %d before", table, n, before[table])
		}
	}
	kept := result.Submit(admin, "main form[action='"+ground+"/esempi']", url.Values{"nome": {"ponteggio grande"}})
	kept.Contains("main", "La prova è ora un esempio della modifica.")
	kept.Contains("main", "ponteggio grande")
	kept.None("main button[name=accetta]")
	publish(admin, ground, 200)
	if got := string(admin.Bytes(ground+"/esporta/particolarita.yaml", 200)); !strings.Contains(got, "name: ponteggio grande") || !strings.Contains(got, "fee: 75.00") {
		t.Error(got)
	}
}

// What is exported and taken in again changes nothing and is the same bytes; a
// file with a change is shown, tried and becomes the edit; a bad one says why.
func TestExportAndImportOnTheConsole(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	admin := e.As(t, "lugano", "commune-admin")
	for _, file := range []string{"definizione.yaml", "particolarita.yaml"} {
		first := admin.Bytes(edited+"/esporta/"+file, 200)
		admin.Post(edited+"/importa", url.Values{"testo": {string(first)}}, 200).Contains("main", "Il file non cambia nulla")
		changed := bytes.Replace(first, []byte("Online paga la metà della tariffa di sportello."), []byte("Nota dal file."), 1)
		shown := admin.Post(edited+"/importa", url.Values{"testo": {string(changed)}}, 200)
		shown.Contains("main table", "Nota dal file.")
		shown.Attr("main button[name=fare]", "value", "take")
		taken := admin.Post(edited+"/importa", url.Values{"testo": {string(changed)}, "fare": {"take"}}, 200)
		taken.Contains("main h1", "Controllare e pubblicare")
		publish(admin, edited, 200)
		if again := admin.Bytes(edited+"/esporta/"+file, 200); !bytes.Equal(again, changed) {
			t.Errorf("%s: what was taken in is exported with other bytes", file)
		}
		admin.Post(edited+"/importa", url.Values{"testo": {string(first)}, "fare": {"take"}}, 200)
		publish(admin, edited, 200)
		if again := admin.Bytes(edited+"/esporta/"+file, 200); !bytes.Equal(again, first) {
			t.Errorf("%s: other bytes", file)
		}
	}
	good := string(admin.Bytes(edited+"/esporta/definizione.yaml", 200))
	for name, c := range map[string]struct{ text, want string }{
		"unknown key": {good + "colour: red\n", `unknown key "colour"`},
		"other":       {strings.Replace(good, "id: certificato-domicilio", "id: stato-famiglia", 1), "this is the service stato-famiglia"},
		"alias":       {good + "x: &a 1\n", "anchors are not allowed"},
		"taken out":   {strings.Replace(good, "        - id: motivo\n", "        - id: movente\n", 1), "non cambiarne l’ordine"},
	} {
		page := admin.Post(edited+"/importa", url.Values{"testo": {c.text}}, 422)
		page.Contains("[role=alert]", c.want)
		if got := page.Text("textarea[name=testo]"); !strings.Contains(got, "category: certificati") {
			t.Errorf("%s: the text is lost", name)
		}
	}
	admin.Upload(edited+"/importa", nil, []apptest.File{{Field: "file", Name: "grande.yaml", Data: bytes.Repeat([]byte("# riga\n"), 50_000)}}, 422).Contains("[role=alert]", "at most 262144 are read")
	admin.Get(edited+"/esporta/altro.yaml", 404)
}

// A service is closed for a while with a word to citizens: the card stays,
// nobody can begin, and opened again everything is as before.
func TestPausedWithAWord(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	admin, citizen := e.As(t, "lugano", "commune-admin"), e.As(t, "lugano", "citizen-verified")
	before := admin.Bytes(edited+"/esporta/definizione.yaml", 200)
	admin.Post(edited+"/avviso", url.Values{"avviso.de": {"Geschlossen"}}, 422).Contains("[role=alert]", "Scriva il testo italiano")
	admin.Post(edited+"/avviso", url.Values{"avviso.it": {"Riapre il 1° marzo."}}, 200)
	card := citizen.Get("/servizi/certificato-domicilio", 200)
	card.Contains("main", "Riapre il 1° marzo.")
	card.None("main a[href='/servizi/certificato-domicilio/avvia']")
	citizen.Get("/servizi/certificato-domicilio/avvia", 409).Contains("main", "Riapre il 1° marzo.")
	admin.Post(edited+"/avviso", nil, 200)
	citizen.Get("/servizi/certificato-domicilio", 200).Attr("main aside a.ds-button", "href", "/servizi/certificato-domicilio/avvia")
	if after := admin.Bytes(edited+"/esporta/definizione.yaml", 200); !bytes.Equal(before, after) {
		t.Error("closing and opening again left something behind")
	}
}

// Anybody may read the schema a service's file follows.
func TestServiceSchemaIsPublic(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	if got := e.Visit(t, "lugano").Bytes("/api/v1/schemas/service.json", 200); !bytes.Contains(got, []byte("https://json-schema.org/draft/2020-12/schema")) {
		t.Errorf("%.200s", got)
	}
}
