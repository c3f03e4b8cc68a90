package catalogue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Folder is what a commune's folder and the shared catalogue say it offers.
type Folder struct {
	Shared   map[string]Tree // service → shared definition
	Overlays map[string]Tree // service offered → what differs
	Commune  Commune
	Engine   *rules.Engine
}

// ReadFolder reads and checks what the commune in dir offers: every service is
// compiled and its examples are run. calendar names its holidays.
func ReadFolder(ctx context.Context, root fs.FS, dir, calendar string) (Folder, error) {
	var f Folder
	holidays, err := ReadCalendar(root, calendar)
	if err != nil {
		return f, err
	}
	if f.Engine, err = rules.NewEngine(holidays); err != nil {
		return f, err
	}
	if f.Commune, err = ReadCommune(root, dir); err != nil {
		return f, err
	}
	var problems []error
	f.Shared, err = Shared(root)
	problems = append(problems, err)
	f.Overlays, err = Overlays(root, dir)
	problems = append(problems, err)
	for _, id := range slices.Sorted(maps.Keys(f.Overlays)) {
		base, known := baseOf(f.Shared, id, f.Overlays[id])
		if !known {
			problems = append(problems, locate(root, dir, id, unknownService(id, f.Shared)))
			continue
		}
		_, err := checkOne(ctx, Merge(base, f.Overlays[id]), f.Engine, f.Commune.Postcodes)
		problems = append(problems, locate(root, dir, id, err))
	}
	return f, errors.Join(problems...)
}

// baseOf is what a commune's entry lies over: the shared definition, or nothing
// where the entry is a whole service of the commune's own and says so by its id.
func baseOf(shared map[string]Tree, id string, overlay Tree) (Tree, bool) {
	if base, known := shared[id]; known {
		return base, true
	}
	return Tree{}, overlay["id"] == id
}

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
	Now  time.Time
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
	r.standOn(f, o)
	if isNew || o.Overwrite || !same(r.folderSaid(), f.Overlays[id]) {
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
	def, err := decode(tree)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", r.ID, err)
	}
	service, err := Compile(def, engine)
	if err != nil {
		return nil, err
	}
	service.tree = tree
	service.Published, service.UpdatedAt = r.Published && r.Offered, r.UpdatedAt
	service.FeeConfirmed = r.FeeConfirmed != "" && r.FeeConfirmed == feeHash(service.Fee)
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

// Services are what the folder offers, compiled, by theme and title.
func (f Folder) Services() ([]*Service, error) {
	var out []*Service
	for id, overlay := range f.Overlays {
		def, err := decode(Merge(f.Shared[id], overlay))
		if err != nil {
			return nil, err
		}
		s, err := Compile(def, f.Engine)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	slices.SortFunc(out, byTheme)
	return out, nil
}
