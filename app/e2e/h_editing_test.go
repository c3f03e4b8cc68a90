package e2e

import "testing"

// An administrator changes a text and the fee; an example holds it back until it
// is put right; it is previewed and tried; a second person publishes it, and
// citizens see it.
func TestJourneyEditAService(t *testing.T) {
	t.Parallel()
	p, second, anybody := as(t, "chiasso", "commune-admin"), as(t, "chiasso", "second-admin"), visit(t, "chiasso")
	const service = "Certificato di domicilio"
	const path = "/console/servizi/certificato-domicilio"
	p.follow("Servizi e tariffe")
	p.press("Da ora servono due persone")
	p.sees("La regola di pubblicazione è cambiata.")
	p.follow(service)
	p.follow("Testi della scheda")
	p.sees("Italiano", "Tedesco", "solo in italiano")
	p.fillIn("Parola del Comune", "Italiano", "Lo sportello è al pianterreno.")
	p.press("Salvare nella modifica")
	p.sees("È salvato nella modifica in preparazione.", "Una modifica non è ancora pubblicata")
	p.follow("Tariffa")
	p.fill("Per ogni copia", "venti")
	p.press("Salvare nella modifica")
	p.sees("da correggere", "Scriva un importo come 12.50")
	p.fill("Per ogni copia", "25.00")
	p.press("Salvare nella modifica")
	p.follow("Controllare e pubblicare")
	p.sees("Differenze", "Lo sportello è al pianterreno.", "Tassa attesa CHF 20.00, trovata CHF 25.00.")
	p.doesNotSee("Proporre a un’altra persona")
	p.open(path + "/esempi")
	p.press("Il nuovo risultato è giusto")
	p.sees("L’esempio aspetta ora il nuovo risultato.")

	p.open(path + "/anteprima")
	p.sees("Telefono (320 px)", "Scheda")
	p.follow("Computer (1280 px)")
	p.sees("✓ Computer (1280 px)")
	p.open(path + "/anteprima/scheda")
	p.sees("Lo sportello è al pianterreno.", "CHF 25.00")
	anybody.finds("/servizi/certificato-domicilio", service)
	anybody.doesNotSee("Lo sportello è al pianterreno.")

	p.open(path + "/prova")
	p.press("Iniziare la prova")
	p.sees("nessuna pratica")

	p.open(path + "/pubblica")
	p.fill("Perché", "Nuova ordinanza")
	p.press("Proporre a un’altra persona")
	p.sees("La modifica è proposta.")
	second.open(path + "/pubblica")
	second.sees("Nuova ordinanza")
	second.press("Approvare e pubblicare")
	second.sees("La modifica è pubblicata.")
	anybody.finds("/servizi/certificato-domicilio", "CHF 25.00")
	anybody.sees("Lo sportello è al pianterreno.")
	second.open("/console/servizi")
	second.press("Da ora basta una persona")
	second.sees("La regola di pubblicazione è cambiata.")
}
