package auditchain

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var begin = time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)

// chain makes n linked lines with words of all sorts.
func chain(r *rand.Rand, n int) []Line {
	words := []string{"", "a", "Anna Bernasconi", "più di «uno»", "case:LUG-2026-7K2M-4", `{"n":1}`, "riga\nnuova", "\u2028", "日本", "<b>&"}
	word := func() string { return words[r.IntN(len(words))] + fmt.Sprint(r.IntN(9)) }
	var out []Line
	var previous []byte
	id, at := int64(0), begin
	for i := range n {
		id += 1 + r.Int64N(3)
		at = at.Add(time.Duration(r.IntN(3_000_000)) * time.Microsecond)
		l := Line{Seq: int64(i + 1), ID: id, At: at, ActorID: word(), Actor: word(), Action: word(), Object: word(), Details: word()}
		l.Hash = l.Sum(previous)
		previous = l.Hash
		out = append(out, l)
	}
	return out
}

func anchorOf(l Line) Anchor {
	return Anchor{ID: l.Seq, Slug: "x", Seq: l.Seq, Lines: l.Seq, Hash: hex.EncodeToString(l.Hash), HeadAt: l.At, At: l.At}
}

// file writes lines and reads them back through the format.
func verify(t *testing.T, lines []Line, anchors ...Anchor) Report {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	rep, err := VerifyFile(&b, anchors)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// relink computes hashes anew from index k on, as somebody would who knows the rule.
func relink(lines []Line, k int) {
	var previous []byte
	if k > 0 {
		previous = lines[k-1].Hash
	}
	for i := k; i < len(lines); i++ {
		lines[i].Hash = lines[i].Sum(previous)
		previous = lines[i].Hash
	}
}

// Random chains, every kind of tampering, each found where it was done; what was
// not touched raises no alarm.
func TestEveryTamperingIsFoundWhereItWasDone(t *testing.T) {
	// Each returns the link at which it must show, and what kinds may be said.
	tamper := map[string]func(r *rand.Rand, l []Line) (out []Line, at int64, kinds []Kind){
		"edit a field": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l))
			for _, f := range []*string{&l[k].ActorID, &l[k].Actor, &l[k].Action, &l[k].Object, &l[k].Details}[r.IntN(5):][:1] {
				*f += "!"
			}
			return l, l[k].Seq, []Kind{Changed}
		},
		"move a word into the next field": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l))
			l[k].Action, l[k].Object = l[k].Action[:len(l[k].Action)-1], l[k].Action[len(l[k].Action)-1:]+l[k].Object
			return l, l[k].Seq, []Kind{Changed}
		},
		"edit the time": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l))
			l[k].At = l[k].At.Add(time.Microsecond)
			return l, l[k].Seq, []Kind{Changed}
		},
		"edit and relink that line": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l) - 1)
			l[k].Actor += "!"
			relink(l[:k+1], k)
			return l, l[k+1].Seq, []Kind{Changed}
		},
		"drop a line": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l) - 1)
			return slices.Delete(l, k, k+1), int64(k + 1), []Kind{Dropped}
		},
		"drop a line and close the gap": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l) - 1)
			l = slices.Delete(l, k, k+1)
			for i := k; i < len(l); i++ {
				l[i].Seq--
			}
			return l, int64(k + 1), []Kind{Changed}
		},
		"swap two lines": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l) - 1)
			l[k], l[k+1] = l[k+1], l[k]
			return l, int64(k + 1), []Kind{Dropped, Reordered}
		},
		"swap two lines and their places": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l) - 1)
			l[k], l[k+1] = l[k+1], l[k]
			l[k].Seq, l[k+1].Seq = l[k+1].Seq, l[k].Seq
			return l, int64(k + 1), []Kind{Changed}
		},
		"insert a line": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l) - 1)
			l = slices.Insert(l, k, l[k])
			l[k].Actor = "nobody"
			for i := k + 1; i < len(l); i++ {
				l[i].Seq++
			}
			relink(l[:k+1], k)
			return l, int64(k + 2), []Kind{Changed}
		},
		"repeat a line": func(r *rand.Rand, l []Line) ([]Line, int64, []Kind) {
			k := r.IntN(len(l))
			return slices.Insert(l, k, l[k]), int64(k + 1), []Kind{Reordered}
		},
	}
	r := rand.New(rand.NewPCG(1, 2))
	for name, do := range tamper {
		t.Run(name, func(t *testing.T) {
			for range 200 {
				lines := chain(r, 2+r.IntN(60))
				if rep := verify(t, lines, anchorOf(lines[r.IntN(len(lines))])); !rep.Whole() || rep.Lines != int64(len(lines)) {
					t.Fatalf("false alarm: %+v", rep)
				}
				bad, at, kinds := do(r, slices.Clone(lines))
				rep := verify(t, bad)
				if rep.Whole() || rep.Findings[0].Seq != at || !slices.Contains(kinds, rep.Findings[0].Kind) {
					t.Fatalf("of %d lines: found %+v, want %v at %d", len(lines), rep.Findings, kinds, at)
				}
			}
		})
	}
}

