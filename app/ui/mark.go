package ui

import (
	"context"
	"io"

	"github.com/a-h/templ"
)

// Marked is a text with the words by which it was found set off. Without marks it
// is the text.
func Marked(text string, marks []Mark) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		if len(marks) == 0 {
			marks = []Mark{{Text: text}}
		}
		for _, m := range marks {
			html := templ.EscapeString(m.Text)
			if m.Found {
				html = `<mark class="sp-found">` + html + `</mark>`
			}
			if _, err := io.WriteString(w, html); err != nil {
				return err
			}
		}
		return nil
	})
}
