package source

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

// OrNil is nil where nothing was found.
func (m Mistakes) OrNil() error {
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

// Each flattens joined errors.
func Each(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range joined.Unwrap() {
			out = append(out, Each(e)...)
		}
		return out
	}
	return []error{err}
}

// Nearest finds the word most like another; "" when none is close.
func Nearest(word string, known []string) string {
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
