package catalogue_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/contingents"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// The card says how long it really took beside the legal term, or that it is not
// known yet, and what is left where a service gives something out; the first page
// says what is asked for most once it was counted.
func TestCardSaysWhatReallyHappens(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	v := e.Visit(t, "lugano")
	few := v.Get("/servizi/accesso-documenti-ufficiali", http.StatusOK)
	few.Contains("main", "Ci sono ancora pochi dati")
	few.Contains("main", "entro 15 giorni lavorativi")
	few.None(".sp-left")
	v.Get("/", http.StatusOK).Contains("#usati", "Servizi con risposta immediata")

	year := time.Now().Format("2006")
	if err := e.DB.In(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		if _, err := tx.Exec(`insert into service_figures (service_id, asked, answered, median_days, median_hours, reckoned_at) values
			('accesso-documenti-ufficiali', 40, 23, 4, 90, now()), ('stato-famiglia', 50, 50, 0, 0, now()), ('notifica-arrivo', 9, 7, 0, 5, now()), ('contributo-ebike', 4, 1, null, null, now())`); err != nil {
			return err
		}
		for _, pot := range []struct {
			service       string
			used, waiting int
		}{{"zona-blu-contrassegno-residenti", 262, 12}, {"contributo-ebike", 1866500, 0}} {
			if _, err := tx.Exec("insert into contingent_pots (service_id, pot, period, used, waiting) values ($1, '', $2, $3, $4)", pot.service, year, pot.used, pot.waiting); err != nil {
				return err
			}
		}
		if err := tx.Bump(contingents.Topic); err != nil {
			return err
		}
		return tx.Bump(catalogue.FiguresTopic)
	}); err != nil {
		t.Fatal(err)
	}
	shows := func(path, text string) {
		t.Helper()
		eventually(t, func() bool { return strings.Contains(v.Get(path, http.StatusOK).Text("main"), text) })
	}
	shows("/servizi/accesso-documenti-ufficiali", "Almeno la metà delle 23 richieste")
	page := v.Get("/servizi/accesso-documenti-ufficiali", http.StatusOK)
	page.Contains("aside .sp-facts", "4 giorni lavorativi")
	page.Contains("main", "entro 15 giorni lavorativi") // the term stays beside it
	shows("/servizi/stato-famiglia", "Entro un’ora")
	shows("/servizi/notifica-arrivo", "Lo stesso giorno")
	shows("/servizi/contributo-ebike", "Ci sono ancora pochi dati")
	shows("/servizi/contributo-ebike", "Credito residuo CHF 41'335.00 su CHF 60'000.00")
	shows("/servizi/zona-blu-contrassegno-residenti", "38 posti liberi su 300")
	blue := v.Get("/servizi/zona-blu-contrassegno-residenti", http.StatusOK)
	blue.Contains(".sp-left strong", "Contrassegni in zona blu "+year)
	blue.Contains(".sp-left", "12 persone in attesa")
	blue.Attr(".sp-left rect.left", "width", "12")
	shows("/", "I servizi più usati")
	home := v.Get("/", http.StatusOK)
	if rows := home.Texts("section[aria-labelledby=usati] .sp-rows li > a"); len(rows) != 3 || !strings.Contains(rows[0], "stato di famiglia") {
		t.Errorf("most asked for: %q", rows)
	}
	home.Attr("section[aria-labelledby=perchi] li:first-child a", "href", "/servizi?pubblico=citizen")
	e.Visit(t, "bellinzona").Get("/", http.StatusOK).Contains("#usati", "Servizi con risposta immediata")

	var one struct {
		Usual *struct{ Hours, Answered int }
	}
	read(t, v, "/api/v1/services/accesso-documenti-ufficiali", &one)
	if one.Usual == nil || one.Usual.Hours != 90 || one.Usual.Answered != 23 {
		t.Errorf("machines read %+v", one.Usual)
	}
	read(t, v, "/api/v1/services/contributo-ebike", &one)
	if one.Usual != nil {
		t.Errorf("a figure of one case is given away: %+v", one.Usual)
	}
}
