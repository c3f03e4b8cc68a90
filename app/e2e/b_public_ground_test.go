package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"path/filepath"
	"testing"
	"time"
)

const publicGround = "Occupazione temporanea di suolo pubblico"

// A resident asks for public ground, leaves in the middle and finishes on
// another device; the head of office takes the case, asks for a paper, gets it
// and decides; the resident reads why and pays the fee that follows from the
// rule. Each reads one history in words of their own.
func TestJourneyPublicGround(t *testing.T) {
	t.Parallel()
	ref := askForGround(t)
	head := as(t, "bellinzona", "office-head")
	head.sees(ref, "Matteo Esempi", publicGround, "Da prendere")
	head.follow(ref)
	head.sees("Viale dell’Esempio 5", "24", "schizzo.png", "Tassa minima", "CHF 50.00", "Superficie e giorni", "CHF 108.00", "CHF 158.00")
	head.press("Prendere la pratica")
	head.sees("In esame", "Mauro Facsimili")
	head.follow("Chiedere un documento")
	head.press("Inviare la richiesta")
	head.sees("da correggere", "Scriva almeno tre lettere")
	head.fill("Che cosa manca", "Il piano della segnaletica con le misure.")
	head.press("Inviare la richiesta")
	head.sees("Aspetta la persona", "Il termine è fermo.")

	citizen := answerOffice(t, ref)
	head.finds("/ufficio/pratiche/"+ref, "segnaletica.png")
	head.sees("In esame", "Ecco il piano con le misure.")
	decide(head)
	readDecision(citizen, head, ref)
}

// askForGround fills the form on two devices and returns the case.
func askForGround(t *testing.T) string {
	t.Helper()
	first := as(t, "bellinzona", "citizen")
	first.open("/servizi/suolo-occupazione-temporanea")
	first.sees("da CHF 50.00", "Ogni persona o ditta", "Uno schizzo, se occupa la carreggiata", "5 giorni lavorativi", "Polizia comunale Bellinzona")
	first.follow("Iniziare ora")
	first.fill("Luogo: via e numero", "Viale dell’Esempio 5")
	first.fill("Luogo: NPA", "6500")
	first.fill("Luogo: località", "Bellinzona")
	first.choose("Scopo", "benna")
	first.press("Continuare")
	first.sees("Le sue risposte aprono un’altra domanda.")
	first.fill("Ditta che esegue il lavoro", "Esempio Impianti SA")
	first.press("Continuare")
	first.fillIn("Giorni", "Dal", day(10))
	first.fillIn("Giorni", "Al", day(9))
	first.fill("Superficie", "24")
	first.press("Continuare")
	first.sees("da correggere", "L’ultimo giorno non può essere prima del primo", "Alleghi: Schizzo con la segnaletica")
	if got := first.reads("Superficie"); got != "24" {
		t.Errorf("after a mistake the area is %q: what was typed is lost", got)
	}
	first.press("Salvare e finire più tardi")
	first.sees("Da finire", publicGround)

	second := as(t, "bellinzona", "citizen")
	second.open("/area")
	second.followIn("Da finire", publicGround)
	if second.path() == "/area" {
		t.Fatal("the draft does not open")
	}
	second.sees("Quando e quanto spazio?")
	if got := second.reads("Superficie"); got != "24" {
		t.Errorf("on the other device the area is %q", got)
	}
	second.fillIn("Giorni", "Dal", day(10))
	second.fillIn("Giorni", "Al", day(12))
	second.fill("Orario", "07.00-18.00")
	second.choose("Occupa anche la carreggiata?", "No")
	second.attach("Schizzo con la segnaletica", sketch(t, "schizzo.png"))
	second.press("Continuare")
	second.tick("Poso la segnaletica almeno 48 ore prima e lascio libero il passaggio dei pedoni e dei soccorsi.")
	second.press("Continuare")
	second.sees("Controlli le sue risposte", "Viale dell’Esempio 5", "benna", "24 m²", "schizzo.png", "Tassa minima", "CHF 50.00", "CHF 108.00", "CHF 158.00",
		"Paga solo se la domanda è accolta")
	second.tick("Confermo che i dati sono veri e completi.")
	second.press("Inoltrare la domanda")
	second.sees("Abbiamo ricevuto la domanda", "Polizia comunale Bellinzona")
	return second.ref()
}

