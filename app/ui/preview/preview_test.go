// Package preview shows every page of every view in a real browser with
// invented data, and holds it to what a person may expect: no finding of axe,
// nothing wider than a phone, nothing that a strict content security policy
// refuses. SPORTELLO_PREVIEW_DIR=/tmp/x keeps the pictures.
package preview

import (
	"context"
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/theme"
)

// sample is one page with the data it is shown with.
type sample struct {
	name  string
	title string
	shell ui.Shell
	body  templ.Component
}

// brands are colours to be shown in; the first is a red commune, which acts in
// its second colour.
var brands = map[string][2]string{
	"rosso":  {"#C8102E", "#1F2A37"},
	"blu":    {"#0072BC", "#14324F"},
	"verde":  {"#0F5257", "#1C2B33"},
	"chiaro": {"#4FA9DE", "#14324F"},
}

const csp = "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// serve answers every sample at /<name>, and what the pages load.
func serve(t *testing.T, samples []sample) *httptest.Server {
	t.Helper()
	mux := frame(t)
	texts := words(t)
	for _, s := range samples {
		mux.HandleFunc("/"+s.name, func(w http.ResponseWriter, r *http.Request) { s.write(t, texts, w, r) })
	}
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

// write renders the sample the way app/web does.
func (s sample) write(t *testing.T, texts *i18n.Bundle, w http.ResponseWriter, r *http.Request) {
	lang := s.shell.Lang
	if lang == "" {
		lang = "it"
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", csp)
	ctx := templ.WithChildren(i18n.WithLang(r.Context(), texts, lang), s.body)
	if err := ui.Layout(s.shell, s.title).Render(ctx, w); err != nil {
		t.Errorf("%s: %v", s.name, err)
	}
}

// frame answers what the pages load: assets, themes, marks.
func frame(t *testing.T) *http.ServeMux {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(ui.AssetPrefix, ui.Handler())
	for name, pair := range brands {
		th, err := theme.Generate(pair[0], pair[1])
		if err != nil {
			t.Fatal(err)
		}
		sheet := th.CSS()
		mux.HandleFunc("/theme/"+name+".css", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/css")
			_, _ = w.Write([]byte(sheet))
		})
		inner := th.PreviewCSS("sp-preview")
		mux.HandleFunc("/preview/"+name+".css", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/css")
			_, _ = w.Write([]byte(inner))
		})
		mark := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="6" fill="%s"/><circle cx="32" cy="32" r="14" fill="none" stroke="#fff" stroke-width="6"/></svg>`, pair[0])
		mux.HandleFunc("/mark/"+name+".svg", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/svg+xml")
			_, _ = w.Write([]byte(mark))
		})
	}
	return mux
}

// words are the texts of pages; those of modules are not needed to look at them.
func words(t *testing.T) *i18n.Bundle {
	t.Helper()
	bundle, err := i18n.Load(os.DirFS("../../../tenants"), "shared/texts")
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

//go:embed axe_test.js
var axeRun string

// The markup is the same in every window and scheme: all rules look at it once,
// and the dark window answers for what a scheme and a width can change.
const (
	everyRule   = `["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]`
	colourRules = `["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]`
)

// view is a window of a certain width in a colour scheme.
type view struct {
	width int64
	dark  bool
	axe   string // which rules of axe, "" for none
}

func (v view) String() string {
	if v.dark {
		return fmt.Sprintf("%d-dark", v.width)
	}
	return fmt.Sprintf("%d", v.width)
}

func TestPages(t *testing.T) {
	samples := all(i18n.WithLang(t.Context(), words(t), "it"))
	srv := serve(t, samples)
	axe, err := os.ReadFile("../testdata/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	views := []view{{320, false, everyRule}, {1280, true, colourRules}}
	keep := os.Getenv("SPORTELLO_PREVIEW_DIR")
	only := os.Getenv("SPORTELLO_PREVIEW_ONLY")
	if keep != "" {
		views = append(views, view{1280, false, ""}, view{320, true, ""})
	}
	browser := start(t)
	var wg sync.WaitGroup
	for _, v := range views {
		wg.Add(1)
		go func() {
			defer wg.Done()
			tab, stop := chromedp.NewContext(browser)
			defer stop()
			script := page.AddScriptToEvaluateOnNewDocumentParams{Source: listen}
			if err := chromedp.Do(tab, command(page.AddScriptToEvaluateOnNewDocument, script)); err != nil {
				t.Error(err)
				return
			}
			for _, s := range samples {
				if only != "" && !matched(only, s.name) {
					continue
				}
				limited, cancel := context.WithTimeout(tab, 30*time.Second)
				complaints, err := look(limited, srv.URL, s, v, string(axe), keep)
				cancel()
				if err != nil {
					t.Errorf("%s %s: %v", s.name, v, err)
				}
				for _, c := range complaints {
					t.Errorf("%s %s: %s", s.name, v, c)
				}
			}
		}()
	}
	wg.Wait()
}

// start opens a headless Chromium for the length of the test.
func start(t *testing.T) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true), chromedp.Flag("hide-scrollbars", true))
	alloc, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	browser, stop := chromedp.NewContext(alloc)
	t.Cleanup(stop)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	return browser
}

