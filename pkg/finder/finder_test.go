package finder_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/finder"
)

func library() *finder.Index {
	doc := func(it, de, keywords, text string) finder.Doc {
		return finder.Doc{{Text: it, Lang: "it", Weight: 10}, {Text: de, Lang: "de", Weight: 10}, {Text: keywords, Weight: 7}, {Text: text, Lang: "it", Weight: 2}}
	}
	return finder.New([]finder.Doc{
		doc("Certificato di domicilio", "Wohnsitzbescheinigung", "attestato", "Attesta che lei abita in città."),
		doc("Notifica di possesso di un cane", "Hundeanmeldung", "tassa cani", "Chi prende un cane lo annuncia."),
		doc("Contrassegno zona blu per residenti", "Parkkarte blaue Zone", "posteggio", "Per l’auto di chi abita nel quartiere."),
		doc("Raccolta dei rifiuti ingombranti", "Sperrgutabfuhr", "ecocentro", "Si ritira in strada, su appuntamento."),
		doc("Cambiamento di indirizzo", "Adressänderung", "trasloco", "Chi cambia casa lo comunica."),
	}, finder.Synonyms{
		Same:    map[string][]string{"spazzatura": {"rifiuti"}, "parcheggio": {"posteggio"}, "posteggio": {"parcheggio"}, "déchets": {"rifiuti"}},
		Instead: map[string][]string{"certificato di residenza": {"certificato di domicilio"}, "residenza": {"domicilio"}},
	})
}

// What people type, and what must come first.
func TestSearch(t *testing.T) {
	x := library()
	for _, c := range []struct {
		query, lang string
		first       int // -1 for nothing
		instead     string
	}{
		{"certificato di domicilio", "it", 0, ""},
		{"CERTIFICATI", "it", 0, ""},
		{"domicilio certificato", "it", 0, ""},
		{"vorrei un certificato del mio domicilio", "it", 0, ""},
		{"citta", "it", 0, ""},
		{"cani", "it", 1, ""},
		{"tassa cane", "it", 1, ""},
		{"Hund", "it", 1, ""},
		{"hunde anmeldung", "de", 1, ""},
		{"Zonen", "de", 2, ""},
		{"parcheggi", "it", 2, ""},
		{"rifiuto", "it", 3, ""},
		{"spazzatura", "it", 3, ""},
		{"spazzature", "it", 3, ""},
		{"dechets", "fr", 3, ""},
		{"adressanderungen", "de", 4, ""},
		{"certificato di residenza", "it", 0, ""},
		{"residenza", "it", 0, ""},
		{"anmeldung", "de", 1, ""}, // inside a word
		{"certifcato", "it", 0, "certificato"},
		{"certificaot domiclio", "it", 0, "certificato domicilio"},
		{"cnae", "it", 1, "cane"},
		{"spazatura", "it", 3, "spazzatura"},
		{"xyzzy", "it", -1, ""},
		{"", "it", -1, ""},
		{"di", "it", 0, ""},
		{"%_'\"\\", "it", -1, ""},
	} {
		r := x.Search(finder.Query{Text: c.query, Lang: c.lang})
		first := -1
		if len(r.Hits) > 0 {
			first = r.Hits[0].Doc
		}
		if first != c.first || r.Instead != c.instead {
			t.Errorf("%q: first %d instead of %q; want %d and %q", c.query, first, r.Instead, c.first, c.instead)
		}
	}
	if r := x.Search(finder.Query{Text: "cane astronave", Lang: "it"}); !r.Partly || len(r.Hits) == 0 || r.Hits[0].Doc != 1 {
		t.Errorf("some of the words: %+v", r)
	}
	if r := x.Search(finder.Query{Text: "cane", Lang: "it"}); r.Partly || len(r.Hits) != 1 {
		t.Errorf("one word: %+v", r)
	}
	for _, typed := range []string{"tr", "tras", "certificato d", "certificato do", "spazz"} {
		if r := x.Search(finder.Query{Text: typed, Lang: "it", Typing: true}); len(r.Hits) == 0 {
			t.Errorf("%q is not suggested anything", typed)
		}
	}
}

// The parts of a marked text joined are the text, whatever was searched for.
func TestMark(t *testing.T) {
	x := library()
	for query, want := range map[string]string{
		"domicilio":  "Certificato di [domicilio]",
		"certifcato": "[Certificato] di domicilio",
		"residenza":  "Certificato di [domicilio]",
		"nulla":      "Certificato di domicilio",
	} {
		var got strings.Builder
		for _, p := range x.Search(finder.Query{Text: query, Lang: "it"}).Mark("Certificato di domicilio") {
			if p.Found {
				got.WriteString("[" + p.Text + "]")
			} else {
				got.WriteString(p.Text)
			}
		}
		if got.String() != want {
			t.Errorf("%q marks %q, want %q", query, got.String(), want)
		}
	}
}

// No text breaks a search, and marking loses nothing of it.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{"cane", "è città", "a\xffb", strings.Repeat("ab ", 60), "👩‍👩‍👧 ß É", "'; --"} {
		f.Add(s, s)
	}
	x := library()
	f.Fuzz(func(t *testing.T, query, text string) {
		r := x.Search(finder.Query{Text: query, Lang: "it", Typing: len(query)%2 == 0})
		var whole strings.Builder
		for _, p := range r.Mark(text) {
			whole.WriteString(p.Text)
		}
		if whole.String() != text {
			t.Errorf("%q became %q", text, whole.String())
		}
	})
}

// many is a catalogue of n services with titles of their own.
func many(n int) []finder.Doc {
	what := strings.Fields("certificato autorizzazione contributo notifica iscrizione tassa licenza prenotazione rimborso permesso dichiarazione rateazione verifica consulenza")
	whom := strings.Fields("cane barca palestra scuola mensa rifiuti posteggio cantiere albero insegna tomba biblioteca bicicletta acqua energia domicilio famiglia evento mercato passo")
	var docs []finder.Doc
	for i := range n {
		title := fmt.Sprintf("%s per %s numero %d", what[i%len(what)], whom[(i*7)%len(whom)], i)
		docs = append(docs, finder.Doc{{Text: title, Lang: "it", Weight: 10}, {Text: "Dienstleistung " + title, Lang: "de", Weight: 10}, {Text: "Service " + title, Lang: "fr", Weight: 10},
			{Text: "Chi abita nel Comune e ha bisogno di questo servizio lo chiede qui, con i documenti che servono: " + title, Lang: "it", Weight: 2}})
	}
	return docs
}

func BenchmarkSearch140(b *testing.B) {
	x := finder.New(many(140), finder.Synonyms{Same: map[string][]string{"spazzatura": {"rifiuti"}}})
	queries := []string{"certificato", "tassa cane", "spazatura", "autorizazione cantiere", "rimb", "permesso per l’evento"}
	for i := 0; b.Loop(); i++ {
		x.Search(finder.Query{Text: queries[i%len(queries)], Lang: "it"})
	}
}
