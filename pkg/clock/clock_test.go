package clock_test

import (
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/pkg/clock"
)

func TestFakeStandsStillUntilTold(t *testing.T) {
	start := time.Date(2026, 3, 19, 9, 0, 0, 0, time.UTC)
	f := clock.NewFake(start)
	var c clock.Clock = f
	for range 2 {
		if !c.Now().Equal(start) {
			t.Fatal("a fake clock must stand still")
		}
	}
	if got := f.Advance(36 * time.Hour); !got.Equal(start.Add(36*time.Hour)) || !c.Now().Equal(got) {
		t.Errorf("Advance: got %v", got)
	}
	f.Set(start)
	if !c.Now().Equal(start) {
		t.Errorf("Set: got %v", c.Now())
	}
}

func TestSystemMoves(t *testing.T) {
	before := time.Now()
	if got := (clock.System{}).Now(); got.Before(before) {
		t.Errorf("system clock says %v, before %v", got, before)
	}
}
