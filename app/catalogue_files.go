package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// File is one that was written out.
type File struct {
	Name string
	Data []byte
}

// ExportServices writes what a commune offers: one services.yaml with its own
// particulars, or with merged one whole definition per service; only limits it
// to some services. Errors: tenancy.ErrUnknown; a service not offered.
func (a *App) ExportServices(ctx context.Context, slug string, only []string, merged bool) ([]File, error) {
	t, err := a.DB.Directory().BySlug(ctx, slug)
	if err != nil {
		return nil, err
	}
	var own map[string]catalogue.Tree
	if err := a.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		own, err = catalogue.Entries(tx)
		return err
	}); err != nil {
		return nil, err
	}
	for _, id := range only {
		if _, offered := own[id]; !offered {
			return nil, fmt.Errorf("%s does not offer %q", slug, id)
		}
	}
	for id := range own {
		if len(only) > 0 && !slices.Contains(only, id) {
			delete(own, id)
		}
	}
	if !merged {
		data, err := catalogue.WriteOverlays(own)
		return []File{{"services.yaml", data}}, err
	}
	var out []File
	for id := range own {
		data, err := a.Catalogue.Export(ctx, t, id, false)
		if err != nil {
			return nil, err
		}
		out = append(out, File{id + ".yaml", data})
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// ImportService reads a file for a service of a commune, says on out what it
// would change and which examples fail, and with keep makes it the pending edit.
func (a *App) ImportService(ctx context.Context, slug, id, file string, data []byte, keep bool, out io.Writer) error {
	t, err := a.DB.Directory().BySlug(ctx, slug)
	if err != nil {
		return err
	}
	by := identity.System(t)
	read, err := a.Catalogue.ReadFile(ctx, by, id, file, data)
	if err != nil {
		return err
	}
	for _, change := range read.Changes {
		fmt.Fprintln(out, change)
	}
	if len(read.Changes) == 0 {
		fmt.Fprintln(out, "nothing would change")
		return nil
	}
	wrong := len(read.Problems)
	for _, m := range read.Problems {
		fmt.Fprintln(out, m.Error())
	}
	for _, e := range catalogue.Failing(read.RunAll(ctx)) {
		wrong++
		fmt.Fprintf(out, "example %q: %v\n", e.Name, e.Wrong)
	}
	if wrong > 0 {
		return fmt.Errorf("%d mistakes: nothing was kept", wrong)
	}
	if !keep {
		return nil
	}
	if err := a.Catalogue.TakeFile(ctx, by, id, file, data); err != nil {
		return err
	}
	fmt.Fprintln(out, "kept: it waits on the console to be published")
	return nil
}

// ConvertServices writes drafts of a list of services into a folder of tenants.
// What is there is left alone; what cannot be converted is said and is an error.
func ConvertServices(file string, data []byte, folder string, out io.Writer) error {
	services, err := catalogue.Shared(os.DirFS(folder))
	if err != nil {
		return err
	}
	drafts, problems := catalogue.Convert(file, data)
	dir := filepath.Join(folder, "shared", "drafts")
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a folder of a repository
		return err
	}
	written := 0
	for id, text := range catalogue.Undrafted(drafts, services) {
		path := filepath.Join(dir, filepath.Base(id)+".yaml")
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644) //nolint:gosec // a file of a repository
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		written++
	}
	fmt.Fprintf(out, "%d drafts written, %d services are there already\n", written, len(services))
	return errors.Join(problems...)
}
