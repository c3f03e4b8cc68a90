package finder

import (
	"strings"
	"unicode"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/italian"
	"golang.org/x/text/unicode/norm"
)

// Languages are those whose words have stems here.
var Languages = []string{"it", "de", "fr", "en"}

var stemmers = map[string]func(*snowballstem.Env) bool{
	"it": italian.Stem, "de": german.Stem, "fr": french.Stem, "en": english.Stem,
}

// Fold makes small letters without accents, and nothing but letters and digits
// between single spaces.
func Fold(text string) string {
	var out strings.Builder
	space := true
	for _, r := range norm.NFD.String(text) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == 'ß':
			out.WriteString("ss")
			space = false
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			out.WriteRune(unicode.ToLower(r))
			space = false
		case !space:
			out.WriteByte(' ')
			space = true
		}
	}
	return strings.TrimSpace(out.String())
}

// stem is the stem of a folded word in a language; the word itself where the
// language has none here.
func stem(word, lang string) string {
	do := stemmers[lang]
	if do == nil || len(word) < 4 {
		return word
	}
	env := snowballstem.NewEnv(word)
	do(env)
	out := env.Current()
	// The stemmers keep an Italian or French final vowel that a folded word has
	// no accent on: «citta» and «città» are one word here.
	if len(out) > 4 && (lang == "it" || lang == "fr") && strings.ContainsRune("aeio", rune(out[len(out)-1])) {
		out = out[:len(out)-1]
	}
	return out
}

// stems are the stems of a word in all languages: nobody says which one is typed.
func stems(word string) []string {
	out := make([]string, len(Languages))
	for i, lang := range Languages {
		out[i] = lang + ":" + stem(word, lang)
	}
	return out
}

// noise are words that say nothing about what is looked for.
var noise = setOf(strings.Fields(`a ad agli ai al alla alle allo anche avere bisogno c che chi ci come con cosa cose da dagli dai dal dalla dalle
	de dei del della delle dello devo di do dove due e ed essere fa faccio fare gli ho i il in io l la le lo ma me mi mia mie miei mio nei nel nella
	non o occorre ottenere per perche poi posso puo quale quali quando quanto qui se serve si sono su sua sue sugli sul sulla sulle suo tra trovare
	un una uno voglio vorrei
	aber an auf aus bei bin brauche das dem den der des die ein eine einem einen einer es fur haben ich ihr im ist kann mein meine meinen mich mit
	muss nach oder sich sie sind um und uns von was wie wo zu zum zur
	au aux avec ce cette comment dans du elle en est et faire faut il j je les ma mes mon ne nous ou par pas pour puis que qui sa sans ses son sur
	un une veux vous y
	about am and any are at can do does for from get have how i if is it me my need of on or our the this to want what where which with you your`))

// words are the folded words of a text, without noise unless nothing else is there.
func words(text string) []string {
	all := strings.Fields(Fold(text))
	var out []string
	for _, w := range all {
		if !noise[w] {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return all
	}
	return out
}

// cutWord cuts the letters and digits that a text begins with.
func cutWord(text string) (word, rest string) {
	for i, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) {
			return text[:i], text[i:]
		}
	}
	return text, ""
}
