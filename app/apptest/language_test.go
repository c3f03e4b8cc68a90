package apptest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
)

// The certificate comes in the language somebody chose, whatever the language
// of the page it was asked on.
func TestTheCertificateSpeaksTheLanguageChosen(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	p := c.Get("/servizi/certificato-domicilio/avvia", 200)
	p = p.Submit(c, "main form", url.Values{"per_chi": {"me"}})
	p = p.Submit(c, "main form", url.Values{"motivo": {"locazione"}, "lingua": {"de"}, "copie": {"1"}})
	p = p.Submit(c, "main form", url.Values{"consegna": {"casella"}})
	p.Submit(c, "main form", url.Values{"confermo": {"true"}}).Submit(c, "form", url.Values{"esito": {"paga"}})
	apptest.Eventually(t, "the document is there", func() bool {
		return strings.Contains(c.Get("/area/documenti", 200).Text("main"), "Wohnsitzbescheinigung")
	})
	text := pdfText(t, c.Bytes(c.Get("/area/documenti", 200).AttrOf("main a[href^='/area/documenti/']", "href"), 200))
	for _, word := range []string{"Wohnsitzbescheinigung", "Miete", "Anna Esempi", "14.03.1987"} {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), word) {
			t.Errorf("the paper does not say %q:\n%s", word, text)
		}
	}
}
