package catalogue

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/rules"
)

// Mistake is one thing wrong with a definition: where, what, and what to do.
type Mistake struct {
	// Path leads to the part: keys, and the id, value or name of an item of a
	// list. "**" stands for any depth.
	Path []string
	What string
	Do   string
	// File, Line and Column say where that is written; Line is 0 while nobody
	// has looked.
	File         string
	Line, Column int
}

// Error is "<file>:<line>:<column>: <path>: <what>: <what to do>" on one line.
func (m *Mistake) Error() string {
	var b strings.Builder
	if m.File != "" {
		b.WriteString(m.File + ":")
		if m.Line > 0 {
			fmt.Fprintf(&b, "%d:%d:", m.Line, m.Column)
		}
		b.WriteByte(' ')
	}
	if path := m.Where(); path != "" {
		b.WriteString(path + ": ")
	}
	b.WriteString(m.What)
	if m.Do != "" {
		b.WriteString(": " + m.Do)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Where is the path for people: "form.steps.luogo".
func (m *Mistake) Where() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(m.Path), func(s string) bool { return s == "**" }), ".")
}

// Mistakes are all those found in one definition, one line each.
type Mistakes []*Mistake

// Error is one mistake per line.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, one := range m {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// orNil is nil where nothing was found.
func (m Mistakes) orNil() error {
	if len(m) == 0 {
		return nil
	}
	return m
}

// MistakesOf are the mistakes an error of this package carries.
func MistakesOf(err error) Mistakes {
	var found Mistakes
	var one *Mistake
	switch {
	case errors.As(err, &found):
		return found
	case errors.As(err, &one):
		return Mistakes{one}
	}
	return nil
}

// each flattens joined errors.
func each(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, each(e)...)
		}
		return out
	}
	return []error{err}
}

// compilers' words for a part, and the path to it.
var wherePaths = []struct {
	prefix string
	path   []string
	last   string
}{
	{"fee line ", []string{"fee", "lines"}, "amount"},
	{"fee minimum", []string{"fee", "minimum"}, ""},
	{"fee shown", []string{"fee", "shown"}, ""},
	{"eligibility ", []string{"eligibility"}, "holds"},
	{"decision ", []string{"decision"}, "holds"},
	{"field ", []string{"form", "steps", "**"}, ""},
	{"step ", []string{"form", "steps"}, ""},
	{"form", []string{"form"}, ""},
	{"quota", []string{"quota"}, ""}, {"budget", []string{"budget"}, ""}, {"instalments", []string{"instalments"}, ""}, {"levels", []string{"levels"}, ""},
}

var firstKey = regexp.MustCompile(`^([a-z_]+)\b`)

// mistakesOfCompilers turns what the compilers of forms and rules complain of
// into mistakes with a path.
func mistakesOfCompilers(err error, scope *rules.Scope) Mistakes {
	var out Mistakes
	for _, e := range each(err) {
		m := &Mistake{What: e.Error()}
		var wrong *rules.Wrong
		if errors.As(e, &wrong) {
			m.Path, m.What = pathOf(wrong), wrong.Err.Error()
		}
		m.What = strings.TrimPrefix(m.What, rules.ErrRule.Error()+": ")
		if errors.Is(e, rules.ErrRule) {
			m.What = "rule refused: " + strings.Replace(m.What, rules.ErrRule.Error()+": ", "", 1)
			m.Do = ruleAdvice(m.What, scope)
		}
		if m.Do == "" {
			m.Do = formAdvice(m.What)
		}
		out = append(out, m)
	}
	return out
}

func pathOf(w *rules.Wrong) []string {
	for _, p := range wherePaths {
		rest, ok := strings.CutPrefix(w.Where, p.prefix)
		if !ok {
			continue
		}
		path := slices.Clone(p.path)
		id, sub, _ := strings.Cut(rest, ", ")
		if group, inside, nested := strings.Cut(id, "."); nested && p.prefix == "field " {
			path = append(path, group, "fields", inside)
		} else if id != "" {
			path = append(path, id)
		}
		switch {
		case sub != "":
			path = append(path, sub)
		case p.last != "":
			path = append(path, p.last)
		case id != "":
			if key := firstKey.FindString(w.Err.Error()); key != "" && definitionKey(key) {
				path = append(path, key)
			}
		}
		return path
	}
	return []string{w.Where}
}

// definitionKey reports whether a word is a key of a step or a field.
func definitionKey(word string) bool {
	step := definitionShape().field("form").field("steps").item
	return step.field(word) != nil || step.field("fields").item.field(word) != nil
}

var undeclared = regexp.MustCompile(`undeclared reference to '([^']+)'`)

func ruleAdvice(what string, scope *rules.Scope) string {
	if m := undeclared.FindStringSubmatch(what); m != nil && scope != nil {
		if near := nearest(m[1], scope.Known()); near != "" {
			return "did you mean " + near + "?"
		}
		return "use a field of the form as answers.<id>, an amount as amounts.<name>, a limit as limits.<name>, or a fact of the register"
	}
	switch {
	case strings.Contains(what, "may cost"), strings.Contains(what, "nest"), strings.Contains(what, "limit"), strings.Contains(what, "at most"):
		return "make it shorter: split it into two conditions or lines, and let no list be gone through inside another"
	case strings.Contains(what, "was expected"):
		return "a condition is true or false, an amount a whole number of centimes: use times, percent or round5"
	case strings.Contains(what, "overload"):
		return "compare like with like: a number with decimals needs 20.0 or double(…), a day needs day('2026-01-31')"
	default:
		return "see «Rules» in ops/docs/guides/service.md"
	}
}

func formAdvice(what string) string {
	switch {
	case strings.Contains(what, "asked later"):
		return "move the question it reads before this one, so that no two conditions wait for each other"
	case strings.Contains(what, "two of them"):
		return "give one of them another id"
	case strings.Contains(what, "no Italian"):
		return "write the Italian words: they alone are binding"
	case strings.Contains(what, "unknown kind"):
		return "the kinds are those of app/forms/kind_*.go, listed in the schema"
	default:
		return ""
	}
}

// nearest finds the word most like another; "" when none is close.
func nearest(word string, known []string) string {
	best, least := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to change, add or take away (Levenshtein).
func distance(a, b string) int {
	if len(a) > 60 || len(b) > 60 {
		return 60
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// scarceMistakes are those of levels, quota and budget: each begins with its key.
func scarceMistakes(problems []error) Mistakes {
	var out Mistakes
	for _, err := range problems {
		key, what, _ := strings.Cut(err.Error(), ": ")
		m := &Mistake{Path: []string{key}, What: what, Do: "see levels, quota and budget in the schema of a service"}
		if what == "" || strings.Contains(key, " ") {
			m.Path, m.What = nil, err.Error()
		}
		out = append(out, m)
	}
	return out
}
