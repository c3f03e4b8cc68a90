package finder

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// How well a word is found, of 1.
const (
	exactly   = 1.0
	byStem    = .95
	byStart   = .8
	byPart    = .45 // inside a word: German compounds
	bySlip    = .7  // times how alike they are
	bySame    = .9  // through a synonym
	byInstead = .5  // by a word that means something else here
	foreign   = .8  // in another language than the page's
	alike     = .3  // the least similarity that counts; pg_trgm.similarity_threshold
	weakest   = .2  // of the best score: less is left out
	nearBest  = .12 // of several corrections, those this close to the best
)

// maxWords is how many words of a query are looked for.
const maxWords = 12

// Query is what is looked for.
type Query struct {
	Text string
	Lang string // of the page: a word found in it counts more
	// Typing says that the last word may not be finished.
	Typing bool
}

// Hit is a document that was found.
type Hit struct {
	Doc   int
	Score float64
}

// Result is what a search found, the best first.
type Result struct {
	Hits []Hit
	// Instead is the query as it was understood, where a word was found only as
	// a typing error of another; "" otherwise.
	Instead string
	// Partly says that no document has all words: these have some.
	Partly bool

	matched map[string]bool // folded words by which documents were found
}

// match is a term that a word may be a typing error of.
type match struct {
	term    int
	quality float64
}

// way is one way to say a part of a query: all its words must be there.
type way struct {
	words  []string
	factor float64 // how close it is to what was typed
	typing bool    // its last word may not be finished
}

// Search finds the documents that have every part of the query: the word, its
// stem, its beginning, a synonym, or what it is a typing error of. Where none has
// all, those that have some.
func (x *Index) Search(q Query) Result {
	typed := words(q.Text)
	typed = typed[:min(len(typed), maxWords)]
	r := Result{matched: map[string]bool{}}
	if len(typed) == 0 || x.docs == 0 {
		return r
	}
	parts := x.parts(typed, q.Typing, &r)
	scores, found := make([]float64, x.docs), make([]int, x.docs)
	for _, ways := range parts {
		best := make([]float64, x.docs)
		for _, w := range ways {
			x.score(w, q.Lang, best, &r)
		}
		for doc, s := range best {
			if s > 0 {
				scores[doc] += s
				found[doc]++
			}
		}
	}
	most := slices.Max(found)
	if most == 0 {
		return r
	}
	r.Partly = most < len(parts)
	for doc, n := range found {
		if n == most {
			r.Hits = append(r.Hits, Hit{doc, scores[doc] / float64(len(parts))})
		}
	}
	slices.SortStableFunc(r.Hits, func(a, b Hit) int { return cmp.Compare(b.Score, a.Score) })
	for i, h := range r.Hits { // words in passing are no answer where others are
		if h.Score < weakest*r.Hits[0].Score {
			r.Hits = r.Hits[:i]
			break
		}
	}
	return r
}

// parts are the phrases and words of a query, each with all the ways to say it.
func (x *Index) parts(typed []string, typing bool, r *Result) [][]way {
	var out [][]way
	read, corrected := []string{}, false
	for i := 0; i < len(typed); {
		n, leads, own := x.phraseAt(typed[i:])
		last := typing && i+max(n, 1) == len(typed)
		if n > 0 {
			ways := []way{{words: typed[i : i+n], factor: own, typing: last}}
			out, read = append(out, append(ways, through(leads, bySame)...)), append(read, typed[i:i+n]...)
			i += n
			continue
		}
		word := typed[i]
		ways := []way{{words: []string{word}, factor: 1, typing: last}}
		if x.known(word, last) {
			ways = append(ways, through(x.phrasesFrom(word), bySame*byStart)...)
		} else {
			near := x.near(word)
			for _, m := range near {
				meant := []string{x.terms[m.term].text}
				ways = append(ways, way{words: meant, factor: m.quality * bySlip})
				_, leads, _ := x.phraseAt(meant)
				ways = append(ways, through(leads, m.quality*bySlip*bySame)...)
			}
			if len(near) > 0 {
				word, corrected = x.terms[near[0].term].text, true
			}
		}
		out, read = append(out, ways), append(read, word)
		i++
	}
	if corrected {
		r.Instead = strings.Join(read, " ")
	}
	return out
}

func through(leads [][]string, factor float64) []way {
	var out []way
	for _, words := range leads {
		out = append(out, way{words: words, factor: factor})
	}
	return out
}

// phraseAt is the longest synonym that the words begin with, all that synonyms
// of this length lead to, and what the words themselves still count.
func (x *Index) phraseAt(typed []string) (n int, leads [][]string, own float64) {
	for _, s := range keys(typed[0]) {
		for _, p := range x.phrases[s] {
			if len(p.words) < n || len(p.words) > len(typed) || !fits(p.words, typed) {
				continue
			}
			if len(p.words) > n {
				n, leads, own = len(p.words), nil, 1
			}
			if p.instead {
				own = byInstead
			}
			leads = add(leads, p.leads)
		}
	}
	return n, leads, own
}

