package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/sportello-ticino/sportello/app/catalogue/source"
)

// Read reads a service's file. file names it in mistakes; every unknown key, wrong
// type or alias is refused with its line and column.
func Read(file string, data []byte) (Tree, error) {
	tree, err := source.Read(file, data, Shape())
	if err == nil && len(tree) == 0 {
		return nil, &Mistake{File: file, What: "the file is empty", Do: "copy another service and change it"}
	}
	return tree, err
}

// overlaysShape is the shape of a commune's services.yaml: there, an item of a list
// may also be taken away.
var overlaysShape = sync.OnceValue(func() *source.Shape {
	return &source.Shape{Form: source.Object, Name: "Overlays", Keys: []source.Key{{Name: "services", Shape: &source.Shape{Form: source.Table, Item: source.OverlayOf(Shape())}}}}
})

// ReadOverlays reads a commune's services.yaml: service → what differs there.
func ReadOverlays(file string, data []byte) (map[string]Tree, error) {
	read, err := source.Read(file, data, overlaysShape())
	if err != nil {
		return nil, err
	}
	services, _ := read["services"].(map[string]any)
	overlays := make(map[string]Tree, len(services))
	for id, entry := range services {
		says, _ := entry.(map[string]any)
		if says == nil {
			says = map[string]any{}
		}
		overlays[id] = says
	}
	return overlays, nil
}

// Write writes a service's file in canonical form: what is read from it writes the
// same bytes.
func Write(tree Tree) ([]byte, error) { return source.Write(tree, Shape()) }

// WriteOverlays writes a commune's services.yaml in the same form.
func WriteOverlays(overlays map[string]Tree) ([]byte, error) {
	services := make(map[string]any, len(overlays))
	for id, says := range overlays {
		services[id] = map[string]any(says)
	}
	return source.Write(Tree{"services": services}, overlaysShape())
}

// Decode turns a merged tree into a definition; unknown keys are refused.
func Decode(tree Tree) (Definition, error) {
	var def Definition
	data, err := json.Marshal(tree)
	if err != nil {
		return def, fmt.Errorf("definition: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&def); err != nil {
		return def, &Mistake{What: err.Error(), Do: "compare with the schema of a service"}
	}
	return def, nil
}

// Shared reads the shared catalogue, <root>/shared/services/*.yaml: service →
// definition. The file's name is the service's identifier.
func Shared(root fs.FS) (map[string]Tree, error) {
	files, err := fs.Glob(root, "shared/services/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	out := make(map[string]Tree, len(files))
	var problems []error
	for _, file := range files {
		data, err := fs.ReadFile(root, file)
		if err != nil {
			return nil, fmt.Errorf("definition: %w", err)
		}
		tree, err := Read(file, data)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		id := strings.TrimSuffix(path.Base(file), ".yaml")
		if tree["id"] != id {
			problems = append(problems, Locate(root, "", id, &Mistake{Path: []string{"id"}, What: fmt.Sprintf("id %v, but the file is %s", tree["id"], path.Base(file)), Do: "give both the same name"}))
			continue
		}
		out[id] = tree
	}
	return out, errors.Join(problems...)
}

// Overlays reads what a commune offers, <folder>/services.yaml.
func Overlays(root fs.FS, folder string) (map[string]Tree, error) {
	file := path.Join(folder, "services.yaml")
	data, err := fs.ReadFile(root, file)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]Tree{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	return ReadOverlays(file, data)
}

// Locate says where the mistakes of a service are written: in the overlay of the
// commune in folder where it has the part, else in the shared file. folder is ""
// for the shared catalogue alone.
func Locate(root fs.FS, folder, id string, err error) error {
	if err == nil {
		return nil
	}
	found := source.MistakesOf(err)
	if found == nil {
		found = Mistakes{{What: err.Error()}}
	}
	shared := sourceOf(root, path.Join("shared/services", id+".yaml"))
	local := source.File{}
	if folder != "" {
		local = sourceOf(root, path.Join(folder, "services.yaml"))
	}
	out := make(Mistakes, len(found))
	for i, m := range found {
		one := *m
		out[i] = &one
		if one.File != "" {
			continue
		}
		in := shared
		line, column, got := shared.Place(one.Path)
		if !local.Empty() {
			l, c, n := local.Place(append([]string{"services", id}, one.Path...))
			// What stands in neither is missing here: in the overlay.
			if steps := n - 2; steps >= got {
				in, line, column = local, l, c
			}
		}
		one.File, one.Line, one.Column = in.Name, line, column
		if folder != "" && in.Name != local.Name {
			one.Do = strings.TrimPrefix(one.Do+" (as "+folder+" offers it)", " ")
		}
	}
	return out
}

// sourceOf parses a file that was read before; none where it is not there.
func sourceOf(root fs.FS, file string) source.File {
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return source.File{Name: file}
	}
	s, err := source.Parse(file, data)
	if err != nil {
		return source.File{Name: file}
	}
	return s
}
