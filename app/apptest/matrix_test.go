package apptest_test

import (
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/web"
)

// A route nobody has said whose ids it takes, or that asks for another action
// than its row, fails the build; so does a row whose route is gone.
func TestEveryRouteStandsInTheMatrix(t *testing.T) {
	m, err := apptest.ReadMatrix()
	if err != nil {
		t.Fatal(err)
	}
	routes, err := app.Routes()
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range m.Compare(routes) {
		t.Error(wrong)
	}
	perms, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range m.Rows {
		if a := access.Action(r.Action); a != access.Public && !perms.Grants(a) {
			t.Errorf("%s: no role of the policy holds the action", r)
		}
	}
	// And it bites: a route that nobody has written down, one that became public.
	opened := append([]web.Route{{Area: web.AreaPortal, Method: "GET", Path: "/nuova/:id", Action: "cases.own"}}, routes...)
	for i, r := range opened {
		if r.Path == "/area/pratiche/:ref" {
			opened[i].Action = access.Public
		}
	}
	if got := m.Compare(opened); len(got) != 2 || !strings.Contains(got[0], "/nuova/:id") || !strings.Contains(got[1], "asks for public") {
		t.Errorf("a new route and an opened one: %q", got)
	}
}
