package life

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sportello-ticino/sportello/pkg/blob"
)

// exportsFolder is where the commune's console finds a finished export.
const exportsFolder = "exports/"

// ExportForCommune makes an export that the commune's administrator downloads: it
// lies in the commune's file store, under the commune's key, and the one before
// it is removed. The entity's people cannot open it.
func (l *Life) ExportForCommune(ctx context.Context, slug string, say Progress) error {
	dir, err := os.MkdirTemp("", "sportello-export-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	name := slug + "-" + l.Clock.Now().UTC().Format("20060102T150405Z") + ".zip"
	path := filepath.Join(dir, name)
	if _, err := l.Export(ctx, slug, path, say); err != nil {
		return err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	scope := l.Blobs.For(slug)
	var old []string
	if err := scope.Each(ctx, func(key string) error {
		if len(key) > len(exportsFolder) && key[:len(exportsFolder)] == exportsFolder {
			old = append(old, key)
		}
		return nil
	}); err != nil {
		return err
	}
	if _, err := scope.Put(ctx, exportsFolder+name, "application/zip", data); err != nil {
		return fmt.Errorf("keep the export: %w", err)
	}
	var errs []error
	for _, key := range old {
		errs = append(errs, scope.Delete(ctx, key))
	}
	say(98, "exported", name)
	return errors.Join(errs...)
}

// ImportFromStore is Import of a file that lies in the commune's file store, where
// its own console put it; in or refused, the file is removed. Done already, by a
// run that could not say so, it finds no file and is content.
func (l *Life) ImportFromStore(ctx context.Context, slug, key string, say Progress) (Imported, error) {
	scope := l.Blobs.For(slug)
	data, _, err := scope.Get(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return Imported{}, nil
	}
	if err != nil {
		return Imported{}, fmt.Errorf("the file to import: %w", err)
	}
	dir, err := os.MkdirTemp("", "sportello-import-")
	if err != nil {
		return Imported{}, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "export.zip")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return Imported{}, err
	}
	out, err := l.importFile(ctx, slug, path, true, say)
	if ctx.Err() != nil { // stopped in the middle: begun again
		return out, err
	}
	return out, errors.Join(err, scope.Delete(ctx, key))
}