func fits(phrase, typed []string) bool {
	for i, w := range phrase {
		if !sameStem(w, typed[i]) {
			return false
		}
	}
	return true
}

func add(leads, more [][]string) [][]string {
	for _, way := range more {
		if !slices.ContainsFunc(leads, func(have []string) bool { return slices.Equal(have, way) }) {
			leads = append(leads, way)
		}
	}
	return leads
}

// phrasesFrom are what the synonyms of one word lead to that begins so.
func (x *Index) phrasesFrom(start string) (leads [][]string) {
	if len(start) < 4 {
		return nil
	}
	for _, p := range x.single {
		if strings.HasPrefix(p.words[0], start) {
			leads = add(leads, p.leads)
		}
	}
	return leads
}

// score raises best to how well each document has all words of a way.
func (x *Index) score(w way, lang string, best []float64, r *Result) {
	sum, found := make([]float64, x.docs), make([]int, x.docs)
	var used []int
	for i, text := range w.words {
		word := make([]float64, x.docs)
		for t, quality := range x.lookUp(text, w.typing && i == len(w.words)-1) {
			used = append(used, t)
			for _, p := range x.terms[t].posts {
				s := p.weight * quality
				if p.lang != lang && p.lang != "" {
					s *= foreign
				}
				word[p.doc] = max(word[p.doc], s)
			}
		}
		for doc, s := range word {
			if s > 0 {
				sum[doc] += s
				found[doc]++
			}
		}
	}
	whole := false
	for doc, n := range found {
		if n == len(w.words) {
			best[doc], whole = max(best[doc], w.factor*sum[doc]/float64(n)), true
		}
	}
	if whole {
		for _, t := range used {
			r.matched[x.terms[t].text] = true
		}
	}
}

// known reports whether a word needs no correction.
func (x *Index) known(word string, typing bool) bool { return len(x.lookUp(word, typing)) > 0 }

// lookUp finds the terms for a word, typing errors left out, and how well each
// fits.
func (x *Index) lookUp(word string, typing bool) map[int]float64 {
	best := map[int]float64{}
	if t, ok := x.byText[word]; ok {
		best[t] = exactly
	}
	for _, s := range keys(word) {
		for _, t := range x.byStem[s] {
			best[t] = max(best[t], byStem)
		}
	}
	if len(word) >= 3 || typing {
		from, _ := slices.BinarySearchFunc(x.terms, word, func(t term, w string) int { return cmp.Compare(t.text, w) })
		for ; from < len(x.terms) && strings.HasPrefix(x.terms[from].text, word); from++ {
			best[from] = max(best[from], byStart)
		}
	}
	if part := stem(word, "de"); len(part) >= 5 { // «anmelden» in «Hundeanmeldung»
		for _, t := range x.german {
			if best[t] == 0 && strings.Contains(x.terms[t].text, part) {
				best[t] = byPart
			}
		}
	}
	if len(best) == 0 && len(word) >= 4 {
		for t := range x.terms {
			if strings.Contains(x.terms[t].text, word) {
				best[t] = byPart
			}
		}
	}
	return best
}

// near are the terms that a word may be a typing error of, the likeliest first.
func (x *Index) near(word string) []match {
	grams := setOf(trigrams(word))
	shared := map[int]int{}
	for g := range grams {
		for _, t := range x.byGram[g] {
			shared[t]++
		}
	}
	var out []match
	for t, n := range shared {
		s := share(n, len(grams), x.terms[t].trigrams)
		if len(word) >= 4 && oneSlip(word, x.terms[t].text) {
			s = math.Max(s, .5) + .1
		}
		if s >= alike && aboutAsLong(word, x.terms[t].text) {
			out = append(out, match{t, math.Min(s, 1)})
		}
	}
	slices.SortFunc(out, func(a, b match) int {
		return cmp.Or(cmp.Compare(b.quality, a.quality), cmp.Compare(x.terms[a.term].text, x.terms[b.term].text))
	})
	for i, m := range out {
		if m.quality < out[0].quality-nearBest {
			return out[:i]
		}
	}
	return out
}

// aboutAsLong leaves out what nobody types by a slip: «vote» for «volante» shares
// enough trigrams, for both are short.
func aboutAsLong(a, b string) bool {
	short, long := min(len(a), len(b)), max(len(a), len(b))
	return (long-short)*3 <= long
}

// Part is a piece of a text; Found says that the search found it.
type Part struct {
	Text  string
	Found bool
}

// Mark parts a text at the words by which it was found. The parts joined are the
// text.
func (r Result) Mark(text string) []Part {
	var out []Part
	add := func(s string, found bool) {
		if s == "" {
			return
		}
		if n := len(out); n > 0 && out[n-1].Found == found {
			out[n-1].Text += s
			return
		}
		out = append(out, Part{s, found})
	}
	rest := text
	for rest != "" {
		word, after := cutWord(rest)
		if word == "" {
			_, size := utf8.DecodeRuneInString(after)
			add(after[:size], false)
			rest = after[size:]
			continue
		}
		add(word, r.matched[Fold(word)])
		rest = after
	}
	return out
}
