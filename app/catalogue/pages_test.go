package catalogue_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/tenants"
)

func TestCatalogueOnPages(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	lugano, bellinzona := e.Visit(t, "lugano"), e.Visit(t, "bellinzona")

	list := lugano.Get("/servizi", 200)
	list.Contains("main", "Certificato di domicilio")
	list.Contains("main", "Suolo pubblico ed eventi")
	found := lugano.Get("/servizi?q=cane", 200)
	found.Contains("main", "Notifica di possesso di un cane")
	lugano.Get("/servizi?q=%3Cxyzzy%3E", 200).Contains("main", "Nessun servizio corrisponde")
	// What was typed is shown as words, never as markup.
	hostile := lugano.Get("/servizi?q=%3Cscript%3Ealert(1)%3C/script%3E", 200)
	hostile.None("main script")
	hostile.Attr("main input[name=q]", "value", "<script>alert(1)</script>")
	lugano.Get("/servizi?tema=certificati", 200).Contains("main h1", "Certificati")
	lugano.Get("/servizi?tema=nessuno", 404)
	lugano.Get("/servizi?evento=casa", 200)

	card := lugano.Get("/servizi/suolo-occupazione-temporanea", 200)
	card.Contains("main", "da CHF 50.00")
	card.Contains("main", "Subito")
	there := bellinzona.Get("/servizi/suolo-occupazione-temporanea", 200)
	there.Contains("main", "5 giorni lavorativi")
	there.Contains("main", "Polizia comunale Bellinzona")
	there.Contains("main", "Legge organica comunale")
	german := lugano.Get("/servizi/certificato-domicilio?lang=de", 200)
	german.Contains("main h1", "Wohnsitzbescheinigung")
	lugano.Get("/servizi/cane-notifica-possesso?lang=de", 200).Contains("main", "nur auf Italienisch")

	// Not offered here is not there.
	lugano.Get("/servizi/contributo-ebike", 200)
	bellinzona.Get("/servizi/contributo-ebike", 404)
}

func TestCatalogueForMachines(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	c := e.Visit(t, "bellinzona")
	var list struct {
		Count    int
		Services []struct {
			ID    string
			Kind  string
			Price *struct {
				Centimes int
				From     bool
			}
			Schema string
		}
	}
	read(t, c, "/api/v1/services", &list)
	overlays, err := catalogue.Overlays(tenants.FS, "bellinzona")
	if err != nil {
		t.Fatal(err)
	}
	if list.Count != len(overlays) || len(list.Services) != len(overlays) {
		t.Errorf("%d services, %d are offered", list.Count, len(overlays))
	}
	var one struct {
		ID   string
		Form struct{ Steps []struct{ ID string } }
	}
	read(t, c, "/api/v1/services/suolo-occupazione-temporanea", &one)
	if len(one.Form.Steps) != 3 {
		t.Errorf("%+v", one)
	}
	var schema map[string]any
	read(t, c, "/api/v1/services/suolo-occupazione-temporanea/schema", &schema)
	if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" || !strings.HasSuffix(schema["$id"].(string), "/schema") {
		t.Errorf("%v", schema["$id"])
	}
	res := c.Send(http.MethodGet, "/api/v1/services/contributo-ebike", "", nil)
	var told struct{ Code string }
	if err := json.NewDecoder(res.Body).Decode(&told); err != nil || res.StatusCode != http.StatusNotFound || told.Code != "catalogue.not-offered" {
		t.Errorf("%s %+v %v", res.Status, told, err)
	}
}

func read(t *testing.T, c *apptest.Client, path string, into any) {
	t.Helper()
	if err := json.Unmarshal(c.Bytes(path, http.StatusOK), into); err != nil {
		t.Fatal(err)
	}
}
