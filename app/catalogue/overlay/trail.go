package overlay

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Trail leads through a tree: keys of mappings, and of items in lists that are
// told apart by a key.
type Trail []string

// String is the trail as a form field carries it: no name holds the sign between.
func (p Trail) String() string { return strings.Join(p, "\x1f") }

func (p Trail) begins(with Trail) bool {
	return len(p) >= len(with) && slices.Equal(p[:len(with)], with)
}

func related(a, b Trail) bool { return a.begins(b) || b.begins(a) }

// Below is the trail one step further, in memory of its own.
func (p Trail) Below(key string) Trail { return append(slices.Clone(p), key) }

// At finds the value a trail leads to.
func At(value any, p Trail) (any, bool) {
	for _, key := range p {
		switch v := value.(type) {
		case Tree:
			value = v[key]
		case map[string]any:
			value = v[key]
		case []any:
			name := ItemKey(v)
			if name == "" {
				return nil, false
			}
			i := slices.IndexFunc(v, func(item any) bool { return item.(map[string]any)[name] == key })
			if i < 0 {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
		if value == nil {
			return nil, false
		}
	}
	return value, true
}

// Delta is one part in which two trees differ. Old or New is nil where there is
// nothing.
type Delta struct {
	Trail    Trail
	Old, New any
}

// Deltas lists the parts in which two trees differ, in the order of their keys;
// lists with keys are compared item by item, in the order of the newer.
func Deltas(from, to Tree) []Delta {
	return deltasOf(nil, map[string]any(from), map[string]any(to))
}

func deltasOf(p Trail, from, to any) []Delta {
	if reflect.DeepEqual(from, to) {
		return nil
	}
	if f, t, ok := maps2(from, to); ok {
		var out []Delta
		for _, key := range unionOf(slices.Sorted(maps.Keys(t)), slices.Sorted(maps.Keys(f))) {
			out = append(out, deltasOf(p.Below(key), f[key], t[key])...)
		}
		return out
	}
	if f, t, ok := keyed2(from, to); ok {
		var out []Delta
		for _, key := range unionOf(t.order, f.order) {
			out = append(out, deltasOf(p.Below(key), orNil(f.items[key]), orNil(t.items[key]))...)
		}
		return out
	}
	return []Delta{{p, from, to}}
}

// orNil keeps a missing item from being an empty mapping.
func orNil(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

func unionOf(first, second []string) []string {
	out := slices.Clone(first)
	for _, key := range second {
		if !slices.Contains(first, key) {
			out = append(out, key)
		}
	}
	return out
}

// maps2 is both values where both are mappings.
func maps2(a, b any) (x, y map[string]any, ok bool) {
	x, first := a.(map[string]any)
	y, second := b.(map[string]any)
	return x, y, first && second
}

// keyedList is a list whose items are told apart by a key.
type keyedList struct {
	order []string
	items map[string]map[string]any
}

// keyed2 is both values where both are lists that are told apart by one key.
func keyed2(a, b any) (x, y keyedList, ok bool) {
	f, first := a.([]any)
	t, second := b.([]any)
	if !first || !second {
		return x, y, false
	}
	name := ItemKey(f, t)
	if name == "" {
		return x, y, false
	}
	return listBy(f, name), listBy(t, name), true
}

func listBy(list []any, name string) keyedList {
	out := keyedList{items: make(map[string]map[string]any, len(list))}
	for _, item := range list {
		m := item.(map[string]any)
		key := m[name].(string)
		if out.items[key] == nil {
			out.order = append(out.order, key)
		}
		out.items[key] = m
	}
	return out
}

// leaves lists where an overlay says something over a base, as Merge reads it: a
// mapping over a mapping and a list with keys over such a list are gone into, all
// else is one leaf.
func leaves(base, over Tree) []Trail {
	return leavesOf(nil, map[string]any(base), map[string]any(over))
}

func leavesOf(p Trail, base, over any) []Trail {
	if b, o, ok := maps2(base, over); ok {
		var out []Trail
		for _, key := range slices.Sorted(maps.Keys(o)) {
			out = append(out, leavesOf(p.Below(key), b[key], o[key])...)
		}
		return out
	}
	if b, o, ok := keyed2(base, over); ok {
		var out []Trail
		for _, key := range o.order {
			if b.items[key] == nil || removes(o.items[key]) {
				out = append(out, p.Below(key))
				continue
			}
			for _, leaf := range leavesOf(p.Below(key), b.items[key], o.items[key]) {
				// The key that names the item says nothing about it.
				if len(leaf) == len(p)+2 && o.items[key][leaf[len(leaf)-1]] == any(key) && b.items[key][leaf[len(leaf)-1]] == any(key) {
					continue
				}
				out = append(out, leaf)
			}
		}
		return out
	}
	return []Trail{p}
}

// Removed lists the items that an overlay takes out of lists.
func Removed(base, over Tree) []Trail {
	return slices.DeleteFunc(leaves(base, over), func(p Trail) bool {
		item, _ := At(map[string]any(over), p)
		return !removes(item)
	})
}

// Idle lists the items that an overlay takes out of lists in which they are not.
func Idle(base, over Tree) []Trail { return idle(nil, map[string]any(base), map[string]any(over)) }

func idle(p Trail, base, over any) []Trail {
	var out []Trail
	switch o := over.(type) {
	case map[string]any:
		b, _ := base.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(o)) {
			out = append(out, idle(p.Below(key), b[key], o[key])...)
		}
	case []any:
		b, _ := base.([]any)
		name := ItemKey(b, o)
		if name == "" {
			return nil
		}
		have := listBy(b, name)
		for _, item := range o {
			key := item.(map[string]any)[name].(string)
			if !removes(item) {
				out = append(out, idle(p.Below(key), orNil(have.items[key]), item)...)
			} else if have.items[key] == nil {
				out = append(out, p.Below(key))
			}
		}
	}
	return out
}

// without takes what a trail leads to out of an overlay, and what is then empty.
func without(overlay Tree, p Trail) Tree {
	out, _ := drop(Clone(map[string]any(overlay)), p).(map[string]any)
	if out == nil {
		out = map[string]any{}
	}
	return out
}

// drop returns the value without the part, nil when nothing is left of it.
func drop(value any, p Trail) any {
	if len(p) == 0 {
		return nil
	}
	switch v := value.(type) {
	case map[string]any:
		inner, has := v[p[0]]
		if !has {
			return v
		}
		if left := drop(inner, p[1:]); left != nil {
			v[p[0]] = left
			return v
		}
		delete(v, p[0])
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		name := ItemKey(v)
		i := slices.IndexFunc(v, func(item any) bool { return name != "" && item.(map[string]any)[name] == p[0] })
		if i < 0 {
			return v
		}
		left, _ := drop(v[i], p[1:]).(map[string]any)
		if len(left) <= 1 { // nothing but its name
			v = slices.Delete(v, i, i+1)
		} else {
			v[i] = left
		}
		if len(v) == 0 {
			return nil
		}
		return v
	}
	return value
}

// Lay puts a value into an overlay so that Merge finds it at the trail; like says
// where lists with keys lie (a definition the trail was read from), nil takes the
// part away.
func Lay(overlay Tree, p Trail, value any, like Tree) Tree {
	out, _ := put(Clone(map[string]any(overlay)), p, value, map[string]any(like)).(map[string]any)
	return out
}

func put(into any, p Trail, value any, like any) any {
	if len(p) == 0 {
		return Clone(value)
	}
	if list, ok := like.([]any); ok {
		name := ItemKey(list)
		have, _ := into.([]any)
		if len(have) > 0 && ItemKey(have) != name {
			have = nil
		}
		i := slices.IndexFunc(have, func(item any) bool { return item.(map[string]any)[name] == p[0] })
		if i < 0 {
			have = append(have, map[string]any{name: p[0]})
			i = len(have) - 1
		}
		item, _ := put(have[i], p[1:], value, itemOf(list, name, p[0])).(map[string]any)
		if item == nil {
			item = map[string]any{RemoveKey: true}
		} else {
			delete(item, RemoveKey)
		}
		item[name] = p[0]
		have[i] = item
		return have
	}
	m, _ := into.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	inner, _ := like.(map[string]any)
	m[p[0]] = put(m[p[0]], p[1:], value, inner[p[0]])
	return m
}

func itemOf(list []any, name, key string) any {
	for _, item := range list {
		if m := item.(map[string]any); m[name] == key {
			return m
		}
	}
	return nil
}

// asOverlay is what must lie over base so that Merge gives want. ok is false where
// no overlay can.
func asOverlay(base, want any) (over any, ok bool) {
	if b, w, both := maps2(base, want); both {
		out := map[string]any{}
		for key, value := range w {
			if value == nil {
				continue
			}
			if reflect.DeepEqual(b[key], value) {
				continue
			}
			inner, ok := asOverlay(b[key], value)
			if !ok {
				return nil, false
			}
			out[key] = inner
		}
		for key := range b {
			if w[key] == nil && b[key] != nil {
				out[key] = nil
			}
		}
		return out, true
	}
	if b, w, both := keyed2(base, want); both {
		name := ItemKey(base.([]any), want.([]any))
		out := []any{}
		for _, key := range b.order {
			if w.items[key] == nil {
				out = append(out, map[string]any{name: key, RemoveKey: true})
			}
		}
		for _, key := range w.order {
			if reflect.DeepEqual(orNil(b.items[key]), any(w.items[key])) {
				continue
			}
			inner, ok := asOverlay(orNil(b.items[key]), w.items[key])
			if !ok {
				return nil, false
			}
			m, isMap := inner.(map[string]any)
			if !isMap {
				return nil, false
			}
			m[name] = key
			out = append(out, m)
		}
		return out, true
	}
	return Clone(want), true
}
