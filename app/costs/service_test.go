package costs_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/costs"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// A month is reckoned, closed, corrected; it keeps its key and its communes.
func TestMonthIsClosedAndCorrected(t *testing.T) {
	e := tenancytest.New(t)
	now := clock.NewFake(time.Now())
	s := &costs.Service{DB: e.DB, Clock: now}
	by := identity.System(tenancy.Tenant{})
	ctx := t.Context()
	// The communes were opened today: the month that will be closed is this one.
	month := time.Date(now.Now().Year(), now.Now().Month(), 1, 0, 0, 0, 0, time.UTC)
	last := month.AddDate(0, 1, -1)
	keep := func(slug string, at time.Time, values map[string]int64) {
		t.Helper()
		if err := e.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error { return meters.Keep(tx, slug, at, values) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(ctx, by, month, ""); !errors.Is(err, costs.ErrRunning) {
		t.Errorf("a month that goes on: %v", err)
	}
	now.Set(month.AddDate(0, 1, 3))
	if err := s.Close(ctx, by, month, ""); !errors.Is(err, costs.ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
	half := costs.Key{Total: money.Francs(100), Fixed: 500, Use: 500, Weights: map[string]int{meters.Cases: 1, meters.Storage: 1}}
	for _, bad := range []costs.Key{{Total: 1, Fixed: 999}, {Total: -1, Fixed: 1000}, {Total: 1, Use: 1000}, {Total: 1, Fixed: 1100, Use: -100}, {Total: 1, Use: 1000, Weights: map[string]int{meters.Cases: -1, meters.Mails: 2}}} {
		if err := s.Agree(ctx, by, month, bad, "Prova di una chiave"); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	if err := s.Agree(ctx, by, month, half, "Assemblea del 3 marzo"); err != nil {
		t.Fatal(err)
	}
	keep("lugano", month, map[string]int64{meters.Cases: 2, meters.Storage: 100})
	if err := s.Close(ctx, by, month, ""); !errors.Is(err, costs.ErrUnread) {
		t.Errorf("the last day is not read: %v", err)
	}
	keep("lugano", last, map[string]int64{meters.Cases: 1, meters.Storage: 300})
	keep("chiasso", last, map[string]int64{meters.Cases: 1, meters.Storage: 200})
	keep("lugano", last, map[string]int64{meters.Cases: 999}) // a day once read stays

	// Twenty people close it at once: one does.
	var wg sync.WaitGroup
	results := make([]error, 20)
	for i := range results {
		wg.Go(func() { results[i] = s.Close(ctx, by, month, "") })
	}
	wg.Wait()
	closed := 0
	for _, err := range results {
		if err == nil {
			closed++
		} else if !errors.Is(err, costs.ErrClosed) && !errors.Is(err, costs.ErrReason) {
			t.Errorf("closing at the same moment: %v", err)
		}
	}
	if closed != 1 {
		t.Errorf("%d people closed the month", closed)
	}
	one, err := s.Statement(ctx, month, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Storage is the mean of the days: 200 and 200. Cases are 3 and 1.
	want := map[string]money.CHF{"lugano": 25_00 + 12_50 + 18_75, "chiasso": 25_00 + 12_50 + 6_25}
	for _, x := range one.Shares {
		if x.Amount() != want[x.Slug] {
			t.Errorf("%s owes %v, want %v (%v)", x.Slug, x.Amount(), want[x.Slug], x.Used)
		}
	}

	// Another key, and a commune that is gone: the closed month stands.
	if err := s.Agree(ctx, by, month, costs.Key{Total: money.Francs(50), Fixed: 1000}, "Assemblea del 4 aprile"); err != nil {
		t.Fatal(err)
	}
	if err := e.Owner.SetState(ctx, "chiasso", tenancy.Archived, "unito"); err != nil {
		t.Fatal(err)
	}
	again, err := s.Statement(ctx, month, 0)
	if err != nil || again.Total() != money.Francs(100) || again.Key.Use != 500 || len(again.Shares) != 2 {
		t.Errorf("after a new key: %v, %v, %+v", err, again.Total(), again.Shares)
	}
	if err := s.Close(ctx, by, month, " "); !errors.Is(err, costs.ErrReason) {
		t.Errorf("a correction without a reason: %v", err)
	}
	if err := s.Close(ctx, by, month, "Importo sbagliato"); err != nil {
		t.Fatal(err)
	}
	two, err := s.Statement(ctx, month, 0)
	if err != nil || two.Closing.Version != 2 || two.Total() != money.Francs(50) || len(two.Shares) != 2 {
		t.Errorf("the correction: %v, %+v", err, two)
	}
	if old, err := s.Statement(ctx, month, 1); err != nil || old.Total() != money.Francs(100) {
		t.Errorf("the first version: %v, %v", err, old.Total())
	}
	if _, err := s.Statement(ctx, month, 3); err == nil {
		t.Error("a version that does not exist was read")
	}

	// The runtime login can neither change nor delete any of it.
	for _, sql := range []string{"update cost_lines set fixed = 0", "delete from cost_statements", "update cost_keys set total = 1", "delete from readings", "update readings set value = 0"} {
		err := e.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error { _, err := tx.Exec(sql); return err })
		if err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
