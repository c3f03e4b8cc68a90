package overlay

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Merge lays an overlay over a shared definition. Mappings are merged key by
// key; a null takes a key away; lists whose items carry an id (steps, fields,
// lines, conditions), a value (options) or a name (examples) are merged item by
// item, new ones at the end, and «remove: true» takes an item away; any other value
// replaces. Neither tree changes.
func Merge(shared, overlay Tree) Tree {
	return mergeMaps(shared, overlay)
}

func mergeMaps(base, over map[string]any) map[string]any {
	out := maps.Clone(base)
	if out == nil {
		out = map[string]any{}
	}
	for key, value := range over {
		if value == nil {
			delete(out, key)
			continue
		}
		out[key] = mergeValue(base[key], value)
	}
	return out
}

func mergeValue(base, over any) any {
	switch o := over.(type) {
	case map[string]any:
		if b, ok := base.(map[string]any); ok {
			return mergeMaps(b, o)
		}
		return mergeMaps(nil, o)
	case []any:
		if b, ok := base.([]any); ok {
			return mergeLists(b, o)
		}
		return kept(o)
	}
	return over
}

// RemoveKey says in an overlay, with true, that an item of a list is not there.
const RemoveKey = "remove"

// removes reports whether an item of an overlay takes one away.
func removes(item any) bool {
	m, _ := item.(map[string]any)
	return m[RemoveKey] == true
}

// kept is a list that lies over nothing: what it takes away was not there.
func kept(list []any) []any {
	if ItemKey(list) == "" || !slices.ContainsFunc(list, removes) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), removes)
}

func mergeLists(base, over []any) []any {
	key := ItemKey(base, over)
	if key == "" {
		return over
	}
	out := slices.Clone(base)
	for _, item := range over {
		o := item.(map[string]any)
		at := slices.IndexFunc(out, func(b any) bool { return b.(map[string]any)[key] == o[key] })
		switch {
		case removes(o):
			if at >= 0 {
				out = slices.Delete(out, at, at+1)
			}
			continue
		case at < 0:
			out = append(out, mergeMaps(nil, o))
			continue
		}
		out[at] = mergeMaps(out[at].(map[string]any), o)
	}
	return out
}

// ItemKeys tell the items of a list apart, in the order they are looked for.
var ItemKeys = []string{"id", "value", "name"}

// ItemKey finds the key by which the items of two lists are told apart; "" when
// there is none.
func ItemKey(lists ...[]any) string {
	for _, key := range ItemKeys {
		all := true
		for _, list := range lists {
			for _, item := range list {
				m, isMap := item.(map[string]any)
				if _, has := m[key].(string); !isMap || !has {
					all = false
				}
			}
		}
		if all {
			return key
		}
	}
	return ""
}

// Change is one difference between two trees, for people to read.
type Change struct {
	Path string `json:"path"` // fee.amounts.certificate.chf
	Old  any    `json:"old,omitempty"`
	New  any    `json:"new,omitempty"`
}

// String writes "fee.amounts.certificate.chf: 20 → 10".
func (c Change) String() string {
	switch {
	case c.Old == nil:
		return fmt.Sprintf("%s: + %s", c.Path, Brief(c.New))
	case c.New == nil:
		return fmt.Sprintf("%s: - %s", c.Path, Brief(c.Old))
	default:
		return fmt.Sprintf("%s: %s → %s", c.Path, Brief(c.Old), Brief(c.New))
	}
}

// Brief is a value in at most eighty signs, for one line.
func Brief(value any) string {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if r := []rune(string(data)); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return string(data)
}

// Compare lists the differences from one tree to another, in order of path.
func Compare(from, to Tree) []Change {
	return compareMaps("", from, to)
}

func compareMaps(prefix string, from, to map[string]any) []Change {
	keys := map[string]bool{}
	for key := range from {
		keys[key] = true
	}
	for key := range to {
		keys[key] = true
	}
	var changes []Change
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		where := key
		if prefix != "" {
			where = prefix + "." + key
		}
		changes = append(changes, compareValues(where, from[key], to[key])...)
	}
	return changes
}

func compareValues(where string, from, to any) []Change {
	if reflect.DeepEqual(from, to) {
		return nil
	}
	if f, ok := from.(map[string]any); ok {
		if t, ok := to.(map[string]any); ok {
			return compareMaps(where, f, t)
		}
	}
	if f, ok := from.([]any); ok {
		if t, ok := to.([]any); ok {
			if key := ItemKey(f, t); key != "" {
				return compareMaps(where, byKey(f, key), byKey(t, key))
			}
		}
	}
	return []Change{{Path: where, Old: from, New: to}}
}

func byKey(list []any, key string) map[string]any {
	out := make(map[string]any, len(list))
	for _, item := range list {
		m := item.(map[string]any)
		out[m[key].(string)] = m
	}
	return out
}
