package e2e

import (
	"archive/zip"
	"bytes"
	"testing"
)

// An operator backs a commune up, moves it to another database cluster while
// people use it, and brings it back to the backup; its administrator takes
// everything along.
func TestJourneyLifeOfACommune(t *testing.T) {
	t.Parallel()
	citizen := as(t, "mendrisio", "citizen-verified")
	citizen.open("/area")
	citizen.sees("Pratiche aperte")

	p := as(t, "ente", "entity-operator")
	p.open("/comuni/mendrisio")
	p.follow("Vita del Comune")
	p.sees("Copia di sicurezza", "Trasloco su un altro cluster")
	p.doesNotSee("Archiviare il Comune")
	p.press("Fare una copia ora")
	p.sees("Copia di sicurezza di Mendrisio", "Fatto")

	stop := keepAsking(t, "mendrisio")
	p.open("/comuni/mendrisio/vita")
	p.press("Traslocare")
	p.sees("Trasloco di Mendrisio", "Fatto", "senza scrittura per", "main → nord")
	if n, failed := stop(); failed != "" || n < 3 {
		t.Errorf("while it moved, Mendrisio was asked %d times; %s", n, failed)
	}
	citizen.open("/area")
	citizen.sees("Pratiche aperte")
	citizen.open("/servizi/certificato-domicilio/avvia")
	citizen.sees("Certificato di domicilio")

	p.open("/comuni/mendrisio/vita")
	p.press("Ripristinare")
	p.sees("da correggere", "Per conferma scriva il nome breve")
	p.fill("Nome breve del Comune", "mendrisio")
	p.press("Ripristinare")
	p.sees("Ripristino di Mendrisio", "Fatto")
	citizen.open("/area")
	citizen.sees("Pratiche aperte")

	admin := as(t, "mendrisio", "commune-admin")
	admin.open("/console/esportazione")
	admin.sees("Portare via tutto", "dati personali in chiaro")
	admin.press("Preparare un archivio")
	admin.sees("Scaricare l’archivio")
	body := admin.download("Scaricare l’archivio")
	if z, err := zip.NewReader(bytes.NewReader(body), int64(len(body))); err != nil {
		t.Errorf("the export of %d bytes: %v", len(body), err)
	} else if f, err := z.Open("datapackage.json"); err != nil {
		t.Error(err)
	} else {
		_ = f.Close()
	}
	admin.open("/console/operazioni")
	admin.sees("Esportazione")
}
