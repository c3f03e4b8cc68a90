package apptest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// A case that moves to another version of its service keeps the place it was given,
// in the pot it was drawn from, and is judged with enough left: what it holds is its
// own, although nothing is left for anybody else.
func TestACaseThatMovesKeepsItsPlace(t *testing.T) {
	e := apptest.New(t)
	tenant := e.Tenant(t, "bellinzona")
	if err := e.SeedCases(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	const service = "suolo-occupazione-temporanea"
	var ref, before string
	if err := e.DB.In(t.Context(), tenant, func(tx *tenancy.Tx) error {
		if err := tx.QueryRow("select ref from cases where state = 'received' and service_id = $1 limit 1", service).Scan(&ref); err != nil {
			return err
		}
		return tx.QueryRow(`update cases set outcome = jsonb_set(outcome, '{pot}', '{"key": "piazza", "period": "2026"}') where ref = $1 returning definition_hash`, ref).Scan(&before)
	}); err != nil {
		t.Fatal(err)
	}
	official := e.As(t, "bellinzona", "office-head")
	path := "/ufficio/pratiche/" + ref
	official.Post(path+"/prendi", nil, 200)
	// The new version knows a quota of which nothing is left, under another pot.
	overlay(t, e, "bellinzona", service, `{"quota": {"title": "Posti", "places": 0, "per": "year"}, "eligibility": [{"id": "posti", "holds": "left.places > 0", "reason": "Non ci sono più posti."}]}`)
	apptest.Eventually(t, "the case says that the service has changed", func() bool {
		return strings.Contains(official.Get(path, 200).Text("main"), "Passare alla versione in vigore")
	})
	page := official.Get(path+"/versione", 200)
	page.Submit(official, "main form[action='"+path+"/versione']", nil).Contains("main", "Passata alla versione in vigore del servizio")

	var hash, raw string
	if err := e.DB.Read(t.Context(), tenant, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select definition_hash, outcome::text from cases where ref = $1", ref).Scan(&hash, &raw)
	}); err != nil {
		t.Fatal(err)
	}
	if hash == before {
		t.Fatal("the case did not move")
	}
	var outcome rules.Outcome
	if err := json.Unmarshal([]byte(raw), &outcome); err != nil {
		t.Fatal(err)
	}
	if outcome.Pot == nil || outcome.Pot.Key != "piazza" || outcome.Pot.Period != "2026" {
		t.Errorf("it draws from another pot: %+v", outcome.Pot)
	}
	found := false
	for _, reason := range outcome.Eligibility {
		if reason.ID == "posti" {
			found = true
			if !reason.Holds {
				t.Error("it is turned away for a place that it holds")
			}
		}
	}
	if !found {
		t.Errorf("the new condition was not looked at: %s", raw)
	}
}
