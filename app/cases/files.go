package cases

import (
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"slices"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// attached leaves out the empty entry that a browser sends for a file field
// nobody filled in.
func attached(list []*multipart.FileHeader) []*multipart.FileHeader {
	return slices.DeleteFunc(slices.Clone(list), func(h *multipart.FileHeader) bool { return h.Filename == "" })
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

func paperRows(ctx context.Context, list []Paper, address func(Paper) string) []ui.Row {
	var out []ui.Row
	for _, p := range list {
		out = append(out, ui.Row{Title: p.Title, URL: address(p), Fact: i18n.Date(p.IssuedAt), DateTime: p.IssuedAt.Format("2006-01-02"),
			Note: i18n.T(ctx, "cases.paper.sealed", "size", size(p.Size))})
	}
	return out
}

func paperURL(p Paper) string { return "/area/documenti/" + p.ID.String() }

// deskPaperURL is where those who work on the case find the same paper.
func deskPaperURL(p Paper) string { return "/ufficio/documenti/" + p.ID.String() }

func paperLink(ctx context.Context, p Paper, address func(Paper) string) *ui.Link {
	return &ui.Link{Text: i18n.T(ctx, "cases.confirmation.download", "title", p.Title, "size", size(p.Size)), URL: address(p)}
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
	var u Upload
	by := r.Actor()
	if err := audit.Read(r.Ctx(), m.DB, by, "cases.read-file", func(tx *tenancy.Tx) (string, map[string]any, error) {
		c, err := find(tx, by, r.Param("ref"), false)
		if err != nil {
			return "", nil, err
		}
		if u, err = m.Uploads.UploadByID(tx, id); errors.Is(err, forms.ErrNoDraft) || (err == nil && (u.CaseID == nil || *u.CaseID != c.ID)) {
			return "", nil, ErrNotFound
		} else if err != nil {
			return "", nil, err
		}
		if c.ApplicantID == by.AccountID() { // one's own
			return "", nil, nil
		}
		return "case:" + c.Ref, nil, nil
	}); err != nil {
		return err
	}
	data, err := m.Uploads.Open(r.Ctx(), r.Tenant(), u)
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
