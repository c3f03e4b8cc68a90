package source

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Write writes data of a shape in canonical form: keys in the order of the shape,
// names that authors chose by alphabet, francs with two decimals, texts over
// several lines as blocks. What is read from it writes the same bytes. Comments
// are not part of the data and are not kept.
func Write(tree overlay.Tree, s *Shape) ([]byte, error) {
	w := writer{}
	w.mapping(tree, s, 0)
	return w.bytes()
}

type writer struct {
	out strings.Builder
	err error
}

func (w *writer) bytes() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	return []byte(w.out.String()), nil
}

func (w *writer) line(depth int, text string) {
	w.out.WriteString(strings.Repeat("  ", depth))
	w.out.WriteString(text)
	w.out.WriteByte('\n')
}

// mapping writes the keys of an object, or of what has no known keys.
func (w *writer) mapping(m map[string]any, s *Shape, depth int) {
	for _, key := range order(m, s) {
		w.entry(key, m[key], s.Inside(key), depth)
	}
}

// order is that of the schema; keys it does not know come last, by alphabet.
func order(m map[string]any, s *Shape) []string {
	keys := slices.Sorted(maps.Keys(m))
	place := func(key string) int { return len(keys) }
	switch {
	case s == nil:
	case s.Form == Object:
		known := s.Names()
		place = func(key string) int {
			if at := slices.Index(known, key); at >= 0 {
				return at
			}
			return len(known)
		}
	case s.Form == Words:
		place = func(key string) int {
			if at := slices.Index(i18n.Languages, key); at >= 0 {
				return at
			}
			return len(i18n.Languages)
		}
	}
	slices.SortStableFunc(keys, func(a, b string) int { return place(a) - place(b) })
	return keys
}

func (w *writer) entry(key string, value any, s *Shape, depth int) {
	name := quoted(key)
	switch v := value.(type) {
	case map[string]any:
		if len(v) == 0 {
			w.line(depth, name+": {}")
			return
		}
		w.line(depth, name+":")
		w.mapping(v, s, depth+1)
	case overlay.Tree:
		w.entry(key, map[string]any(v), s, depth)
	case []any:
		switch {
		case len(v) == 0:
			w.line(depth, name+": []")
		case shortList(v):
			items := make([]string, len(v))
			for i, item := range v {
				items[i] = w.scalar(item, s)
			}
			w.line(depth, name+": ["+strings.Join(items, ", ")+"]")
		default:
			w.line(depth, name+":")
			for _, item := range v {
				w.item(item, s, depth+1)
			}
		}
	case string:
		if block(v) {
			w.block(depth, name+": |", v)
			return
		}
		w.line(depth, name+": "+quoted(v))
	default:
		w.line(depth, name+": "+w.scalar(value, s))
	}
}

// item is one «- » of a list.
func (w *writer) item(value any, s *Shape, depth int) {
	var of *Shape
	if s != nil {
		of = s.Item
	}
	if m, ok := value.(map[string]any); ok && len(m) > 0 {
		inner := writer{}
		inner.mapping(m, of, depth+1)
		text := inner.out.String()
		indent := strings.Repeat("  ", depth+1)
		w.out.WriteString(strings.Repeat("  ", depth) + "- " + strings.TrimPrefix(text, indent))
		if inner.err != nil {
			w.err = inner.err
		}
		return
	}
	if text, ok := value.(string); ok && block(text) {
		w.block(depth, "- |", text)
		return
	}
	if nested, ok := value.([]any); ok && len(nested) > 0 {
		w.line(depth, "-")
		for _, inner := range nested {
			w.item(inner, of, depth+1)
		}
		return
	}
	w.line(depth, "- "+w.scalar(value, s))
}

// block writes a text over several lines.
func (w *writer) block(depth int, head, text string) {
	if !strings.HasSuffix(text, "\n") {
		head += "-"
	}
	w.line(depth, head)
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line == "" {
			w.out.WriteByte('\n')
			continue
		}
		w.line(depth+1, line)
	}
}

// shortList is one of few short words, written in one line.
func shortList(items []any) bool {
	length := 0
	for _, item := range items {
		switch v := item.(type) {
		case string:
			if strings.Contains(v, "\n") {
				return false
			}
			length += len(v) + 2
		case float64, bool:
			length += 6
		default:
			return false
		}
	}
	return length <= 100 && len(items) <= 12
}

// scalar is a value on one line.
func (w *writer) scalar(value any, s *Shape) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return quoted(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		if s != nil && (s.Form == Price || s.Item != nil && s.Item.Form == Price) {
			if amount, err := money.Parse(strconv.FormatFloat(v, 'f', -1, 64)); err == nil {
				return amount.Decimal()
			}
		}
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any:
		if len(v) == 0 {
			return "{}"
		}
	case []any:
		if len(v) == 0 {
			return "[]"
		}
	}
	w.err = fmt.Errorf("source: %T cannot stand on one line", value)
	return "null"
}

var (
	// plainText is what YAML reads as a string without quotes.
	plainText = regexp.MustCompile(`^\p{L}[\p{L}\p{M}\p{Nd} ().,;/_+«»’“”?!%°²–-]*$`)
	// otherMeaning are the words that YAML reads as something else.
	otherMeaning = regexp.MustCompile(`(?i)^(null|true|false|yes|no|on|off|y|n|nan|inf)$`)
)

// quoted writes a string so that every YAML reader gets it back.
func quoted(s string) string {
	if plainText.MatchString(s) && !otherMeaning.MatchString(s) && !strings.HasSuffix(s, " ") && !strings.Contains(s, "  ") && !strings.ContainsAny(s, ",[]{}#:&*!|>'\"%@`") {
		return s
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		return `""` // a string always encodes
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// block reports whether a text is written over several lines: none begins or
// ends with a space, and all of it can be printed.
func block(s string) bool {
	body := strings.TrimSuffix(s, "\n")
	if !strings.Contains(body, "\n") || strings.HasPrefix(body, "\n") || strings.HasSuffix(body, "\n") || !utf8.ValidString(s) {
		return false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if line != strings.TrimSpace(line) {
			return false
		}
		for _, r := range line {
			if !unicode.IsPrint(r) || r == '\uFEFF' || r == '\u0085' || r == '\u2028' || r == '\u2029' {
				return false
			}
		}
	}
	return true
}
