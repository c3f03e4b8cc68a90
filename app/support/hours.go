package support

import (
	"time"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Calendar knows official holidays.
type Calendar interface{ Holiday(t time.Time) bool }

// The working day of the entity, in minutes after midnight in Zurich.
var workday = [][2]int{{8 * 60, 12 * 60}, {13*60 + 30, 17*60 + 30}}

// add counts working minutes from a moment on.
func add(cal Calendar, from time.Time, minutes int) time.Time {
	at := from.In(i18n.Zurich)
	for range 4000 { // ten years of days: a calendar that knows only holidays must not hang
		if open(cal, at) {
			for _, span := range workday {
				begins, ends := clockAt(at, span[0]), clockAt(at, span[1])
				if at.Before(begins) {
					at = begins
				}
				if left := int(ends.Sub(at) / time.Minute); left > 0 {
					if minutes <= left {
						return at.Add(time.Duration(minutes) * time.Minute)
					}
					minutes -= left
					at = ends
				}
			}
		}
		at = clockAt(at.AddDate(0, 0, 1), 0)
	}
	return at
}

// between is the working time between two moments.
func between(cal Calendar, from, to time.Time) time.Duration {
	var sum time.Duration
	from, to = from.In(i18n.Zurich), to.In(i18n.Zurich)
	for day := clockAt(from, 0); day.Before(to); day = clockAt(day.AddDate(0, 0, 1), 0) {
		if !open(cal, day) {
			continue
		}
		for _, span := range workday {
			a, b := clockAt(day, span[0]), clockAt(day, span[1])
			if a.Before(from) {
				a = from
			}
			if b.After(to) {
				b = to
			}
			if b.After(a) {
				sum += b.Sub(a)
			}
		}
	}
	return sum
}

func open(cal Calendar, day time.Time) bool {
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday && !cal.Holiday(day)
}

func clockAt(day time.Time, minutes int) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, minutes, 0, 0, i18n.Zurich)
}
