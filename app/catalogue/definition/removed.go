package definition

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/app/rules"
)

// ExamineOver is Examine of a shared definition with an overlay on it. What the
// overlay takes away must be there, and whatever reads a field that it takes away
// says so.
func ExamineOver(ctx context.Context, base, over Tree, engine *rules.Engine, postcodes []string) (examples int, err error) {
	var idle Mistakes
	for _, t := range overlay.Idle(base, over) {
		do := "take these lines out"
		if near := source.Nearest(t[len(t)-1], siblings(base, t)); near != "" {
			do = "did you mean " + near + "? Otherwise " + do
		}
		idle = append(idle, &Mistake{Path: t, What: fmt.Sprintf("there is no %s to remove", t[len(t)-1]), Do: do})
	}
	if len(idle) > 0 {
		return 0, idle
	}
	n, err := Examine(ctx, overlay.Merge(base, over), engine, postcodes)
	if err == nil {
		return n, nil
	}
	var fields []string
	for _, t := range overlay.Removed(base, over) {
		if item, _ := overlay.At(map[string]any(base), t); item != nil && t[0] == "form" {
			fields = append(fields, fieldsIn(t[len(t)-1], item)...)
		}
	}
	found := source.MistakesOf(err)
	for _, m := range found {
		if gone := mentioned(m.What, fields); gone != "" {
			m.Do = "the overlay takes the field " + gone + " away: remove what reads it as well, or write it anew without the field"
		}
	}
	return n, err
}

// siblings are the names beside an item in its list.
func siblings(base Tree, t overlay.Trail) []string {
	list, _ := overlay.At(map[string]any(base), t[:len(t)-1])
	items, _ := list.([]any)
	key := overlay.ItemKey(items)
	var names []string
	for _, item := range items {
		if m, ok := item.(map[string]any); ok && key != "" {
			names = append(names, m[key].(string))
		}
	}
	return names
}

// fieldsIn are the fields that go with a step or a field.
func fieldsIn(name string, item any) []string {
	m, _ := item.(map[string]any)
	names := []string{name}
	inner, _ := m["fields"].([]any)
	for _, field := range inner {
		if f, ok := field.(map[string]any); ok {
			if id, ok := f["id"].(string); ok {
				names = append(names, fieldsIn(id, f)...)
			}
		}
	}
	return names
}

// mentioned finds the field that a complaint is about: answers.<id>, {answers.<id>},
// or an answer, question or part by its name.
func mentioned(what string, fields []string) string {
	words := strings.FieldsFunc(what, func(r rune) bool { return strings.ContainsRune(" '\"{}():,;", r) })
	for _, field := range fields {
		if slices.ContainsFunc(words, func(w string) bool {
			return w == field || w == "answers."+field || strings.HasPrefix(w, "answers."+field+".") || strings.HasSuffix(w, "."+field)
		}) {
			return field
		}
	}
	return ""
}
