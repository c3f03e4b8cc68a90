package catalogue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Bounds of one file, checked before anything is parsed.
const (
	maxFile  = 256 << 10 // bytes
	maxDepth = 30        // of brackets and of indentation steps
)

// Tree is a definition or an overlay as data: what is stored, merged and
// compared. It holds only JSON values.
type Tree map[string]any

// ReadDefinition reads a service's file. file names it in errors; an unknown
// key, a wrong type or an alias is refused with its line.
func ReadDefinition(file string, data []byte) (Tree, error) {
	if err := readStrict(file, data, &Definition{}); err != nil {
		return nil, err
	}
	var raw map[string]any
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, located(file, err)
	}
	return toTree(raw)
}

// offered is a commune's services.yaml.
type offered struct {
	Services map[string]*Definition `yaml:"services"`
}

// ReadOverlays reads a commune's services.yaml: service → what differs there.
func ReadOverlays(file string, data []byte) (map[string]Tree, error) {
	if err := readStrict(file, data, &offered{}); err != nil {
		return nil, err
	}
	var raw struct {
		Services map[string]map[string]any `yaml:"services"`
	}
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, located(file, err)
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

func readStrict(file string, data []byte, into any) error {
	if err := harmless(data); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	parsed, err := parser.ParseBytes(data, 0)
	if err != nil {
		return located(file, err)
	}
	for _, doc := range parsed.Docs {
		if alias := ast.Filter(ast.AliasType, doc); len(alias) > 0 {
			return fmt.Errorf("%s:%d: aliases are not allowed: write the value again", file, alias[0].GetToken().Position.Line)
		}
	}
	if err := yaml.UnmarshalWithOptions(data, into, yaml.Strict()); err != nil {
		return located(file, err)
	}
	return nil
}

// harmless refuses what would keep a parser busy: files too long or nested too
// deep to be a service.
func harmless(data []byte) error {
	if len(data) > maxFile {
		return fmt.Errorf("%d bytes, at most %d", len(data), maxFile)
	}
	depth, indent := 0, 0
	for line := range bytes.Lines(data) {
		indent = max(indent, len(line)-len(bytes.TrimLeft(line, " -")))
		for _, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(depth-1, 0)
			}
			if depth > maxDepth {
				return errors.New("nested too deep")
			}
		}
	}
	if indent > 4*maxDepth {
		return errors.New("nested too deep")
	}
	return nil
}

// located puts file and line before a mistake of the YAML reader.
func located(file string, err error) error {
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		return fmt.Errorf("%s:%d: %s", file, syntax.GetToken().Position.Line, syntax.GetMessage())
	}
	return fmt.Errorf("%s: %w", file, err)
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
		return def, fmt.Errorf("catalogue: %w", err)
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
			problems = append(problems, fmt.Errorf("%s: id %v, but the file is %s", file, tree["id"], id))
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
