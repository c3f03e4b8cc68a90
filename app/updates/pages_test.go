package updates_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

const (
	blue   = "zona-blu-contrassegno-residenti"
	ground = "suolo-occupazione-temporanea"
)

// newest is the shared definition as the entity's page gives it out, changed.
func newest(t *testing.T, c *apptest.Client, id, old, fresh string) string {
	t.Helper()
	text := c.Get("/catalogo/pubblica?servizio="+id, 200).Values("main section[aria-labelledby=definizione] form").Get("yaml")
	if !strings.Contains(text, old) {
		t.Fatalf("the definition of %s does not say %q:\n%.1500s", id, old, text)
	}
	return strings.Replace(text, old, fresh, 1)
}

func publish(t *testing.T, c *apptest.Client, id, old, fresh, why string) {
	t.Helper()
	text := newest(t, c, id, old, fresh)
	looked := c.Post("/catalogo/pubblica", url.Values{"yaml": {text}, "passo": {"guarda"}}, 200)
	looked.Contains("main", "esempi eseguiti")
	looked.Submit(c, "main section[aria-labelledby=proposta] form", url.Values{"motivo": {why}, "portata": {"large"}}).Contains("main", "La versione è pubblicata")
}

// The entity publishes; a commune sees what is new in words, resolves a conflict,
// accepts, and undoes it; the other refuses, and the entity reads why.
func TestAVersionOnItsWay(t *testing.T) {
	e := apptest.New(t)
	op, auditor := e.As(t, "ente", "entity-operator"), e.As(t, "ente", "entity-auditor")
	auditor.Get("/catalogo", 200).Contains("main", "Contrassegno annuale")
	auditor.Get("/catalogo/pubblica", 403)
	op.Get("/catalogo/nessuno", 404)

	// What does not compile is refused with its line; nothing typed is lost.
	bad := newest(t, op, blue, "chf: 480", "chf: abc")
	refused := op.Post("/catalogo/pubblica", url.Values{"yaml": {bad}, "passo": {"guarda"}}, 422)
	refused.Contains("[role=alert]", "Definizione:")
	if got := refused.Values("main section[aria-labelledby=definizione] form").Get("yaml"); !strings.Contains(got, "abc") {
		t.Error("what was pasted is gone")
	}
	op.Post("/catalogo/pubblica", url.Values{"yaml": {"a: &a [x]\nb: *a\n"}, "passo": {"guarda"}}, 422)
	op.Post("/catalogo/pubblica", url.Values{"yaml": {newest(t, op, blue, "chf: 480", "chf: 500")}, "passo": {"pubblica"}, "portata": {"large"}}, 422).Contains("main", "Scriva il motivo")

	publish(t, op, blue, "chf: 480", "chf: 500", "Tariffa aggiornata dal Cantone.")
	lugano, bellinzona := e.As(t, "lugano", "commune-admin"), e.As(t, "bellinzona", "commune-admin")
	apptest.Eventually(t, "the console says that a version waits", func() bool {
		return strings.Contains(lugano.Get("/console", 200).Text("main"), "aspetta la sua decisione")
	})
	at := "/console/servizi/" + blue + "/aggiornamento"
	page := lugano.Get(at, 200)
	page.Contains("main", "Tariffa aggiornata dal Cantone.")
	page.Contains("main .sp-changes", "CHF 480.00")
	page.Contains("main .sp-changes", "CHF 500.00")
	page.Contains("main .sp-sides", "Da noi")
	e.As(t, "lugano", "official").Get(at, 403)

	undecided := page.Submit(lugano, "main form[action='"+at+"']", nil)
	undecided.Contains("[role=alert]", "scelga che cosa vale")
	nonsense := undecided.Submit(lugano, "main form[action='"+at+"']", url.Values{"scelta.0": {"another"}, "altro.0": {"tanto"}})
	nonsense.Contains("[role=alert]", "scriva un valore valido")
	nonsense.Attr("main [name='altro.0']", "value", "tanto")
	nonsense.Submit(lugano, "main form[action='"+at+"']", url.Values{"scelta.0": {"another"}, "altro.0": {"495.00"}, "tassa": {"true"}}).Contains("main", "vale da subito")
	e.Visit(t, "lugano").Get("/servizi/"+blue, 200).Contains("main", "CHF 495.00")

	theirs := bellinzona.Get(at, 200)
	theirs.Submit(bellinzona, "main form[action='"+at+"/rifiuta']", nil).Contains("[role=alert]", "Scriva il motivo")
	bellinzona.Get(at, 200).Submit(bellinzona, "main form[action='"+at+"/rifiuta']", url.Values{"motivo": {"Da noi decide il Consiglio comunale."}}).Contains("main", "è rifiutata")
	apptest.Eventually(t, "the entity sees who stands where", func() bool {
		text := op.Get("/catalogo/"+blue, 200).Text("main")
		return strings.Contains(text, "Da noi decide il Consiglio comunale.") && strings.Contains(text, "ha rifiutato la versione 2")
	})

	undo := lugano.Get("/console/servizi/"+blue+"/annulla", 200)
	undo.Submit(lugano, "main form[action$='/annulla']", nil).Contains("main", "è annullato")
	e.Visit(t, "lugano").Get("/servizi/"+blue, 200).Contains("main", "CHF 480.00")
	log := lugano.Get("/console/operazioni", 200)
	log.Contains("main table", "Versione condivisa accettata")
	log.Contains("main table", "Aggiornamento annullato")
}

