package e2e

import (
	"strings"
	"testing"
)

// One of the entity's people asks to see a case, the commune's administrator
// lets her, she reads it and not the one beside it; what she read is on the
// commune's audit; she is put out and finds nothing. Another journey brings a
// commune back to a backup meanwhile: not this one.
func TestJourneyBreakGlass(t *testing.T) {
	t.Parallel()
	head := as(t, "locarno", "office-head")
	head.open("/ufficio?vista=office")
	refs := refPattern.FindAllString(head.text(), -1)
	if len(refs) == 0 {
		head.fatalf("no case to read")
	}
	ref := refs[0]

	p := as(t, "ente", "entity-operator")
	p.open("/comuni/locarno/accesso")
	p.sees("Accesso straordinario a Locarno", "I dati sono del Comune")
	p.press("Mandare la richiesta")
	p.sees("da correggere", "Scriva il motivo")
	p.fill("Motivo", "La pratica non si apre: dobbiamo vedere l’errore.")
	p.choose("Che cosa vuole leggere", "Una sola pratica")
	p.fill("Riferimento della pratica", ref)
	p.fill("Per quante ore", "2")
	p.press("Mandare la richiesta")
	p.sees("La richiesta è arrivata al Comune", "Da decidere")

	admin := as(t, "locarno", "commune-admin")
	admin.open("/console/accesso-ente")
	admin.sees("Richieste da decidere", "Nora Facsimili", "la pratica "+ref, "dobbiamo vedere l’errore")
	admin.fill("Per quante ore", "1")
	admin.press("Concedere l’accesso")
	admin.sees("L’accesso è concesso", "Nora Facsimili dell’ente informatico può leggere", "Finora non ha letto niente")
	admin.open("/console/servizi")
	admin.sees("può leggere")

	p.open("/comuni/locarno/accesso")
	p.sees("In corso", "può leggere")
	p.press("Entrare nello sportello")
	p.sees("Vale un minuto e una volta sola")
	p.follow("Andare allo sportello")
	p.sees("Accesso straordinario", "Può solo leggere")
	p.press("Entrare")
	p.sees(ref, "Accesso straordinario", "Tutto quello che apre è scritto")
	read := p.location()
	for _, other := range refs[1:] {
		if other != ref {
			p.open(strings.Replace(read, ref, other, 1))
			p.sees("non")
			if text := p.text(); strings.Contains(text, "Decidere") || strings.Contains(text, "Annotazioni") {
				p.fatalf("the neighbouring case is shown")
			}
			break
		}
	}
	p.open(strings.Split(read, "/ufficio")[0] + "/console")
	p.doesNotSee("Panoramica")

	admin.open("/console/accesso-ente")
	admin.sees("Finora ha letto")
	admin.open("/console/operazioni?pratica=" + ref)
	admin.sees("Pratica letta", "Nora Facsimili")
	admin.open("/console/accesso-ente")
	admin.press("Togliere subito l’accesso")
	admin.sees("L’accesso è tolto")
	p.open(read)
	p.doesNotSee(ref)
}