// What the chain itself cannot show shows against an anchor.
func TestAnchorsShowACutAndARewrittenChain(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		lines := chain(r, 3+r.IntN(60))
		k := r.IntN(len(lines) - 1)
		anchor := anchorOf(lines[k+1+r.IntN(len(lines)-k-1)])

		cut := slices.Clone(lines[:k+1])
		if rep := verify(t, cut); !rep.Whole() {
			t.Fatalf("a shorter chain is a chain: %+v", rep)
		}
		if rep := verify(t, cut, anchor); rep.Whole() || rep.Findings[0].Kind != Truncated || rep.Findings[0].Seq != int64(k+2) {
			t.Fatalf("the cut after %d is not found: %+v", k+1, rep)
		}

		anew := slices.Clone(lines)
		anew[k].Actor = "somebody else"
		relink(anew, k)
		if rep := verify(t, anew); !rep.Whole() {
			t.Fatalf("a rewritten chain holds by itself: %+v", rep)
		}
		if rep := verify(t, anew, anchor); rep.Whole() || rep.Findings[0].Kind != Rewritten || rep.Findings[0].Seq != anchor.Seq {
			t.Fatalf("the chain rewritten from %d is not found: %+v", k+1, rep)
		}
		if rep := verify(t, lines, anchor); !rep.Whole() {
			t.Fatalf("false alarm: %+v", rep)
		}
	}
}

// A line slipped into the table later is linked at the end like any other: it
// gives itself away by its age, or by having no link among old ones.
func TestALineSlippedInLaterIsFound(t *testing.T) {
	lines := chain(rand.New(rand.NewPCG(5, 6)), 30)
	last := lines[len(lines)-1]
	old := Line{Seq: last.Seq + 1, ID: last.ID + 1, At: last.At.Add(-time.Hour), Action: "cases.decided"}
	old.Hash = old.Sum(last.Hash)
	if rep := verify(t, append(slices.Clone(lines), old)); len(rep.Findings) != 1 || rep.Findings[0].Kind != Inserted || rep.Findings[0].Seq != old.Seq {
		t.Errorf("a backdated line: %+v", rep)
	}
	late := Line{Seq: last.Seq + 1, ID: last.ID + 1, At: last.At.Add(-time.Minute)}
	late.Hash = late.Sum(last.Hash)
	if rep := verify(t, append(slices.Clone(lines), late)); !rep.Whole() {
		t.Errorf("a line that committed a minute late: %+v", rep)
	}
	waiting := Line{ID: last.ID + 1, At: last.At}
	if rep := verify(t, append(slices.Clone(lines), waiting)); !rep.Whole() || rep.Unlinked != 1 {
		t.Errorf("a line of the last second: %+v", rep)
	}
	far := slices.Clone(lines)
	far[len(far)-1].ID += Lateness + 10
	relink(far, len(far)-1)
	if rep := verify(t, append(far, Line{ID: 2, At: last.At})); len(rep.Findings) != 1 || rep.Findings[0].Kind != Inserted {
		t.Errorf("an old line without a link: %+v", rep)
	}
}

// The rule, for whoever writes a reader of their own.
func TestVector(t *testing.T) {
	raw, err := os.ReadFile("testdata/vector.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	rep, err := VerifyFile(bytes.NewReader(raw), nil)
	if err != nil || !rep.Whole() || rep.Lines != 3 || rep.Unlinked != 1 {
		t.Errorf("%+v %v", rep, err)
	}
	rep, err = VerifyFile(strings.NewReader(strings.Replace(string(raw), "Anna", "Hanna", 1)), nil)
	if err != nil || rep.Whole() {
		t.Errorf("a changed vector holds: %+v %v", rep, err)
	}
}

func TestTheFileOfAnchorsIsAChainItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anchors.jsonl")
	lines := chain(rand.New(rand.NewPCG(7, 8)), 40)
	var wg sync.WaitGroup
	for w := range 4 { // several workers, some with the same anchors
		wg.Go(func() {
			for i := w; i < 40; i += 2 {
				if _, err := AppendAnchors(path, []Anchor{anchorOf(lines[i])}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := ReadAnchors(bytes.NewReader(raw))
	if err != nil || len(list) != 40 {
		t.Fatalf("%d anchors, %v", len(list), err)
	}
	if rep := verify(t, lines, list...); !rep.Whole() || rep.Anchors != 40 {
		t.Errorf("%+v", rep)
	}
	rows := strings.SplitAfter(string(raw), "\n")
	for name, bad := range map[string]string{
		"edited":    strings.Replace(string(raw), `"seq":7`, `"seq":8`, 1),
		"dropped":   strings.Join(slices.Delete(slices.Clone(rows), 5, 6), ""),
		"reordered": rows[1] + rows[0] + strings.Join(rows[2:], ""),
	} {
		if _, err := ReadAnchors(strings.NewReader(bad)); !errors.Is(err, ErrAnchors) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(raw), `"seq":7`, `"seq":8`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := AppendAnchors(path, []Anchor{{ID: 99}}); !errors.Is(err, ErrAnchors) || n != 0 {
		t.Errorf("a changed file is written on: %d %v", n, err)
	}
}

// A million lines from a file.
func BenchmarkVerifyFile(b *testing.B) {
	var file bytes.Buffer
	enc := json.NewEncoder(&file)
	for _, l := range chain(rand.New(rand.NewPCG(9, 10)), 1_000_000) {
		_ = enc.Encode(l)
	}
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		if rep, err := VerifyFile(bytes.NewReader(file.Bytes()), nil); err != nil || !rep.Whole() {
			b.Fatal(rep, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Seconds())/float64(b.N), "s/million")
}
