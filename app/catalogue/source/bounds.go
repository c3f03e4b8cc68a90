package source

import (
	"bytes"
	"fmt"
)

// Bounds of one file, checked before anything is parsed.
const (
	maxFile  = 256 << 10 // bytes
	maxDepth = 30        // of brackets and of indentation steps
)

// Harmless refuses, before anything is parsed, what would keep a parser busy:
// files too long or nested too deep to be a service.
func Harmless(data []byte) error {
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
