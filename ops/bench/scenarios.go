package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// scenario is a page to be measured.
type scenario struct {
	name    string
	persona string // signed in as; "" for nobody
	path    string
	target  float64 // wanted share of the floor
}

// scenarios are the pages of the first targets.
var scenarios = []scenario{
	{name: "public page", path: "/servizi/certificato-domicilio", target: .7},
	{name: "home page", path: "/", target: .6},
	{name: "list of services", path: "/servizi", target: .6},
	{name: "personal page", persona: "citizen-verified", path: "/area", target: .7},
	{name: "form page", persona: "citizen-verified", path: "/servizi/suolo-occupazione-temporanea/avvia", target: .7},
}

// asker signs in if the scenario wants it and returns what makes its requests.
func (s scenario) asker(ctx context.Context, base string) (func(context.Context) (*http.Request, error), error) {
	var cookies []*http.Cookie
	if s.persona != "" {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/dev/personas/"+s.persona, strings.NewReader(""))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", base)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		resp, err := client(1).Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if cookies = resp.Cookies(); len(cookies) == 0 {
			return nil, fmt.Errorf("signing in as %s: %s and no cookie", s.persona, resp.Status)
		}
	}
	page := base + s.path
	ask := func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
		if err != nil {
			return nil, err
		}
		for _, c := range cookies {
			req.AddCookie(c)
		}
		return req, nil
	}
	// A form begins with a redirect to the draft it made: what is measured is the page.
	for range 5 {
		req, err := ask(ctx)
		if err != nil {
			return nil, err
		}
		resp, err := client(1).Do(req)
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
		next, err := resp.Location()
		if errors.Is(err, http.ErrNoLocation) {
			return ask, nil
		} else if err != nil {
			return nil, err
		}
		page = next.String()
	}
	return nil, fmt.Errorf("%s redirects again and again", base+s.path)
}
