package apptest_test

import (
	"bytes"
	"image"
	"image/png"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/pkg/htmlcheck"
)

var refPattern = regexp.MustCompile(`[A-Z]{3}-\d{4}-[0-9A-Z]{4}-[0-9A-Z]`)

// certificate fills in the form of the certificate of domicile up to the page
// on which the answers are checked.
func certificate(t *testing.T, c *apptest.Client) *htmlcheck.Page {
	t.Helper()
	p := c.Get("/servizi/certificato-domicilio/avvia", 200)
	p = p.Submit(c, "main form", url.Values{"per_chi": {"me"}})
	p = p.Submit(c, "main form", url.Values{"motivo": {"locazione"}, "lingua": {"it"}})
	return p.Submit(c, "main form", url.Values{"consegna": {"casella"}})
}

// A verified citizen gets a paid and sealed certificate; nobody at the commune
// does anything.
func TestJourneyCertificate(t *testing.T) {
	e := apptest.New(t)
	card := e.Visit(t, "lugano").Get("/servizi/certificato-domicilio", 200)
	card.Contains("main", "CHF 10.00")
	card.Contains("main", "tariffa dimostrativa")

	c := e.As(t, "lugano", "citizen-verified")
	review := certificate(t, c)
	review.Contains("main", "locazione")
	review.Contains("main button[type=submit]", "CHF 10.00")
	pay := review.Submit(c, "main form", url.Values{"confermo": {"true"}})
	pay.Contains("body", "TWINT")
	done := pay.Submit(c, "form", url.Values{"esito": {"paga"}})
	ref := refPattern.FindString(done.Text("body"))
	apptest.Eventually(t, "the certificate is ready", func() bool {
		return strings.Contains(c.Get("/area/documenti", 200).Text("main"), "Certificato di domicilio")
	})
	if ref == "" {
		ref = refPattern.FindString(c.Get("/area/pratiche", 200).Text("main"))
	}
	apptest.Eventually(t, "the case is closed", func() bool {
		return strings.Contains(c.Get("/area/pratiche/"+ref, 200).Text("main"), "Conclusa")
	})
	link := c.Get("/area/documenti", 200).AttrOf("main a[href^='/area/documenti/']", "href")
	file := c.Bytes(link, 200)

	// The mail carries a link, not the paper.
	mail := e.WaitForMail(t, "anna.esempi@lugano.example", "/area/pratiche/"+ref)
	if bytes.Contains(mail.Raw, []byte("%PDF")) || strings.Contains(string(mail.Raw), "application/pdf") {
		t.Error("the mail carries the paper")
	}
	checkGenuine(t, e, file)
}

