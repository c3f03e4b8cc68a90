package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Somebody types with a slip, is offered the service while typing, takes it with
// the arrow keys and stands before its card: at the width of a small telephone.
func TestJourneyFindByKeyboard(t *testing.T) {
	t.Parallel()
	p := visit(t, "lugano")
	p.keyboard = true
	p.open("/")
	p.resize(320)
	p.fill("Cercare un servizio", "certifcato di resi")
	p.suggested("Certificato di domicilio")
	p.picture("suggerimenti-320")
	if overflow := eval[bool](p, "document.documentElement.scrollWidth > document.documentElement.clientWidth"); overflow {
		t.Error("the suggestions are wider than the window")
	}
	p.do(chromedp.KeyEvent(kb.ArrowDown))
	chosen := eval[string](p, `(() => { const i = document.querySelector("[role=combobox]");
		return i.getAttribute("aria-expanded") + " " + document.getElementById(i.getAttribute("aria-activedescendant"))?.textContent.trim(); })()`)
	if !strings.HasPrefix(chosen, "true Certificato di domicilio") {
		t.Errorf("the arrow key chose %q", chosen)
	}
	p.goes(func() { p.do(chromedp.KeyEvent(kb.Enter)) })
	p.sees("Certificato di domicilio", "Quanto tempo ci vuole", "A chi rivolgersi")
	if p.path() != "/servizi/certificato-domicilio" {
		t.Errorf("Enter led to %s", p.path())
	}

	// Escape closes the list and keeps what was typed; Enter then searches.
	p.open("/")
	p.fill("Cercare un servizio", "cani")
	p.suggested("Notifica di possesso di un cane")
	p.do(chromedp.KeyEvent(kb.Escape))
	if eval[string](p, `document.querySelector("[role=combobox]").getAttribute("aria-expanded") + document.querySelector("[role=combobox]").value`) != "falsecani" {
		t.Error("Escape does not close the list, or empties the field")
	}
	p.goes(func() { p.do(chromedp.KeyEvent(kb.Enter)) })
	p.sees("per «cani»", "Notifica di possesso di un cane")
}

// Without a line of JavaScript the same field is a form, filters are links and
// boxes, and what is missing is reported.
func TestJourneyFindWithoutScript(t *testing.T) {
	t.Parallel()
	p := visit(t, "bellinzona")
	p.withoutScript()
	p.open("/")
	p.fill("Cercare un servizio", "parcheggio residenti")
	p.press("Cercare")
	p.sees("zona blu")
	p.open("/servizi?pubblico=citizen&subito=1")
	p.sees("Togliere il filtro Persone e famiglie", "Con risposta immediata", "Certificato di domicilio")
	p.open("/servizi?q=astronave")
	p.sees("Nessun servizio corrisponde", "Segnalare che manca")
	p.press("Segnalare che manca")
	p.sees("Grazie. Il Comune vede le parole che mancano")
	admin := as(t, "bellinzona", "commune-admin")
	admin.open("/console/parole")
	admin.sees("astronave")
	admin.open("/console/incorpora")
	admin.sees("Sportello negli altri siti", "Scheda di un servizio")
}

// suggested waits until the list below the search field holds a title.
func (p *person) suggested(title string) {
	p.t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if strings.Contains(eval[string](p, `[...document.querySelectorAll(".sp-suggest:not([hidden]) [role=option]")].map((o) => o.textContent).join("\n")`), title) {
			return
		}
	}
	p.fatalf("%q is not suggested", title)
}
