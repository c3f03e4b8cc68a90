package apptest_test

import (
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
)

// The demo's sample cases can be filed in a commune, once.
func TestSampleCasesAreFiledOnce(t *testing.T) {
	e := apptest.New(t)
	bellinzona := e.Tenant(t, "bellinzona")
	for range 2 {
		if err := e.SeedCases(t.Context(), bellinzona); err != nil {
			t.Fatal(err)
		}
	}
	desk := e.As(t, "bellinzona", "office-head").Get("/ufficio?vista=office", 200)
	desk.Contains("main table", "Aspetta la persona")
	if n := desk.Count("main table tbody tr"); n != 2 {
		t.Errorf("the police have %d sample cases, want 2", n)
	}
	if err := e.SeedCases(t.Context(), e.Tenant(t, "lugano")); err != nil {
		t.Fatal(err)
	}
}
