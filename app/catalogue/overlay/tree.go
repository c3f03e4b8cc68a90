package overlay

import (
	"encoding/json"
	"fmt"
)

// Tree is a definition or an overlay as data: what is stored, merged and
// compared. It holds only JSON values.
type Tree map[string]any

// Of makes a tree of what another reader gave: nothing is an empty tree.
func Of(raw any) (Tree, error) {
	if raw == nil {
		return Tree{}, nil
	}
	data, err := json.Marshal(raw)
	if err != nil {
		return nil, fmt.Errorf("overlay: %w", err)
	}
	return Parse(data)
}

// Parse reads a tree from JSON.
func Parse(data []byte) (Tree, error) {
	tree := Tree{}
	if err := json.Unmarshal(data, &tree); err != nil {
		return nil, fmt.Errorf("overlay: %w", err)
	}
	if tree == nil { // «null»
		tree = Tree{}
	}
	return tree, nil
}
