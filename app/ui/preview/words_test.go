package preview

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	asked  = regexp.MustCompile(`i18n\.([TN])\(ctx, "([a-z0-9_.-]+[a-z0-9_-])"`)
	banned = regexp.MustCompile(`(?i)\b(residenz[ae]|modul[oi]|anagraf[ei]|codice fiscale|carta d.identità elettronica|SPID|PEC|TARI)\b`)
)

// TestEveryWordExists reads the views and finds words that no text file has.
func TestEveryWordExists(t *testing.T) {
	bundle := words(t)
	var files []string
	for _, pattern := range []string{"../*.templ", "../*.go", "../../*/view/*.templ", "../../*/view/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 20 {
		t.Fatalf("only %d files found", len(files))
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_templ.go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range asked.FindAllStringSubmatch(string(data), -1) {
			keys := []string{m[2]}
			if m[1] == "N" {
				keys = []string{m[2] + ".one", m[2] + ".other"}
			}
			for _, key := range keys {
				if _, ok := bundle.Text("it", key); !ok {
					t.Errorf("%s asks for %q, which no text says", name, key)
				}
			}
		}
	}
}

// TestWordsOfTicino finds words that other countries' desks use, keys that
// Italian lacks, and the ß that Switzerland does not write.
func TestWordsOfTicino(t *testing.T) {
	bundle := words(t)
	for _, key := range bundle.Keys("it") {
		if text, _ := bundle.Text("it", key); banned.MatchString(text) {
			t.Errorf("%s: %q", key, text)
		}
	}
	for _, lang := range []string{"de", "fr", "en"} {
		for _, key := range bundle.Unknown(lang) {
			t.Errorf("%s has %s, Italian has not", lang, key)
		}
		for _, key := range bundle.Keys(lang) {
			if text, _ := bundle.Text(lang, key); strings.Contains(text, "ß") {
				t.Errorf("%s %s: %q", lang, key, text)
			}
		}
	}
}
