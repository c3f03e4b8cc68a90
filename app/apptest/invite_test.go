package apptest_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
)

// A commune is opened with its first administrator: who is invited chooses the
// password, and from then on nobody of the entity names another one.
func TestFirstAdministratorIsInvited(t *testing.T) {
	e := apptest.New(t)
	opener, err := e.Opener()
	if err != nil {
		t.Fatal(err)
	}
	opener.Seed = nil // as outside the demo: nobody is there
	e.Background(t, opener.Run)
	op, auditor := e.As(t, "ente", "entity-operator"), e.As(t, "ente", "entity-auditor")
	op.Post("/comuni/nuovo", url.Values{"mode": {"form"}, "name": {"Montefinto"}, "slug": {"montefinto"}, "ref_prefix": {"mon"}, "first": {"#0B5CA8"}, "second": {"#C8102E"},
		"admin_name": {"Bice Prove"}, "admin_email": {"bice.prove@montefinto.example"}}, 200)
	link := func(to string) string {
		t.Helper()
		return regexp.MustCompile(`http://\S+/invito/[\w-]{43}`).FindString(e.WaitForMail(t, to, "/invito/").Text)
	}
	first := link("bice.prove@montefinto.example")
	apptest.Eventually(t, "the desk answers", func() bool {
		return e.Visit(t, "montefinto").Send(http.MethodGet, "/", "", nil).StatusCode == http.StatusOK
	})
	bice := e.Visit(t, "montefinto")
	bice.Get(first, 200).Contains("main", "Bice Prove")

	// She does not answer: somebody else is invited, and her link is spent.
	auditor.Get("/comuni/montefinto", 200).None("main form[action$='/invito']")
	if res := auditor.Send(http.MethodPost, "/comuni/montefinto/invito", formType, []byte("admin_name=A+B&admin_email=a@b.example")); res.StatusCode != http.StatusForbidden {
		t.Errorf("an auditor invites: %s", res.Status)
	}
	op.Get("/comuni/montefinto", 200).Contains("main", "Nessuno amministra ancora")
	op.Post("/comuni/montefinto/invito", url.Values{"admin_name": {"Carlo"}, "admin_email": {"x"}}, 422).Attr("main input[name=admin_name]", "value", "Carlo")
	op.Post("/comuni/montefinto/invito", url.Values{"admin_name": {"Carlo Esempi"}, "admin_email": {"carlo.esempi@montefinto.example"}}, 200).Contains("main", "L’invito è partito")
	bice.Get(first, 404)
	second := link("carlo.esempi@montefinto.example")
	carlo := e.Visit(t, "montefinto")
	carlo.Get(second, 200).Submit(carlo, "main form", url.Values{"password": {"corta"}}).Contains("main", "12")
	const password = "una frase che ricordo"
	carlo.Get(second, 200).Submit(carlo, "main form", url.Values{"password": {password}}).Contains("main", "Lo sportello")
	carlo.Get(second, 404)
	carlo.Post("/accedi", url.Values{"email": {"carlo.esempi@montefinto.example"}, "password": {password}}, 200)
	carlo.Get("/console", 200)
	carlo.Get("/console/operazioni", 200).Contains("main table", "Invito accettato")

	// The commune is in its own hands.
	op.Get("/comuni/montefinto", 200).None("main form[action$='/invito']")
	if res := op.Send(http.MethodPost, "/comuni/montefinto/invito", formType, []byte("admin_name=Dina+Prove&admin_email=dina@montefinto.example")); res.StatusCode != http.StatusConflict {
		t.Errorf("another administrator is named from outside: %s", res.Status)
	}
	if res := op.Send(http.MethodPost, "/comuni/lugano/invito", formType, []byte("admin_name=Dina+Prove&admin_email=dina@lugano.example")); res.StatusCode != http.StatusConflict {
		t.Errorf("an administrator of a commune at work is named from outside: %s", res.Status)
	}
}

// A commune that was just opened takes over another installation's export on its
// own console, once; one that is at work takes none, and the entity has no say.
func TestImportOnTheConsole(t *testing.T) {
	e := apptest.New(t)
	opener, err := e.Opener()
	if err != nil {
		t.Fatal(err)
	}
	opener.Seed = nil
	e.Background(t, opener.Run)
	c := e.As(t, "lugano", "citizen-verified")
	certificate(t, c).Submit(c, "main form", url.Values{"confermo": {"true"}})
	l, err := e.Life()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "export.zip")
	if _, err := l.Export(t.Context(), "lugano", file, func(int, string, string) {}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	op := e.As(t, "ente", "entity-operator")
	op.Post("/comuni/nuovo", url.Values{"mode": {"form"}, "name": {"Montefinto"}, "slug": {"montefinto"}, "ref_prefix": {"mon"}, "first": {"#0B5CA8"}, "second": {"#C8102E"},
		"admin_name": {"Bice Prove"}, "admin_email": {"bice.prove@montefinto.example"}}, 200)
	link := regexp.MustCompile(`http://\S+/invito/[\w-]{43}`).FindString(e.WaitForMail(t, "bice.prove@montefinto.example", "/invito/").Text)
	const password, at = "una frase che ricordo", "/console/esportazione"
	bice := e.Visit(t, "montefinto")
	apptest.Eventually(t, "the desk answers", func() bool { return bice.Send(http.MethodGet, "/", "", nil).StatusCode == http.StatusOK })
	bice.Get(link, 200).Submit(bice, "main form", url.Values{"password": {password}})
	bice.Post("/accedi", url.Values{"email": {"bice.prove@montefinto.example"}, "password": {password}}, 200)
	bice.Upload("/console/importazione", nil, []apptest.File{{Field: "file", Name: "export.zip", Data: []byte("no archive")}}, 422).Contains("main", "Scelga l’archivio ZIP")
	bice.Upload("/console/importazione", nil, []apptest.File{{Field: "file", Name: "export.zip", Data: data}}, 200).Contains("main", "Importazione in Montefinto")
	var there, here int
	const sum = "select (select count(*) from accounts) * 1000 + (select count(*) from cases)"
	asTenant(t, e, "lugano", sum, &there)
	apptest.Eventually(t, "everything is in", func() bool {
		asTenant(t, e, "montefinto", sum, &here)
		return here == there && here%1000 > 0
	})
	apptest.Eventually(t, "and the file is gone", func() bool {
		gone := true
		if err := e.Blobs("montefinto").Each(t.Context(), func(key string) error {
			gone = gone && !strings.HasPrefix(key, "imports/")
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return gone
	})
	admin := e.As(t, "lugano", "commune-admin")
	admin.Get(at, 200).None("main form[action='/console/importazione']")
	if res := admin.Send(http.MethodPost, "/console/importazione", formType, nil); res.StatusCode != http.StatusConflict {
		t.Errorf("a commune at work takes an import: %s", res.Status)
	}
	op.CarryCookies("ente", "montefinto")
	if res := op.Send(http.MethodPost, e.URLOf("montefinto", "/console/importazione"), formType, nil); res.StatusCode < 400 {
		t.Errorf("the entity's operator imports: %s", res.Status)
	}
}