// A resident of another commune asks for public ground: leaves in the middle,
// finishes on another device, is asked for a paper, gets a decision with its
// fee, and pays it.
func TestJourneyPublicGround(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "bellinzona", "citizen")
	p := c.Get("/servizi/suolo-occupazione-temporanea/avvia", 200)
	p = p.Submit(c, "main form", url.Values{"luogo_address": {"Viale dell’Esempio 5"}, "luogo_postcode": {"6500"}, "luogo_town": {"Bellinzona"}, "scopo": {"benna"}})
	// The purpose brings one more question.
	p = p.Submit(c, "main form", url.Values{"ditta": {"Esempio Impianti SA"}})
	draft := p.AttrOf("main form", "action")

	// Another device, another sign-in: what was typed is there.
	c = c.Copy("citizen")
	c.Get("/area", 200).Contains("main", "Occupazione temporanea")
	c.Get(draft, 200)
	from, to := day(10), day(12)
	wrong := c.Upload(draft, url.Values{"periodo_from": {to}, "periodo_to": {from}, "orario": {"07.00-18.00"}, "superficie": {"20"}, "carreggiata": {"true"}}, nil, 422)
	wrong.Attr("main input[name=orario]", "value", "07.00-18.00")
	p = c.Upload(draft, url.Values{"periodo_from": {from}, "periodo_to": {to}, "orario": {"07.00-18.00"}, "superficie": {"20"}, "carreggiata": {"true"}},
		[]apptest.File{{Field: "schizzo", Name: "schizzo.png", Data: sketch(t)}}, 200)
	p = p.Submit(c, "main form", url.Values{"condizioni": {"true"}})
	p.Contains("main", "schizzo.png")
	done := p.Submit(c, "main form", url.Values{"confermo": {"true"}})
	ref := refPattern.FindString(done.Text("main"))
	if ref == "" {
		t.Fatalf("no reference on %q", done.Text("main"))
	}
	own, desk := "/area/pratiche/"+ref, "/ufficio/pratiche/"+ref

	head := e.As(t, "bellinzona", "office-head")
	head.Get("/ufficio", 200).Contains("main table", ref)
	p = head.Get(desk, 200).Submit(head, "aside form", nil)
	p.Contains("main", "In esame")
	p = head.Get(desk+"/chiedi", 200).Submit(head, "main form", url.Values{"testo": {"Manca la larghezza del passaggio."}})
	p.Contains("main", "termine è fermo")
	e.WaitForMail(t, "matteo.esempi@bellinzona.example", ref)

	c.Get("/area", 200).Contains("main", "aspetta una sua risposta")
	p = c.Upload(own+"/rispondi", url.Values{"risposta": {"Restano due metri."}}, []apptest.File{{Field: "file", Name: "passaggio.png", Data: sketch(t)}}, 200)
	p.Contains("main", "In esame")
	p = head.Get(desk, 200)
	p.Contains("main", "Restano due metri.")
	p.Contains("main", "passaggio.png")

	refused := head.Get(desk+"/decidi", 200).Submit(head, "main form", url.Values{"ruling": {"granted"}, "reasons": {""}})
	refused.Contains("main", "Scriva i motivi")
	p = refused.Submit(head, "main form", url.Values{"ruling": {"granted"}, "reasons": {"Il passaggio resta libero."}, "conditions": {"Segnaletica 48 ore prima."}})
	p.Contains("main", "Decisa")
	// 50.00 at least, and 20 m² for three days at 1.50.
	e.WaitForMail(t, "matteo.esempi@bellinzona.example", "decis")
	p = c.Get(own, 200)
	for _, part := range []string{"La domanda è accolta", "Il passaggio resta libero.", "Segnaletica 48 ore prima.", "CHF 140.00", "Consiglio di Stato", "Risoluzione n. 20"} {
		p.Contains("main", part)
	}
	pay := c.Post(own+"/paga", nil, 200)
	pay.Submit(c, "form", url.Values{"esito": {"paga"}})
	apptest.Eventually(t, "the case is closed once paid", func() bool {
		return strings.Contains(c.Get(own, 200).Text("main"), "Conclusa")
	})
	mine, theirs := c.Get(own, 200).Text("main"), head.Get(desk, 200).Text("main")
	if !strings.Contains(mine, "L’ufficio chiede un documento") || !strings.Contains(theirs, "Documento richiesto, termine fermo") {
		t.Error("the two sides do not each read the history in their own words")
	}
}

func day(in int) string { return time.Now().AddDate(0, 0, in).Format(time.DateOnly) }

func sketch(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// checkGenuine holds the desk's word against pdfsig's, for the file and for
// the same file with one byte changed.
func checkGenuine(t *testing.T, e *apptest.Env, file []byte) {
	t.Helper()
	visitor := e.Visit(t, "lugano")
	code := regexp.MustCompile(`/v/([0-9A-Z]+)`).FindStringSubmatch(pdfText(t, file))
	if code == nil {
		code = []string{"", strings.ReplaceAll(regexp.MustCompile(`\b([0-9A-Z]{4}(?:[ -][0-9A-Z]{4}){3,})\b`).FindString(pdfText(t, file)), " ", "")}
	}
	verdict := visitor.Get("/v/"+code[1], 200)
	verdict.Contains("main", "autentico")
	if text := verdict.Text("main"); strings.Contains(text, "Esempi") || strings.Contains(text, "Anna") {
		t.Error("the page of a code names the person")
	}
	good := visitor.Upload("/verifica", nil, []apptest.File{{Field: "file", Name: "c.pdf", Data: file}}, 200)
	good.Contains("main h1", "autentico")
	if !pdfsig(t, file) {
		t.Error("pdfsig does not accept the genuine file")
	}
	altered := bytes.Clone(file)
	at := bytes.Index(altered, []byte("stream")) + 60
	altered[at] ^= 1
	bad := visitor.Upload("/verifica", nil, []apptest.File{{Field: "file", Name: "c.pdf", Data: altered}}, 200)
	bad.Contains("main h1", "non")
	if pdfsig(t, altered) {
		t.Error("pdfsig accepts a changed file")
	}
}

func pdfText(t *testing.T, file []byte) string {
	t.Helper()
	out, err := exec.Command("pdftotext", "-layout", write(t, file), "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func pdfsig(t *testing.T, file []byte) bool {
	t.Helper()
	out, _ := exec.Command("pdfsig", "-nocert", write(t, file)).CombinedOutput()
	return strings.Contains(string(out), "Signature is Valid")
}

func write(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f.pdf")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
