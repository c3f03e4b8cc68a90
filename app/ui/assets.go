package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed assets
var assetFS embed.FS

// AssetPrefix is where Handler is mounted.
const AssetPrefix = "/assets/"

// asset is one file as it is sent.
type asset struct {
	contentType string
	plain       []byte
	gzipped     []byte // nil where it would save nothing
}

var assets, assetHash = loadAssets()

// loadAssets reads every embedded file and derives one hash over all of them,
// so that a sheet may name its font by a relative address.
func loadAssets() (map[string]asset, string) {
	files := map[string]asset{}
	sum := sha256.New()
	err := fs.WalkDir(assetFS, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := assetFS.ReadFile(name)
		if err != nil {
			return err
		}
		_, _ = sum.Write([]byte(name))
		_, _ = sum.Write(data)
		kind := contentType(name)
		if kind == "" {
			return nil // licences and the manifest are kept, not served
		}
		a := asset{contentType: kind, plain: data}
		if strings.HasPrefix(kind, "text/") {
			a.gzipped = compress(data)
		}
		files[strings.TrimPrefix(name, "assets/")] = a
		return nil
	})
	if err != nil {
		panic("ui: embedded files cannot be read: " + err.Error())
	}
	return files, hex.EncodeToString(sum.Sum(nil))[:16]
}

// contentType is said here and not asked of the machine, whose table may differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	}
	return ""
}

func compress(data []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(data)
	_ = w.Close() // a bytes.Buffer does not fail
	return b.Bytes()
}

// AssetURL is the address of an embedded file, such as "sportello.css". The
// address changes with the content, so the answer may be kept for ever. A name
// that does not exist is a mistake in a page and panics, in the first test
// that renders it.
func AssetURL(name string) string {
	if _, ok := assets[name]; !ok {
		panic("ui: no asset " + name)
	}
	return AssetPrefix + assetHash + "/" + name
}

// ContentHash is the short hash for addresses of other files that may be kept
// for ever, such as a commune's theme or mark.
func ContentHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])[:16]
}

// Handler serves the embedded files below AssetPrefix. Under today's hash the
// answer is immutable; under another (a page from before a release) the same
// file is sent to be asked for again.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, AssetPrefix), "/")
		a, ok := assets[name]
		if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.contentType)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-cache")
		if hash == assetHash {
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		body := a.plain
		if a.gzipped != nil {
			h.Set("Vary", "Accept-Encoding")
			if acceptsGzip(r) {
				h.Set("Content-Encoding", "gzip")
				body = a.gzipped
			}
		}
		_, _ = w.Write(body) // the visitor went away: nothing to do
	})
}

func acceptsGzip(r *http.Request) bool {
	list := strings.Split(r.Header.Get("Accept-Encoding"), ",")
	return slices.ContainsFunc(list, func(e string) bool {
		coding, weight, _ := strings.Cut(strings.TrimSpace(e), ";")
		return coding == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0"
	})
}
