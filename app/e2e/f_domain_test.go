package e2e

import (
	"net"
	"net/url"
	"regexp"
	"testing"
)

// A commune asks for a domain of its own, enters what proves it into the DNS,
// makes it the main address, and takes it away again; a visitor of the old
// address follows each time. It runs alone, for whoever comes to the commune
// meanwhile is sent on.
func TestJourneyOwnDomain(t *testing.T) {
	const host = "sportello.mendrisio.example"
	_, port, _ := net.SplitHostPort(demo.addr)
	p := as(t, "mendrisio", "commune-admin")
	p.open("/console")
	p.follow("Dominio proprio")
	p.sees("mendrisio.localhost", "È il primo indirizzo")
	p.fill("Nome del dominio", "192.168.1.1")
	p.press("Chiedere il dominio")
	p.sees("da correggere", "Serve un nome, non un indirizzo IP")
	p.fill("Nome del dominio", "https://Sportello.Mendrisio.example/")
	p.press("Chiedere il dominio")
	p.sees("La richiesta è registrata.", host, "Da dimostrare", "_sportello."+host, "CNAME")
	proof := regexp.MustCompile(`sportello=[0-9a-f]{32}`).FindString(p.text())
	p.press("Controllare adesso")
	p.sees("Il controllo è fatto.", "Non troviamo ancora la riga TXT")
	demo.dns.IP("mendrisio.localhost", "127.0.0.1")
	demo.dns.CNAME(host, "mendrisio.localhost")
	demo.dns.TXT("_sportello."+host, proof)
	p.press("Controllare adesso")
	p.sees("lo sportello risponde anche lì", "Attivo", "dovrà accedere di nuovo")

	anybody := visit(t, "mendrisio")
	at := func(want string) {
		t.Helper()
		anybody.open("/servizi")
		anybody.sees("Certificato di domicilio")
		if u, err := url.Parse(anybody.location()); err != nil || u.Host != want+":"+port || u.Path != "/servizi" {
			t.Errorf("the visitor is at %s, want %s", anybody.location(), want)
		}
	}
	at("mendrisio.localhost")
	p.press("Usare come indirizzo principale")
	p.sees("L’indirizzo principale è cambiato.", "http://"+host+":"+port, "Tornare a mendrisio.localhost")
	at(host)
	p.open("/console/operazioni")
	p.sees("Indirizzo principale cambiato", "Dominio proprio attivo", "Dominio proprio chiesto")
	p.open("/console/dominio")
	p.goes(func() {
		eval[bool](p, `(() => { const d = document.querySelector("main details"); d.open = true; d.querySelector("form button").click(); return true })()`)
	})
	p.sees("Il dominio è tolto.", "Domini di prima", "È il primo indirizzo")
	at("mendrisio.localhost")
}

// Anybody reads how the desk is doing.
func TestJourneyStatus(t *testing.T) {
	t.Parallel()
	p := visit(t, "mendrisio")
	p.open("/stato")
	p.sees("Stato del servizio", "Servizi e formulari", "Pratiche e documenti", "Gli ultimi 90 giorni", "Giorni senza problemi")
	p.open("/stato?lang=de")
	p.sees("Die letzten 90 Tage", "Dienste und Formulare")
}
