package bulletin_test

import (
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/bulletin"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Who sees an announcement, when, in which process.
func TestWhoSeesAnAnnouncement(t *testing.T) {
	e := tenancytest.New(t)
	ctx := t.Context()
	start := time.Now().Truncate(time.Second)
	now := clock.NewFake(start)
	here, there := &bulletin.Board{DB: e.DB, Clock: now}, &bulletin.Board{DB: e.DB, Clock: now}
	by := identity.System(tenancy.Tenant{})
	sees := func(b *bulletin.Board, who tenancy.Tenant, citizens bool) int {
		return len(b.Current(ctx, who, citizens))
	}
	if sees(here, e.Lugano, false)+sees(there, e.Lugano, false) != 0 {
		t.Fatal("something is announced already")
	}
	write := func(kind string, from, to time.Duration, slugs ...string) {
		t.Helper()
		if err := here.Write(ctx, by, bulletin.Announcement{Kind: kind, Texts: i18n.Text{"it": "Lavori al server"}, Starts: start.Add(from), Ends: start.Add(to), Slugs: slugs}); err != nil {
			t.Fatal(err)
		}
	}
	write(bulletin.Info, 0, time.Hour, "chiasso")
	write(bulletin.Maintenance, 30*time.Hour, 31*time.Hour)
	if got := sees(here, e.Chiasso, false); got != 1 {
		t.Errorf("officials of the commune meant see %d", got)
	}
	if got := sees(here, e.Lugano, false) + sees(here, e.Chiasso, true); got != 0 {
		t.Errorf("the neighbour's officials and citizens see %d", got)
	}
	deadline := time.Now().Add(1500 * time.Millisecond)
	for sees(there, e.Chiasso, false) != 1 {
		if time.Now().After(deadline) {
			t.Fatal("the other process does not know it after a second")
		}
		time.Sleep(20 * time.Millisecond)
	}
	for _, c := range []struct {
		after              time.Duration
		officials, citizen int
	}{{5 * time.Hour, 0, 0}, {7 * time.Hour, 1, 1}, {30*time.Hour + time.Minute, 1, 1}, {31 * time.Hour, 0, 0}} {
		now.Set(start.Add(c.after))
		if a, b := sees(here, e.Lugano, false), sees(here, e.Lugano, true); a != c.officials || b != c.citizen {
			t.Errorf("after %s officials see %d and citizens %d", c.after, a, b)
		}
	}
	now.Set(start)
	before := e.DB.Statements()
	for range 1000 {
		here.Current(ctx, e.Lugano, true)
	}
	if sent := e.DB.Statements() - before; sent > 20 {
		t.Errorf("a thousand pages ask %d times", sent)
	}
	list, err := here.Recent(ctx)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	for _, a := range list {
		if err := here.Withdraw(ctx, by, a.ID); err != nil {
			t.Error(err)
		}
		if here.Withdraw(ctx, by, a.ID) == nil {
			t.Error("withdrawn twice")
		}
	}
	if sees(here, e.Chiasso, false) != 0 {
		t.Error("a withdrawn announcement is shown")
	}
	for name, a := range map[string]bulletin.Announcement{
		"without Italian": {Kind: bulletin.Info, Texts: i18n.Text{"de": "Arbeiten am Server"}, Starts: start, Ends: start.Add(time.Hour)},
		"in the past":     {Kind: bulletin.Info, Texts: i18n.Text{"it": "Lavori"}, Starts: start.Add(-2 * time.Hour), Ends: start.Add(-time.Hour)},
		"backwards":       {Kind: bulletin.Info, Texts: i18n.Text{"it": "Lavori"}, Starts: start.Add(2 * time.Hour), Ends: start.Add(time.Hour)},
		"of no kind":      {Kind: "x", Texts: i18n.Text{"it": "Lavori"}, Starts: start, Ends: start.Add(time.Hour)},
	} {
		if here.Write(ctx, by, a) == nil {
			t.Errorf("an announcement %s was taken", name)
		}
	}
}
