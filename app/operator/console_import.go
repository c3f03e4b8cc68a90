package operator

import (
	"archive/zip"
	"bytes"
	"context"
	"io"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// ImportMax is the largest file that is taken on the page; larger ones are imported
// on the command line.
const ImportMax = 128 << 20

// ImportsFolder is where an export waits for the worker, under the commune's key.
const ImportsFolder = "imports/"

var errInUse = problem.Conflict("operator.in-use", "operator.error.in-use")

// takesImport tells that nobody but those who work here is known yet. It is the
// commune's administrators who bring an export in, not the entity: whoever hands
// one in says who administers from then on.
func (m *Module) takesImport(ctx context.Context, t tenancy.Tenant) (takes bool, err error) {
	err = m.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		return tx.QueryRow(`select not exists (select from cases) and not exists (select from accounts a
			where not exists (select from role_holders h where h.account_id = a.id))`).Scan(&takes)
	})
	return takes, err
}

func importField(ctx context.Context, wrong string) []ui.Input {
	return []ui.Input{{Kind: ui.File, Name: "file", Label: i18n.T(ctx, "operator.field.file"), Accept: ".zip,application/zip", Required: true, Error: wrong}}
}

// askImport is POST /console/importazione: the commune, just opened, takes over
// what another installation exported.
func (m *Module) askImport(r *web.Request) error {
	if _, err := r.Form(); err != nil {
		return err
	}
	if takes, err := m.takesImport(r.Ctx(), r.Tenant()); err != nil {
		return err
	} else if !takes {
		return errInUse
	}
	key, err := m.keepUpload(r)
	if err != nil {
		return err
	}
	if key == "" {
		return m.exportForm(r, 422, i18n.T(r.Ctx(), "operator.error.file"))
	}
	if err := m.DB.In(r.Ctx(), r.Tenant(), func(tx *tenancy.Tx) error {
		return audit.Record(tx, r.Actor(), "life.ask-import", r.Tenant().Slug(), nil)
	}); err != nil {
		return err
	}
	by := i18n.T(r.Ctx(), "operator.export.asked-by")
	if _, err := enqueue(r.Ctx(), m.DB, KindImport, r.Tenant().Slug(), by, LifePayload{File: key}); err != nil {
		return err
	}
	return r.Redirect("/console/esportazione")
}

// keepUpload puts the uploaded export into the commune's file store, under its
// key; "" when none was chosen or it is no archive.
func (m *Module) keepUpload(r *web.Request) (string, error) {
	files := r.Files("file")
	if len(files) == 0 {
		return "", nil
	}
	f, err := files[0].Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, ImportMax))
	if err != nil {
		return "", err
	}
	if _, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil {
		return "", nil //nolint:nilerr // told beside the field
	}
	key := ImportsFolder + uuid.NewString() + ".zip"
	_, err = m.Files.For(r.Tenant().Slug()).Put(r.Ctx(), key, "application/zip", data)
	return key, err
}
