package forms

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// groupName is the kind of a repeated group: the same few questions about each
// of several people or things.
const groupName = "group"

// How many items a group may have, and where it says nothing.
const (
	mostItems  = 50
	usualItems = 10
)

// suffixCount is the hidden input that says how many items a page showed.
const suffixCount = ".n"

// group is the compiled inside of a repeated group.
type group struct {
	scope  *rules.Scope
	fields []*field
}

// groupKind is the kind in the table; what it does needs the fields of the
// group and lies in the methods of field.
type groupKind struct{}

func (groupKind) Type() rules.Type                                 { return rules.Group }
func (groupKind) Read(*Field, url.Values, Setting) (any, *Mistake) { return nil, nil }
func (groupKind) Write(*Field, any) url.Values                     { return nil }
func (groupKind) Decode(*Field, json.RawMessage) (any, error)      { return nil, nil }
func (groupKind) Rule(any) any                                     { return nil }
func (groupKind) Show(*Field, any, string) string                  { return "" }
func (groupKind) Schema(*Field, string) map[string]any             { return nil }

// least and most are how many items a group has.
func (f *Field) leastItems() int {
	n := 0
	if f.Required {
		n = 1
	}
	if f.Min != nil {
		n = max(n, int(*f.Min))
	}
	return n
}

func (f *Field) mostItems() int {
	if f.Max != nil {
		return min(int(*f.Max), mostItems)
	}
	return max(usualItems, f.leastItems())
}

// group checks and compiles the inside of a repeated group.
func (c *compiler) group(where string, f *Field) *group {
	out := &group{}
	if len(f.Fields) == 0 {
		c.wrong(where, "a group needs fields of its own")
	}
	if f.Max != nil && (*f.Max < 1 || *f.Max > mostItems) || f.Min != nil && (*f.Min < 0 || *f.Min > mostItems) {
		c.wrong(where, "a group has at most %d items", mostItems)
	}
	// Without a scope the names are wrong, which the scope of the form has said.
	out.scope, _ = c.form.scope.Item(f.ID)
	before := map[string]bool{}
	for i := range f.Fields {
		sub := &f.Fields[i]
		inside := where + "." + sub.ID
		switch {
		case sub.Kind == groupName:
			c.wrong(inside, "a group cannot stand in a group")
			continue
		case sub.Kind == "file":
			c.wrong(inside, "a file cannot stand in a group: ask for it beside the group, in a field of its own")
			continue
		case sub.Prefill != "":
			c.wrong(inside, "what is known of the applicant cannot fill every item: no prefill in a group")
		case before[sub.ID]:
			c.wrong(inside, "there are two of them")
		}
		one := c.one(inside, sub)
		one.visible = c.condition(inside, sub.VisibleIf, out.scope, before)
		before[sub.ID] = true
		out.fields = append(out.fields, one)
	}
	return out
}

// itemName is the input of a field in an item: persone.0.nome.
func itemName(group string, i int, field string) string {
	return group + "." + strconv.Itoa(i) + "." + field
}

// Path turns the name of an input into that of its field: persone.0.nome is
// persone.nome wherever it stands.
func Path(name string) string {
	before, rest, inside := strings.Cut(name, ".")
	if _, field, ok := strings.Cut(rest, "."); inside && ok {
		return before + "." + field
	}
	return name
}

// typedItems is how many items a page showed: what it said, never less than
// what it sent, never more than the group may have and one.
func typedItems(f *Field, typed url.Values) int {
	n, err := strconv.Atoi(typed.Get(f.ID + suffixCount))
	if err != nil || n < 0 {
		n = 0
		for name := range typed {
			if rest, ok := strings.CutPrefix(name, f.ID+"."); ok {
				index, _, _ := strings.Cut(rest, ".")
				if i, err := strconv.Atoi(index); err == nil && i < mostItems {
					n = max(n, i+1)
				}
			}
		}
	}
	return min(n, mostItems)
}

// shownItems is how many items a page must show.
func shownItems(f *Field, typed url.Values) int {
	return max(typedItems(f, typed), f.leastItems())
}

// eachItem goes through the items of a group as walk does through the form: a
// condition sees the answers of its item that were given before it. answer gives
// the value of a field that is shown; sub is the field under the name of its
// input. What it returns are the items with their answers, empty ones included.
func (f *Form) eachItem(ctx context.Context, fl *field, values rules.Values, n int, answer func(i int, sub *field) (any, error)) ([]Record, error) {
	items := make([]Record, n)
	for i := range n {
		items[i] = Record{}
		if err := fl.group.scope.NewItem(values); err != nil {
			return nil, fmt.Errorf("forms: %w", err)
		}
		for _, inner := range fl.group.fields {
			if shown, err := holds(ctx, inner.visible, values); err != nil {
				return nil, err
			} else if !shown {
				continue
			}
			named := *inner.Field
			named.ID = itemName(fl.ID, i, inner.ID)
			value, err := answer(i, &field{Field: &named, kind: inner.kind, step: fl.step})
			if err != nil {
				return nil, err
			}
			if value == nil || inner.kind.Type() == "" {
				continue
			}
			items[i][inner.ID] = value
			if err := fl.group.scope.SetItem(values, inner.ID, inner.kind.Rule(value)); err != nil {
				return nil, fmt.Errorf("forms: %w", err)
			}
		}
	}
	return items, nil
}