// answerOffice sends the paper that the office asked for.
func answerOffice(t *testing.T, ref string) *person {
	t.Helper()
	p := as(t, "bellinzona", "citizen")
	p.sees("L’ufficio aspetta una sua risposta")
	p.finds("/dev/posta", "Pratica "+ref+": manca ancora qualcosa")
	p.open("/area")
	p.follow("Rispondere")
	p.sees("Aspetta lei", "Il piano della segnaletica con le misure.", "il termine dell’ufficio è fermo")
	p.press("Inviare la risposta")
	p.sees("da correggere", "Alleghi un file o scriva una risposta.")
	p.attach("Documenti", sketch(t, "segnaletica.png"))
	p.fill("Risposta", "Ecco il piano con le misure.")
	p.press("Inviare la risposta")
	p.sees("Grazie. L’ufficio ha ricevuto la sua risposta.", "In esame")
	return p
}

// decide grants what was asked, with reasons.
func decide(head *person) {
	head.t.Helper()
	head.follow("Decidere")
	head.sees("CHF 158.00", "art. 107", "Consiglio di Stato")
	head.choose("Decisione", "Accogliere la domanda")
	head.press("Decidere e inviare")
	head.sees("da correggere")
	head.fill("Motivi", "La segnaletica è sufficiente e il traffico resta scorrevole.")
	head.fill("Condizioni", "Lasciare libero il marciapiede.")
	head.press("Decidere e inviare")
	head.sees("Decisa", "La decisione è partita. Manca il pagamento della tassa.")
}

// readDecision pays the fee of the decision, and compares the two histories.
func readDecision(citizen, head *person, ref string) {
	t := citizen.t
	t.Helper()
	citizen.finds("/area/pratiche/"+ref, "Documento pronto")
	citizen.sees("La domanda è accolta", "La segnaletica è sufficiente e il traffico resta scorrevole.", "Lasciare libero il marciapiede.",
		"Legge organica comunale (LOC), art. 107", "ricorso al Consiglio di Stato", "Tassa minima", "CHF 50.00", "CHF 108.00", "CHF 158.00")
	citizen.press("Pagare CHF 158.00")
	citizen.choose("Come vuole pagare?", "PostFinance Pay")
	citizen.press("Pagare CHF 158.00")
	citizen.sees("Pagamento ricevuto")
	citizen.finds("/area/pratiche/"+ref, "Conclusa")
	citizen.doesNotSee("Pagare CHF")
	paidOnce(t, "bellinzona", ref)

	own := []string{"Domanda inoltrata", "Una persona dell’ufficio se ne occupa", "L’ufficio chiede un documento", "Risposta inviata", "La domanda è accolta", "Pagamento ricevuto"}
	desk := []string{"Inoltrata dalla persona", "Presa in carico", "Documento richiesto, termine fermo", "Documento o risposta ricevuti, il termine riprende",
		"Decisione di accoglimento", "Pagamento confermato dal fornitore"}
	citizen.sees(own...)
	head.open("/ufficio/pratiche/" + ref)
	head.sees(desk...)
	head.sees("Chiusa", "Mauro Facsimili")
	citizen.doesNotSee(desk...)
	head.doesNotSee(own[1], own[3])

	// The decision is a sealed paper of the commune.
	file := citizen.download("Scaricare «Risoluzione n.")
	name := filepath.Join(t.TempDir(), "decisione.pdf")
	write(t, name, file)
	if !bytes.HasPrefix(file, []byte("%PDF-")) || !sealed(name) {
		t.Error("the decision is not a sealed PDF")
	}
}

// day is a day some days from now, as a date field keeps it.
func day(n int) string { return time.Now().AddDate(0, 0, n).Format(time.DateOnly) }

// sketch draws a street with a rectangle on it.
func sketch(t *testing.T, name string) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 320, 200))
	for i := range img.Pix {
		x, y := i%320, i/320
		img.Pix[i] = 255
		if y == 60 || y == 140 || (x > 100 && x < 180 && y > 70 && y < 100) {
			img.SetGray(x, y, color.Gray{Y: 40})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	write(t, file, b.Bytes())
	return file
}
