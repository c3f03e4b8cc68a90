package e2e

import "testing"

// An operator grants a commune other quotas; its administrator sees what is used
// and how long it lasts, and whom to ask.
func TestJourneyQuotas(t *testing.T) {
	t.Parallel()
	p := as(t, "ente", "entity-operator")
	p.open("/comuni/chiasso")
	p.follow("Quote")
	p.sees("Quote di Chiasso", "Consumo attuale", "Valore predefinito: 50.0 GB")
	p.fill("Spazio per allegati e documenti", "tanto")
	p.press("Salvare le quote")
	p.sees("da correggere", "Scriva i gigabyte")
	p.fill("Spazio per allegati e documenti", "2.5")
	p.fill("E-mail al mese", "200'000")
	p.press("Salvare le quote")
	p.sees("Le quote sono salvate.", "2.5 GB", "200'000")

	admin := as(t, "chiasso", "commune-admin")
	admin.open("/console")
	admin.follow("Quote")
	admin.sees("Quote del Comune", "2.5 GB", "Quando una quota è esaurita", "Certificati e decisioni partono sempre")
	admin.follow("Scrivere all’ente")
	admin.sees("Assistenza dell’ente")

	auditor := as(t, "ente", "entity-auditor")
	auditor.open("/comuni/chiasso/quote")
	auditor.sees("Quote di Chiasso", "2.5 GB")
	auditor.doesNotSee("Salvare le quote")
}
