package console

import (
	"context"
	"errors"
	"html"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Finding is what the console asks of the catalogue about how services are found.
type Finding interface {
	Offered(ctx context.Context, t tenancy.Tenant) ([]*catalogue.Service, error)
	MissingWords(ctx context.Context, by identity.Actor, limit int) ([]catalogue.Missing, error)
}

// embedPath and wordsPath are where the two pages stand.
const (
	embedPath = "/console/incorpora"
	wordsPath = "/console/parole"
)

// embedPage is /console/incorpora: which sites may show the search and the cards,
// and what to paste there.
func (m *Module) embedPage(r *web.Request) error {
	page, err := m.embedView(r, strings.Join(r.Site().EmbedOrigins, "\n"), "")
	if err != nil {
		return err
	}
	page.Notice = r.Done("embed.done")
	return r.Page(200, i18n.T(r.Ctx(), "embed.title"), view.Embed(page), web.Here("/console"))
}

// saveEmbed keeps the list of sites. What is no address comes back as typed.
func (m *Module) saveEmbed(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	typed := f.Get(view.OriginsName)
	origins, err := site.ParseEmbedOrigins(typed)
	if wrong := (*problem.Error)(nil); errors.As(err, &wrong) {
		page, err := m.embedView(r, typed, r.Words(wrong))
		if err != nil {
			return err
		}
		return r.Page(422, i18n.T(r.Ctx(), "embed.title"), view.Embed(page), web.Here("/console"))
	}
	if err != nil {
		return err
	}
	by := r.Actor()
	if err := m.DB.In(r.Ctx(), by.Tenant(), func(tx *tenancy.Tx) error {
		if err := site.SaveEmbedOrigins(tx, origins); err != nil {
			return err
		}
		return audit.Record(tx, by, "console.embed", "embed", map[string]any{"sites": strings.Join(origins, " ")})
	}); err != nil {
		return err
	}
	return r.Redirect(embedPath + "?fatto=saved")
}

func (m *Module) embedView(r *web.Request, typed, wrong string) (view.EmbedPage, error) {
	ctx := r.Ctx()
	services, err := m.Finding.Offered(ctx, r.Tenant())
	if err != nil {
		return view.EmbedPage{}, err
	}
	page := view.EmbedPage{Side: Side(r, embedPath), Action: embedPath,
		Origins: ui.Input{Kind: ui.Textarea, Name: view.OriginsName, Label: i18n.T(ctx, "embed.sites"), Help: i18n.T(ctx, "embed.sites_help"), Value: typed, Error: wrong, Rows: 4, MaxLength: 4000}}
	chosen := r.Query(view.ServiceName)
	choice := ui.Input{Kind: ui.Select, Name: view.ServiceName, Label: i18n.T(ctx, "embed.service"), Value: chosen}
	for _, s := range services {
		choice.Options = append(choice.Options, ui.Option{Value: s.ID, Label: s.Title.For(ctx)})
	}
	if !slices.ContainsFunc(services, func(s *catalogue.Service) bool { return s.ID == chosen }) && len(services) > 0 {
		chosen = services[0].ID
		choice.Value = chosen
	}
	page.Service = choice
	page.Pieces = []view.Piece{
		{ID: "semplice", Title: i18n.T(ctx, "embed.form"), Text: i18n.T(ctx, "embed.form_text"), Code: m.formCode(r)},
		{ID: "ricerca", Title: i18n.T(ctx, "embed.search"), Text: i18n.T(ctx, "embed.search_text"),
			Code: m.frameCode(r, catalogue.EmbedSearchPath, i18n.T(ctx, "embed.search"), 190), URL: catalogue.EmbedSearchPath, Height: "190"},
	}
	if chosen != "" {
		path := catalogue.EmbedCardPath + chosen
		page.Card = &view.Piece{ID: "scheda", Title: i18n.T(ctx, "embed.card"), Text: i18n.T(ctx, "embed.card_text"),
			Code: m.frameCode(r, path, i18n.T(ctx, "embed.card"), 520), URL: path, Height: "520"}
	}
	return page, nil
}

// formCode is a form for anybody's page: no script, nothing loaded from here.
func (m *Module) formCode(r *web.Request) string {
	ctx := r.Ctx()
	return `<form action="` + html.EscapeString(m.URL(r.Tenant(), "/servizi")) + `" role="search">
  <label for="sportello-q">` + html.EscapeString(i18n.T(ctx, "ui.search")) + `</label>
  <input id="sportello-q" type="search" name="q">
  <button type="submit">` + html.EscapeString(i18n.T(ctx, "ui.search_button")) + `</button>
</form>`
}

func (m *Module) frameCode(r *web.Request, path, title string, height int) string {
	return `<iframe src="` + html.EscapeString(m.URL(r.Tenant(), path)) + `" title="` + html.EscapeString(title) + `" width="100%" height="` + i18n.Number(height) + `" loading="lazy" style="border:0"></iframe>`
}

// missingMost is how many words the page shows.
const missingMost = 200

// words is /console/parole: what people looked for in vain.
func (m *Module) words(r *web.Request) error {
	ctx := r.Ctx()
	list, err := m.Finding.MissingWords(ctx, r.Actor(), missingMost)
	if err != nil {
		return err
	}
	page := view.WordsPage{Side: Side(r, wordsPath), Grid: ui.Grid{Caption: i18n.T(ctx, "embed.words.title"), Columns: []ui.Column{
		{Title: i18n.T(ctx, "embed.words.words")}, {Title: i18n.T(ctx, "embed.words.times"), Label: i18n.T(ctx, "embed.words.times"), Num: true},
		{Title: i18n.T(ctx, "embed.words.lang"), Label: i18n.T(ctx, "embed.words.lang")}, {Title: i18n.T(ctx, "embed.words.last"), Label: i18n.T(ctx, "embed.words.last")},
	}}}
	for _, w := range list {
		page.Grid.Rows = append(page.Grid.Rows, []ui.Cell{{Text: w.Words, Strong: true}, {Text: i18n.Number(w.Times), Num: true},
			{Text: strings.ToUpper(w.Lang)}, {Text: i18n.Date(w.LastOn), Num: true}})
	}
	return r.Page(200, i18n.T(ctx, "embed.words.title"), view.Words(page), web.Here("/console"))
}
