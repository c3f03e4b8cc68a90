package htmlcheck

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/PuerkitoBio/goquery"
)

// Values is what a browser would send for the form that css matches if the
// visitor changed nothing and pressed its first button: hidden fields, what is
// ticked and chosen, and nothing that is disabled. Files are left out.
func (p *Page) Values(css string) url.Values {
	p.t.Helper()
	form := p.Select(css).sel.First()
	values := url.Values{}
	pressed := false
	form.Find("input, select, textarea, button").Each(func(_ int, s *goquery.Selection) {
		name, _ := s.Attr("name")
		if _, disabled := s.Attr("disabled"); disabled || s.ParentsFiltered("fieldset[disabled]").Length() > 0 {
			return
		}
		node := s.Get(0)
		kind := strings.ToLower(s.AttrOr("type", ""))
		button := element(node, "button") && (kind == "" || kind == "submit") || element(node, "input") && kind == "submit"
		switch {
		case button:
			if !pressed && name != "" {
				values.Add(name, s.AttrOr("value", ""))
			}
			pressed = true
		case name == "", element(node, "button"), kind == "file", kind == "button", kind == "reset", kind == "image":
		case kind == "checkbox", kind == "radio":
			if _, ticked := s.Attr("checked"); ticked {
				values.Add(name, s.AttrOr("value", "on"))
			}
		case element(node, "select"):
			chosen(s, name, values)
		case element(node, "textarea"):
			values.Add(name, strings.TrimPrefix(s.Text(), "\n"))
		default:
			values.Add(name, s.AttrOr("value", ""))
		}
	})
	return values
}

// chosen adds the selected options; a list that takes one has its first one chosen.
func chosen(s *goquery.Selection, name string, values url.Values) {
	options := s.Find("option:not([disabled])")
	picked := options.Filter("[selected]")
	if _, many := s.Attr("multiple"); !many {
		if picked.Length() == 0 {
			picked = options.First()
		}
		picked = picked.Last()
	}
	picked.Each(func(_ int, o *goquery.Selection) {
		values.Add(name, o.AttrOr("value", squeeze(o.Text())))
	})
}

// Doer sends a request: *http.Client, or a test's own.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Submit sends the form that css matches as a browser would, with the fields in
// change put over its own, and returns the page that comes back. The test ends
// if a field in change is not on the form: a visitor could not have filled it.
func (p *Page) Submit(client Doer, css string, change url.Values) *Page {
	p.t.Helper()
	form := p.Select(css).sel.First()
	values := p.Values(css)
	for name, v := range change {
		if form.Find("[name=\""+strings.ReplaceAll(name, `"`, `\"`)+"\"]").Length() == 0 {
			p.t.Fatalf("the form %q has no field %q", css, name)
		}
		values[name] = v
	}
	target := p.resolve(form.AttrOr("action", ""))
	method := strings.ToUpper(form.AttrOr("method", http.MethodGet))
	var body io.Reader
	if method == http.MethodGet {
		target.RawQuery = values.Encode()
	} else {
		body = strings.NewReader(values.Encode())
	}
	req, err := http.NewRequestWithContext(context.Background(), method, target.String(), body)
	if err != nil {
		p.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", target.Scheme+"://"+target.Host)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	resp, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	return Response(p.t, resp)
}

// Follow opens the first link that css matches.
func (p *Page) Follow(client Doer, css string) *Page {
	p.t.Helper()
	target := p.resolve(p.AttrOf(css, "href"))
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, target.String(), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	return Response(p.t, resp)
}

func (p *Page) resolve(ref string) *url.URL {
	p.t.Helper()
	if p.URL == nil {
		p.t.Fatalf("htmlcheck: %q has no page it is relative to", ref)
	}
	u, err := p.URL.Parse(ref)
	if err != nil {
		p.t.Fatal(err)
	}
	return u
}
