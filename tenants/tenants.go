// Package tenants embeds the data a desk begins with: the shared catalogue,
// texts and calendars, one folder per commune, the shared IT entity, and
// examples/ with a folder from which one more commune can be opened. It holds
// no behaviour and no commune's name: a new commune is a new folder.
//
// The database is the truth at run time; SPORTELLO_TENANTS_DIR may name another
// folder of the same shape.
package tenants

import (
	"embed"
	"io/fs"
	"path"
)

// FS holds every folder beside this file.
//
//go:embed all:*
var FS embed.FS

// Communes lists the folders of fsys that are a commune (they hold a
// tenant.yaml), by name. Pass FS, or os.DirFS of SPORTELLO_TENANTS_DIR.
func Communes(fsys fs.FS) ([]string, error) {
	return withTenant(fsys, ".")
}

// Examples lists the folders under examples/ that are a commune not yet opened.
func Examples(fsys fs.FS) ([]string, error) {
	return withTenant(fsys, "examples")
}

func withTenant(fsys fs.FS, dir string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var slugs []string
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		if _, err := fs.Stat(fsys, path.Join(dir, entry.Name(), "tenant.yaml")); err == nil {
			slugs = append(slugs, entry.Name())
		}
	}
	return slugs, nil
}
