package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"
)

// Bounds of one file, checked before anything is parsed.
const (
	maxFile  = 256 << 10 // bytes
	maxDepth = 30        // of brackets and of indentation steps
)

// Tree is a definition or an overlay as data: what is stored, merged and
// compared. It holds only JSON values.
type Tree map[string]any

// ReadDefinition reads a service's file. file names it in mistakes; every
// unknown key, wrong type or alias is refused with its line and column.
func ReadDefinition(file string, data []byte) (Tree, error) {
	source, err := parse(file, data)
	if err != nil {
		return nil, err
	}
	if source.root == nil {
		return nil, &Mistake{File: file, What: "the file is empty", Do: "copy another service and change it"}
	}
	c := checker{source: source}
	c.walk(source.root, definitionShape(), nil)
	if err := c.mistakes.orNil(); err != nil {
		return nil, err
	}
	var raw map[string]any
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, syntax(file, err)
	}
	return toTree(raw)
}

// overlaysShape is the shape of a commune's services.yaml.
var overlaysShape = sync.OnceValue(func() *shape {
	return &shape{form: object, name: "Overlays", fields: []shapeField{{"services", &shape{form: table, item: definitionShape()}}}}
})

// ReadOverlays reads a commune's services.yaml: service → what differs there.
func ReadOverlays(file string, data []byte) (map[string]Tree, error) {
	source, err := parse(file, data)
	if err != nil {
		return nil, err
	}
	c := checker{source: source}
	c.walk(source.root, overlaysShape(), nil)
	if err := c.mistakes.orNil(); err != nil {
		return nil, err
	}
	var raw struct {
		Services map[string]map[string]any `yaml:"services"`
	}
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, syntax(file, err)
	}
	overlays := make(map[string]Tree, len(raw.Services))
	for id, overlay := range raw.Services {
		tree, err := toTree(overlay)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, id, err)
		}
		overlays[id] = tree
	}
	return overlays, nil
}

// harmless refuses, before anything is parsed, what would keep a parser busy:
// files too long or nested too deep to be a service.
func harmless(data []byte) error {
	if len(data) > maxFile {
		return fmt.Errorf("%d bytes, at most %d are read", len(data), maxFile)
	}
	depth, number := 0, 0
	for line := range bytes.Lines(data) {
		number++
		if len(line)-len(bytes.TrimLeft(line, " -?!&")) > 4*maxDepth {
			return fmt.Errorf("nested too deep in line %d", number)
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
			if depth > maxDepth {
				return fmt.Errorf("nested too deep in line %d", number)
			}
		}
	}
	return nil
}

// toTree makes plain JSON values of what the YAML reader gave.
func toTree(raw any) (Tree, error) {
	if raw == nil {
		return Tree{}, nil
	}
	data, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return parseTree(data)
}

func parseTree(data []byte) (Tree, error) {
	tree := Tree{}
	if err := json.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return tree, nil
}

// decode turns a merged tree into a definition; unknown keys are refused.
func decode(tree Tree) (Definition, error) {
	var def Definition
	data, err := json.Marshal(tree)
	if err != nil {
		return def, fmt.Errorf("catalogue: %w", err)
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
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	out := make(map[string]Tree, len(files))
	var problems []error
	for _, file := range files {
		data, err := fs.ReadFile(root, file)
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		tree, err := ReadDefinition(file, data)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		id := strings.TrimSuffix(path.Base(file), ".yaml")
		if tree["id"] != id {
			problems = append(problems, locate(root, "", id, &Mistake{Path: []string{"id"}, What: fmt.Sprintf("id %v, but the file is %s", tree["id"], path.Base(file)), Do: "give both the same name"}))
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
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return ReadOverlays(file, data)
}

// locate says where the mistakes of a service are written: in the overlay of the
// commune in folder where it has the part, else in the shared file. folder is ""
// for the shared catalogue alone.
func locate(root fs.FS, folder, id string, err error) error {
	if err == nil {
		return nil
	}
	found := MistakesOf(err)
	if found == nil {
		found = Mistakes{{What: err.Error()}}
	}
	shared := sourceOf(root, path.Join("shared/services", id+".yaml"))
	overlay := source{}
	if folder != "" {
		overlay = sourceOf(root, path.Join(folder, "services.yaml"))
	}
	out := make(Mistakes, len(found))
	for i, m := range found {
		one := *m
		out[i] = &one
		if one.File != "" {
			continue
		}
		in := shared
		node, got := shared.find(one.Path)
		if overlay.root != nil {
			there, n := overlay.find(append([]string{"services", id}, one.Path...))
			// What stands in neither is missing here: in the overlay.
			if steps := n - 2; steps >= got {
				in, node = overlay, there
			}
		}
		one.File = in.file
		if p := position(node); p != nil {
			one.Line, one.Column = p.Line, p.Column
		}
		if folder != "" && in.file != overlay.file {
			one.Do = strings.TrimPrefix(one.Do+" (as "+folder+" offers it)", " ")
		}
		*out[i] = one
	}
	return out
}

// sourceOf parses a file that was read before; none where it is not there.
func sourceOf(root fs.FS, file string) source {
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return source{file: file}
	}
	s, err := parse(file, data)
	if err != nil {
		return source{file: file}
	}
	return s
}
