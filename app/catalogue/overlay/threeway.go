package overlay

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// Layers are what a commune's service consists of.
type Layers struct {
	Definition Tree // the shared version it stands on; empty where it is the commune's own
	Overlay    Tree
	Console    Tree
}

// InForce is the definition people are offered.
func (l Layers) InForce() Tree { return Merge(Merge(l.Definition, l.Overlay), l.Console) }

// Own lists where the commune itself says something.
func (l Layers) Own() []Trail {
	return append(leaves(l.Definition, l.Overlay), leaves(Merge(l.Definition, l.Overlay), l.Console)...)
}

// Conflict is a part that the shared catalogue and the commune have both changed,
// and not to the same.
type Conflict struct {
	Trail  Trail
	Base   any // what the version the commune stands on says; nil: nothing
	Ours   any // what is in force here
	Theirs any // what the new version says
}

// Choice says which of the two a commune takes.
type Choice string

// The choices for a conflict.
const (
	Ours    Choice = "ours"
	Theirs  Choice = "theirs"
	Another Choice = "another" // a value typed in its place
)

// ErrUndecided means that a part which both sides changed has no choice yet.
var ErrUndecided = errors.New("overlay: a conflict has no choice")

// Resolution is the choice for one conflict; Value counts for Another alone.
type Resolution struct {
	Choice Choice
	Value  any
}

// Conflicts compares what the shared catalogue changes from the version the
// commune stands on with what the commune itself says. What only one of the two
// touches is none: it follows by itself. A part that the commune states is its own
// even where it states what the shared version said.
func (l Layers) Conflicts(theirs Tree) []Conflict {
	own := l.Own()
	now := l.InForce()
	var out []Conflict
	add := func(p Trail) {
		if slices.ContainsFunc(out, func(c Conflict) bool { return p.begins(c.Trail) }) {
			return
		}
		out = slices.DeleteFunc(out, func(c Conflict) bool { return c.Trail.begins(p) })
		ours, _ := At(now, p)
		new, _ := At(theirs, p)
		base, _ := At(l.Definition, p)
		out = append(out, differing(p, base, ours, new)...)
	}
	for _, d := range Deltas(l.Definition, theirs) {
		for _, leaf := range own {
			if related(leaf, d.Trail) {
				add(shorter(leaf, d.Trail))
			}
		}
	}
	return out
}

func shorter(a, b Trail) Trail {
	if len(a) < len(b) {
		return a
	}
	return b
}

// differing goes into mappings and lists that both sides have: only where both say
// something and not the same is a conflict.
func differing(p Trail, base, ours, theirs any) []Conflict {
	if reflect.DeepEqual(ours, theirs) {
		return nil
	}
	if o, t, ok := maps2(ours, theirs); ok {
		b, _ := base.(map[string]any)
		var out []Conflict
		for _, d := range deltasOf(nil, o, t) {
			key := d.Trail[0]
			if slices.ContainsFunc(out, func(c Conflict) bool { return c.Trail[len(p)] == key }) {
				continue
			}
			out = append(out, between(p.Below(key), b[key], o[key], t[key])...)
		}
		return out
	}
	if o, t, ok := keyed2(ours, theirs); ok {
		list, _ := base.([]any)
		name := ItemKey(ours.([]any), theirs.([]any))
		var out []Conflict
		for _, key := range unionOf(t.order, o.order) {
			var b any
			if ItemKey(list) == name {
				b = itemOf(list, name, key)
			}
			out = append(out, between(p.Below(key), b, orNil(o.items[key]), orNil(t.items[key]))...)
		}
		return out
	}
	return []Conflict{{p, base, ours, theirs}}
}

// between is differing for a part of a mapping or list: what one side alone added
// or left as it was is no conflict.
func between(p Trail, base, ours, theirs any) []Conflict {
	if base == nil && (ours == nil || theirs == nil) {
		return nil
	}
	if reflect.DeepEqual(base, theirs) && !reflect.DeepEqual(ours, theirs) {
		return nil // theirs left it: ours stays
	}
	return differing(p, base, ours, theirs)
}

// Accept moves the layers onto a new shared version. Every conflict needs a
// resolution; what is neither in conflict nor stated by the commune follows the
// new version. The Layers given are not changed. Errors: a conflict without a
// choice, a choice that no overlay can express.
func (l Layers) Accept(theirs Tree, choices map[string]Resolution) (Layers, error) {
	now := l.InForce()
	out := Layers{Clone(theirs).(Tree), Clone(l.Overlay).(Tree), Clone(l.Console).(Tree)}
	wanted := map[string]any{}
	found := l.Conflicts(theirs)
	// An overlay that goes into a part and says nothing there would bring back the
	// shell of what the new version took away.
	own := l.Own()
	for _, d := range Deltas(l.Definition, theirs) {
		if !slices.ContainsFunc(own, func(leaf Trail) bool { return related(leaf, d.Trail) }) {
			out.Overlay, out.Console = without(out.Overlay, d.Trail), without(out.Console, d.Trail)
		}
	}
	for _, c := range found {
		chosen := choices[c.Trail.String()]
		switch chosen.Choice {
		case Ours:
			wanted[c.Trail.String()] = c.Ours
		case Another:
			wanted[c.Trail.String()] = chosen.Value
		case Theirs:
			wanted[c.Trail.String()] = c.Theirs
			out.Overlay, out.Console = without(out.Overlay, c.Trail), without(out.Console, c.Trail)
		default:
			return Layers{}, ErrUndecided
		}
	}
	for _, c := range found {
		want := wanted[c.Trail.String()]
		if err := out.say(c.Trail, want, now); err != nil {
			return Layers{}, err
		}
	}
	for _, c := range found { // one choice must not have undone another
		if got, _ := At(out.InForce(), c.Trail); !reflect.DeepEqual(got, wanted[c.Trail.String()]) {
			return Layers{}, fmt.Errorf("overlay: %v: the choice cannot be kept beside the others", []string(c.Trail))
		}
	}
	return out, nil
}

// say lets the console's layer state a value, unless the layers say it already.
func (l *Layers) say(p Trail, want any, like Tree) error {
	have, _ := At(l.InForce(), p)
	if reflect.DeepEqual(have, want) {
		return nil
	}
	l.Overlay, l.Console = without(l.Overlay, p), without(l.Console, p)
	below, _ := At(Merge(l.Definition, l.Overlay), p)
	if reflect.DeepEqual(below, want) {
		return nil
	}
	over, ok := asOverlay(below, want)
	if !ok {
		return fmt.Errorf("overlay: %v cannot be kept: no overlay makes it of the new version", []string(p))
	}
	// Where lists with keys lie is read from both: the part may be in one alone.
	shape := Merge(like, l.InForce())
	l.Console = Lay(l.Console, p, over, shape)
	return nil
}

// OntoShared makes the layers of a service that was the commune's and is now shared: what
// it says beyond the shared version lies in the console's layer.
func (l Layers) OntoShared(shared Tree) (Layers, bool) {
	over, ok := asOverlay(map[string]any(shared), map[string]any(l.InForce()))
	if !ok {
		return Layers{}, false
	}
	return Layers{Clone(shared).(Tree), Tree{}, Tree(over.(map[string]any))}, true
}
