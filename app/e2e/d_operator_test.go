package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/pkg/egress"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// An operator of the shared entity sees the communes, opens two more while the
// others go on, suspends one and resumes it.
func TestJourneyOperator(t *testing.T) {
	t.Parallel()
	p := as(t, "ente", "entity-operator")
	for _, name := range []string{"Bellinzona", "Chiasso", "Locarno", "Lugano", "Mendrisio"} {
		p.sees(name)
	}
	p.sees("5 Comuni", "Funziona", "Schema", "Pratiche in 30 giorni", "Attivo")
	stop := keepAsking(t, "lugano")

	p.follow("Aprire un Comune")
	p.choose("Comune descritto", "Comune di Valmora")
	p.press("Aprire questo Comune")
	p.sees("da correggere")
	p.fillIn("Da una cartella", "Prima persona che amministra", "Ada Esempi")
	p.fillIn("Da una cartella", "Il suo indirizzo e-mail", "ada.esempi@valmora.example")
	p.press("Aprire questo Comune")
	asked := time.Now()
	p.sees("Apertura di", "Fatto", "Lo sportello risponde")
	if took := time.Since(asked); took > 20*time.Second {
		t.Errorf("a commune took %s to open", took)
	}
	p.follow("Aprire lo sportello del Comune")
	p.sees("Comune di Valmora", "Di che cosa ha bisogno?", "Certificato di domicilio")

	p.open("/comuni/nuovo")
	p.fill("Nome", "Pratogrande")
	p.fill("Nome breve", "Prato Grande")
	p.fill("Sigla delle pratiche", "PGR")
	p.fill("Primo colore", "#FFE600")
	p.fill("Secondo colore", "#14324F")
	p.fillIn("Con i dati di base", "Prima persona che amministra", "Bice Prove")
	p.fillIn("Con i dati di base", "Il suo indirizzo e-mail", "bice.prove@pratogrande.example")
	p.press("Aprire un Comune")
	p.sees("da correggere", "lettere minuscole", "Con questi colori il testo non si legge")
	p.fill("Nome breve", "pratogrande")
	p.fill("Primo colore", "#0B5CA8")
	p.press("Aprire un Comune")
	p.sees("Fatto", "Lo sportello risponde")
	p.follow("Aprire lo sportello del Comune")
	p.sees("Comune di Pratogrande", "Di che cosa ha bisogno?")

	p.open("/comuni")
	p.sees("7 Comuni")
	p.follow("Pratogrande")
	p.press("Sospendere")
	p.sees("da correggere", "Scriva il motivo")
	p.fill("Motivo", "Lavori alla rete del municipio.")
	p.press("Sospendere")
	p.sees("Lo sportello è sospeso.")
	anybody := visit(t, "pratogrande")
	anybody.finds("/", "è sospeso")
	anybody.sees("Lo sportello online di Pratogrande è sospeso", "Lavori alla rete del municipio.", "Le sue pratiche e i suoi documenti sono al sicuro.")
	p.press("Riaprire lo sportello")
	p.sees("Lo sportello è di nuovo aperto.", "Attivo")
	anybody.finds("/", "Di che cosa ha bisogno?")
	if n, failed := stop(); failed != "" || n < 20 {
		t.Errorf("while communes were opened, Lugano was asked %d times; %s", n, failed)
	}
}

