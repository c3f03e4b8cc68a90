package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const certificate = "Certificato di domicilio"

// fillCertificate goes from the service's card to the check of the answers.
func fillCertificate(p *person) {
	p.t.Helper()
	p.follow("Iniziare ora")
	p.sees("Per chi è il certificato?", "Dati già noti al Comune")
	p.choose("Il certificato riguarda", "me")
	p.press("Continuare")
	p.choose("Uso previsto del certificato", "locazione")
	p.choose("Lingua del certificato", "italiano")
	p.press("Continuare")
	p.choose("Consegna", "PDF con sigillo tra i miei documenti")
	p.press("Continuare")
	p.sees("Controlli e paghi")
	p.tick("Confermo che i dati sono veri e completi.")
}

// A verified citizen finds the service, reads its card, fills the form that
// the register has begun, pays with TWINT and has the sealed paper at once, by
// keyboard alone.
func TestJourneyCertificate(t *testing.T) {
	t.Parallel()
	p := as(t, "lugano", "citizen-verified")
	p.keyboard = true
	certificateJourney(t, p, "Anna Esempi")
}

// The same without a line of JavaScript.
func TestJourneyCertificateWithoutScript(t *testing.T) {
	t.Parallel()
	p := visit(t, "lugano")
	p.withoutScript()
	p.become("mandate-holder")
	certificateJourney(t, p, "Giulia Campioni")
}

func certificateJourney(t *testing.T, p *person, name string) {
	p.open("/")
	p.fill("Cercare un servizio", "domicilio")
	p.press("Cercare")
	p.followIn("Certificato di domicilio", certificate)
	p.sees("Chi può chiederlo", "Ogni persona domiciliata nel Comune", "Che cosa le serve", "Quanto costa", "CHF 10.00", "ariffa dimostrativa",
		"Quanto tempo ci vuole", "Che cosa riceve", "A chi rivolgersi", "Puntocittà", "Basi legali")
	p.follow("Iniziare ora")
	p.sees(name)
	p.open("/servizi/certificato-domicilio")
	fillCertificate(p)
	p.sees("locazione", "italiano", "Totale", "CHF 10.00")
	p.press("Pagare CHF 10.00 e ricevere il documento")

	// The provider's page, on another host.
	p.sees("Città di Lugano", "Come vuole pagare?", "CHF 10.00")
	ref := p.ref()
	p.choose("Come vuole pagare?", "TWINT")
	p.press("Pagare CHF 10.00")
	p.sees("Il documento è pronto", "Ha pagato CHF 10.00")
	p.open("/area/documenti")
	file := p.download(certificate)
	if !bytes.HasPrefix(file, []byte("%PDF-")) {
		t.Fatalf("the document begins with %q", file[:8])
	}
	p.open("/area/pratiche/" + ref)
	p.sees("Conclusa", "Domanda inoltrata", "Pagamento ricevuto", "Documento pronto")
	p.open("/area/pagamenti")
	p.sees(ref, "CHF 10.00", "Pagato")

	// The mail carries a link, not the paper.
	p.finds("/dev/posta", "Pratica "+ref+": il suo documento è pronto")
	p.follow("Pratica " + ref + ": il suo documento è pronto")
	p.sees(certificate, "/area/pratiche/"+ref)
	mails := mailsAbout(t, ref+": il suo documento")
	if len(mails) != 1 {
		t.Errorf("%d mails say that the document is ready, want 1", len(mails))
	}
	for _, m := range mails {
		if strings.Contains(m, "application/pdf") || strings.Contains(strings.ToLower(m), "content-disposition: attachment") {
			t.Error("the mail carries the paper")
		}
	}
	verifyPaper(t, file, name)
}

// verifyPaper does what somebody does who is handed the paper: reads its code
// with a telephone, asks the commune, and lets a reader of PDFs judge the seal.
func verifyPaper(t *testing.T, file []byte, name string) {
	t.Helper()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "certificato.pdf"), filepath.Join(dir, "cambiato.pdf")
	write(t, good, file)
	altered := bytes.Clone(file)
	altered[bytes.Index(altered, []byte("stream"))+60] ^= 1
	write(t, bad, altered)

	address := scan(t, good)
	p := visit(t, "lugano")
	if !strings.HasPrefix(address, demo.url("lugano", "/v/")) {
		t.Fatalf("the code on the paper says %s", address)
	}
	p.open(address)
	p.sees("Il documento è autentico", "Emesso da: Città di Lugano", "Emesso il", certificate)
	for word := range strings.FieldsSeq(name) {
		p.doesNotSee(word)
	}
	for path, want := range map[string]string{good: "Il documento è autentico", bad: "Il documento non è autentico"} {
		p.open("/verifica")
		p.attach("Documento PDF", path)
		p.press("Verificare il file")
		p.sees(want)
	}
	if !sealed(good) {
		t.Error("pdfsig does not accept the genuine paper")
	}
	if sealed(bad) {
		t.Error("pdfsig accepts a changed paper")
	}
}

// A payment that is refused and one that is given up cost nothing; the case
// says so and can be paid again.
func TestJourneyPaymentDeclinedAndAbandoned(t *testing.T) {
	t.Parallel()
	p := as(t, "bellinzona", "citizen-verified")
	p.open("/servizi/certificato-domicilio")
	fillCertificate(p)
	p.press("Pagare CHF")
	ref := p.ref()
	p.press("Simulare un rifiuto")
	p.sees("Il pagamento non è riuscito", "Non le abbiamo addebitato niente")
	p.open("/area/pratiche/" + ref)
	p.sees("Da pagare", "L’ultimo pagamento non è riuscito. Nulla è stato addebitato.")
	p.open("/area")
	p.sees("Paghi CHF")
	p.follow("Pagare")
	p.press("Pagare CHF")
	p.sees("Come vuole pagare?")
	p.press("Annullare")
	p.sees("Il pagamento non è riuscito", "Non le abbiamo addebitato niente")
	p.press("Pagare CHF")
	p.sees("Come vuole pagare?")
	p.open(demo.url("bellinzona", "/area/pratiche/"+ref)) // left in the middle
	p.sees("Da pagare")
	p.press("Pagare CHF")
	p.choose("Come vuole pagare?", "Visa")
	p.press("Pagare CHF")
	p.sees("Il documento è pronto")
	p.open("/area/pratiche/" + ref)
	p.sees("Conclusa", "Documento pronto", "Il pagamento non è riuscito")
	p.doesNotSee("Nulla è stato addebitato. Da pagare")
	paidOnce(t, "bellinzona", ref)
	p.open("/area/documenti")
	p.sees(certificate)
}

func write(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// scan reads the QR code of a paper, as a telephone would from the printed page.
func scan(t *testing.T, file string) string {
	t.Helper()
	picture := strings.TrimSuffix(file, ".pdf")
	if out, err := exec.Command("pdftoppm", "-r", "200", "-png", "-singlefile", file, picture).CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v\n%s", err, out)
	}
	out, err := exec.Command("zbarimg", "--quiet", "--raw", picture+".png").Output()
	if err != nil {
		t.Fatalf("zbarimg: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// sealed reports whether pdfsig takes the signature for valid.
func sealed(file string) bool {
	out, _ := exec.Command("pdfsig", "-nocert", file).CombinedOutput() // says it in words
	return strings.Contains(string(out), "Signature is Valid")
}
