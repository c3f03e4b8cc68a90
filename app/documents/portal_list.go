package documents

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/documents/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// listMax is how many papers the page shows, newest first.
const listMax = 200

// list is /area/documenti.
func (m *Module) list(r *web.Request) error {
	var own []Paper
	var reads tenancy.Reads
	m.ReadOfAccount(&reads, r.Actor().AccountID(), listMax, &own)
	if err := m.DB.ReadTogether(r.Ctx(), r.Tenant(), &reads); err != nil {
		return err
	}
	ctx, now := r.Ctx(), m.Clock.Now()
	page := view.ListPage{}
	for _, p := range own {
		row := ui.Row{
			Title: p.Title, URL: "/area/documenti/" + p.ID.String(), Fact: i18n.Date(p.IssuedAt), DateTime: p.IssuedAt.Format(time.DateOnly),
			Ref: p.CaseRef, Note: i18n.T(ctx, "documents.sealed", "size", size(p.Size)),
		}
		switch {
		case p.RevokedAt != nil:
			row.State = &ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "documents.states.revoked")}
		case p.Expired(now):
			row.State = &ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "documents.states.expired")}
		}
		page.Rows = append(page.Rows, row)
	}
	return r.Page(http.StatusOK, i18n.T(ctx, "documents.title"), view.List(page))
}

// download sends the file to whoever may have it.
func (m *Module) download(r *web.Request) error {
	id, err := uuid.Parse(r.Param("id"))
	if err != nil {
		return ErrNotFound
	}
	p, file, err := m.Open(r.Ctx(), r.Actor(), id)
	if err != nil {
		return err
	}
	return r.Blob(p.FileName(), "application/pdf", file, false)
}

func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KB", max(1, n>>10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
