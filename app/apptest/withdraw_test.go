package apptest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
)

// Somebody withdraws while the payment page is still open, and pays all the
// same: the money goes back, and the case says so.
func TestPaidAfterWithdrawingIsGivenBack(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	pay := certificate(t, c).Submit(c, "main form", url.Values{"confermo": {"true"}})
	ref := refPattern.FindString(c.Get("/area/pratiche", 200).Text("main"))
	c.Post("/area/pratiche/"+ref+"/ritira", nil, 200).Contains("main", "Ritirata")
	pay.Submit(c, "form", url.Values{"esito": {"paga"}})
	apptest.Eventually(t, "the sandbox has given the money back", func() bool {
		tx := e.Sandbox.Transactions(915192)
		return len(tx) == 1 && strings.HasPrefix(tx[0].Refunded, "10")
	})
	page := c.Get("/area/pratiche/"+ref, 200)
	page.Contains("main", "Pagamento arrivato dopo il ritiro")
	page.Contains("main", "Ritirata")
	if list := c.Get("/area/documenti", 200).Text("main"); strings.Contains(list, "Certificato di domicilio") {
		t.Error("a withdrawn request was answered with a certificate")
	}
}