// Somebody who has begun goes on with the version they began with, is told of the
// newer one, and moves when they want to; so does an official with a case.
func TestDraftsAndCasesKeepTheirVersion(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "bellinzona", "citizen")
	begun := c.Get("/servizi/"+ground+"/avvia", 200)
	step := begun.Submit(c, "main form", url.Values{"luogo_address": {"Viale dell’Esempio 5"}, "luogo_postcode": {"6500"}, "luogo_town": {"Bellinzona"}, "scopo": {"altro"}})
	path := strings.TrimSuffix(step.AttrOf("main form", "action"), "/"+last(step.AttrOf("main form", "action")))
	begun.None("main .sp-notice a[href$='nuova-versione']")

	tenant := e.Tenant(t, "bellinzona")
	_, tree, err := e.Catalogue.SharedTree(t.Context(), ground, 0)
	if err != nil {
		t.Fatal(err)
	}
	tree = catalogue.Merge(tree, catalogue.Tree{"term": map[string]any{"working_days": float64(3)}, "minutes": float64(9)})
	if _, err := e.Catalogue.Publish(t.Context(), identity.System(tenancy.Tenant{}), []catalogue.Candidate{{Tree: tree, Why: "Più in fretta.", Size: catalogue.Large, NextVersion: true}}); err != nil {
		t.Fatal(err)
	}
	admin := e.As(t, "bellinzona", "commune-admin")
	at := "/console/servizi/" + ground + "/aggiornamento"
	decision := url.Values{}
	page := admin.Get(at, 200)
	for i := range strings.Count(string(admin.Bytes(at, 200)), "sp-sides\"") {
		decision.Set("scelta."+string(rune('0'+i)), "theirs")
	}
	page.Submit(admin, "main form[action='"+at+"']", decision).Contains("main", "vale da subito")

	apptest.Eventually(t, "the draft says that there is a newer version", func() bool {
		return strings.Contains(c.Get(path, 200).Text("main"), "c’è una versione nuova")
	})
	newer := c.Get(path+"/nuova-versione", 200)
	newer.Contains("main", "Giorni lavorativi")
	e.As(t, "bellinzona", "citizen-verified").Get(path+"/nuova-versione", 404)
	stays := c.Post(path+"/nuova-versione", url.Values{"versione": {"mia"}}, 200)
	if strings.Contains(stays.Text("main"), "c’è una versione nuova") {
		t.Error("who has chosen to stay is told again")
	}
	moved := c.Post(path+"/nuova-versione", url.Values{"versione": {"nuova"}}, 200)
	moved.None("a[href$='nuova-versione']")
	moved.Attr("main [name=luogo_address]", "value", "Viale dell’Esempio 5")
	now, err := e.Catalogue.At(t.Context(), tenant, ground, "")
	if err != nil {
		t.Fatal(err)
	}
	var hash string
	if err := e.DB.Read(t.Context(), tenant, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select service_hash from drafts where submitted_at is null and service_id = $1", ground).Scan(&hash)
	}); err != nil {
		t.Fatal(err)
	}
	if hash != now.Hash {
		t.Errorf("the draft is on %s, in force is %s", hash, now.Hash)
	}
}

