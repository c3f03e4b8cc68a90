package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The entity publishes a shared change; two communes accept it, one of them after
// resolving a conflict; one refuses; the dashboard shows it; one undoes.
func TestJourneySharedVersion(t *testing.T) {
	t.Parallel()
	const service = "zona-blu-contrassegno-residenti"
	p := as(t, "ente", "entity-operator")
	p.open("/catalogo/pubblica?servizio=" + service)
	text := eval[string](p, `document.querySelector("textarea[name=yaml]").value`)
	changed := strings.Replace(text, "chf: 480", "chf: 500", 1)
	if changed == text {
		t.Fatalf("the definition has no such amount:\n%.400s", text)
	}
	p.do(chromedp.SetValue("textarea[name=yaml]", changed, chromedp.ByQuery))
	p.press("Guardare che cosa cambia")
	p.sees("esempi eseguiti", "Per un anno intero", "CHF 480.00", "CHF 500.00")
	p.press("Pubblicare")
	p.sees("da correggere", "Scriva il motivo")
	p.fill("Motivo", "Il Cantone ha cambiato la tariffa.")
	p.press("Pubblicare")
	p.sees("La versione è pubblicata", "versione 2")

	at := "/console/servizi/" + service + "/aggiornamento"
	chiasso := as(t, "chiasso", "commune-admin")
	chiasso.open(at)
	chiasso.sees("Il Cantone ha cambiato la tariffa.", "CHF 480.00", "CHF 500.00")
	chiasso.press("Accettare l’aggiornamento")
	chiasso.sees("vale da subito")

	visit(t, "chiasso").finds("/servizi/"+service, "CHF 500.00")

	lugano := as(t, "lugano", "commune-admin")
	lugano.open(at)
	lugano.sees("Un conflitto", "Da noi", "Nella versione nuova")
	lugano.press("Accettare l’aggiornamento")
	lugano.sees("da correggere", "scelga che cosa vale")
	lugano.choose("Che cosa vale?", "Tenere la nostra")
	lugano.press("Accettare l’aggiornamento")
	lugano.sees("vale da subito")
	visit(t, "lugano").finds("/servizi/"+service, "CHF 480.00")

	mendrisio := as(t, "mendrisio", "commune-admin")
	mendrisio.open(at)
	mendrisio.press("Rifiutare questa versione")
	mendrisio.sees("da correggere", "Scriva il motivo")
	mendrisio.fill("Motivo", "Aspettiamo il nuovo regolamento.")
	mendrisio.press("Rifiutare questa versione")
	mendrisio.sees("è rifiutata")

	p.finds("/catalogo/"+service, "Aspettiamo il nuovo regolamento.")
	p.sees("Aspettiamo il nuovo regolamento.", "ha rifiutato la versione 2")
	p.open("/catalogo")
	p.sees("Catalogo condiviso", "Scarto dal catalogo condiviso")

	chiasso.open("/console/servizi/" + service + "/annulla")
	chiasso.sees("Che cosa torna")
	chiasso.press("Annullare l’aggiornamento")
	chiasso.sees("è annullato")
	visit(t, "chiasso").finds("/servizi/"+service, "CHF 480.00")
}
