package e2e

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/chromedp/chromedp"
)

var (
	//go:embed rules.js
	rulesJS string
	axeJS   = sync.OnceValues(func() (string, error) {
		b, err := os.ReadFile("../ui/testdata/axe.min.js")
		return string(b), err
	})
)

// everyRule is asked at the first width; the other answers for what a width
// can change.
const (
	everyRule = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	widthRule = `["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]`
)

// axeRun asks axe for some rules and returns one line per finding.
const axeRun = `((only) => axe.run(document, {runOnly: only, resultTypes: ["violations"]})
	.then((r) => r.violations.map((v) => "axe " + v.id + " (" + v.help + ") at " +
		v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message || "")).join(" | "))))`

// listenJS runs before every page and collects what the browser refuses.
const listenJS = `window.e2eComplaints = [];
addEventListener("error", (e) => e2eComplaints.push(e.message || "cannot load " + (e.target.src || e.target.href)), true);
addEventListener("securitypolicyviolation", (e) => e2eComplaints.push("refused by the content security policy: " + e.violatedDirective + " " + e.blockedURI));`

// templates are the pages that axe has seen already.
var templates struct {
	sync.Map
	number atomic.Int32
}

var varying = regexp.MustCompile(`/area/bozze/[0-9a-f-]{36}/[a-z0-9_-]+|[A-Z]{3}-\d{4}-[0-9A-Z]{4}-[0-9A-Z]|/[0-9a-f]{8}-[0-9a-f-]{27}|/v/[0-9A-Z-]+|/\d[\d.T]+|/(?:servizi|comuni)/[a-z-]+`)

var ids = regexp.MustCompile(`/[0-9a-f]{8}-[0-9a-f-]{27}`)

// shapeJS tells which components a page is made of.
const shapeJS = `[...new Set([...document.querySelectorAll("main, main *")].map((e) => e.localName + "." + [...e.classList].sort().join(".") + "." + (e.type || "") + (e.dataset.color || "")))].sort().join(" ")`

// look holds the page to the rules, and the first time a page of this kind is
// met, at both widths and with axe.
func (p *person) look() {
	p.t.Helper()
	where, width := p.location(), p.width
	p.complain(where, strconv.FormatInt(width, 10), eval[[]string](p, rulesJS))
	if p.noScript {
		return
	}
	u, err := url.Parse(where)
	if err != nil {
		p.fatalf("%v", err)
	}
	host, _, _ := strings.Cut(u.Hostname(), ".")
	if host != "ente" && host != "127" && host != "localhost" {
		host = "comune"
	}
	path := varying.ReplaceAllString(u.Path, "…")
	shape := sha256.Sum256([]byte(eval[string](p, shapeJS)))
	key := fmt.Sprintf("%s%s %x", host, path, shape[:6])
	if _, met := templates.LoadOrStore(key, true); met {
		return
	}
	axe, err := axeJS()
	if err != nil {
		p.fatalf("%v", err)
	}
	name := fmt.Sprintf("%03d-%s", templates.number.Add(1), strings.NewReplacer("/", "_", "…", "").Replace(host+ids.ReplaceAllString(u.Path, "")))
	p.resize(1280)
	p.complain(where, "1280", eval[[]string](p, axe+";"+axeRun+"("+everyRule+")", chromedp.EvalAwaitPromise))
	p.picture(name + "-1280")
	p.resize(320)
	p.complain(where, "320", eval[[]string](p, rulesJS))
	p.complain(where, "320", eval[[]string](p, "typeof axe == 'undefined' ? [] : "+axeRun+"("+widthRule+")", chromedp.EvalAwaitPromise))
	p.picture(name + "-320")
	p.resize(width)
}

func (p *person) complain(where, width string, complaints []string) {
	p.t.Helper()
	for _, c := range complaints {
		p.t.Errorf("%s at %s pixels: %s", where, width, c)
	}
}

// picture keeps what the page looks like when somebody wants to see it.
func (p *person) picture(name string) {
	dir := os.Getenv("SPORTELLO_E2E_SHOTS")
	if dir == "" {
		return
	}
	shot, err := chromedp.Run(p.tab, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".png"), shot, 0o600)
	}
	if err != nil {
		p.t.Logf("no picture of %s: %v", name, err)
	}
}