var slash = regexp.MustCompile(`[^/]+$`)

func last(path string) string { return slash.FindString(path) }

// Adopt with one click, offer back, and the entity answers.
func TestAdoptAndOfferOnPages(t *testing.T) {
	e := apptest.New(t)
	admin := e.As(t, "bellinzona", "commune-admin")
	list := admin.Get("/console/servizi/catalogo", 200)
	link := list.AttrOf("main .sp-rows a", "href")
	card := admin.Get(link, 200)
	card.Contains("main", "Adottare questo servizio")
	id := last(link)
	adopted := card.Submit(admin, "main form[action='"+link+"']", nil)
	adopted.Contains("main", "Spento")
	if res := e.Visit(t, "bellinzona").Send(http.MethodGet, "/servizi/"+id, "", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("adopted and already offered: %s", res.Status)
	}
	admin.Get(link, 404)

	lugano := e.As(t, "lugano", "commune-admin")
	at := "/console/servizi/" + ground + "/offri"
	lugano.Get(at, 200).Submit(lugano, "main form[action='"+at+"']", nil).Contains("[role=alert]", "Scriva il motivo")
	lugano.Get(at, 200).Submit(lugano, "main form[action='"+at+"']", url.Values{"motivo": {"Le risposte immediate piacciono."}}).Contains("main", "è inviata")
	op := e.As(t, "ente", "entity-operator")
	offer := op.Get("/catalogo", 200).AttrOf("main a[href^='/catalogo/offerte/']", "href")
	op.Get(offer, 200).Contains("main", "Le risposte immediate piacciono.")
	op.Post(offer, url.Values{"passo": {"rifiuta"}}, 422).Contains("[role=alert]", "Scriva il motivo")
	op.Post(offer, url.Values{"passo": {"rifiuta"}, "risposta": {"Prima proviamo in due Comuni."}}, 200).Contains("main", "inviata al Comune")
	lugano.Get(at, 200).Contains("main", "Prima proviamo in due Comuni.")
	apptest.Eventually(t, "the commune's audit tells the answer", func() bool {
		return strings.Contains(lugano.Get("/console/operazioni", 200).Text("main table"), "Proposta non accolta")
	})
}

