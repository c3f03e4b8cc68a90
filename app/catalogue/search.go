package catalogue

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// entry is a service as the search sees it: folded words by weight.
type entry struct {
	service *Service
	title   map[string][]string // language → words of the title
	words   []string            // keywords
	rest    string              // all other texts
}

func newEntry(s *Service) entry {
	e := entry{service: s, title: map[string][]string{}}
	for lang, title := range s.Title {
		e.title[lang] = strings.Fields(fold(title))
	}
	e.words = strings.Fields(fold(strings.Join(s.Keywords, " ")))
	var rest []string
	for _, text := range []i18n.Text{s.Summary, s.Who, s.Output.Summary} {
		for _, words := range text {
			rest = append(rest, words)
		}
	}
	rest = append(rest, strings.ReplaceAll(s.ID, "-", " "), s.Category)
	e.rest = fold(strings.Join(rest, " "))
	return e
}

// fold makes small letters without accents and nothing but letters and digits
// between single spaces.
func fold(text string) string {
	var out strings.Builder
	space := true
	for _, r := range norm.NFD.String(text) {
		switch {
		case unicode.Is(unicode.Mn, r):
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

// noise are words that say nothing about a service.
var noise = map[string]bool{"di": true, "del": true, "della": true, "un": true, "una": true, "il": true, "la": true, "le": true, "per": true, "e": true, "in": true, "a": true, "da": true, "der": true, "die": true, "das": true, "und": true, "de": true, "du": true, "des": true, "the": true, "of": true}

// maxQuery bounds what is searched for.
const maxQuery = 200

// Search finds the services that hold every word of a query, the best first.
// An empty query finds nothing.
func (m *Module) Search(ctx context.Context, t tenancy.Tenant, query, lang string) ([]*Service, error) {
	s, err := m.cache.Get(ctx, t)
	if err != nil {
		return nil, err
	}
	return s.search(query, lang), nil
}

func (s *Snapshot) search(query, lang string) []*Service {
	if len(query) > maxQuery {
		query = strings.ToValidUTF8(query[:maxQuery], "")
	}
	var words []string
	for _, word := range strings.Fields(fold(query)) {
		if !noise[word] {
			words = append(words, stem(word))
		}
	}
	if len(words) == 0 {
		return nil
	}
	type hit struct {
		service *Service
		score   int
	}
	var hits []hit
	for _, e := range s.entries {
		if score := e.score(words, lang); score > 0 {
			hits = append(hits, hit{e.service, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	out := make([]*Service, len(hits))
	for i, h := range hits {
		out[i] = h.service
	}
	return out
}

// stem drops the last vowel of a longer word, so that «cane» finds «cani».
func stem(word string) string {
	if n := len(word); n > 3 && strings.ContainsRune("aeiou", rune(word[n-1])) {
		return word[:n-1]
	}
	return word
}

// score is 0 when a word is found nowhere.
func (e entry) score(words []string, lang string) int {
	total := 0
	for _, word := range words {
		best := 0
		for language, title := range e.title {
			if startsAny(title, word) {
				weight := 8
				if language == lang || language == i18n.Reference {
					weight = 10
				}
				best = max(best, weight)
			}
		}
		if best < 6 && startsAny(e.words, word) {
			best = 6
		}
		if best == 0 && (strings.HasPrefix(e.rest, word) || strings.Contains(e.rest, " "+word)) {
			best = 2
		}
		if best == 0 {
			return 0
		}
		total += best
	}
	return total
}

func startsAny(words []string, prefix string) bool {
	for _, word := range words {
		if strings.HasPrefix(word, prefix) {
			return true
		}
	}
	return false
}
