package rules

import (
	"time"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Calendar says which days nobody works beside Saturdays and Sundays.
type Calendar interface {
	// Holiday reports whether the day of t, in Zurich, is an official holiday.
	Holiday(t time.Time) bool
}

// NoHolidays is a Calendar without holidays.
type NoHolidays struct{}

// Holiday is always false.
func (NoHolidays) Holiday(time.Time) bool { return false }

// Midnight is the beginning of the day of t in Zurich. The zero time stays zero.
func Midnight(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	year, month, day := t.In(i18n.Zurich).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, i18n.Zurich)
}

// Days counts calendar days from one day to another, both included; 0 when one
// of them is not set or they are in the wrong order. A day that the clocks
// change counts as one.
func Days(from, to time.Time) int64 {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	n := dayNumber(to) - dayNumber(from) + 1
	return max(n, 0)
}

// dayNumber counts days since 1970 by the calendar of Zurich.
func dayNumber(t time.Time) int64 {
	year, month, day := t.In(i18n.Zurich).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// maxSpan bounds loops over days: five years.
const maxSpan = 5 * 366

// WorkingDays counts the days from one to another, both included, that are
// neither Saturday, Sunday nor holiday. Spans over five years count as five.
func WorkingDays(cal Calendar, from, to time.Time) int64 {
	var n int64
	for i := range min(Days(from, to), maxSpan) {
		if working(cal, plusDays(from, i)) {
			n++
		}
	}
	return n
}

// PlusWorkingDays is the n-th working day after t: a term of n working days
// that begins on t ends there. n counts from 0 (t itself) to 1,000.
func PlusWorkingDays(cal Calendar, t time.Time, n int64) time.Time {
	day := Midnight(t)
	for n = min(n, 1000); n > 0 && !day.IsZero(); {
		day = plusDays(day, 1)
		if working(cal, day) {
			n--
		}
	}
	return day
}

func working(cal Calendar, t time.Time) bool {
	switch t.In(i18n.Zurich).Weekday() {
	case time.Saturday, time.Sunday:
		return false
	default:
		return !cal.Holiday(t)
	}
}

func plusDays(t time.Time, n int64) time.Time {
	if t.IsZero() {
		return t
	}
	year, month, day := t.In(i18n.Zurich).Date()
	return time.Date(year, month, day+int(n), 0, 0, 0, 0, i18n.Zurich)
}

// Years counts the birthdays from one day to another: a person's age. 0 when
// one of them is not set.
func Years(from, to time.Time) int64 {
	if from.IsZero() || to.IsZero() {
		return 0
	}
	fy, fm, fd := from.In(i18n.Zurich).Date()
	ty, tm, td := to.In(i18n.Zurich).Date()
	years := ty - fy
	if tm < fm || (tm == fm && td < fd) {
		years--
	}
	return int64(max(years, 0))
}
