package overlay

import (
	"maps"
	"reflect"
	"slices"
)

// Diff is the least overlay that makes target of base: Merge(base, Diff(base,
// target)) is target. ok is false where no overlay can: an item was moved in a list
// whose items have names.
func Diff(base, target Tree) (overlay Tree, ok bool) {
	overlay = diffMaps(base, target)
	return overlay, len(Compare(Merge(base, overlay), target)) == 0 && sameOrder(Merge(base, overlay), target)
}

// sameOrder holds what Compare does not see: the order of items.
func sameOrder(a, b Tree) bool { return reflect.DeepEqual(map[string]any(a), map[string]any(b)) }

func diffMaps(base, target map[string]any) map[string]any {
	out := map[string]any{}
	for key := range base {
		if _, kept := target[key]; !kept {
			out[key] = nil
		}
	}
	for key, value := range target {
		old, had := base[key]
		if had && reflect.DeepEqual(old, value) {
			continue
		}
		out[key] = diffValue(old, value)
	}
	return out
}

func diffValue(old, value any) any {
	switch v := value.(type) {
	case map[string]any:
		if o, ok := old.(map[string]any); ok {
			return diffMaps(o, v)
		}
	case []any:
		if o, ok := old.([]any); ok {
			return diffLists(o, v)
		}
	}
	return value
}

func diffLists(old, value []any) any {
	key := ItemKey(old, value)
	if key == "" {
		return value
	}
	had, has := byKey(old, key), byKey(value, key)
	out := []any{}
	for _, item := range old {
		if name := item.(map[string]any)[key]; has[name.(string)] == nil {
			out = append(out, map[string]any{key: name, RemoveKey: true})
		}
	}
	for _, item := range value {
		m := item.(map[string]any)
		name := m[key].(string)
		before, known := had[name].(map[string]any)
		switch {
		case !known:
			out = append(out, m)
		case !reflect.DeepEqual(before, m):
			changed := diffMaps(before, m)
			changed[key] = name
			out = append(out, changed)
		}
	}
	return out
}

// Get is the value at a path: keys, and names of items in lists. nil where there
// is none.
func (t Tree) Get(path ...string) any {
	var value any = map[string]any(t)
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			value = v[step]
		case []any:
			value = namedItem(v, step)
		default:
			return nil
		}
	}
	return value
}

func namedItem(list []any, name string) any {
	if key := ItemKey(list); key != "" {
		for _, item := range list {
			if m := item.(map[string]any); m[key] == name {
				return m
			}
		}
	}
	return nil
}

// With is the tree with another value at a path; nil takes it away. The tree
// itself does not change. A list item that is not there is added at the end.
func (t Tree) With(value any, path ...string) Tree {
	out, _ := putAt(map[string]any(t), value, path).(map[string]any)
	return out
}

func putAt(old, value any, path []string) any {
	if len(path) == 0 {
		return value
	}
	if list, ok := old.([]any); ok {
		out := slices.Clone(list)
		key := ItemKey(list)
		for i, item := range out {
			if m, isMap := item.(map[string]any); isMap && key != "" && m[key] == path[0] {
				if next := putAt(m, value, path[1:]); next != nil {
					out[i] = next
					return out
				}
				return slices.Delete(out, i, i+1)
			}
		}
		if value == nil {
			return out
		}
		return append(out, putAt(nil, value, path[1:]))
	}
	m, _ := old.(map[string]any)
	out := maps.Clone(m)
	if out == nil {
		out = map[string]any{}
	}
	next := putAt(out[path[0]], value, path[1:])
	if emptied, isMap := next.(map[string]any); next == nil || isMap && len(emptied) == 0 && value == nil {
		delete(out, path[0])
		return out
	}
	out[path[0]] = next
	return out
}
