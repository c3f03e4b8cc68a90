package catalogue

import (
	"unicode"

	"github.com/sergi/go-diff/diffmatchpatch"

	"github.com/sportello-ticino/sportello/app/ui"
)

// wordsMost is how many words of one text are compared: a longer one is shown
// whole, old and new.
const wordsMost = 4000

// textParts compares two texts word by word; nil where they have too little in
// common to be read as one.
func textParts(from, to string) []ui.TextPart {
	a, b := split(from), split(to)
	if len(a)+len(b) > wordsMost {
		return nil
	}
	// Every word becomes one sign, so that the library compares words.
	signs, words := map[string]rune{}, []string{}
	encode := func(list []string) []rune {
		out := make([]rune, len(list))
		for i, w := range list {
			sign, known := signs[w]
			if !known {
				sign = rune(0x10000 + len(words)) //nolint:gosec // at most wordsMost
				signs[w], words = sign, append(words, w)
			}
			out[i] = sign
		}
		return out
	}
	dmp := diffmatchpatch.New()
	diffs := dmp.DiffCleanupSemantic(dmp.DiffMainRunes(encode(a), encode(b), false))
	var out []ui.TextPart
	kept, all := 0, 0
	for _, d := range diffs {
		part := ui.TextPart{Put: d.Type == diffmatchpatch.DiffInsert, TakenOut: d.Type == diffmatchpatch.DiffDelete}
		for _, sign := range d.Text {
			part.Text += words[sign-0x10000]
		}
		all += len(part.Text)
		if d.Type == diffmatchpatch.DiffEqual {
			kept += 2 * len(part.Text)
			all += len(part.Text)
		}
		out = append(out, part)
	}
	if 4*kept < all {
		return nil
	}
	return out
}

// split cuts a text into words and what stands between them.
func split(text string) []string {
	var out []string
	start, kind := 0, -1
	for i, r := range text {
		now := 0
		switch {
		case unicode.IsSpace(r):
			now = 1
		case unicode.IsPunct(r) && r != '’' && r != '\'':
			now = 2
		}
		if now != kind && i > 0 {
			out, start = append(out, text[start:i]), i
		}
		kind = now
	}
	if start < len(text) {
		out = append(out, text[start:])
	}
	return out
}
