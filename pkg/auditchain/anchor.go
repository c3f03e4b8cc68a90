package auditchain

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"syscall"
	"time"
)

// Anchor is the head of a commune's chain at a moment, kept elsewhere.
type Anchor struct {
	ID     int64     `json:"id"`
	Slug   string    `json:"slug"`
	Seq    int64     `json:"seq"`
	Lines  int64     `json:"lines"`
	Hash   string    `json:"hash"`    // of the line with Seq, hexadecimal
	HeadAt time.Time `json:"head_at"` // when that line was written
	At     time.Time `json:"at"`      // when the anchor was made
}

func sorted(list []Anchor) []Anchor {
	return slices.SortedFunc(slices.Values(list), func(a, b Anchor) int { return int(a.Seq - b.Seq) })
}

// fileLine is an anchor in a file: Prev is the Sum of the line before, Sum is
// sha256 over Prev and the anchor's JSON as it stands, hexadecimal.
type fileLine struct {
	Anchor json.RawMessage `json:"anchor"`
	Prev   string          `json:"prev"`
	Sum    string          `json:"sum"`
}

func sumOf(prev string, anchor []byte) string {
	h := sha256.New()
	h.Write([]byte(prev))
	h.Write([]byte{'\n'})
	h.Write(anchor)
	return hex.EncodeToString(h.Sum(nil))
}

// ErrAnchors says that a file of anchors is not whole itself.
var ErrAnchors = errors.New("auditchain: the file of anchors was changed")

// ReadAnchors reads a file of anchors and checks its own chain. Errors:
// ErrAnchors with the line.
func ReadAnchors(r io.Reader) ([]Anchor, error) {
	list, _, err := readAnchors(r)
	return list, err
}

func readAnchors(r io.Reader) (list []Anchor, last string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var l fileLine
		var a Anchor
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, "", fmt.Errorf("%w: line %d: %w", ErrAnchors, n, err)
		}
		if l.Prev != last || l.Sum != sumOf(l.Prev, l.Anchor) {
			return nil, "", fmt.Errorf("%w: line %d", ErrAnchors, n)
		}
		if err := json.Unmarshal(l.Anchor, &a); err != nil {
			return nil, "", fmt.Errorf("%w: line %d: %w", ErrAnchors, n, err)
		}
		last, list = l.Sum, append(list, a)
	}
	return list, last, lines.Err()
}

// AppendAnchors adds to a file those anchors whose id it does not hold yet, one
// line each, and returns how many were added, once they are on the disk. Several
// processes may do so at the same time. Errors: ErrAnchors when the file is not
// whole: then nothing is added.
func AppendAnchors(path string, list []Anchor) (added int, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }() // closing gives the lock back
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return 0, err
	}
	there, last, err := readAnchors(f)
	if err != nil {
		return 0, err
	}
	known := map[int64]bool{}
	for _, a := range there {
		known[a.ID] = true
	}
	var out []byte
	for _, a := range list {
		if known[a.ID] {
			continue
		}
		body, err := json.Marshal(a)
		if err != nil {
			return 0, err
		}
		sum := sumOf(last, body)
		line, err := json.Marshal(fileLine{body, last, sum})
		if err != nil {
			return 0, err
		}
		out, last, added = append(append(out, line...), '\n'), sum, added+1
	}
	if added == 0 {
		return 0, nil
	}
	if _, err := f.Write(out); err != nil {
		return 0, err
	}
	return added, f.Sync()
}
