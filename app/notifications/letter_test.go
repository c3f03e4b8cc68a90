package notifications

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/tenants"
)

var update = flag.Bool("update", false, "write the golden files")

// The sentence of a service stands below the usual words, in the mail's language
// or marked as Italian; markup in it is only text.
func TestAMailCarriesTheServicesSentence(t *testing.T) {
	texts, err := i18n.Load(tenants.FS, "shared/texts")
	if err != nil {
		t.Fatal(err)
	}
	own := i18n.Text{"it": "Porti il contrassegno <b>vecchio</b> allo\nsportello.", "de": "Bringen Sie die alte Karte mit."}
	for _, c := range []struct {
		name, kind, lang string
		own              i18n.Text
	}{
		{"own-it", DocumentReady, "it", own}, {"own-de", DocumentReady, "de", own}, {"own-fr", DocumentReady, "fr", own},
		{"none-it", DocumentReady, "it", nil}, {"ends-it", GrantEnds, "it", own}, {"office-it", OfficeReceived, "it", nil},
	} {
		l := letter{Lang: c.lang, Kind: c.kind, Own: c.own, Sender: "Comune di Esempio", Address: "Piazza 1, 6999 Esempio", Colour: "#004488", Params: map[string]string{
			"name": "Anna Esempio", "ref": "ESE-2026-7K2M-4", "service": "Contrassegno", "title": "Contrassegno annuale", "until": "31 dicembre 2026",
			"link": "https://esempio.example/area/pratiche/ESE-2026-7K2M-4",
		}}
		w, err := l.write(i18n.WithLang(t.Context(), texts, c.lang))
		if err != nil {
			t.Fatal(c.name, err)
		}
		for ext, got := range map[string]string{".txt": w.subject + "\n\n" + w.text, ".html": w.html} {
			file := filepath.Join("testdata", c.name+ext)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs:\n%s", file, got)
			}
		}
	}
}
