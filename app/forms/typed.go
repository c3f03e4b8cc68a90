package forms

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/ui"
)

// maxTyped is how many bytes of a step are kept as they were typed: far above
// what a page of questions needs.
const maxTyped = 128 << 10

// inputsOf are the inputs of a step among what was sent, and nothing else.
func (f *Form) inputsOf(stepID string, sent url.Values) url.Values {
	out := url.Values{}
	for i := range f.steps {
		if f.steps[i].ID != stepID {
			continue
		}
		for name, values := range sent {
			if slices.ContainsFunc(f.steps[i].fields, func(fl *field) bool { return fl.asks(name) }) {
				out[name] = values
			}
		}
	}
	return out
}

// asks reports whether an input belongs to the field: its own, a part's, or one
// of a group's.
func (fl *field) asks(name string) bool {
	rest, ok := strings.CutPrefix(name, fl.ID)
	return ok && fl.Kind != "file" && (rest == "" || rest[0] == '_' || rest[0] == '.')
}

// keepTyped keeps what a step's page holds, or forgets it once all of it is an
// answer.
func (d *Draft) keepTyped(stepID string, inputs url.Values, keep bool) {
	if d.Typed == nil {
		d.Typed = map[string]url.Values{}
	}
	delete(d.Typed, stepID)
	if keep && weight(inputs) <= maxTyped {
		d.Typed[stepID] = inputs
	}
}

func weight(inputs url.Values) (n int) {
	for name, values := range inputs {
		n += len(name)
		for _, v := range values {
			n += len(v) + 1
		}
	}
	return n
}

// arrange adds an item to a group or drops one, as a button of the page asked. It
// changes the inputs and returns where the page should open.
func (f *Form) arrange(stepID string, sent, inputs url.Values) (at string, done bool) {
	if id := sent.Get(ui.AddName); id != "" {
		fl := f.groupOf(stepID, id)
		if fl == nil {
			return "", false
		}
		n := shownItems(fl.Field, inputs)
		if n < fl.mostItems() {
			inputs.Set(id+suffixCount, strconv.Itoa(n+1))
		} else {
			n--
		}
		return ui.FieldID(id + "." + strconv.Itoa(n)), true
	}
	id, index, _ := strings.Cut(sent.Get(ui.DropName), ".")
	fl := f.groupOf(stepID, id)
	dropped, err := strconv.Atoi(index)
	if fl == nil || err != nil || dropped < 0 {
		return "", false
	}
	if n := typedItems(fl.Field, inputs); dropped < n {
		dropItem(id, dropped, inputs)
		inputs.Set(id+suffixCount, strconv.Itoa(n-1))
	}
	return ui.FieldID(id), true
}

func (f *Form) groupOf(stepID, id string) *field {
	if fl := f.fields[id]; fl != nil && fl.group != nil && fl.step == stepID {
		return fl
	}
	return nil
}

// dropItem removes the inputs of an item; those after it move up.
func dropItem(id string, dropped int, inputs url.Values) {
	moved := url.Values{}
	for name, values := range inputs {
		rest, ok := strings.CutPrefix(name, id+".")
		index, field, inside := strings.Cut(rest, ".")
		i, err := strconv.Atoi(index)
		if !ok || !inside || err != nil || i < dropped {
			continue
		}
		delete(inputs, name)
		if i > dropped {
			moved[itemName(id, i-1, field)] = values
		}
	}
	for name, values := range moved {
		inputs[name] = values
	}
}
