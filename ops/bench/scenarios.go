package main

import (
	"context"
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
	return func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+s.path, nil)
		if err != nil {
			return nil, err
		}
		for _, c := range cookies {
			req.AddCookie(c)
		}
		return req, nil
	}, nil
}
