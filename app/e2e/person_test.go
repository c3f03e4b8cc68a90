package e2e

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed find.js
var findJS string

// patience is how long a person waits for something to appear.
const patience = 25 * time.Second

var refPattern = regexp.MustCompile(`[A-Z]{3}-\d{4}-[0-9A-Z]{4}-[0-9A-Z]`)

// person is somebody with a browser of their own: no cookie is shared.
type person struct {
	t        *testing.T
	tab      context.Context
	host     string // of the commune, or "ente"
	files    string // where downloads go
	width    int64  // of the window, in pixels
	keyboard bool   // presses and reaches everything with the keyboard alone
	noScript bool
}

// visit opens a browser of somebody whom nobody knows yet.
func visit(t *testing.T, host string) *person {
	t.Helper()
	limited, cancel := context.WithTimeout(demo.browser, 4*time.Minute)
	tab, stop := chromedp.NewContext(limited, chromedp.WithNewBrowserContext())
	t.Cleanup(func() { stop(); cancel() })
	p := &person{t: t, tab: tab, host: host, files: t.TempDir()}
	p.do(
		command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: listenJS}),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	p.resize(1280)
	download := browser.SetDownloadBehaviorParams{Behavior: browser.SetDownloadBehaviorBehaviorAllow, DownloadPath: p.files,
		BrowserContextID: chromedp.FromContext(tab).BrowserContextID}
	if _, err := chromedp.CallBrowser(tab, browser.SetDownloadBehavior, download); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			p.picture("failed-" + t.Name() + "-" + p.host)
		}
	})
	return p
}

// as opens a browser in which a persona of the demo has signed in.
func as(t *testing.T, host, persona string) *person {
	t.Helper()
	p := visit(t, host)
	p.become(persona)
	return p
}

// become signs in as a persona.
func (p *person) become(persona string) {
	p.t.Helper()
	p.open("/dev/personas")
	p.pressThe("css", "form[action$='/"+persona+"'] button", "")
}

// withoutScript turns scripts off for the rest of the visit.
func (p *person) withoutScript() {
	p.t.Helper()
	p.noScript = true
	p.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// standsAt lets the browser tell pages where it is, or not.
func (p *person) standsAt(may browser.PermissionSetting, latitude, longitude float64) {
	p.t.Helper()
	metres := 5.0
	set := browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: "geolocation"}, Setting: may, BrowserContextID: chromedp.FromContext(p.tab).BrowserContextID}
	if _, err := chromedp.CallBrowser(p.tab, browser.SetPermission, set); err != nil {
		p.fatalf("%v", err)
	}
	p.do(command(emulation.SetGeolocationOverride, emulation.SetGeolocationOverrideParams{Latitude: &latitude, Longitude: &longitude, Accuracy: &metres}))
}

// shuts closes the person's window.
func (p *person) shuts() {
	p.t.Helper()
	gone := target.CloseTargetParams{TargetID: chromedp.FromContext(p.tab).Target.TargetID}
	if _, err := chromedp.CallBrowser(p.tab, target.CloseTarget, gone); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.tab, steps...); err != nil {
		p.fatalf("%v", err)
	}
}

// command makes an action of a protocol command whose answer is of no interest.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// eval asks the page; while a page gives way to the next one it asks again.
func eval[T any](p *person, expression string, opts ...chromedp.EvaluateOption) (v T) {
	p.t.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); pause() {
		if v, err = chromedp.Run(p.tab, chromedp.Evaluate[T](expression, opts...)); err == nil {
			return v
		}
	}
	p.fatalf("%v in %.200s", err, expression)
	return v
}

func pause() { time.Sleep(25 * time.Millisecond) }

// fatalf ends the test and says what the person sees.
func (p *person) fatalf(format string, args ...any) {
	p.t.Helper()
	where, _ := chromedp.Run(p.tab, chromedp.Location())
	text, _ := chromedp.Run(p.tab, chromedp.Evaluate[string](`(document.querySelector("main") || document.body).innerText`))
	p.t.Fatalf("%s\nat %s, where one reads:\n%.2500s", fmt.Sprintf(format, args...), where, text)
}

