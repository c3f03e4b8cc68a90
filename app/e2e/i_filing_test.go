package e2e

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"

	"github.com/sportello-ticino/sportello/app/apptest/filing"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/swiss"
	"github.com/sportello-ticino/sportello/tenants"
)

// ways are the services that are filed in another way than at a desk with a
// mouse. Other services are filed like that without a word here.
var ways = map[string]func(*filler){
	"mensa-iscrizione":              func(f *filler) { f.withoutScript() },
	"contributo-attivita-culturali": func(f *filler) { f.keyboard = true },
	"notifica-costruzione": func(f *filler) {
		f.resize(320)
		f.more = map[string]func(*filler){"dove": spotOnTheMap}
	},
}

// spotOnTheMap marks a spot: the browser does not say where it is, a spot far away
// is refused, and then the browser says it.
func spotOnTheMap(f *filler) {
	f.t.Helper()
	const field, button = "Il posto", "Usare la mia posizione"
	const lat, lon = 46.0037, 8.9511 // a square in the middle of Lugano
	f.standsAt(browser.PermissionSettingDenied, lat, lon)
	f.find("button", button, field)
	f.hit("")
	f.sees("La posizione non è disponibile. Indichi il luogo a parole.")
	f.fillIn(field, "Coordinata est", "2'600'000")
	f.fillIn(field, "Coordinata nord", "1'200'000")
	f.press("Continuare")
	f.sees("da correggere", "Questo punto non è nel nostro Comune")
	f.standsAt(browser.PermissionSettingGranted, lat, lon)
	f.find("button", button, field)
	f.hit("")
	f.sees("Posizione inserita.")
	at, err := swiss.ParsePoint(lat, lon)
	if err != nil {
		f.t.Fatal(err)
	}
	for label, metres := range map[string]float64{"Coordinata est": float64(at.East), "Coordinata nord": float64(at.North)} {
		got, err := strconv.ParseFloat(f.reads(label), 64)
		if err != nil || math.Abs(got-metres) > 2 {
			f.t.Errorf("%s is %v, want %v within two metres", label, got, metres)
		}
		f.says = append(f.says, i18n.Number(int64(got)))
	}
}

// others are who asks where another journey is the usual person on the same
// form: one has one draft of a service.
var others = map[string]string{"certificato-domicilio": "represented"}

// Every service is asked for in a browser: from its card through all steps and
// every widget, over the check of the answers and the provider's page, to what
// its example promises.
func TestJourneyEveryService(t *testing.T) {
	t.Parallel()
	now := time.Now()
	commune, err := filing.Read(tenants.FS, "lugano", now)
	if err != nil {
		t.Fatal(err)
	}
	if len(commune.Services) < 20 {
		t.Errorf("only %d services", len(commune.Services))
	}
	for _, s := range commune.Services {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			request, err := filing.New(s, commune.Postcode, now)
			if err != nil {
				t.Fatal(err)
			}
			if other := others[s.ID]; other != "" {
				request.Persona = other
			}
			promised, err := request.Promise(t.Context(), commune.Facts(request.Persona, now), now)
			if err != nil {
				t.Error(err)
			}
			f := &filler{person: as(t, "lugano", request.Persona), Request: request}
			if way := ways[s.ID]; way != nil {
				way(f)
			}
			f.fillForm()
			f.send(promised)
		})
	}
}

// Somebody types, reads that it is saved, and shuts the window without a click;
// on another device the words are there, and so is what was wrong with them.
func TestJourneyWordsAreKept(t *testing.T) {
	t.Parallel()
	const service, words = "Accesso ai documenti ufficiali", "Il verbale della"
	first := as(t, "bellinzona", "citizen-verified")
	first.open("/servizi/accesso-documenti-ufficiali")
	first.follow("Iniziare ora")
	first.fill("Documento richiesto", "verbale")
	first.sees("Salvato alle")
	first.shuts()

	second := as(t, "bellinzona", "citizen-verified")
	second.open("/area")
	second.followIn("Da finire", service)
	if got := second.reads("Documento richiesto"); got != "verbale" {
		t.Errorf("on the other device one reads %q", got)
	}
	second.press("Continuare")
	second.sees("da correggere")
	second.fill("Documento richiesto", words+" seduta del Municipio di marzo")
	second.choose("Come lo vuole avere?", "copia su carta")
	second.press("Continuare")
	second.sees("Controlli le sue risposte", words)
}
