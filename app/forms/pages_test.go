package forms_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

const ground = "/servizi/suolo-occupazione-temporanea/avvia"

var sketch = []byte("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n")

func inDays(n int) string { return time.Now().In(i18n.Zurich).AddDate(0, 0, n).Format("02.01.2006") }

func TestStepsOnPages(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "bellinzona", "citizen")
	first := c.Get(ground, 200)
	first.Contains("main h1", "Dove e perché?")
	first.None("[name=targa]")

	// A broken form comes back with everything typed and each mistake twice: in
	// the summary and at its field.
	broken := first.Submit(c, "main form", url.Values{"luogo_address": {"Viale <b>dell’Esempio</b> 5"}, "luogo_postcode": {"6900"}, "luogo_town": {"Lugano"}})
	broken.Contains("[role=alert]", "Il NPA 6900 non è del nostro Comune")
	broken.Contains("[role=alert]", "Scelga: Scopo")
	broken.Attr("[name=luogo_address]", "value", "Viale <b>dell’Esempio</b> 5")
	broken.Attr("[name=luogo_postcode]", "aria-invalid", "true")
	if got := broken.AttrOf("[role=alert] a", "href"); got != "#f-luogo_postcode" {
		t.Errorf("the summary leads to %s", got)
	}
	if !strings.HasPrefix(broken.Text("title"), "Errore: ") {
		t.Errorf("title %q", broken.Text("title"))
	}

	// An answer that opens a question is followed by that question, not by a
	// complaint.
	opened := broken.Submit(c, "main form", url.Values{"luogo_postcode": {"6500"}, "luogo_town": {"Bellinzona"}, "scopo": {"trasloco"}})
	opened.Contains("main", "Le sue risposte aprono un’altra domanda")
	opened.Count("[name=targa]")
	when := opened.Submit(c, "main form", url.Values{"targa": {"ti 12345"}})
	when.Contains("main h1", "Quando e quanto spazio?")

	more := when.Submit(c, "main form", url.Values{
		"periodo_from": {inDays(5)}, "periodo_to": {inDays(7)}, "orario": {"08.00-18.00"}, "superficie": {"24,5"}, "carreggiata": {"false"},
	})
	more.Contains("main", "Schizzo")
	path := more.AttrOf("main form", "action")
	form := more.Values("main form")

	// A file of the wrong kind is refused by name; the answers stay.
	refused := c.Upload(path, form, []apptest.File{{Field: "schizzo", Name: "virus.pdf", Data: []byte("MZ not a pdf")}}, 422)
	refused.Contains("[role=alert]", "«virus.pdf» non è un tipo ammesso")
	refused.Attr("[name=superficie]", "value", "24.5")
	confirm := c.Upload(path, form, []apptest.File{{Field: "schizzo", Name: "schizzo.pdf", Data: sketch}}, 200)
	confirm.Contains("main h1", "Che cosa conferma")

	// Another device: the same draft, at the step where it was left.
	other := c.Copy("citizen")
	resumed := other.Get(ground, 200)
	resumed.Contains("main h1", "Che cosa conferma")
	back := other.Get(path, 200)
	back.Contains("main", "schizzo.pdf")
	back.Attr("[name=superficie]", "value", "24.5")
	removed := other.Post(path, url.Values{"remove": {back.AttrOf("button[name=remove]", "value")}}, 200)
	removed.None("button[name=remove]")
	c.Upload(path, form, []apptest.File{{Field: "schizzo", Name: "schizzo.pdf", Data: sketch}}, 200)

	review := resumed.Submit(other, "main form", url.Values{"condizioni": {"true"}})
	review.Contains("main", "Viale <b>dell’Esempio</b> 5, 6500 Bellinzona")
	review.Contains("main", "TI 12345")
	review.Contains("main", "CHF 160.25") // 50 + 24.5 × 3 × 1.50, rounded to five centimes
	review.Contains("main", "Paga solo se la domanda è accolta")
	unsure := review.Submit(other, "main form", nil)
	unsure.Contains("[role=alert]", "Confermi che i dati sono veri e completi")

	// Nobody else sees the draft, and it does not exist next door.
	draft := strings.TrimSuffix(path, "/periodo")
	e.As(t, "bellinzona", "citizen-verified").Get(draft, 404)
	e.As(t, "bellinzona", "citizen-verified").Post(path, form, 404)
	e.As(t, "lugano", "citizen").Get(draft, 404)
	c.Get(draft+"/nessuno", 404)
	c.Get("/area/bozze/not-a-draft", 404)
	e.Visit(t, "bellinzona").Get(draft, 200).Contains("main h1", "Accedere")
}

func TestLevelIsAskedBeforeTheEffort(t *testing.T) {
	e := apptest.New(t)
	refused := e.As(t, "lugano", "citizen").Get("/servizi/certificato-domicilio/avvia", 403)
	refused.Contains("main", "livello 3")
	e.As(t, "lugano", "citizen").Get("/servizi/nessun-servizio/avvia", 404)
	known := e.As(t, "lugano", "citizen-verified").Get("/servizi/certificato-domicilio/avvia", 200)
	known.Contains("main", "Anna Esempi")
	known.Contains("main", "14.03.1987")
}
