package forms

import (
	"strings"

	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
)

// asksMore names the first question of this step that the answers opened and the
// page did not ask, while everything it did ask is right; "" for none.
func (m *Module) asksMore(r *web.Request, o *opened, stepID, shown string, wrong []FieldMistake) (string, error) {
	asked := strings.Split(shown, ",")
	if shown == "" {
		return "", nil
	}
	for _, w := range wrong {
		if contains(asked, w.Field.ID) {
			return "", nil
		}
	}
	pages, at, err := m.place(r, o, stepID, o.Answers)
	if err != nil {
		return "", err
	}
	for _, name := range pages[at].Names() {
		if !contains(asked, name) {
			return name, nil
		}
	}
	return "", nil
}

// openedQuestion leads to a question of the page by the name of its input; nil
// where the page has none of that name.
func openedQuestion(fields []ui.Input, name string) *ui.Link {
	for _, f := range fields {
		if f.Name == name && f.Kind == ui.Note || f.Kind == ui.Hidden {
			continue
		}
		if f.Name == name || f.Name == name+suffixAddress {
			return &ui.Link{Text: f.Label, URL: "#" + ui.FieldID(f.Anchor())}
		}
		for _, item := range f.Items {
			if link := openedQuestion(item.Parts, name); link != nil {
				return link
			}
		}
	}
	return nil
}
