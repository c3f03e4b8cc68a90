package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// in is the world seen from another commune.
func (w *world) in(t tenancy.Tenant) *world {
	other := *w
	other.tenant, other.base = t, strings.Replace(w.base, "//"+w.tenant.Slug()+".", "//"+t.Slug()+".", 1)
	return &other
}

// opened is the n-th invented commune's entry in the directory.
func opened(n int) tenancy.Commune {
	letters := fmt.Sprintf("%c%c%c", 'A'+n/676%26, 'A'+n/26%26, 'A'+n%26)
	return tenancy.Commune{Slug: fmt.Sprintf("misura%04d", n), Name: fmt.Sprintf("Misura %d", n), RefPrefix: letters, BFS: 90000 + n, Inhabitants: 1000}
}

// fleet opens communes until there are n, with the services of the one that is
// measured, and returns the world of each.
func (w *world) fleet(ctx context.Context, n int) ([]*world, error) {
	opener, err := w.Opener()
	if err != nil {
		return nil, err
	}
	folder, err := site.ReadFolder(w.TenantsFS, w.tenant.Slug())
	if err != nil {
		return nil, err
	}
	there, err := w.DB.Directory().All(ctx)
	if err != nil {
		return nil, err
	}
	for i := len(there); i < n; i++ {
		folder.Commune = opened(i)
		if err := w.open(ctx, opener, operator.Source{FS: w.TenantsFS, Dir: w.tenant.Slug(), Folder: folder}); err != nil {
			return nil, fmt.Errorf("open %s: %w", folder.Commune.Slug, err)
		}
	}
	w.DB.Directory().Forget()
	if there, err = w.DB.Directory().All(ctx); err != nil {
		return nil, err
	}
	if len(there) < n {
		return nil, errors.New("the directory does not show the communes that were opened")
	}
	var out []*world
	for _, t := range there[:n] {
		out = append(out, w.in(t))
	}
	return out, nil
}

func (w *world) open(ctx context.Context, opener *operator.Opener, src operator.Source) error {
	if err := opener.Owner.Provision(ctx, src.Folder.Commune, nil); err != nil {
		return err
	}
	w.DB.Directory().Forget()
	t, err := w.DB.Directory().BySlug(ctx, src.Folder.Commune.Slug)
	if err != nil {
		return err
	}
	for _, part := range opener.Parts {
		if part.Name == "seal" {
			continue // nothing is sealed in these measurements
		}
		if _, err := part.Apply(ctx, t, src, false); err != nil {
			return err
		}
	}
	return opener.Owner.SetState(ctx, t.Slug(), tenancy.Active, "")
}
