package catalogue

import (
	"fmt"
	"reflect"
	"slices"
)

// layers are what a commune's service consists of.
type layers struct {
	Definition Tree // the shared version it stands on; empty where it is the commune's own
	Overlay    Tree
	Console    Tree
}

// inForce is the definition people are offered.
func (l layers) inForce() Tree { return Merge(Merge(l.Definition, l.Overlay), l.Console) }

// own lists where the commune itself says something.
func (l layers) own() []trail {
	return append(leaves(l.Definition, l.Overlay), leaves(Merge(l.Definition, l.Overlay), l.Console)...)
}

// conflict is a part that the shared catalogue and the commune have both changed,
// and not to the same.
type conflict struct {
	trail  trail
	base   any // what the version the commune stands on says; nil: nothing
	ours   any // what is in force here
	theirs any // what the new version says
}

// Choice says which of the two a commune takes.
type Choice string

// The choices for a conflict.
const (
	Ours    Choice = "ours"
	Theirs  Choice = "theirs"
	Another Choice = "another" // a value typed in its place
)

// resolution is the choice for one conflict; Value counts for Another alone.
type resolution struct {
	Choice Choice
	Value  any
}

// conflicts compares what the shared catalogue changes from the version the
// commune stands on with what the commune itself says. What only one of the two
// touches is none: it follows by itself. A part that the commune states is its own
// even where it states what the shared version said.
func (l layers) conflicts(theirs Tree) []conflict {
	own := l.own()
	now := l.inForce()
	var out []conflict
	add := func(p trail) {
		if slices.ContainsFunc(out, func(c conflict) bool { return p.begins(c.trail) }) {
			return
		}
		out = slices.DeleteFunc(out, func(c conflict) bool { return c.trail.begins(p) })
		ours, _ := at(now, p)
		new, _ := at(theirs, p)
		base, _ := at(l.Definition, p)
		out = append(out, differing(p, base, ours, new)...)
	}
	for _, d := range deltas(l.Definition, theirs) {
		for _, leaf := range own {
			if related(leaf, d.trail) {
				add(shorter(leaf, d.trail))
			}
		}
	}
	return out
}

func shorter(a, b trail) trail {
	if len(a) < len(b) {
		return a
	}
	return b
}

// differing goes into mappings and lists that both sides have: only where both say
// something and not the same is a conflict.
func differing(p trail, base, ours, theirs any) []conflict {
	if reflect.DeepEqual(ours, theirs) {
		return nil
	}
	if o, t, ok := maps2(ours, theirs); ok {
		b, _ := base.(map[string]any)
		var out []conflict
		for _, d := range deltasOf(nil, o, t) {
			key := d.trail[0]
			if slices.ContainsFunc(out, func(c conflict) bool { return c.trail[len(p)] == key }) {
				continue
			}
			out = append(out, between(p.below(key), b[key], o[key], t[key])...)
		}
		return out
	}
	if o, t, ok := keyed2(ours, theirs); ok {
		list, _ := base.([]any)
		name := itemKey(ours.([]any), theirs.([]any))
		var out []conflict
		for _, key := range unionOf(t.order, o.order) {
			var b any
			if itemKey(list) == name {
				b = itemOf(list, name, key)
			}
			out = append(out, between(p.below(key), b, orNil(o.items[key]), orNil(t.items[key]))...)
		}
		return out
	}
	return []conflict{{p, base, ours, theirs}}
}

// between is differing for a part of a mapping or list: what one side alone added
// or left as it was is no conflict.
func between(p trail, base, ours, theirs any) []conflict {
	if base == nil && (ours == nil || theirs == nil) {
		return nil
	}
	if reflect.DeepEqual(base, theirs) && !reflect.DeepEqual(ours, theirs) {
		return nil // theirs left it: ours stays
	}
	return differing(p, base, ours, theirs)
}

// accept moves the layers onto a new shared version. Every conflict needs a
// resolution; what is neither in conflict nor stated by the commune follows the
// new version. The layers given are not changed. Errors: a conflict without a
// choice, a choice that no overlay can express.
func (l layers) accept(theirs Tree, choices map[string]resolution) (layers, error) {
	now := l.inForce()
	out := layers{clone(theirs).(Tree), clone(l.Overlay).(Tree), clone(l.Console).(Tree)}
	wanted := map[string]any{}
	found := l.conflicts(theirs)
	// An overlay that goes into a part and says nothing there would bring back the
	// shell of what the new version took away.
	own := l.own()
	for _, d := range deltas(l.Definition, theirs) {
		if !slices.ContainsFunc(own, func(leaf trail) bool { return related(leaf, d.trail) }) {
			out.Overlay, out.Console = without(out.Overlay, d.trail), without(out.Console, d.trail)
		}
	}
	for _, c := range found {
		chosen := choices[c.trail.String()]
		switch chosen.Choice {
		case Ours:
			wanted[c.trail.String()] = c.ours
		case Another:
			wanted[c.trail.String()] = chosen.Value
		case Theirs:
			wanted[c.trail.String()] = c.theirs
			out.Overlay, out.Console = without(out.Overlay, c.trail), without(out.Console, c.trail)
		default:
			return layers{}, ErrUndecided
		}
	}
	for _, c := range found {
		want := wanted[c.trail.String()]
		if err := out.say(c.trail, want, now); err != nil {
			return layers{}, err
		}
	}
	for _, c := range found { // one choice must not have undone another
		if got, _ := at(out.inForce(), c.trail); !reflect.DeepEqual(got, wanted[c.trail.String()]) {
			return layers{}, fmt.Errorf("catalogue: %v: the choice cannot be kept beside the others", []string(c.trail))
		}
	}
	return out, nil
}

// say lets the console's layer state a value, unless the layers say it already.
func (l *layers) say(p trail, want any, like Tree) error {
	have, _ := at(l.inForce(), p)
	if reflect.DeepEqual(have, want) {
		return nil
	}
	l.Overlay, l.Console = without(l.Overlay, p), without(l.Console, p)
	below, _ := at(Merge(l.Definition, l.Overlay), p)
	if reflect.DeepEqual(below, want) {
		return nil
	}
	over, ok := asOverlay(below, want)
	if !ok {
		return fmt.Errorf("catalogue: %v cannot be kept: the new version has parts there that cannot be taken away", []string(p))
	}
	// Where lists with keys lie is read from both: the part may be in one alone.
	shape := Merge(like, l.inForce())
	l.Console = with(l.Console, p, over, shape)
	return nil
}

// own makes the layers of a service that was the commune's and is now shared: what
// it says beyond the shared version lies in the console's layer.
func (l layers) ontoShared(shared Tree) (layers, bool) {
	over, ok := asOverlay(map[string]any(shared), map[string]any(l.inForce()))
	if !ok {
		return layers{}, false
	}
	return layers{clone(shared).(Tree), Tree{}, Tree(over.(map[string]any))}, true
}
