package cases

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// readFiles takes the uploaded files out of a form; an empty file field is
// none.
func readFiles(list []*multipart.FileHeader) ([]forms.NewFile, error) {
	var out []forms.NewFile
	for _, h := range list {
		if h.Filename == "" {
			continue
		}
		f, err := h.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(f)
		_ = f.Close()
		if err != nil {
			return nil, err
		}
		out = append(out, forms.NewFile{Field: fieldFiles, Name: h.Filename, Data: data})
	}
	return out, nil
}

// size is a number of bytes as people read it.
func size(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d KB", max(1, n>>10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

func uploadRows(base string, list []Upload) []ui.Row {
	var out []ui.Row
	for _, u := range list {
		out = append(out, ui.Row{Title: u.Name, URL: base + "/allegati/" + u.ID.String(), Fact: size(u.Size), Note: i18n.Date(u.CreatedAt)})
	}
	return out
}

func paperRows(ctx context.Context, list []Paper) []ui.Row {
	var out []ui.Row
	for _, p := range list {
		out = append(out, ui.Row{Title: p.Title, URL: paperURL(p), Fact: i18n.Date(p.IssuedAt), DateTime: p.IssuedAt.Format("2006-01-02"),
			Note: i18n.T(ctx, "cases.paper.sealed", "size", size(p.Size))})
	}
	return out
}

func paperURL(p Paper) string { return "/area/documenti/" + p.ID.String() }

func paperLink(ctx context.Context, p Paper) *ui.Link {
	return &ui.Link{Text: i18n.T(ctx, "cases.confirmation.download", "title", p.Title, "size", size(p.Size)), URL: paperURL(p)}
}

// ownUpload and deskUpload send a file back to who attached it, or to the
// office; anybody else finds nothing.
func (m *Module) ownUpload(r *web.Request) error { return m.upload(r, mine) }

func (m *Module) deskUpload(r *web.Request) error { return m.upload(r, ours) }

type finder func(tx *tenancy.Tx, by identity.Actor, ref string, lock bool) (Case, error)

func (m *Module) upload(r *web.Request, find finder) error {
	id, err := uuid.Parse(r.Param("id"))
	if err != nil {
		return ErrNotFound
	}
	var c Case
	if err := m.DB.In(r.Ctx(), r.Tenant(), func(tx *tenancy.Tx) (err error) {
		if c, err = find(tx, r.Actor(), r.Param("ref"), false); err != nil {
			return err
		}
		return m.audited(tx, r.Actor(), "cases.read-file", c)
	}); err != nil {
		return err
	}
	u, data, err := m.Uploads.OpenUpload(r.Ctx(), r.Tenant(), c.ID, id)
	var p *problem.Error
	if errors.As(err, &p) && p.Kind == problem.KindNotFound {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	return r.Blob(u.Name, u.ContentType, data, false)
}

// paymentNoted writes what happened with a payment into the history.
func (m *Module) paymentNoted(tx *tenancy.Tx, e paymentEvent, kind string) error {
	c, err := byID(tx, e.CaseID, false)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return m.Service.note(tx, identity.System(tx.Tenant()), c, kind, "", nil)
}
