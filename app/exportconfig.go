package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// ExportConfig writes what a commune has set back into a folder of tenants/:
// tenant.yaml, brand/ and services.yaml below dir/<slug>, what its console
// changed included. People, texts and secrets are not part of it. It returns the
// files. Errors: tenancy.ErrUnknown; a file that exists, unless overwrite.
func (a *App) ExportConfig(ctx context.Context, slug, dir string, overwrite bool) ([]string, error) {
	t, err := a.DB.Directory().BySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	var files map[string][]byte
	var services map[string]catalogue.Tree
	if err := a.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		if files, err = site.Export(tx); err != nil {
			return err
		}
		services, err = catalogue.Entries(tx)
		return err
	}); err != nil {
		return nil, err
	}
	if files["services.yaml"], err = catalogue.WriteOverlays(services); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, slug, name)); !overwrite && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s exists: give --overwrite to replace it", filepath.Join(dir, slug, name))
		}
	}
	out := make([]string, 0, len(names))
	for _, name := range names {
		path := filepath.Join(dir, slug, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // files for a repository
			return out, err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil { //nolint:gosec // as above
			return out, err
		}
		out = append(out, path)
	}
	return out, nil
}
