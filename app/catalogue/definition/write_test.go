package definition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/tenants"
)

// again writes a tree, reads what was written and writes that: the same data,
// the same bytes.
func again(t testing.TB, what string, tree Tree) []byte {
	t.Helper()
	first, err := Write(tree)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	read, err := Read("x.yaml", first)
	if err != nil {
		t.Fatalf("%s: what was written is not read: %v\n%s", what, err, first)
	}
	if !reflect.DeepEqual(read, tree) {
		t.Fatalf("%s: read again it is other data: %v\n%s", what, overlay.Compare(tree, read), first)
	}
	second, err := Write(read)
	if err != nil || !bytes.Equal(first, second) {
		t.Fatalf("%s: other bytes: %v\n%s\n%s", what, err, first, second)
	}
	return first
}

// Export, import, export: the same bytes, for every service as it is shared and
// as each commune offers it, and for every commune's services.yaml.
func TestExportThenImportGivesTheSameBytes(t *testing.T) {
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	services := 0
	for id, tree := range shared {
		again(t, id, tree)
		services++
	}
	for _, c := range communes(t) {
		overlays, err := Overlays(tenants.FS, c.Folder)
		if err != nil {
			t.Fatal(err)
		}
		for id, says := range overlays {
			merged := overlay.Merge(shared[id], says)
			data := again(t, c.Folder+" "+id, merged)
			if !bytes.HasPrefix(data, []byte("id: "+id+"\nversion: ")) {
				t.Errorf("%s %s begins %.40q", c.Folder, id, data)
			}
			services++
		}
		first, err := WriteOverlays(overlays)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ReadOverlays("services.yaml", first)
		if err != nil || !reflect.DeepEqual(read, overlays) {
			t.Errorf("%s: %v", c.Folder, err)
		}
		if second, err := WriteOverlays(read); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s: other bytes, %v", c.Folder, err)
		}
	}
	if services < 14*2 {
		t.Errorf("only %d services", services)
	}
}

// Strings that YAML would read as something else come back as they were.
func TestWriteQuotesWhatYAMLReadsOtherwise(t *testing.T) {
	for _, s := range []string{
		"no", "Yes", "null", "~", "1e3", "0x1F", "2026-11-20", "12.50", "- a", "a: b", "a #b", "#a", " a", "a ", "", "\t", "a\tb", "@a", "`a`", "%a",
		"[a]", "{a}", "*a", "&a", "!a", "|", ">", "'a'", "\"a\"", "a\\b", "a\nb", "a\nb\n", "a\n\nb", "\na", "a\n\n", "a \nb", " a\nb", "a\r\nb", "\u0085", "a\u2028b",
		"---", "...", "?", "? a", ": a", "=", "<<", "12:30", "0o17", "+1", ".5", "1_000", "é: è", "😀", "a\u00a0b", "y", "null ", "True", "\u200b", "\ufeffa", "«ciao»", "è",
	} {
		tree := parsed(t, minimalJSON(t))
		tree["note"] = s
		tree["keywords"] = []any{s, "x"}
		tree["who"] = map[string]any{"it": s}
		tree["needs"] = []any{s, map[string]any{"it": "y"}}
		again(t, fmt.Sprintf("%q", s), tree)
	}
}

func minimalJSON(t testing.TB) string {
	t.Helper()
	read, err := Read("x.yaml", []byte(minimal("")))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// FuzzWriteThenRead writes whatever the reader takes, and reads it again.
func FuzzWriteThenRead(f *testing.F) {
	f.Add("note", "a: b", 12.5)
	f.Add("title", "due\nrighe\n", 0.05)
	f.Add("who", "no", 1e9)
	f.Fuzz(func(t *testing.T, key, words string, amount float64) {
		if strings.ToValidUTF8(words, "") != words || strings.ToValidUTF8(key, "") != key || len(words)+len(key) > 10_000 {
			return // JSON knows no such string
		}
		tree := parsed(t, minimalJSON(t))
		tree["note"] = map[string]any{"it": words, "de": key}
		tree["needs"] = []any{words, key}
		tree["keywords"] = []any{words}
		tree["examples"] = []any{map[string]any{"name": words, "today": "x", "applicant": map[string]any{}, "expect": map[string]any{},
			"answers": map[string]any{key: words, "b": []any{words, true, amount}, "c": map[string]any{key: []any{}}}}}
		first, err := Write(tree)
		if err != nil {
			t.Fatal(err)
		}
		if source.Harmless(first) != nil {
			return // too deep or long a text to be a service
		}
		again(t, "fuzz", tree)
	})
}

// What Diff says differs makes the one of the other, for every service as each
// commune offers it.
func TestDiffMakesTheOneOfTheOther(t *testing.T) {
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, c := range communes(t) {
		overlays, err := Overlays(tenants.FS, c.Folder)
		if err != nil {
			t.Fatal(err)
		}
		for id, says := range overlays {
			merged := overlay.Merge(shared[id], says)
			diff, ok := overlay.Diff(shared[id], merged)
			if !ok || !reflect.DeepEqual(overlay.Merge(shared[id], diff), merged) {
				t.Errorf("%s %s: %v", c.Folder, id, overlay.Compare(overlay.Merge(shared[id], diff), merged))
			}
			if back, ok := overlay.Diff(merged, merged); !ok || len(back) != 0 {
				t.Errorf("%s %s: %v differs from itself", c.Folder, id, back)
			}
			n++
		}
	}
	if n < 50 {
		t.Errorf("only %d services", n)
	}
}
