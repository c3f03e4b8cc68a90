package quotas

import (
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/pkg/i18n"
)

func TestPerCentAndThreshold(t *testing.T) {
	for _, c := range []struct {
		used, quota   int64
		percent, near int
		full          bool
	}{
		{0, 100, 0, 0, false}, {79, 100, 79, 0, false}, {7999, 10000, 79, 0, false}, {80, 100, 80, 80, false}, {94, 100, 94, 80, false}, {95, 100, 95, 95, false},
		{100, 100, 100, 95, true}, {250, 100, 250, 95, true}, {0, 0, 0, 0, true}, {1, 0, 100, 95, true}, {-5, 100, 0, 0, false},
		{most(Storage), most(Storage), 100, 95, true},
	} {
		u := Use{Used: c.used, Quota: c.quota}
		if u.PerCent() != c.percent || u.Threshold() != c.near || u.Full() != c.full {
			t.Errorf("%d of %d: %d %%, threshold %d, full %t", c.used, c.quota, u.PerCent(), u.Threshold(), u.Full())
		}
	}
}

// A period begins and ends in Zurich, also where a day has 23 hours.
func TestPeriodsAreZurichs(t *testing.T) {
	at := time.Date(2026, 11, 30, 23, 30, 0, 0, time.UTC)
	for kind, want := range map[string]string{Storage: "2026-12", Mails: "2026-12", API: "2026-12-01"} {
		if got := period(kind, at); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
	spring := time.Date(2026, 3, 29, 0, 0, 0, 0, i18n.Zurich)
	if got := nextDay(spring).Sub(spring); got != 23*time.Hour {
		t.Errorf("the day lasts %s", got)
	}
}

func TestForecast(t *testing.T) {
	now := time.Date(2026, 11, 16, 0, 0, 0, 0, i18n.Zurich) // half of November
	noon := time.Date(2026, 11, 16, 12, 0, 0, 0, i18n.Zurich)
	grown := func(days int, each int64) (list []level) {
		for d := range days {
			list = append(list, level{time.Date(2026, 11, 1+d, 0, 0, 0, 0, time.UTC), int64(d) * each})
		}
		return list
	}
	until := func(day int) Forecast { return Forecast{Known: true, Until: now.AddDate(0, 0, day)} }
	enough, unknown := Forecast{Known: true, Enough: true}, Forecast{}
	for name, c := range map[string]struct {
		u        Use
		now      time.Time
		readings []level
		want     Forecast
	}{
		"half the mails in half the month": {Use{Kind: Mails, Quota: 100, Used: 50}, now, nil, enough},
		"three quarters":                   {Use{Kind: Mails, Quota: 100, Used: 75}, now, nil, until(5)},
		"none yet":                         {Use{Kind: Mails, Quota: 100}, now, nil, enough},
		"all of them":                      {Use{Kind: Mails, Quota: 100, Used: 100}, now, nil, unknown},
		"the first hour of a month":        {Use{Kind: Mails, Quota: 100, Used: 1}, time.Date(2026, 11, 1, 1, 0, 0, 0, i18n.Zurich), nil, unknown},
		"calls by noon":                    {Use{Kind: API, Quota: 100, Used: 75}, noon, nil, Forecast{Known: true, Until: now.Add(16 * time.Hour)}},
		"few calls":                        {Use{Kind: API, Quota: 100, Used: 10}, noon, nil, enough},
		"ten bytes a day":                  {Use{Kind: Storage, Quota: 200, Used: 100}, now, grown(11, 10), until(10)},
		"a week is too short":              {Use{Kind: Storage, Quota: 200, Used: 100}, now, grown(7, 10), unknown},
		"it does not grow":                 {Use{Kind: Storage, Quota: 200, Used: 100}, now, grown(11, 0), enough},
		"it shrinks":                       {Use{Kind: Storage, Quota: 200, Used: 100}, now, grown(11, -1), enough},
		"for years":                        {Use{Kind: Storage, Quota: 200_000, Used: 100}, now, grown(11, 10), enough},
	} {
		got := foretell(c.u, c.now, c.readings)
		if got.Known != c.want.Known || got.Enough != c.want.Enough || !got.Until.Equal(c.want.Until) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// What is typed is read, what is written is read again, and nothing else is.
func TestQuotasAreReadAsTheyAreWritten(t *testing.T) {
	for _, c := range []struct {
		kind, typed string
		want        int64
	}{
		{Storage, "80", 80 * GB}, {Storage, "2,5", 2_500_000_000}, {Storage, "0.000000001", 1}, {Storage, "100’000", 100_000 * GB}, {Storage, "0", 0},
		{Mails, "200'000", 200_000}, {Mails, " 1 000 ", 1000}, {API, "0", 0}, {API, "1000000000", 1_000_000_000},
	} {
		n, ok := read(c.kind, c.typed)
		if !ok || n == nil || *n != c.want {
			t.Errorf("%s %q is read as %v, %t", c.kind, c.typed, n, ok)
			continue
		}
		if again, ok := read(c.kind, written(c.kind, *n)); !ok || *again != *n {
			t.Errorf("%s %d is written %q", c.kind, *n, written(c.kind, *n))
		}
	}
	for kind, list := range map[string][]string{
		Storage: {"tanto", "-1", "1.-5", "100000.1", "1e3", "9999999999999999999", "1.0000000001", "80GB", "."},
		Mails:   {"tanto", "-1", "1.5", "1000000001", "0x10"},
	} {
		for _, typed := range list {
			if n, ok := read(kind, typed); ok {
				t.Errorf("%s %q is read as %v", kind, typed, n)
			}
		}
	}
	if n, ok := read(Storage, "  "); n != nil || !ok {
		t.Error("nothing typed is not the default")
	}
}
