package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// folderServices are the definitions of the folder, those named or all.
func (a *App) folderServices(services []string) (map[string]catalogue.Tree, error) {
	all, err := catalogue.Shared(a.TenantsFS)
	if err != nil {
		return nil, err
	}
	for _, id := range services {
		if all[id] == nil {
			return nil, fmt.Errorf("shared/services/%s.yaml does not exist", id)
		}
	}
	if len(services) > 0 {
		maps.DeleteFunc(all, func(id string, _ catalogue.Tree) bool { return !slices.Contains(services, id) })
	}
	return all, nil
}

// PublishCatalogue publishes definitions of the folder as new shared versions.
func (a *App) PublishCatalogue(ctx context.Context, services []string, why string, small bool, out io.Writer) error {
	all, err := a.folderServices(services)
	if err != nil {
		return err
	}
	size := catalogue.Large
	if small {
		size = catalogue.Small
	}
	var list []catalogue.Candidate
	for _, id := range slices.Sorted(maps.Keys(all)) {
		list = append(list, catalogue.Candidate{Tree: all[id], File: "shared/services/" + id + ".yaml", Why: why, Size: size})
	}
	done, err := a.Catalogue.Publish(ctx, identity.System(tenancy.Tenant{}), list)
	var p *problem.Error
	if errors.As(err, &p) {
		if lines, ok := p.Params["problems"].([]string); ok {
			return errors.New("nothing was published:\n" + strings.Join(lines, "\n"))
		}
	}
	if err != nil {
		return err
	}
	for _, v := range done {
		fmt.Fprintf(out, "%s: version %d published\n", v.Service, v.Version)
	}
	if len(done) == 0 {
		fmt.Fprintln(out, "nothing differs from what is published")
	}
	return nil
}

// DiffCatalogue says what publishing definitions of the folder would change, and
// with which parts of each commune it would be in conflict.
func (a *App) DiffCatalogue(ctx context.Context, services []string, out io.Writer) error {
	all, err := a.folderServices(services)
	if err != nil {
		return err
	}
	communes, err := a.DB.Directory().All(ctx)
	if err != nil {
		return err
	}
	it := i18n.WithLang(ctx, a.Texts, i18n.Reference)
	n := 0
	for _, id := range slices.Sorted(maps.Keys(all)) {
		p, err := a.Catalogue.Propose(ctx, catalogue.Candidate{Tree: all[id], File: "shared/services/" + id + ".yaml", Size: catalogue.Large})
		if err != nil {
			return err
		}
		if p.Same {
			continue
		}
		n++
		before, after := p.Trees()
		if p.Before == nil {
			fmt.Fprintf(out, "%s: new, version %d\n", id, p.After.Version)
		} else {
			fmt.Fprintf(out, "%s: version %d → %d\n", id, p.Before.Version, p.After.Version)
			for _, change := range catalogue.Compare(before, after) {
				fmt.Fprintf(out, "  %s\n", change)
			}
		}
		for _, problem := range p.Problems {
			fmt.Fprintf(out, "  ! %s\n", problem)
		}
		drafts, err := a.Catalogue.DraftsElsewhere(ctx, id, before, after)
		if err != nil {
			return err
		}
		for _, d := range drafts {
			fmt.Fprintf(out, "  %s: the field %q goes, and %d open drafts have answered it\n", d.Slug, d.ID, d.Drafts)
		}
		for _, t := range communes {
			conflicts, offered, err := a.Catalogue.WouldConflict(it, t, id, after)
			if err != nil {
				return fmt.Errorf("%s: %w", t.Slug(), err)
			}
			if offered {
				fmt.Fprintf(out, "  %s: conflicts %d%s\n", t.Slug(), len(conflicts), listed(conflicts))
			}
		}
	}
	if n == 0 {
		fmt.Fprintln(out, "nothing differs from what is published")
	}
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, "; ")
}
