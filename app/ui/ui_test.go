package ui_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// TestVendoredFilesAreThoseOfTheManifest compares every file that others wrote
// with its noted checksum, and finds files that nobody noted.
func TestVendoredFilesAreThoseOfTheManifest(t *testing.T) {
	data, err := os.ReadFile("assets/vendor/MANIFEST.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Packages []struct {
			Name, Version, Licence string
			Files                  []struct{ From, To, SHA256 string }
		}
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	noted := map[string]bool{"assets/vendor/MANIFEST.json": true, "icons/LICENSE": true}
	for _, p := range manifest.Packages {
		if p.Name == "" || p.Version == "" || p.Licence == "" {
			t.Errorf("package %+v lacks name, version or licence", p)
		}
		for _, f := range p.Files {
			noted[f.To] = true
			data, err := os.ReadFile(f.To)
			if err != nil {
				t.Error(err)
				continue
			}
			sum := sha256.Sum256(data)
			if got := hex.EncodeToString(sum[:]); got != f.SHA256 {
				t.Errorf("%s of %s %s has checksum %s, want %s", f.To, p.Name, p.Version, got, f.SHA256)
			}
		}
	}
	for _, pattern := range []string{"assets/vendor/*", "icons/*"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			if !noted[name] {
				t.Errorf("%s is not in the manifest", name)
			}
		}
	}
}

func TestHandler(t *testing.T) {
	get := func(method, target, encoding string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, target, nil)
		r.Header.Set("Accept-Encoding", encoding)
		w := httptest.NewRecorder()
		ui.Handler().ServeHTTP(w, r)
		return w
	}
	sheet := ui.AssetURL("sportello.css")
	tests := []struct {
		name, method, target, encoding string
		status                         int
		cache, coding                  string
	}{
		{"today's sheet", "GET", sheet, "", 200, "public, max-age=31536000, immutable", ""},
		{"packed", "GET", sheet, "br, gzip", 200, "public, max-age=31536000, immutable", "gzip"},
		{"packing refused", "GET", sheet, "gzip;q=0", 200, "public, max-age=31536000, immutable", ""},
		{"a font is packed already", "GET", ui.AssetURL("vendor/hanken-grotesk-latin-wght-normal.woff2"), "gzip", 200, "public, max-age=31536000, immutable", ""},
		{"a page from before the release", "GET", "/assets/0123456789abcdef/sportello.css", "", 200, "no-cache", ""},
		{"unknown", "GET", "/assets/x/nothing.css", "", 404, "", ""},
		{"the manifest is not served", "GET", strings.Replace(sheet, "sportello.css", "vendor/MANIFEST.json", 1), "", 404, "", ""},
		{"no way up", "GET", "/assets/x/../ui.go", "", 404, "", ""},
		{"writing", "POST", sheet, "", 404, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := get(tt.method, tt.target, tt.encoding)
			if w.Code != tt.status || w.Header().Get("Cache-Control") != tt.cache || w.Header().Get("Content-Encoding") != tt.coding {
				t.Errorf("got %d %v", w.Code, w.Header())
			}
			if tt.status == http.StatusOK && w.Body.Len() == 0 {
				t.Error("empty answer")
			}
		})
	}
}

// TestSheetsNameOnlyFilesThatExist follows the addresses in our own sheet.
func TestSheetsNameOnlyFilesThatExist(t *testing.T) {
	css, err := os.ReadFile("assets/sportello.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(css), `url("`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if _, err := os.Stat("assets/" + name); err != nil {
			t.Errorf("sportello.css asks for %s: %v", name, err)
		}
	}
}

func TestLangURL(t *testing.T) {
	for path, want := range map[string]string{
		"/":                         "/?lang=de",
		"/servizi?q=cane":           "/servizi?lang=de&q=cane",
		"/servizi?lang=fr&q=a%26b":  "/servizi?lang=de&q=a%26b",
		"/servizi?q=%zz":            "/servizi?lang=de",
		"/v/abc?lang=it&lang=en#xy": "/v/abc?lang=de",
	} {
		if got := (ui.Shell{Path: path}).LangURL("de"); got != want {
			t.Errorf("LangURL(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestTelURL(t *testing.T) {
	if got := ui.TelURL("+41 58 866 60 00"); got != "tel:+41588666000" {
		t.Error(got)
	}
}

// TestFieldsKeepWhatWasTyped renders every kind with a value and an error: the
// value comes back, the error is tied to the control, a password never is.
func TestFieldsKeepWhatWasTyped(t *testing.T) {
	ctx := words(t)
	for _, kind := range []ui.Kind{ui.Text, ui.Email, ui.Phone, ui.Code, ui.Textarea, ui.Number, ui.Money, ui.Date, ui.Period, ui.Place, ui.Password} {
		var b strings.Builder
		f := ui.Input{Kind: kind, Name: "a.b", Label: "Nome", Help: "Aiuto", Value: "typed-1", Error: "Manca il nome"}
		if err := ui.Field(f).Render(ctx, &b); err != nil {
			t.Fatal(err)
		}
		html := b.String()
		if got := strings.Contains(html, "typed-1"); got == (kind == ui.Password) {
			t.Errorf("%s: value shown is %v in %s", kind, got, html)
		}
		for _, want := range []string{`id="f-a-b"`, `f-a-b-e`, "Manca il nome", `aria-invalid="true"`, "(facoltativo)"} {
			if !strings.Contains(html, want) {
				t.Errorf("%s lacks %s: %s", kind, want, html)
			}
		}
	}
}

// TestTextsAreEscaped puts markup into words that come from people.
func TestTextsAreEscaped(t *testing.T) {
	var b strings.Builder
	err := ui.Rows([]ui.Row{{Title: "<script>alert(1)</script>", URL: "/x", Note: `"><img src=x>`}}, "").Render(words(t), &b)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<script>") || strings.Contains(b.String(), "<img") {
		t.Error(b.String())
	}
}

// words is a context with the texts of pages, in Italian.
func words(t *testing.T) context.Context {
	t.Helper()
	data, err := os.ReadFile("../../tenants/shared/texts/it/pages.yaml")
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := i18n.Load(fstest.MapFS{"texts/it/pages.yaml": {Data: data}}, "texts")
	if err != nil {
		t.Fatal(err)
	}
	return i18n.WithLang(context.Background(), bundle, "it")
}
