package catalogue

import (
	"net/http"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// suggestMost is how many services are offered while somebody types.
const suggestMost = 6

// suggestion is one service in the answer for machines.
type suggestion struct {
	Title string `json:"title"`
	URL   string `json:"url"`
	Note  string `json:"note,omitempty"`
}

// suggestions is /servizi/suggerimenti?q=: what may be meant by what is typed so
// far, as a list for the search field, or as JSON for who asks for it.
func (m *Module) suggestions(r *web.Request) error {
	ctx, query := r.Ctx(), r.Query("q")
	found, err := m.Suggest(ctx, r.Tenant(), query, r.Lang())
	if err != nil {
		return err
	}
	some := found.Services[:min(len(found.Services), suggestMost)]
	rows := m.foundRows(ctx, found, some)
	r.SetHeader("Cache-Control", "private, max-age=60")
	r.SetHeader("Vary", "Accept, Cookie")
	if strings.Contains(r.Header("Accept"), "json") {
		out := make([]suggestion, len(rows))
		for i, row := range rows {
			out[i] = suggestion{Title: row.Title, URL: row.URL, Note: row.Fact}
		}
		return r.JSON(http.StatusOK, map[string]any{"suggestions": out, "instead": found.Instead})
	}
	return r.Fragment(view.Suggestions(view.SuggestionList{Rows: rows, Count: i18n.N(ctx, "find.suggestions", len(rows)),
		All: ui.Link{Text: i18n.T(ctx, "find.all", "q", query), URL: Filter{}.url(query)}}))
}
