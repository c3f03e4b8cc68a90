package catalogue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Options refine Apply.
type Options struct {
	// Shared are the published versions. A service that is new here stands on the
	// newest; one that is here already stays on its version until the commune
	// accepts another. Without it the folder's definitions stand at once.
	Shared map[string]SharedVersion
	// Overwrite undoes what the console changed.
	Overwrite bool
	// Demo publishes services whose fee nobody has confirmed: they are charged
	// as "tariffa dimostrativa".
	Demo bool
	// KeepDrafts lets fields go that open drafts have answered: the drafts keep the
	// version they began with. In the demo they always do.
	KeepDrafts bool
	Now        time.Time
}

// Apply brings a folder into the commune's services and returns what changed,
// one line each. What the console changed stays on top, unless Overwrite. A
// service the folder no longer lists is kept for its cases and no longer
// offered.
func Apply(ctx context.Context, tx *tenancy.Tx, f Folder, o Options) ([]string, error) {
	have, err := allRows(tx)
	if err != nil {
		return nil, err
	}
	old := make(map[string]row, len(have))
	for _, r := range have {
		old[r.ID] = r
	}
	var lines []string
	for _, id := range slices.Sorted(maps.Keys(f.Overlays)) {
		changed, err := applyOne(ctx, tx, f, id, old[id], o)
		if err != nil {
			return lines, err
		}
		lines = append(lines, changed...)
	}
	for _, r := range have {
		if _, listed := f.Overlays[r.ID]; listed || !r.Offered || !r.ofFolder() {
			continue
		}
		r.Offered, r.Published, r.UpdatedBy, r.UpdatedAt = false, false, "folder", o.Now
		if err := saveRow(tx, r); err != nil {
			return lines, err
		}
		lines = append(lines, r.ID+": no longer offered")
	}
	return lines, nil
}

func applyOne(ctx context.Context, tx *tenancy.Tx, f Folder, id string, r row, o Options) ([]string, error) {
	isNew, before := r.ID == "", r
	r.ID = id
	if _, offered := o.Shared[id]; o.Shared != nil && !offered && f.Shared[id] != nil && r.BaseVersion == nil {
		return []string{id + ": not taken in: the shared catalogue has withdrawn it"}, nil
	}
	r.standOn(f, o)
	if isNew || o.Overwrite || !overlay.Same(r.folderSaid(), f.Overlays[id]) {
		r.Overlay, r.Folder = f.Overlays[id], nil
	}
	r.Offered, r.UpdatedBy, r.UpdatedAt = true, "folder", o.Now
	var lines []string
	if r.Console == nil || (o.Overwrite && len(r.Console) > 0) {
		if len(r.Console) > 0 {
			lines = append(lines, id+": changes of the console undone")
		}
		r.Console = Tree{}
	}
	service, err := compileRow(r, f.Engine)
	if newest, ok := o.Shared[id]; err != nil && ok && r.BaseVersion != nil && *r.BaseVersion < newest.Version {
		return nil, fmt.Errorf("%s: what the folder says does not fit version %d, on which the service stands here: accept version %d on the console first: %w", id, *r.BaseVersion, newest.Version, err)
	}
	if err != nil && len(r.Console) > 0 {
		return nil, fmt.Errorf("%s: what the console changed no longer fits the new definition; apply with overwrite to drop it: %w", id, err)
	}
	if err != nil {
		return nil, err
	}
	if !isNew && !o.KeepDrafts && !o.Demo {
		gone, err := removedFields(tx, id, before.merged(), service.Tree)
		if err != nil {
			return nil, err
		}
		if len(gone) > 0 {
			return nil, filesUse(f, id, gone)
		}
	}
	r.Version, r.Kind = service.Version, string(service.Kind)
	if isNew || o.Overwrite || !before.Offered {
		r.Published, r.PublishedOrigin = o.Demo || !service.DemoFee(), "folder"
	}
	if r.Published && service.DemoFee() && !o.Demo {
		r.Published = false
		lines = append(lines, id+": not published: its fee must be confirmed on the console")
	}
	switch {
	case isNew:
		lines = append(lines, fmt.Sprintf("%s: new, version %d, %s, published %t", id, r.Version, r.Kind, r.Published))
	case !before.Offered:
		lines = append(lines, id+": offered again")
	default:
		for _, change := range Compare(before.folder(), r.folder()) {
			lines = append(lines, id+": "+change.String())
		}
	}
	if len(lines) == 0 && !isNew {
		return nil, nil
	}
	return lines, saveRow(tx, r)
}

// standOn gives a row its shared version, unless it has one already.
func (r *row) standOn(f Folder, o Options) {
	shared, known := f.Shared[r.ID]
	switch newest, published := o.Shared[r.ID]; {
	case !known && !published:
		r.Definition, r.BaseVersion, r.Origin = Tree{}, nil, originOwn
		return
	case o.Shared == nil:
		version, _ := shared["version"].(float64)
		n := int(version)
		r.Definition, r.BaseVersion = shared, &n
	case published && (r.BaseVersion == nil || o.Overwrite):
		r.Definition, r.BaseVersion = newest.tree, &newest.Version
	}
	r.Origin = originFolder
}

// folderSaid is the overlay as the folder had it when it was last taken in.
func (r row) folderSaid() Tree {
	if r.Folder != nil {
		return r.Folder
	}
	return r.Overlay
}

// ofFolder reports whether the folder decides that the service is offered.
func (r row) ofFolder() bool {
	return r.Origin == originFolder || r.Origin == originOwn && len(r.Overlay) > 0
}

// compileRow compiles the definition in force and adds the commune's facts.
func compileRow(r row, engine *rules.Engine) (*Service, error) {
	tree := r.merged()
	def, err := definition.Decode(tree)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", r.ID, err)
	}
	service, err := definition.Compile(def, engine)
	if err != nil {
		return nil, err
	}
	service.Tree = tree
	service.Published, service.UpdatedAt = r.Published && r.Offered, r.UpdatedAt
	service.FeeConfirmed = r.FeeConfirmed != "" && r.FeeConfirmed == service.Fee.Hash()
	return service, nil
}

// Entries are what the commune offers and how it differs from the shared
// catalogue, what its console changed included: the content of a services.yaml.
func Entries(tx *tenancy.Tx) (map[string]Tree, error) {
	rows, err := allRows(tx)
	if err != nil {
		return nil, err
	}
	out := map[string]Tree{}
	for _, r := range rows {
		if r.Offered {
			if out[r.ID], err = r.own(); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
