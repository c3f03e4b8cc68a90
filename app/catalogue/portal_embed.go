package catalogue

import (
	"github.com/sportello-ticino/sportello/app/catalogue/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Where the pages are that other sites show inside theirs.
const (
	EmbedSearchPath = "/incorpora/ricerca"
	EmbedCardPath   = "/incorpora/servizio/" // and the service
)

// embeddedSearch is /incorpora/ricerca.
func (m *Module) embeddedSearch(r *web.Request) error {
	page := view.EmbeddedSearchPage{Commune: r.Site().Brand.Name, Action: m.URL(r.Tenant(), "/servizi")}
	often, _, err := m.Often(r.Ctx(), r.Tenant(), 3)
	if err != nil {
		return err
	}
	for _, s := range often {
		page.Often = append(page.Often, ui.Link{Text: s.Title.For(r.Ctx()), URL: m.URL(r.Tenant(), "/servizi/"+s.ID)})
	}
	return r.Framed(i18n.T(r.Ctx(), "find.embed.search", "commune", page.Commune), view.EmbeddedSearch(page))
}

// embeddedCard is /incorpora/servizio/{id}.
func (m *Module) embeddedCard(r *web.Request) error {
	ctx := r.Ctx()
	s, err := m.Service(ctx, r.Tenant(), r.Param("id"))
	if err != nil {
		return err
	}
	card, err := m.card(r, s)
	if err != nil {
		return err
	}
	page := view.EmbeddedCardPage{Commune: r.Site().Brand.Name, Title: card.Title, Summary: card.Summary, URL: m.URL(r.Tenant(), "/servizi/"+s.ID),
		Facts: view.Brief(ctx, card)}
	return r.Framed(card.Title, view.EmbeddedCard(page))
}
