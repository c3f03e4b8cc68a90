package finder

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Field is one text of a document.
type Field struct {
	Text   string
	Lang   string  // "" for words of no language in particular
	Weight float64 // how much a word found here counts
}

// Doc is a document as its fields.
type Doc []Field

// Synonyms say which words lead to which others. Phrases of several words are
// fine on both sides.
type Synonyms struct {
	// Same are words beside others that mean the same.
	Same map[string][]string
	// Instead are words that mean something else here than they say: what they
	// lead to comes before what has the word itself.
	Instead map[string][]string
}

// posting is a word's best place in a document, by language.
type posting struct {
	doc    int
	lang   string
	weight float64
}

// term is one word as it is written somewhere, folded.
type term struct {
	text     string
	trigrams int
	posts    []posting
}

// phrase is a synonym: its words as stems, and what it leads to.
type phrase struct {
	words   []string // folded
	leads   [][]string
	instead bool
}

// Index is a searchable set of documents.
type Index struct {
	docs    int
	terms   []term         // sorted by text
	byText  map[string]int // folded word → term
	byStem  map[string][]int
	byGram  map[string][]int
	phrases map[string][]phrase // by the stem of their first word
	single  []phrase            // those of one word
	german  []int               // terms of German texts: its words are put together
}

// New makes an index. Documents are known by their place in the list; of equal
// ones the earlier comes first.
func New(docs []Doc, synonyms Synonyms) *Index {
	x := &Index{docs: len(docs), byText: map[string]int{}, byStem: map[string][]int{}, byGram: map[string][]int{}, phrases: map[string][]phrase{}}
	found := map[string]map[posting]float64{} // weight 0 in the key
	for i, doc := range docs {
		for _, f := range doc {
			for w := range strings.FieldsSeq(Fold(f.Text)) {
				if found[w] == nil {
					found[w] = map[posting]float64{}
				}
				at := posting{doc: i, lang: f.Lang}
				found[w][at] = max(found[w][at], f.Weight)
			}
		}
	}
	phrases := synonyms.phrases()
	for _, p := range phrases { // also what only leads elsewhere can be mistyped
		for _, w := range p.words {
			if found[w] == nil {
				found[w] = nil
			}
		}
	}
	for w, places := range found {
		t := term{text: w}
		for at, weight := range places {
			at.weight = weight
			t.posts = append(t.posts, at)
		}
		x.terms = append(x.terms, t)
	}
	slices.SortFunc(x.terms, func(a, b term) int { return cmp.Compare(a.text, b.text) })
	for i := range x.terms {
		x.enter(i)
	}
	for _, p := range phrases {
		if len(p.words) == 1 {
			x.single = append(x.single, p)
		}
		for _, s := range keys(p.words[0]) {
			x.phrases[s] = append(x.phrases[s], p)
		}
	}
	for _, list := range x.phrases { // the longest first
		slices.SortFunc(list, func(a, b phrase) int {
			return cmp.Or(cmp.Compare(len(b.words), len(a.words)), slices.Compare(a.words, b.words))
		})
	}
	return x
}

// phrases are the synonyms as words, in an order of their own.
func (s Synonyms) phrases() (out []phrase) {
	for i, table := range []map[string][]string{s.Same, s.Instead} {
		for _, from := range slices.Sorted(maps.Keys(table)) {
			p := phrase{words: words(from), instead: i == 1}
			for _, text := range table[from] {
				if to := words(text); len(to) > 0 {
					p.leads = append(p.leads, to)
				}
			}
			if len(p.words) > 0 {
				out = append(out, p)
			}
		}
	}
	return out
}

// enter puts a term into the tables by which it is found.
func (x *Index) enter(i int) {
	t := &x.terms[i]
	x.byText[t.text] = i
	langs := map[string]bool{}
	for _, p := range t.posts {
		langs[p.lang] = true
	}
	if langs["de"] {
		x.german = append(x.german, i)
	}
	for _, lang := range Languages {
		if langs[lang] || langs[""] {
			x.byStem[lang+":"+stem(t.text, lang)] = append(x.byStem[lang+":"+stem(t.text, lang)], i)
		}
	}
	grams := setOf(trigrams(t.text))
	t.trigrams = len(grams)
	for g := range grams {
		x.byGram[g] = append(x.byGram[g], i)
	}
}

// keys are the stems of a word, each once.
func keys(word string) []string {
	list := stems(word)
	slices.Sort(list)
	return slices.Compact(list)
}

// sameStem reports whether two folded words have a stem in common.
func sameStem(a, b string) bool {
	if a == b {
		return true
	}
	for _, s := range stems(a) {
		if slices.Contains(stems(b), s) {
			return true
		}
	}
	return false
}
