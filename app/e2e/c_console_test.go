package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// A commune's administrator changes colours and the name under the mark; a
// colour that cannot be read is refused with the nearest one that can.
func TestJourneyConsoleBrand(t *testing.T) {
	t.Parallel()
	p := as(t, "locarno", "commune-admin")
	p.sees("Panoramica")
	before := theme(p)
	p.follow("Colori e nome")
	p.fill("Primo colore, codice esadecimale", "#4FA9DE")
	p.do(keys(kb.Tab)) // leaving the field shows what it means
	p.sees("Troppo chiaro per un testo bianco", "Serve almeno 4.5 : 1", "Le proponiamo #", "Anteprima con #")
	if got := p.path(); got != "/console/colori" {
		t.Errorf("the preview has led to %s", got)
	}
	p.fill("Nome sotto il segno", "Sportello del Verbano")
	p.do(keys(kb.Tab))
	p.sees("Sportello del Verbano")
	p.press("Usare #")
	p.sees("I colori e il nome sono pubblicati.")
	chosen := p.reads("Primo colore, codice esadecimale")
	if strings.EqualFold(chosen, "#4FA9DE") {
		t.Error("the refused colour was published")
	}
	p.press("Vedere l’anteprima")
	p.sees("Anteprima con "+chosen, "Sì, tutte le coppie si leggono.")

	anybody := visit(t, "locarno")
	anybody.open("/")
	anybody.sees("Sportello del Verbano")
	if got := theme(anybody); got == before {
		t.Error("the home page still has the old theme")
	}
}

// theme is the colour a page acts in.
func theme(p *person) string {
	p.t.Helper()
	return eval[string](p, `document.querySelector("link[href^='/tema/']").getAttribute("href") + getComputedStyle(document.querySelector(".sp-brand strong")).fontFamily`)
}

// She switches a service off and on, sets its fee, enters the commune's own
// payment account, and reads who did all this.
func TestJourneyConsoleServices(t *testing.T) {
	t.Parallel()
	p := as(t, "locarno", "commune-admin")
	anybody := visit(t, "locarno")
	const service = "Dichiarazione di stato di famiglia"
	p.follow("Servizi e tariffe")
	p.follow(service)
	p.press("Spegnere il servizio")
	p.sees("Lo stato del servizio è cambiato.", "Spento")
	anybody.finds("/servizi/stato-famiglia", "Questa pagina non c’è")
	p.press("Attivare il servizio")
	p.sees("Lo stato del servizio è cambiato.", "Attivo")
	anybody.finds("/servizi/stato-famiglia", service)

	p.follow("Tariffa")
	p.fill("Per ogni copia", "abc")
	p.press("Salvare nella modifica")
	p.sees("da correggere", "Scriva un importo come 12.50")
	p.fill("Per ogni copia", "17.50")
	p.press("Salvare nella modifica")
	p.sees("È salvato nella modifica in preparazione.")
	p.follow("Controllare e pubblicare")
	p.press("Pubblicare")
	p.sees("La modifica è pubblicata.", "Confermata")
	anybody.finds("/servizi/stato-famiglia", "CHF 17.50")
	anybody.doesNotSee("ariffa dimostrativa")

	p.follow("Pagamenti")
	p.fill("Space ID", "915113")
	p.fill("User ID", "925113")
	p.fill("Chiave dell’utente", "c2VncmV0by1pbnZlbnRhdG8tcGVyLWxhLXByb3ZhLTMyYg==")
	p.fill("IBAN", "CH93 0076 2011 6238 5295 8")
	p.press("Salvare")
	p.sees("da correggere", "L’IBAN non è giusto. Controlli le cifre.")
	p.fill("IBAN", "CH93 0076 2011 6238 5295 7")
	p.fill("Chiave dell’utente", "c2VncmV0by1pbnZlbnRhdG8tcGVyLWxhLXByb3ZhLTMyYg==")
	p.press("Salvare")
	p.sees("Il conto di pagamento è salvato.", "Inserito")
	if got := p.reads("Chiave dell’utente"); got != "" {
		t.Error("the key can be read again")
	}

	p.open("/console")
	p.sees("Ultime operazioni")
	p.follow("Tutto il registro delle operazioni")
	p.sees("Chi ha fatto che cosa", "La catena è intatta", "Servizio attivato o spento", "Servizio pubblicato", "Conto di pagamento cambiato")
	p.doesNotSee("c2VncmV0by1p")
	p.fill("Che cosa", "Servizio pubblicato")
	p.press("Filtrare")
	p.sees("servizio stato-famiglia", "Silvia Facsimili")
	p.doesNotSee("conto postfinance")
}
