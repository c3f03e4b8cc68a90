package overlay

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// Canonical writes a tree as the one sequence of bytes that stands for it: keys
// sorted, no spaces, numbers as short as they can be. Reading and writing it again
// gives the same bytes.
func (t Tree) Canonical() ([]byte, error) {
	if t == nil {
		t = Tree{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(map[string]any(t)); err != nil {
		return nil, fmt.Errorf("overlay: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Sum is enough of a SHA-256 to tell definitions apart.
func Sum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:12])
}

// Same tells whether two trees have the same bytes.
func Same(a, b Tree) bool {
	x, err := a.Canonical()
	if err != nil {
		return false
	}
	y, err := b.Canonical()
	return err == nil && bytes.Equal(x, y)
}

// Clone copies a tree to its last leaf, so that nothing is shared.
func Clone(value any) any {
	switch v := value.(type) {
	case Tree:
		return Tree(Clone(map[string]any(v)).(map[string]any))
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = Clone(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = Clone(item)
		}
		return out
	}
	return value
}
