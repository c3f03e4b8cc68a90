// Package htmlcheck asserts what a page says by selectors, not by comparing the
// whole: a test that knows the heading, the links and the fields survives a new
// layout. A failed assertion fails the test and shows what was there instead.
package htmlcheck

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// Page is a parsed page, or a part of one.
type Page struct {
	t   testing.TB
	sel *goquery.Selection
	// Status and URL are those of the answer; zero for a page that was parsed only.
	Status int
	URL    *url.URL
}

// Parse reads a page. HTML that a browser would have to mend is not noticed.
func Parse(t testing.TB, r io.Reader) *Page {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(r)
	if err != nil {
		t.Fatalf("htmlcheck: %v", err)
	}
	return &Page{t: t, sel: doc.Selection}
}

// Response reads the page in an answer and closes its body.
func Response(t testing.TB, resp *http.Response) *Page {
	t.Helper()
	defer resp.Body.Close()
	p := Parse(t, resp.Body)
	p.Status = resp.StatusCode
	if resp.Request != nil {
		p.URL = resp.Request.URL
	}
	return p
}

// Select returns the part that css matches, or the parts; none ends the test.
func (p *Page) Select(css string) *Page {
	p.t.Helper()
	found := p.sel.Find(css)
	if found.Length() == 0 {
		p.t.Fatalf("nothing matches %q in:\n%s", css, p.outline())
	}
	return &Page{t: p.t, sel: found, Status: p.Status, URL: p.URL}
}

// Count is how many elements css matches.
func (p *Page) Count(css string) int { return p.sel.Find(css).Length() }

// None fails the test if css matches anything.
func (p *Page) None(css string) {
	p.t.Helper()
	if found := p.sel.Find(css); found.Length() > 0 {
		p.t.Errorf("%q matches %d elements, want none; the first: %s", css, found.Length(), show(found.First()))
	}
}

// Text is the text of what css matches, runs of white space made one blank.
func (p *Page) Text(css string) string {
	p.t.Helper()
	return squeeze(p.Select(css).sel.Text())
}

// Texts is the text of each element that css matches.
func (p *Page) Texts(css string) []string {
	var texts []string
	p.sel.Find(css).Each(func(_ int, s *goquery.Selection) { texts = append(texts, squeeze(s.Text())) })
	return texts
}

// Contains fails the test unless some element that css matches holds the text.
func (p *Page) Contains(css, text string) {
	p.t.Helper()
	for _, got := range p.Texts(css) {
		if strings.Contains(got, text) {
			return
		}
	}
	p.t.Errorf("no %q contains %q; they say %q", css, text, p.Texts(css))
}

// Attr fails the test unless some element that css matches has the attribute
// with this value.
func (p *Page) Attr(css, name, value string) {
	p.t.Helper()
	var got []string
	for _, node := range p.Select(css).sel.Nodes {
		for _, a := range node.Attr {
			if a.Key != name {
				continue
			}
			if a.Val == value {
				return
			}
			got = append(got, a.Val)
		}
	}
	p.t.Errorf("no %q has %s=%q; they have %q", css, name, value, got)
}

// AttrOf is an attribute of the first element that css matches; "" if it has none.
func (p *Page) AttrOf(css, name string) string {
	p.t.Helper()
	value, _ := p.Select(css).sel.First().Attr(name)
	return value
}

// outline is what a failed test shows of a page: its text, shortened.
func (p *Page) outline() string {
	text := squeeze(p.sel.Find("body").Text())
	if text == "" {
		text = squeeze(p.sel.Text())
	}
	if r := []rune(text); len(r) > 800 {
		text = string(r[:800]) + " …"
	}
	return text
}

func show(s *goquery.Selection) string {
	out, err := goquery.OuterHtml(s)
	if err != nil {
		return err.Error()
	}
	return out
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

// element tells whether a node is one of the named elements.
func element(n *html.Node, names ...string) bool {
	for _, name := range names {
		if n.Type == html.ElementNode && n.Data == name {
			return true
		}
	}
	return false
}
