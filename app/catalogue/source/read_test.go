package source

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// sample has a value of every form, and holds itself as groups hold fields.
type sample struct {
	ID     string            `json:"id"`
	Title  i18n.Text         `json:"title"`
	Level  int               `json:"level"`
	Share  float64           `json:"share"`
	Open   bool              `json:"open"`
	Price  Francs            `json:"price"`
	Tags   []string          `json:"tags"`
	Fees   map[string]Francs `json:"fees"`
	Parts  []sample          `json:"parts"`
	Any    any               `json:"any"`
	Limits map[string]any    `json:"limits"`
}

var sampleShape = ShapeOf(reflect.TypeFor[sample](), nil)

const written = `id: prova
title:
  it: Prova
  de: Probe
level: 3
share: 0.25
open: true
price: 12.50
tags: [a, "no", "1"]
fees:
  base: 20.00
parts:
  - id: uno
    title: |
      due
      righe
any:
  x: [1, true, null]
`

func TestReadAndWriteTheSameBytes(t *testing.T) {
	tree, err := Read("x.yaml", []byte(written), sampleShape)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Write(tree, sampleShape)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Read("x.yaml", out, sampleShape)
	if err != nil || !reflect.DeepEqual(back, tree) {
		t.Fatalf("%v\n%s", err, out)
	}
	for want, wrong := range map[string]string{
		"x.yaml:5:8: level":    strings.Replace(written, "level: 3", "level: tre", 1),
		"parts.uno.titel":      strings.Replace(written, "    title: |", "    titel: |", 1),
		"did you mean":         strings.Replace(written, "open:", "opem:", 1),
		"already defined":      written + "id: due\n",
		"aliases are not":      written + "limits: {a: &x 1, b: *x}\n",
		"an amount in francs ": strings.Replace(written, "12.50", "12.505", 1),
	} {
		if _, err := Read("x.yaml", []byte(wrong), sampleShape); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// size counts what a tree holds.
func size(value any) int {
	n := 1
	switch v := value.(type) {
	case overlay.Tree:
		return size(map[string]any(v))
	case map[string]any:
		for key, inner := range v {
			n += len(key) + size(inner)
		}
	case []any:
		for _, inner := range v {
			n += size(inner)
		}
	case string:
		n += len(v)
	}
	return n
}

// FuzzRead: no file makes the reader panic, nor hold more than some multiple of
// the bytes it was given; of every mistake it says what to do on one line; and
// what it reads is written so that it is read again as the same bytes.
func FuzzRead(f *testing.F) {
	f.Add([]byte(written))
	f.Add([]byte("id: &a [x]\nany: *a\n"))
	f.Add([]byte("any: {? {a: 1} : b}\n"))
	files, err := filepath.Glob("../../../tenants/shared/services/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no services to begin with")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) > 6000 {
			continue // mutations of long files are slow and find nothing more
		}
		f.Add(append([]byte("any:\n  "), bytes.ReplaceAll(data, []byte("\n"), []byte("\n  "))...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// Work is counted, not timed: a reader that goes over its input again and
		// again asks for memory again and again.
		allocs := testing.AllocsPerRun(1, func() { _, _ = Read("f.yaml", data, sampleShape) }) //nolint:errcheck // counted alone
		if most := 60*float64(len(data)) + 2000; allocs > most {
			t.Fatalf("%.0f pieces of memory for %d bytes, at most %.0f", allocs, len(data), most)
		}
		tree, err := Read("f.yaml", data, sampleShape)
		if err != nil {
			found := MistakesOf(err)
			if len(found) == 0 || len(found) > mostMistakes {
				t.Fatalf("%d mistakes: %v", len(found), err)
			}
			for _, m := range found {
				if m.Do == "" || strings.ContainsRune(m.Error(), '\n') {
					t.Fatalf("no advice, or more than one line: %q", m.Error())
				}
			}
			return
		}
		if n := size(tree); n > 4*len(data)+64 {
			t.Fatalf("%d bytes were unfolded into %d", len(data), n)
		}
		first, err := Write(tree, sampleShape)
		if err != nil {
			t.Fatal(err)
		}
		if Harmless(first) != nil {
			return // written out it is too long or deep to be a service
		}
		back, err := Read("f.yaml", first, sampleShape)
		if err != nil {
			t.Fatalf("what was written is not read: %v\n%s", err, first)
		}
		if !reflect.DeepEqual(back, tree) {
			t.Fatalf("read again it is other data:\n%v\n%v\n%s", tree, back, first)
		}
		if second, err := Write(back, sampleShape); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("other bytes: %v\n%s\n%s", err, first, second)
		}
	})
}