func (p *person) resize(width int64) {
	p.t.Helper()
	p.width = width
	var opts []chromedp.EmulateViewportOption
	if width < 600 {
		opts = append(opts, chromedp.EmulateMobile)
	}
	p.do(chromedp.EmulateViewport(width, 900, opts...))
}

// open types an address of the person's host, or a whole one.
func (p *person) open(path string) {
	p.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = demo.url(p.host, path)
	}
	p.goes(func() { p.do(chromedp.Navigate(path)) })
}

// goes does something that leads to another page and waits until it is there.
func (p *person) goes(act func()) {
	p.t.Helper()
	eval[bool](p, "window.e2eOld = true")
	act()
	for end := time.Now().Add(patience); time.Now().Before(end); pause() {
		there, err := chromedp.Run(p.tab, chromedp.Evaluate[bool](`!window.e2eOld && document.readyState === "complete"`))
		if err == nil && there {
			p.look()
			return
		}
	}
	p.fatalf("no other page came")
}

func (p *person) location() string {
	p.t.Helper()
	return eval[string](p, "location.href")
}

// path is where the person is on the host.
func (p *person) path() string {
	p.t.Helper()
	return eval[string](p, "location.pathname")
}

// text is all that can be read on the page, in one line.
func (p *person) text() string {
	p.t.Helper()
	return squeeze(eval[string](p, "document.body.innerText"))
}

func squeeze(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, " ", " ")), " ")
}

// sees waits until all of it can be read on the page.
func (p *person) sees(what ...string) {
	p.t.Helper()
	for _, w := range what {
		ok := false
		for end := time.Now().Add(patience); !ok && time.Now().Before(end); pause() {
			ok = strings.Contains(p.text(), squeeze(w))
		}
		if !ok {
			p.fatalf("one does not read %q", w)
		}
	}
}

// doesNotSee fails if any of it can be read on the page now.
func (p *person) doesNotSee(what ...string) {
	p.t.Helper()
	text := p.text()
	for _, w := range what {
		if strings.Contains(text, squeeze(w)) {
			p.fatalf("one reads %q", w)
		}
	}
}

// finds opens a page again and again until something can be read on it.
func (p *person) finds(path, what string) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(150 * time.Millisecond) {
		p.open(path)
		if strings.Contains(p.text(), squeeze(what)) {
			return
		}
	}
	p.fatalf("%q never came", what)
}

// ref is the reference of a case on the page.
func (p *person) ref() string {
	p.t.Helper()
	ref := refPattern.FindString(p.text())
	if ref == "" {
		p.fatalf("no case is named")
	}
	return ref
}

// find finds a thing by what a person calls it.
func (p *person) find(kind, name, within string) {
	p.t.Helper()
	args, err := json.Marshal([]string{kind, name, within})
	if err != nil {
		p.fatalf("%v", err)
	}
	why := "?"
	for end := time.Now().Add(patience / 5); why != "" && time.Now().Before(end); pause() {
		why = eval[string](p, findJS+"(..."+string(args)+")")
	}
	if why != "" {
		p.fatalf("%s", why)
	}
}

// reach moves to the thing found: with the mouse's eye, or by Tab alone.
func (p *person) reach() {
	p.t.Helper()
	if !p.keyboard {
		eval[bool](p, "e2eTarget.focus(), e2eTarget.scrollIntoView({block: 'center', behavior: 'instant'}), true")
		return
	}
	for range 250 {
		// One of several radio buttons is reached by Tab, the others by arrows.
		at := eval[string](p, `(() => { const a = document.activeElement, t = e2eTarget;
			if (a === t) return "there";
			if (a && t.type === "radio" && a.type === "radio" && a.name === t.name && a.form === t.form) return "group";
			return ""; })()`)
		switch at {
		case "there":
			return
		case "group":
			p.do(chromedp.KeyEvent(kb.ArrowDown))
		default:
			p.do(chromedp.KeyEvent(kb.Tab))
		}
	}
	p.fatalf("%s cannot be reached by Tab", eval[string](p, "e2eTarget.outerHTML.slice(0, 200)"))
}