// keepAsking asks a commune's desk for pages until stop, which tells how often
// and what went wrong first.
func keepAsking(t *testing.T, commune string) (stop func() (int64, string)) {
	t.Helper()
	client := egress.LocalClient()
	var n atomic.Int64
	var failed atomic.Value
	failed.Store("")
	end := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			for _, path := range []string{"/", "/servizi", "/servizi/certificato-domicilio"} {
				res, err := client.Get(demo.url(commune, path))
				switch {
				case err != nil:
					failed.CompareAndSwap("", err.Error())
				default:
					_ = res.Body.Close()
					if res.StatusCode != http.StatusOK {
						failed.CompareAndSwap("", fmt.Sprintf("%s: %s", path, res.Status))
					}
				}
				n.Add(1)
			}
			select {
			case <-end:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	once := sync.OnceFunc(func() { close(end); wg.Wait() })
	t.Cleanup(once)
	return func() (int64, string) { once(); return n.Load(), failed.Load().(string) }
}

// The entity's staff need more than a password.
func TestJourneySecondFactor(t *testing.T) {
	t.Parallel()
	p := visit(t, "ente")
	p.open("/")
	p.sees("Accesso del personale")
	p.fill("Indirizzo e-mail", "guido.modellini@ente.example")
	p.fill("Password", "sbagliata-di-proposito")
	p.press("Continuare")
	p.sees("non sono giusti")
	p.fill("Indirizzo e-mail", "guido.modellini@ente.example")
	p.fill("Password", "sportello-demo-2026")
	p.press("Continuare")
	p.sees("Inserisca il codice")
	p.open("/comuni")
	p.sees("Inserisca il codice")
	p.doesNotSee("Bellinzona")
	p.fill("Codice", "000000")
	p.press("Accedere")
	p.sees("Il codice non è giusto")
	p.open("/comuni/lugano")
	p.doesNotSee("Lugano")
}

// The finance of the entity reads what the common desk cost last month, by
// commune, and closes the month; the auditor reads it and can change nothing.
func TestJourneyCostStatement(t *testing.T) {
	t.Parallel()
	p := as(t, "ente", "entity-finance")
	p.follow("Costi")
	p.sees("Costi di", "Da chiudere", "CHF 22'170.00", "30 % in parti uguali", "Quote dei Comuni", "Totale", "22'170.00", "Memoria")
	month := p.path()
	p.sees("Tabella per Excel (CSV)", "Documento (PDF)")
	p.doesNotSee("Personale", "Annunci")
	p.press("Chiudere il mese")
	p.sees("Il mese è chiuso.", "Chiuso, versione 1", "Chiuso da Livia Provini")
	p.press("Creare una nuova versione")
	p.sees("da correggere", "Scriva il motivo")
	auditor := as(t, "ente", "entity-auditor")
	auditor.open(month)
	auditor.sees("Chiuso, versione 1", "Chiuso da Livia Provini")
	auditor.doesNotSee("Creare una nuova versione", "Chiudere il mese")
}

// A commune asks the entity for help; the entity answers, invites a colleague
// and announces maintenance, which the commune's citizens read.
func TestJourneyEntityConsole(t *testing.T) {
	t.Parallel()
	commune := as(t, "locarno", "commune-admin")
	commune.open("/console/accordi")
	commune.sees("Accordi con l’ente", "ESEMPIO-", "Centro di calcolo Esempio SA")
	commune.open("/console/assistenza")
	commune.press("Inviare la richiesta")
	commune.sees("da correggere", "Scriva l’oggetto")
	commune.fill("Oggetto", "La stampante delle etichette")
	commune.fill("Testo", "Non stampa più da stamattina.")
	commune.choose("Priorità", "Normale")
	commune.press("Inviare la richiesta")
	commune.sees("La richiesta è inviata.", "Aspetta l’ente")

	p := as(t, "ente", "entity-admin")
	p.open("/assistenza")
	p.follow("La stampante delle etichette")
	p.fill("Testo", "La riparte il servizio esterno entro mezzogiorno.")
	p.press("Inviare la risposta")
	p.sees("La risposta è inviata.", "Risposta data")
	p.open("/assistenza")
	p.sees("100 %", "Aperte secondo l’età")

	p.open("/personale")
	p.fill("Nome e cognome", "Prova Invitati")
	p.fill("Indirizzo e-mail", "prova.invitati@ente.example")
	p.tick("Revisore")
	p.press("Creare l’invito")
	p.sees("L’invito è pronto.", "/iscrizione/", "Invitata")

	p.open("/progetti")
	p.follow("Prenotazione degli impianti sportivi")
	p.sees("CHF 84'000.00", "Quote dei Comuni", "Messa in servizio")
	p.open("/registri")
	p.follow("Locarno")
	p.sees("Contratto: Locarno", "ESEMPIO-")
	p.open("/chiave")
	p.sees("Chiave di riparto", "Dimostrazione: importi e chiave inventati.")

	p.open("/annunci")
	p.choose("Tipo", "Manutenzione")
	p.fill("Testo", "Il sabato mattina lo sportello si ferma per pochi minuti.")
	from := time.Now().In(i18n.Zurich).Add(2 * time.Hour)
	to := from.Add(30 * time.Minute)
	p.fill("Dal giorno", from.Format(time.DateOnly))
	p.fill("Dalle ore", from.Format("15.04"))
	p.fill("Al giorno", to.Format(time.DateOnly))
	p.fill("Alle ore", to.Format("15.04"))
	p.tick("Locarno")
	p.press("Pubblicare")
	p.sees("L’annuncio è pubblicato.", "visibile")
	anybody := visit(t, "locarno")
	anybody.finds("/", "lo sportello si ferma per pochi minuti")
	anybody.sees("Manutenzione.")
}
