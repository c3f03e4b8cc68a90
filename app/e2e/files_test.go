package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// attach puts a file into a field.
func (p *person) attach(label, file string) {
	p.t.Helper()
	p.find("field", label, "")
	p.do(chromedp.SetUploadFiles(chromedp.JSPath("window.e2eTarget"), []string{file}))
}

// download follows a link to a file and returns what came.
func (p *person) download(link string) []byte {
	p.t.Helper()
	p.find("link", link, "")
	before := p.downloaded()
	p.hit(kb.Enter)
	for end := time.Now().Add(patience); time.Now().Before(end); pause() {
		for name := range p.downloaded() {
			if before[name] || strings.HasSuffix(name, ".crdownload") {
				continue
			}
			if b, err := os.ReadFile(name); err == nil && len(b) > 0 {
				return b
			}
		}
	}
	p.fatalf("no file came")
	return nil
}

func (p *person) downloaded() map[string]bool {
	names, err := filepath.Glob(filepath.Join(p.files, "*"))
	if err != nil {
		p.fatalf("%v", err)
	}
	out := map[string]bool{}
	for _, n := range names {
		out[n] = true
	}
	return out
}