// hit uses the thing found: Enter or Space by keyboard, else a click where it is.
func (p *person) hit(key string) {
	p.t.Helper()
	p.reach()
	if p.keyboard {
		p.do(chromedp.KeyEvent(key))
		return
	}
	at := eval[[]float64](p, `(() => { const t = e2eTarget, label = t.labels?.[0], r = t.getClientRects()[0];
		const x = r.x + r.width / 2, y = r.y + r.height / 2, e = document.elementFromPoint(x, y);
		return e && (t.contains(e) || e.contains(t) || label?.contains(e)) ? [x, y] : []; })()`)
	if len(at) == 0 {
		p.fatalf("%s is covered", eval[string](p, "e2eTarget.outerHTML.slice(0, 200)"))
	}
	p.do(chromedp.MouseClickXY(at[0], at[1]))
}

// keys presses keys where one is.
func keys(k string) chromedp.Action[chromedp.Void] { return chromedp.KeyEvent(k) }

func (p *person) pressThe(kind, name, within string) {
	p.t.Helper()
	p.find(kind, name, within)
	p.goes(func() { p.hit(kb.Enter) })
}

// press presses a button and waits for the page it leads to.
func (p *person) press(name string) { p.t.Helper(); p.pressThe("button", name, "") }

// follow follows a link and waits for the page it leads to.
func (p *person) follow(name string) { p.t.Helper(); p.pressThe("link", name, "") }

// followIn follows a link of a row, a list item or a section with a heading.
func (p *person) followIn(within, name string) { p.t.Helper(); p.pressThe("link", name, within) }

// fill replaces what stands in a field.
func (p *person) fill(label, value string) { p.t.Helper(); p.fillIn("", label, value) }

// fillIn replaces what stands in a field of a group of fields.
func (p *person) fillIn(group, label, value string) {
	p.t.Helper()
	p.find("field", label, group)
	p.fillTarget(label, value)
}

// fillTarget replaces what stands in the field found.
func (p *person) fillTarget(label, value string) {
	p.t.Helper()
	p.reach()
	switch eval[string](p, "e2eTarget.type") {
	case "date":
		p.typeDate(value)
	case "select-one":
		p.do(chromedp.KeyEvent(value)) // as one types to find an option
		if got := eval[string](p, "e2eTarget.selectedOptions[0].textContent.trim()"); got != value {
			p.fatalf("%s says %q, not %q", label, got, value)
		}
	default:
		eval[bool](p, "e2eTarget.select(), true")
		p.do(chromedp.KeyEvent(kb.Backspace), command(input.InsertText, input.InsertTextParams{Text: value}))
	}
}

// typeDate types a day, given as 2026-12-31, the way the browser asks for it.
func (p *person) typeDate(value string) {
	p.t.Helper()
	part := strings.Split(value, "-")
	for _, keys := range []string{part[2] + part[1] + part[0], part[1] + part[2] + part[0]} {
		eval[bool](p, "e2eTarget.blur(), e2eTarget.focus(), true")
		p.do(chromedp.KeyEvent(keys))
		if eval[string](p, "e2eTarget.value") == value {
			return
		}
	}
	p.fatalf("the day %s cannot be typed: %s", value, eval[string](p, "e2eTarget.value"))
}

// reads is what stands in a field.
func (p *person) reads(label string) string {
	p.t.Helper()
	p.find("field", label, "")
	return eval[string](p, "e2eTarget.value")
}

// choose answers a question with one of its answers, or ticks a box.
func (p *person) choose(question, answer string) {
	p.t.Helper()
	p.find("choice", answer, question)
	if p.keyboard {
		p.reach()
		if !eval[bool](p, "e2eTarget.checked") {
			p.do(chromedp.KeyEvent(" "))
		}
	} else {
		p.hit("")
	}
	if !eval[bool](p, "e2eTarget.checked") {
		p.fatalf("%q cannot be chosen", answer)
	}
}

// tick ticks a box.
func (p *person) tick(label string) { p.t.Helper(); p.choose("", label) }
