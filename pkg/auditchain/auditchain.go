// Package auditchain reads a commune's audit and says whether anybody has
// edited, dropped, inserted or reordered a line, cut the end off, or written
// the whole chain anew. It knows the format of a line and the rule of its hash,
// and nothing else of the product: the rule stands in ops/docs/decisions/audit.md,
// so that a stranger can write such a reader too.
//
// The chain alone shows changes to single lines. Whoever can write all of it
// can make it anew: that shows only against anchors, heads of the chain that
// were kept elsewhere.
package auditchain

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Line is one line of an audit with its place in the chain: one line of an
// exported file (JSON, UTF-8). Seq is 0 and Hash empty for a line that is not
// linked yet.
type Line struct {
	Seq     int64
	ID      int64
	At      time.Time // to the microsecond
	ActorID string
	Actor   string
	Action  string
	Object  string
	Details string
	Hash    []byte
	// Missing tells that there is a link to this id but no such line.
	Missing bool
}

// timeFormat is how a time enters the hash and the file: UTC, six digits.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// Sum is the hash of a line that follows a line with the hash previous (nil for
// the first): sha256 over previous, id, time, actor_id, actor, action, object
// and details, each preceded by its length in bytes as eight bytes, big end
// first; id is eight bytes, big end first, the time is its text.
func (l Line) Sum(previous []byte) []byte {
	var stack [512]byte
	b := stack[:0]
	put := func(n int) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	put(len(previous))
	b = append(b, previous...)
	put(8)
	b = binary.BigEndian.AppendUint64(b, uint64(l.ID))
	put(len(timeFormat))
	b = l.At.UTC().AppendFormat(b, timeFormat)
	for _, s := range [...]string{l.ActorID, l.Actor, l.Action, l.Object, l.Details} {
		put(len(s))
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// wire is a line as it stands in a file.
type wire struct {
	Seq     int64  `json:"seq,omitempty"`
	ID      int64  `json:"id"`
	At      string `json:"at"`
	ActorID string `json:"actor_id"`
	Actor   string `json:"actor"`
	Action  string `json:"action"`
	Object  string `json:"object"`
	Details string `json:"details"`
	Hash    string `json:"hash,omitempty"`
}

// MarshalJSON writes the line of a file.
func (l Line) MarshalJSON() ([]byte, error) {
	return json.Marshal(wire{l.Seq, l.ID, l.At.UTC().Format(timeFormat), l.ActorID, l.Actor, l.Action, l.Object, l.Details, hex.EncodeToString(l.Hash)})
}

// UnmarshalJSON reads it.
func (l *Line) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	at, err := time.Parse(timeFormat, w.At)
	if err != nil {
		return fmt.Errorf("at: %w", err)
	}
	hash, err := hex.DecodeString(w.Hash)
	if err != nil {
		return fmt.Errorf("hash: %w", err)
	}
	*l = Line{Seq: w.Seq, ID: w.ID, At: at, ActorID: w.ActorID, Actor: w.Actor, Action: w.Action, Object: w.Object, Details: w.Details, Hash: hash}
	return nil
}

// Kind is what was found.
type Kind string

// What can be wrong.
const (
	Changed   Kind = "changed"   // a line or its place is not what was linked
	Dropped   Kind = "dropped"   // a link or a line is missing
	Reordered Kind = "reordered" // a line stands before one it follows, or twice
	Inserted  Kind = "inserted"  // a line that was slipped in among old ones
	Truncated Kind = "truncated" // the chain ends before an anchor
	Rewritten Kind = "rewritten" // the chain is whole, and not the one that was anchored
)

// Finding is one thing that is wrong, and where.
type Finding struct {
	Seq  int64  `json:"seq"`
	ID   int64  `json:"id,omitempty"`
	Kind Kind   `json:"kind"`
	Why  string `json:"why"`
}

// Report is the outcome of reading a chain.
type Report struct {
	Lines    int64     `json:"lines"`    // linked lines that were read
	Unlinked int64     `json:"unlinked"` // lines that wait for their link: normally those of the last second
	Head     int64     `json:"head"`     // seq of the last link
	Anchors  int       `json:"anchors"`  // anchors that were compared
	Findings []Finding `json:"findings"` // in the order of the chain; at most a hundred
	More     int64     `json:"more"`     // findings beyond those
}

// Whole reports whether nothing is wrong.
func (r Report) Whole() bool { return len(r.Findings) == 0 }

// maxFindings bounds a report: a chain that was cut in the middle is wrong in
// one place, not in a million.
const maxFindings = 100

// Lateness is how far behind the newest linked id an unlinked line may lie: ids
// are given when a line is written, transactions commit in another order. An
// older line without a link will never get one.
const Lateness = 10_000

// Backdated is how far a line may lie before the newest one ahead of it in the
// chain. Lines are linked within seconds of being written; an older one was
// slipped in later.
const Backdated = 10 * time.Minute

// Verifier reads a chain line by line.
type Verifier struct {
	report   Report
	previous []byte
	seq      int64
	newestID int64
	newestAt time.Time
	anchors  []Anchor
}

// NewVerifier compares with anchors of the same commune, in any order; nil for
// none.
func NewVerifier(anchors []Anchor) *Verifier {
	v := &Verifier{anchors: sorted(anchors)}
	v.report.Anchors = len(anchors)
	return v
}

func (v *Verifier) found(seq, id int64, kind Kind, why string) {
	if len(v.report.Findings) == maxFindings {
		v.report.More++
		return
	}
	v.report.Findings = append(v.report.Findings, Finding{seq, id, kind, why})
}

// Add takes the next line, in the order of the chain, unlinked ones last.
func (v *Verifier) Add(l Line) {
	if l.Seq == 0 {
		v.report.Unlinked++
		if l.ID <= v.newestID-Lateness {
			v.found(0, l.ID, Inserted, "a line without a link stands among lines that have theirs")
		}
		return
	}
	v.report.Lines++
	switch {
	case l.Seq <= v.seq:
		v.found(l.Seq, l.ID, Reordered, fmt.Sprintf("link %d stands after link %d", l.Seq, v.seq))
		return // measured against nothing: its place is wrong
	case l.Seq > v.seq+1:
		v.found(v.seq+1, 0, Dropped, fmt.Sprintf("links %d to %d are missing", v.seq+1, l.Seq-1))
	}
	follows := l.Seq == v.seq+1
	v.seq = l.Seq
	switch {
	case l.Missing:
		v.found(l.Seq, l.ID, Dropped, "the line was deleted, its link is there")
	case follows && string(l.Hash) != string(l.Sum(v.previous)):
		v.found(l.Seq, l.ID, Changed, "this line, or the one before it, is not the one that was linked")
	case !l.At.After(v.newestAt.Add(-Backdated)) && !v.newestAt.IsZero():
		v.found(l.Seq, l.ID, Inserted, "the line says that it is older than those before it")
	}
	if !l.Missing && l.At.After(v.newestAt) {
		v.newestAt = l.At
	}
	v.newestID = max(v.newestID, l.ID)
	v.previous = l.Hash
	for len(v.anchors) > 0 && v.anchors[0].Seq <= l.Seq {
		if a := v.anchors[0]; a.Seq == l.Seq && a.Hash != hex.EncodeToString(l.Hash) {
			v.found(l.Seq, l.ID, Rewritten, "the anchor of "+a.At.UTC().Format(time.RFC3339)+" names another hash for this line")
		}
		v.anchors = v.anchors[1:]
	}
}

// End says what was found.
func (v *Verifier) End() Report {
	for _, a := range v.anchors {
		v.found(v.seq+1, 0, Truncated, fmt.Sprintf("the anchor of %s says that link %d was there; the chain ends at %d", a.At.UTC().Format(time.RFC3339), a.Seq, v.seq))
	}
	v.report.Head = v.seq
	return v.report
}
