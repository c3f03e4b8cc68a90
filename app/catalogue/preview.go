package catalogue

import (
	"github.com/a-h/templ"

	"github.com/sportello-ticino/sportello/app/catalogue/view"
	"github.com/sportello-ticino/sportello/app/web"
)

// Preview is the card of a service as citizens would see it, without links that
// begin something.
func (m *Module) Preview(r *web.Request, s *Service, start string) (title string, body templ.Component, err error) {
	page, err := m.card(r, s)
	if err != nil {
		return "", nil, err
	}
	if page.Closed == "" {
		page.StartURL = start
	}
	return page.Title, view.Service(page), nil
}
