package finder

import (
	"strings"
	"unicode"
)

// trigrams are those of a text as pg_trgm makes them: of each word in small
// letters, with two spaces before it and one after it, in order.
func trigrams(text string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		runes := []rune("  " + word + " ")
		for i := 0; i+3 <= len(runes); i++ {
			out = append(out, string(runes[i:i+3]))
		}
	}
	return out
}

func setOf(list []string) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, t := range list {
		out[t] = true
	}
	return out
}

// Similarity is how alike two texts are, 0 to 1: the trigrams they share, of all
// that either has (pg_trgm, similarity).
func Similarity(a, b string) float64 {
	one, two := setOf(trigrams(a)), setOf(trigrams(b))
	shared := 0
	for t := range one {
		if two[t] {
			shared++
		}
	}
	return share(shared, len(one), len(two))
}

func share(shared, one, two int) float64 {
	if one == 0 || two == 0 {
		return 0
	}
	return float64(shared) / float64(one+two-shared)
}

// WordSimilarity is how well a text is found anywhere inside another, 0 to 1: the
// best Similarity of its trigrams with an unbroken run of the other's (pg_trgm,
// word_similarity; its search for the run is this one, so the figures agree).
func WordSimilarity(text, inside string) float64 {
	wanted, run := setOf(trigrams(text)), trigrams(inside)
	best, shared, distinct, lower := 0.0, 0, 0, -1
	last := map[string]int{} // where a trigram was seen last within the run
	for i, t := range run {
		if lower >= 0 || wanted[t] {
			if _, seen := last[t]; !seen {
				distinct++
				if wanted[t] {
					shared++
				}
			}
			last[t] = i
		}
		if !wanted[t] {
			continue
		}
		if lower == -1 {
			lower, distinct = i, 1
		}
		now, before := share(shared, len(wanted), distinct), lower
		// A later beginning of the run may be better.
		tryShared, tryDistinct := shared, distinct
		for from := lower; from <= i; from++ {
			if s := share(tryShared, len(wanted), tryDistinct); s > now {
				now, distinct, lower, shared = s, tryDistinct, from, tryShared
			}
			if at, seen := last[run[from]]; seen && at == from {
				tryDistinct--
				if wanted[run[from]] {
					tryShared--
				}
			}
		}
		best = max(best, now)
		for from := before; from < lower; from++ {
			if at, seen := last[run[from]]; seen && at == from {
				delete(last, run[from])
			}
		}
	}
	return best
}

// oneSlip reports whether one letter more, less, other or swapped with its
// neighbour makes one word of the other: what trigrams hardly see in short words.
func oneSlip(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(y)-len(x) > 1 {
		return false
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) < len(y) {
		return string(x[i:]) == string(y[i+1:])
	}
	if i == len(x) {
		return true
	}
	if string(x[i+1:]) == string(y[i+1:]) {
		return true
	}
	return i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && string(x[i+2:]) == string(y[i+2:])
}