// matched reports whether a name begins with one of the words of a list.
func matched(list, name string) bool {
	for word := range strings.SplitSeq(list, ",") {
		if strings.HasPrefix(name, word) {
			return true
		}
	}
	return false
}

// look opens a sample in a view and returns what is wrong with it.
func look(tab context.Context, base string, s sample, v view, axe, keep string) (complaints []string, err error) {
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	var viewport []chromedp.EmulateViewportOption
	if v.width < 600 {
		viewport = append(viewport, chromedp.EmulateMobile)
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	err = chromedp.Do(tab,
		command(emulation.SetEmulatedMedia, media),
		chromedp.EmulateViewport(v.width, 900, viewport...),
		chromedp.Navigate(base+"/"+s.name))
	if err != nil {
		return nil, err
	}
	complaints, err = chromedp.Run(tab, chromedp.Evaluate[[]string]("window.complaints"))
	if err != nil {
		return nil, err
	}
	broken, err := chromedp.Run(tab, chromedp.Evaluate[[]string](rules))
	if err != nil {
		return nil, err
	}
	complaints = append(complaints, broken...)
	if v.axe != "" {
		findings, err := chromedp.Run(tab, chromedp.Evaluate[[]string](axe+";"+axeRun+"("+v.axe+")", chromedp.EvalAwaitPromise))
		if err != nil {
			return nil, err
		}
		complaints = append(complaints, findings...)
	}
	if keep != "" {
		picture, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
		if err != nil {
			return nil, err
		}
		name := filepath.Join(keep, s.name+"-"+v.String()+".png")
		if err := os.WriteFile(name, picture, 0o600); err != nil {
			return nil, err
		}
	}
	return complaints, nil
}

// command makes an action of a protocol command whose answer is of no interest.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// listen runs before every page and collects what the browser refuses.
const listen = `window.complaints = [];
addEventListener("error", (e) => complaints.push(e.message || "cannot load " + (e.target.src || e.target.href)), true);
addEventListener("securitypolicyviolation", (e) => complaints.push("refused by the content security policy: " + e.violatedDirective + " " + e.blockedURI));`

// rules are what holds for every page of ours: nothing scrolls sideways but
// navigation, ids are unique, one main heading, one filled button.
const rules = `(() => {
  const out = [];
  const w = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > w) {
    const e = [...document.body.querySelectorAll("*")].find((e) => {
      const r = e.getBoundingClientRect();
      return r.right > w + 1 && r.width > 0 && !e.closest(".sp-hero, .sp-tabs, .sp-side, .ds-sr-only, thead");
    });
    out.push("wider than the window: " + (e ? e.outerHTML.slice(0, 200) : document.documentElement.scrollWidth));
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) out.push("id twice: " + id);
  const headings = document.querySelectorAll("h1").length;
  if (headings !== 1) out.push(headings + " main headings");
  const filled = [...document.querySelectorAll("main .ds-button")].filter((b) => !b.closest("[inert]") && ["", "primary"].includes(b.dataset.variant || ""));
  if (filled.length > 1) out.push(filled.length + " filled buttons: " + filled.map((b) => b.textContent.trim()).join(", "));
  for (const a of document.querySelectorAll('a[href^="#"]')) if (!document.getElementById(a.hash.slice(1))) out.push("leads nowhere: " + a.outerHTML.slice(0, 120));
  for (const e of document.querySelectorAll("[aria-describedby], [aria-labelledby], label[for]"))
    for (const id of ((e.getAttribute("aria-describedby") || "") + " " + (e.getAttribute("aria-labelledby") || "") + " " + (e.getAttribute("for") || "")).trim().split(/\s+/))
      if (!document.getElementById(id)) out.push("names nothing: " + id + " in " + e.outerHTML.slice(0, 120));
  return out;
})()`
