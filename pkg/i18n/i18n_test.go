package i18n

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func testBundle(t testing.TB) *Bundle {
	t.Helper()
	b, err := Load(fstest.MapFS{
		"texts/it/home.yaml": {Data: []byte(`
# a comment
home:
  title: Buongiorno
  hello: "Buongiorno {name}, la pratica {ref} è del {day}"
  long: |
    Due righe
    di testo
  answer: 42
`)},
		"texts/it/cases.yaml": {Data: []byte("cases:\n  found:\n    one: una pratica\n    other: \"{n} pratiche di {who}\"\n")},
		"texts/de/home.yaml":  {Data: []byte("home:\n  title: Guten Tag\n")},
		"texts/fr/cases.yaml": {Data: []byte("cases.found.one: \"{n} dossier\"\ncases.found.other: \"{n} dossiers\"\n")},
		"texts/it/README.md":  {Data: []byte("ignored")},
	}, "texts")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestText(t *testing.T) {
	b := testBundle(t)
	it := WithLang(context.Background(), b, "it")
	de := WithLang(context.Background(), b, "de")
	fr := WithLang(context.Background(), b, "fr")
	day := time.Date(2025, 3, 14, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct{ name, got, want string }{
		{"italian", T(it, "home.title"), "Buongiorno"},
		{"german", T(de, "home.title"), "Guten Tag"},
		{"falls back to italian", T(fr, "home.title"), "Buongiorno"},
		{"falls back to the key", T(de, "home.nothing"), "home.nothing"},
		{"no language set", T(context.Background(), "home.title"), "home.title"},
		{"unknown language", Lang(WithLang(context.Background(), b, "rm")), "it"},
		{"placeholders", T(it, "home.hello", "name", "{ref}", "ref", 7, "day", day), "Buongiorno {ref}, la pratica 7 è del 14.03.2025"},
		{"missing value stays", T(it, "home.hello", "name", "Anna"), "Buongiorno Anna, la pratica {ref} è del {day}"},
		{"literal", T(it, "home.long"), "Due righe\ndi testo"},
		{"number without quotes", T(it, "home.answer"), "42"},
		{"one", N(it, "cases.found", 1), "una pratica"},
		{"many", N(it, "cases.found", 1234, "who", "Anna"), "1'234 pratiche di Anna"},
		{"french zero is one", N(fr, "cases.found", 0), "0 dossier"},
		{"german plural falls back", N(de, "cases.found", 2, "who", "Anna"), "2 pratiche di Anna"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
	if !Has(de, "home.answer") || Has(de, "home.nothing") {
		t.Error("Has looks in the language and in Italian, nowhere else")
	}
	if Translated(de, "home.answer") || !Translated(de, "home.title") {
		t.Error("Translated looks in the language alone")
	}
	if got := b.Missing("de"); len(got) != 5 {
		t.Errorf("missing in German: %v", got)
	}
}

func TestWith(t *testing.T) {
	own := FromMap(map[string]map[string]string{"it": {"home.title": "Saluti dal Comune"}})
	b := testBundle(t)
	ctx := WithLang(context.Background(), b.With(own), "de")
	if got := T(ctx, "home.title"); got != "Guten Tag" {
		t.Errorf("an Italian word of the commune must not hide the German one: %q", got)
	}
	if got := T(WithLang(ctx, b.With(own), "it"), "home.title"); got != "Saluti dal Comune" {
		t.Error(got)
	}
	if got := T(WithLang(ctx, b, "it"), "home.title"); got != "Buongiorno" {
		t.Errorf("With changed its receiver: %q", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"twice in one file": {fstest.MapFS{"it/a.yaml": {Data: []byte("a:\n  b: x\na.b: y\n")}}, "it/a.yaml:3: key \"a.b\" already written at it/a.yaml:2"},
		"same key twice":    {fstest.MapFS{"it/a.yaml": {Data: []byte("a: x\na: y\n")}}, "already written at it/a.yaml:1"},
		"twice in two files": {fstest.MapFS{"it/a.yaml": {Data: []byte("a: x\n")}, "it/b.yaml": {Data: []byte("\na: y\n")}},
			"it/b.yaml:2: key \"a\" already written at it/a.yaml:1"},
		"empty":    {fstest.MapFS{"it/a.yaml": {Data: []byte("a:\n")}}, "has no text"},
		"list":     {fstest.MapFS{"it/a.yaml": {Data: []byte("a: [x, y]\n")}}, "a text was expected"},
		"alias":    {fstest.MapFS{"it/a.yaml": {Data: []byte("a: &x b\nc: *x\n")}}, "a text was expected"},
		"not yaml": {fstest.MapFS{"it/a.yaml": {Data: []byte("a: [\n")}}, "it/a.yaml"},
		"too long": {fstest.MapFS{"it/a.yaml": {Data: []byte("a: " + strings.Repeat("x", maxFile))}}, "at most"},
	} {
		if _, err := Load(c.files, "."); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestFormats(t *testing.T) {
	b := testBundle(t)
	in := func(lang string) context.Context { return WithLang(context.Background(), b, lang) }
	// 22:30 UTC on 31 July is half past midnight on 1 August in Lugano.
	august := time.Date(2025, 7, 31, 22, 30, 0, 0, time.UTC)
	march := time.Date(2025, 3, 14, 13, 30, 0, 0, time.UTC)
	for _, c := range []struct{ got, want string }{
		{Date(march), "14.03.2025"}, {Time(march), "14.30"}, {Date(time.Time{}), ""},
		{DateTime(in("it"), march), "14.03.2025, ore 14.30"},
		{DateTime(in("de"), march), "14.03.2025, 14.30 Uhr"},
		{DateTime(in("fr"), march), "14.03.2025, 14h30"},
		{DateTime(in("en"), march), "14.03.2025, 14:30"},
		{LongDate(in("it"), march), "14 marzo 2025"}, {LongDate(in("it"), august), "1° agosto 2025"},
		{LongDate(in("de"), august), "1. August 2025"}, {LongDate(in("fr"), august), "1er août 2025"},
		{LongDate(in("en"), august), "1 August 2025"}, {LongDateIn("rm", march), "14 marzo 2025"},
		{Money(int64(123450)), "CHF 1'234.50"}, {Money(int64(5)), "CHF 0.05"}, {Money(int64(-100)), "CHF -1.00"},
		{Number(1234567), "1'234'567"}, {Number(-999), "-999"}, {Number(-1000), "-1'000"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func BenchmarkT(b *testing.B) {
	ctx := WithLang(context.Background(), testBundle(b), "de")
	for b.Loop() {
		T(ctx, "home.hello", "name", "Anna", "ref", "LUG")
	}
}
