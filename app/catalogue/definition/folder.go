package definition

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/rules"
)

// Folder is what a commune's folder and the shared catalogue say it offers.
type Folder struct {
	Shared   map[string]Tree // service → shared definition
	Overlays map[string]Tree // service offered → what differs
	Commune  Commune
	Engine   *rules.Engine
	// Root and Dir are where it was read from: mistakes name file and line.
	Root fs.FS
	Dir  string
}

// ReadFolder reads and checks what the commune in dir offers: every service is
// compiled and its examples are run. calendar names its holidays.
func ReadFolder(ctx context.Context, root fs.FS, dir, calendar string) (Folder, error) {
	f := Folder{Root: root, Dir: dir}
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
		base, known := BaseOf(f.Shared, id, f.Overlays[id])
		if !known {
			problems = append(problems, Locate(root, dir, id, unknownService(id, f.Shared)))
			continue
		}
		_, err := ExamineOver(ctx, base, f.Overlays[id], f.Engine, f.Commune.Postcodes)
		problems = append(problems, Locate(root, dir, id, err))
	}
	return f, errors.Join(problems...)
}

// BaseOf is what a commune's entry lies over: the shared definition, or nothing
// where the entry is a whole service of the commune's own and says so by its id.
func BaseOf(shared map[string]Tree, id string, overlay Tree) (Tree, bool) {
	if base, known := shared[id]; known {
		return base, true
	}
	return Tree{}, overlay["id"] == id
}

// Services are what the folder offers, compiled, by theme and title.
func (f Folder) Services() ([]*Service, error) {
	var out []*Service
	for id, says := range f.Overlays {
		def, err := Decode(overlay.Merge(f.Shared[id], says))
		if err != nil {
			return nil, err
		}
		s, err := Compile(def, f.Engine)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	slices.SortFunc(out, ByTheme)
	return out, nil
}