// readItems reads the items that were typed. Items left empty are dropped; a
// mistake names the item as the page numbers it.
func (f *Form) readItems(ctx context.Context, fl *field, values rules.Values, typed url.Values, in Setting) (any, []FieldMistake, error) {
	var wrong []FieldMistake
	touched := map[int]bool{}
	items, err := f.eachItem(ctx, fl, values, typedItems(fl.Field, typed), func(i int, sub *field) (any, error) {
		value, mistakes := f.readOne(sub, typed, in)
		for _, m := range mistakes {
			m.Group, m.Item = fl.Field, i+1
			touched[i] = touched[i] || m.Key != missingKey
			wrong = append(wrong, m)
		}
		touched[i] = touched[i] || value != nil
		return value, nil
	})
	if err != nil {
		return nil, nil, err
	}
	// An item in which nothing was typed is none, unless it must be there.
	least, most := fl.leastItems(), fl.mostItems()
	wrong = slices.DeleteFunc(wrong, func(m FieldMistake) bool { return !touched[m.Item-1] && (!fl.Required || m.Item > least) })
	kept := []Record{}
	for i, item := range items {
		if touched[i] {
			kept = append(kept, item)
		}
	}
	whole := func(key string, args ...any) {
		wrong = append(wrong, FieldMistake{Step: fl.step, Field: fl.Field, Mistake: mistake(key, args...)})
	}
	switch {
	case len(kept) < least && slices.ContainsFunc(wrong, func(m FieldMistake) bool { return !touched[m.Item-1] }):
	case len(kept) == 0 && fl.Required:
		whole(missingKey)
	case len(kept) < least && (len(kept) > 0 || fl.Required):
		whole("group_at_least", "min", least, "n", len(kept))
	case len(kept) > most:
		whole("group_at_most", "max", most, "n", len(kept))
	}
	kept = slices.DeleteFunc(kept, func(r Record) bool { return len(r) == 0 })
	if len(kept) == 0 {
		return nil, wrong, nil
	}
	return kept, wrong, nil
}

// write is what to type to give an answer.
func (fl *field) write(value any) url.Values {
	if fl.group == nil {
		return fl.kind.Write(fl.Field, value)
	}
	items := value.([]Record)
	typed := url.Values{fl.ID + suffixCount: {strconv.Itoa(len(items))}}
	for i, item := range items {
		for _, inner := range fl.group.fields {
			if v := item[inner.ID]; v != nil {
				named := *inner.Field
				named.ID = itemName(fl.ID, i, inner.ID)
				for name, inputs := range inner.kind.Write(&named, v) {
					typed[name] = inputs
				}
			}
		}
	}
	return typed
}

// decode reads an answer's JSON form; nil for none.
func (fl *field) decode(data json.RawMessage) (any, error) {
	if fl.group == nil {
		return fl.kind.Decode(fl.Field, data)
	}
	return fl.decodeItems(data, false)
}

// decodeItems reads the items of a group; lenient leaves out what no longer fits.
func (fl *field) decodeItems(data json.RawMessage, lenient bool) (any, error) {
	var raw []map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	if len(raw) > mostItems {
		return nil, fmt.Errorf("forms: %d items, at most %d", len(raw), mostItems)
	}
	var items []Record
	for i, given := range raw {
		item := Record{}
		for _, inner := range fl.group.fields {
			value, ok := given[inner.ID]
			if !ok || string(value) == "null" || inner.kind.Type() == "" {
				continue
			}
			decoded, err := inner.kind.Decode(inner.Field, value)
			if err != nil && lenient {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("item %d: %s: %w", i+1, inner.ID, err)
			}
			if decoded != nil {
				item[inner.ID] = decoded
			}
		}
		if len(item) > 0 {
			items = append(items, item)
		}
	}
	if len(items) == 0 {
		return nil, nil
	}
	return items, nil
}

// rule is the answer as the rules want it.
func (fl *field) rule(value any) any {
	if fl.group == nil {
		return fl.kind.Rule(value)
	}
	out := []rules.Item{}
	for _, item := range value.([]Record) {
		bound := rules.Item{}
		for _, inner := range fl.group.fields {
			if v := item[inner.ID]; v != nil {
				bound[inner.ID] = inner.kind.Rule(v)
			}
		}
		out = append(out, bound)
	}
	return out
}

// show writes the answer for people: each item of a group on a line of its own.
func (fl *field) show(value any, lang string) string {
	if fl.group == nil {
		return fl.kind.Show(fl.Field, value, lang)
	}
	var lines []string
	for i, item := range value.([]Record) {
		var parts []string
		for _, inner := range fl.group.fields {
			if v := item[inner.ID]; v != nil {
				parts = append(parts, inner.Label.In(lang)+": "+strings.ReplaceAll(inner.kind.Show(inner.Field, v, lang), "\n", " "))
			}
		}
		lines = append(lines, strconv.Itoa(i+1)+". "+strings.Join(parts, "; "))
	}
	return strings.Join(lines, "\n")
}

// schema is the answer's JSON Schema.
func (fl *field) schema(lang string) map[string]any {
	if fl.group == nil {
		return fl.kind.Schema(fl.Field, lang)
	}
	properties, required := map[string]any{}, []string{}
	for _, inner := range fl.group.fields {
		describe(inner, "", lang, properties, &required)
	}
	return map[string]any{
		"type": "array", "minItems": fl.leastItems(), "maxItems": fl.mostItems(),
		"items": map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false},
	}
}

// itemTitle is what one item is called: "Persona 2".
func itemTitle(f *Field, n int, lang string) string {
	title := f.Item.In(lang)
	if f.Item.Empty() {
		title = f.Label.In(lang)
	}
	return title + " " + i18n.Number(n)
}