// A case keeps the version it was sent with until its official moves it, and says
// so in its history.
func TestAnOfficialMovesACase(t *testing.T) {
	e := apptest.New(t)
	tenant := e.Tenant(t, "bellinzona")
	if err := e.SeedCases(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	var ref, service, hash string
	var fee int64
	if err := e.DB.Read(t.Context(), tenant, func(tx *tenancy.Tx) error {
		return tx.QueryRow(`select ref, service_id, definition_hash, (outcome->'fee'->>'total')::bigint from cases
			where state = 'received' and service_id = $1 limit 1`, ground).Scan(&ref, &service, &hash, &fee)
	}); err != nil {
		t.Fatal(err)
	}
	official := e.As(t, "bellinzona", "office-head")
	path := "/ufficio/pratiche/" + ref
	if got := official.Get(path, 200).Text("main"); strings.Contains(got, "Passare alla versione in vigore") {
		t.Fatal("nothing is newer, yet the case offers to move")
	}
	official.Post(path+"/prendi", nil, 200)
	admin := e.As(t, "bellinzona", "commune-admin")
	base := "/console/servizi/" + service
	admin.Get(base+"/modifica/tariffa", 200).Submit(admin, "main form", url.Values{"fee.amounts.base.chf": {"77.00"}})
	for range 5 { // the new results of the examples are right
		examples := admin.Get(base+"/esempi", 200)
		if examples.Count("main button[name=accetta]") == 0 {
			break
		}
		admin.Post(base+"/esempi", url.Values{"accetta": {examples.AttrOf("main button[name=accetta]", "value")}}, 200)
	}
	seen := admin.Get(base+"/pubblica", 200).AttrOf("main input[name=revisione]", "value")
	admin.Post(base+"/pubblica", url.Values{"fare": {"publish"}, "revisione": {seen}}, 200)
	apptest.Eventually(t, "the case says that the service has changed", func() bool {
		return strings.Contains(official.Get(path, 200).Text("main"), "Passare alla versione in vigore")
	})
	page := official.Get(path+"/versione", 200)
	page.Contains("main .sp-changes", "Tassa")
	e.As(t, "lugano", "office-head").Get(path+"/versione", 404)
	moved := page.Submit(official, "main form[action='"+path+"/versione']", nil)
	moved.Contains("main", "Passata alla versione in vigore del servizio")
	var after string
	var dearer int64
	if err := e.DB.Read(t.Context(), tenant, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select definition_hash, (outcome->'fee'->>'total')::bigint from cases where ref = $1", ref).Scan(&after, &dearer)
	}); err != nil {
		t.Fatal(err)
	}
	if after == hash || dearer <= fee {
		t.Errorf("hash %s → %s, fee %d → %d", hash, after, fee, dearer)
	}
	admin.Get("/console/operazioni", 200).Contains("main table", "Pratica passata a un’altra versione")
}

// The entity withdraws a version that is wrong; the commune that accepted it reads
// why and is one page away from the version before.
func TestAVersionIsWithdrawn(t *testing.T) {
	e := apptest.New(t)
	op, lugano := e.As(t, "ente", "entity-operator"), e.As(t, "lugano", "commune-admin")
	publish(t, op, blue, "chf: 480", "chf: 490", "Tariffa nuova.")
	at := "/console/servizi/" + blue + "/aggiornamento"
	lugano.Get(at, 200).Submit(lugano, "main form[action='"+at+"']", url.Values{"scelta.0": {"theirs"}, "tassa": {"true"}}).Contains("main", "vale da subito")
	list := "/console/servizi/aggiornamenti"
	lugano.Get(list, 200).None("main section[aria-labelledby=ritirati]")

	service := "/catalogo/" + blue
	form := "main form[action='" + service + "/ritira']"
	e.As(t, "ente", "entity-auditor").Get(service, 200).None(form)
	op.Get(service, 200).Submit(op, form, nil).Contains("[role=alert]", "Scriva il motivo")
	op.Post(service+"/ritira", url.Values{"versione": {"99"}, "motivo": {"Non esiste."}}, 404)
	op.Get(service, 200).Submit(op, form, url.Values{"motivo": {"L’importo è quello dell’anno scorso."}}).Contains("main", "La versione è ritirata")
	told := op.Get(service, 200)
	told.Contains("aside", "L’importo è quello dell’anno scorso.")
	apptest.Eventually(t, "the page counts who stands on it", func() bool { // the worker does
		return strings.Contains(op.Get(service, 200).Text("main"), "versione ritirata")
	})
	told.None("main form[action='" + service + "/ritira'] input[value='2']")

	fallen := lugano.Get(list, 200)
	fallen.Contains("main section[aria-labelledby=ritirati]", "L’importo è quello dell’anno scorso.")
	back := fallen.AttrOf("main section[aria-labelledby=ritirati] a", "href")
	lugano.Get(back, 200).Submit(lugano, "main form[action$='/annulla']", nil).Contains("main", "è annullato")
	lugano.Get(list, 200).None("main section[aria-labelledby=ritirati]")
	e.As(t, "bellinzona", "commune-admin").Get(at, 200).None("main form[action='" + at + "']")
}
