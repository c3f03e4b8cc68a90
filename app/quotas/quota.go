package quotas

import (
	"time"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// The kinds of quotas. Texts call them quotas.<kind>.
const (
	Storage = "storage" // bytes of uploads and papers
	Mails   = "mails"   // mails handed to the relay, per month
	API     = "api"     // calls of the machine interface, per day
)

// Kinds lists them in the order in which pages show them.
var Kinds = []string{Storage, Mails, API}

// thresholds are the per cents at which a commune is told, rising.
var thresholds = []int{80, 95}

// Bounds of what can be granted.
const (
	GB      = 1_000_000_000
	mostGB  = 100_000
	mostOne = 1_000_000_000 // mails, calls
)

// most is the largest quota of a kind.
func most(kind string) int64 {
	if kind == Storage {
		return mostGB * GB
	}
	return mostOne
}

// Use is how a commune stands with one quota.
type Use struct {
	Kind     string
	Quota    int64
	Own      bool // granted to this commune; false for the default
	Used     int64
	Waiting  int64 // mails that have been put off
	Forecast Forecast
}

// PerCent is how much of the quota is used, rounded down; more than 100 when it is
// gone over.
func (u Use) PerCent() int {
	switch {
	case u.Used <= 0:
		return 0
	case u.Quota <= 0:
		return 100
	}
	return int(float64(u.Used) / float64(u.Quota) * 100)
}

// Threshold is the highest one reached, 0 for none.
func (u Use) Threshold() (reached int) {
	for _, t := range thresholds {
		if u.PerCent() >= t {
			reached = t
		}
	}
	return reached
}

// Full reports that nothing more is granted.
func (u Use) Full() bool { return u.Used >= u.Quota }

// period names the time a quota is for: a day, a month; storage has none and is
// told anew every month.
func period(kind string, at time.Time) string {
	if kind == API {
		return at.In(i18n.Zurich).Format(time.DateOnly)
	}
	return at.In(i18n.Zurich).Format("2006-01")
}

// nextDay is when the next day begins in Zurich.
func nextDay(at time.Time) time.Time {
	y, m, d := at.In(i18n.Zurich).Date()
	return time.Date(y, m, d+1, 0, 0, 0, 0, i18n.Zurich)
}

// Forecast is how long a quota lasts if things go on as they do.
type Forecast struct {
	Known  bool
	Enough bool      // to the end of the period; for storage, for years
	Until  time.Time // otherwise
}

// How much must have been seen before something is foretold, and how far.
const (
	storageDays = 30 // days of readings that are looked at
	leastDays   = 7
	farDays     = 3 * 365
)

// level is a day's reading of storage.
type level struct {
	Day   time.Time
	Bytes int64
}

// foretell draws on what is known: storage grows as in its readings, which are in
// order; what begins anew each period goes on as in this one so far.
func foretell(u Use, now time.Time, readings []level) Forecast {
	var begin, end time.Time
	switch u.Kind {
	case Storage:
		return foretellStorage(u, now, readings)
	case Mails:
		end = meters.NextMonth(now)
		begin = end.AddDate(0, -1, 0)
	default:
		end = nextDay(now)
		begin = end.AddDate(0, 0, -1)
	}
	gone := now.Sub(begin)
	if u.Full() || gone < end.Sub(begin)/24 {
		return Forecast{}
	}
	if float64(u.Used)*float64(end.Sub(begin)) <= float64(u.Quota)*float64(gone) {
		return Forecast{Known: true, Enough: true}
	}
	return Forecast{Known: true, Until: begin.Add(time.Duration(float64(gone) * float64(u.Quota) / float64(u.Used)))}
}

func foretellStorage(u Use, now time.Time, readings []level) Forecast {
	if u.Full() || len(readings) < 2 {
		return Forecast{}
	}
	first, last := readings[0], readings[len(readings)-1]
	days := last.Day.Sub(first.Day).Hours() / 24
	if days < leastDays {
		return Forecast{}
	}
	left := float64(u.Quota-u.Used) * days // days until it is full, times growth
	growth := float64(last.Bytes - first.Bytes)
	if growth <= 0 || left > farDays*growth {
		return Forecast{Known: true, Enough: true}
	}
	return Forecast{Known: true, Until: now.AddDate(0, 0, int(left/growth))}
}
