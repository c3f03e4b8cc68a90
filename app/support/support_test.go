package support

import (
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/tenants"
)

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, i18n.Zurich)
	if err != nil {
		panic(err)
	}
	return t
}

// Working hours are 08.00–12.00 and 13.30–17.30 on weekdays that are no
// holiday in Ticino.
func TestWorkingHours(t *testing.T) {
	cal, err := catalogue.ReadCalendar(tenants.FS, "ticino")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from    string
		minutes int
		want    string
	}{
		{"2026-11-23 08:00", 120, "2026-11-23 10:00"},
		{"2026-11-23 06:00", 60, "2026-11-23 09:00"},
		{"2026-11-23 11:00", 120, "2026-11-23 14:30"},
		{"2026-11-23 11:00", 60, "2026-11-23 12:00"},
		{"2026-11-23 17:00", 60, "2026-11-24 08:30"},
		{"2026-11-23 22:00", 1, "2026-11-24 08:01"},
		{"2026-11-27 17:00", 60, "2026-11-30 08:30"},  // over a weekend
		{"2026-12-07 17:00", 60, "2026-12-09 08:30"},  // 8 December
		{"2026-12-24 16:00", 120, "2026-12-28 08:30"}, // Christmas, Saint Stephen, a Sunday
		{"2026-03-27 17:00", 60, "2026-03-30 08:30"},  // the clocks change
	} {
		if got := add(cal, at(c.from), c.minutes); !got.Equal(at(c.want)) {
			t.Errorf("%s and %d working minutes: %s, want %s", c.from, c.minutes, got, c.want)
		}
		if got := between(cal, at(c.from), at(c.want)); got != time.Duration(c.minutes)*time.Minute {
			t.Errorf("between %s and %s: %s", c.from, c.want, got)
		}
	}
}

func TestFigures(t *testing.T) {
	cal, err := catalogue.ReadCalendar(tenants.FS, "ticino")
	if err != nil {
		t.Fatal(err)
	}
	now := at("2026-11-27 17:00")
	s := &Service{Calendar: cal, Clock: fixed(now)}
	p := func(s string) *time.Time { v := at(s); return &v }
	list := []Request{
		{At: at("2026-11-23 08:00"), FirstDue: at("2026-11-23 10:00"), SolveDue: at("2026-11-23 17:30"), FirstAnswer: p("2026-11-23 09:00"), Solved: p("2026-11-24 08:00")},
		{At: at("2026-11-23 08:00"), FirstDue: at("2026-11-23 10:00"), SolveDue: at("2026-11-30 17:30"), FirstAnswer: p("2026-11-23 11:00")},
		{At: at("2026-11-27 16:00"), FirstDue: at("2026-11-30 10:00"), SolveDue: at("2026-12-30 10:00")},
		{At: at("2026-11-10 16:00"), FirstDue: at("2026-11-11 10:00"), SolveDue: at("2026-12-30 10:00")},
	}
	got := s.figures(list)
	want := Figures{Open: 3, Late: 1, Answered: 2, InTime: 1, Done: 1, DoneInTime: 0, Median: 2 * time.Hour, Young: 1, Middle: 1, Aged: 1}
	if got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

type fixed time.Time

func (f fixed) Now() time.Time { return time.Time(f) }
