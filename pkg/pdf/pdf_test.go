package pdf

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

var created = time.Date(2026, 3, 14, 9, 14, 0, 0, time.UTC)

var brand = Brand{
	Name: "Città di Prova", Colour: "#C8102E",
	Mark: []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="6" fill="#C8102E"/>
<g fill="none" stroke="#fff" stroke-width="6"><path d="M12 52A40 40 0 0 1 52 12"/><path d="M26 52A26 26 0 0 1 52 26"/></g>
<circle cx="47" cy="47" r="7" fill="#fff"/></svg>`),
	Sender: []string{"Servizi al cittadino, controllo abitanti", "Via della Posta 8", "6900 Prova", "+41 58 000 00 00", "www.prova.example"},
}

var verification = Verification{URL: "https://prova.example/v/K7RM2XQ49DHT3W6B", Page: "prova.example/verifica", Code: "K7RM-2XQ4-9DHT-3W6B"}

func certificate(lang string) Certificate {
	return Certificate{
		Brand: brand, Lang: lang, Title: "Certificato di domicilio", Notice: "Esemplare dimostrativo senza valore legale",
		Intro: "Il controllo abitanti attesta che la persona seguente è iscritta nel registro degli abitanti di questo Comune.",
		Person: []Row{
			{"Cognome e nome", "Bernasconi-Štědrý Anna Łucja"}, {"Data di nascita", "14.03.1987"}, {"Numero AVS", "756.0000.0001.21"},
			{"Attinenza", "Prova TI"}, {"Indirizzo", "Via Nassa 1, 6900 Prova"}, {"Domicilio dal", "01.05.2019"},
		},
		Statement: []string{"La persona risulta domiciliata in questo Comune alla data di emissione.", "Il presente certificato è rilasciato su richiesta dell’interessata, per gli usi consentiti dalla legge."},
		Use:       "Locazione di un appartamento", ValidTo: "14.09.2026", PlaceDate: "Prova, 14 marzo 2026",
		Signatory: []string{"Controllo abitanti"}, Reference: "PRO-2026-7K2M-4", Verification: verification, Created: created,
	}
}

func decision() Decision {
	long := "La piazza è destinata all’uso comune. Un’occupazione temporanea è ammessa quando non ostacola il passaggio dei pedoni, il servizio di soccorso e l’accesso ai negozi, e quando il richiedente garantisce la pulizia dell’area."
	return Decision{
		Brand: brand, Lang: "it", Recipient: []string{"Signora", "Anna Bernasconi", "Via Nassa 1", "6900 Prova"}, PlaceDate: "Prova, 14 marzo 2026",
		Resolution: "Risoluzione municipale n. 1234 del 12 marzo 2026", Subject: "Autorizzazione per l’occupazione temporanea di suolo pubblico",
		Salutation: "Gentile signora Bernasconi,",
		Facts:      []string{"Con domanda del 2 marzo 2026 lei ha chiesto di occupare 24 m² in Piazza del Sole dal 20 al 22 maggio 2026.", long},
		Reasons:    []string{long, long, long}, LegalBasis: []string{"Art. 107 LOC; art. 12 del Regolamento comunale sull’uso dei beni demaniali."},
		Ruling:     []string{"L’occupazione è autorizzata per i giorni indicati.", "L’autorizzazione è personale e non può essere ceduta."},
		Conditions: []string{"Un passaggio di almeno 1.50 m resta libero.", long, "La musica termina alle 22.00."},
		Fee:        []Row{{"Tassa minima", "CHF 50.00"}, {"24 m² per 3 giorni a CHF 1.00", "CHF 72.00"}}, Total: "CHF 122.00",
		Remedies: []string{"Contro questa decisione è dato ricorso al Consiglio di Stato entro 30 giorni dalla notificazione."},
		Greeting: "Cordiali saluti", Signatory: []string{"Per il Municipio", "Polizia comunale, sezione amministrativa"},
		Reference: "PRO-2026-7K2M-4", Verification: verification, Created: created,
	}
}

func receipt() Receipt {
	return Receipt{
		Brand: brand, Lang: "it", Title: "Ricevuta di pagamento", Payer: "Anna Bernasconi", PaidOn: "14.03.2026, 09.14", Method: "TWINT", Transaction: "412907",
		Lines: []Row{{"Certificato di domicilio", "CHF 15.00"}, {"Invio digitale", "CHF 0.00"}}, Total: "CHF 15.00",
		Remark: []string{"La tassa è stata pagata per intero."}, Reference: "PRO-2026-7K2M-4", Created: created,
	}
}

func statement() Statement {
	rows := make([][]string, 60) // more than a page: the header is repeated
	for i := range rows {
		rows[i] = []string{"Comune di Prova con un nome che non finisce più " + strings.Repeat("x", i), "1'234", "12'345.67", "98'765.43"}
	}
	return Statement{
		Brand: brand, Lang: "it", Title: "Costi di marzo 2026", Notice: "Provvisorio", Facts: []Row{{"Da ripartire", "CHF 22'170.00"}, {"Chiave", "30 % in parti uguali, 50 % secondo gli abitanti, 20 % secondo l’uso."}},
		Tables: []Table{{Title: "Quote dei Comuni", Columns: []string{"Comune", "Abitanti", "Parte fissa", "Quota CHF"}, Rows: rows, Total: []string{"Totale", "74'040", "740'740.20", "5'925'925.80"}}},
		Remark: []string{"Ogni parte è ripartita al centesimo."}, Reference: "costi-2026-03", Created: created,
	}
}

func layouts(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, layout := range map[string]interface{ Render() ([]byte, error) }{
		"certificate": certificate("it"), "certificate-de": certificate("de"), "decision": decision(), "receipt": receipt(), "statement": statement(),
	} {
		data, err := layout.Render()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = data
	}
	return out
}

func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatalf("%s is missing: install poppler-utils and zbar-tools (make test does)", name)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return string(out)
}

func save(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "paper.pdf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What another program reads from the files is what the golden files say.
func TestTextOfLayouts(t *testing.T) {
	for name, data := range layouts(t) {
		got := tool(t, "pdftotext", "-layout", save(t, data), "-")
		golden := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from %s (go test -update writes it anew):\n%s", name, golden, got)
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	first := layouts(t)
	for range 3 {
		for name, data := range layouts(t) {
			if !bytes.Equal(first[name], data) {
				t.Errorf("%s: two renderings differ", name)
			}
		}
	}
}

func TestQRCodeDecodes(t *testing.T) {
	for _, name := range []string{"certificate", "decision"} {
		path := save(t, layouts(t)[name])
		prefix := strings.TrimSuffix(path, ".pdf")
		tool(t, "pdftoppm", "-r", "150", "-png", path, prefix)
		pages, err := filepath.Glob(prefix + "*.png")
		if err != nil || len(pages) == 0 {
			t.Fatal("no pages", err)
		}
		if got := strings.TrimSpace(tool(t, "zbarimg", "-q", "--raw", pages[len(pages)-1])); got != verification.URL {
			t.Errorf("%s: QR code says %q", name, got)
		}
	}
}

func TestFontsAreEmbeddedAndPagesAreA4(t *testing.T) {
	for name, data := range layouts(t) {
		path := save(t, data)
		for i, l := range strings.Split(strings.TrimSpace(tool(t, "pdffonts", path)), "\n") {
			if i > 1 && !strings.Contains(l, "yes yes yes") { // embedded, subset, unicode
				if f := strings.Fields(l); len(f) < 7 || f[len(f)-5] != "yes" {
					t.Errorf("%s: font not embedded: %s", name, l)
				}
			}
		}
		if info := tool(t, "pdfinfo", path); !strings.Contains(info, "(A4)") || !strings.Contains(info, "Sportello") {
			t.Errorf("%s: %s", name, info)
		}
	}
}

func TestLayoutsWithStrangeContent(t *testing.T) {
	if _, err := (Certificate{}).Render(); err == nil {
		t.Error("rendered without a time")
	}
	c := certificate("xx")
	c.Brand.Mark = []byte("<svg><path d='M0 0A'/></svg>")
	c.Brand.Sender = nil
	c.Person = append(c.Person, Row{"Nota 😀", strings.Repeat("parola ", 400) + strings.Repeat("x", 300)})
	for range 60 {
		c.Statement = append(c.Statement, "Paragrafo 😀 con ſ e\u202fspazi "+strings.Repeat("lungo ", 40))
	}
	data, err := c.Render()
	if err != nil {
		t.Fatal(err)
	}
	if pages := tool(t, "pdfinfo", save(t, data)); !strings.Contains(pages, "Pages:") || strings.Contains(pages, "Pages:           1\n") {
		t.Errorf("long certificate on one page: %s", pages)
	}
}

func BenchmarkCertificate(b *testing.B) {
	c := certificate("it")
	for b.Loop() {
		if _, err := c.Render(); err != nil {
			b.Fatal(err)
		}
	}
}
