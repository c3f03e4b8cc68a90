package meters_test

import (
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// The days that have ended are read once; what comes later changes nothing.
func TestDaysAreReadOnce(t *testing.T) {
	e := tenancytest.New(t)
	ctx := t.Context()
	today := meters.Day(time.Now())
	at := clock.NewFake(today.AddDate(0, 0, 3).Add(5 * time.Hour))
	r := &meters.Readings{DB: e.DB, Clock: at}
	r.Add(meters.Meter{Name: meters.Mails, Table: "notifications", Count: meters.Counted("select count(*) from notifications where created_at >= $1 and created_at < $2")},
		meters.Meter{Name: meters.Storage, Table: "notifications", Count: meters.Levelled("select 7 * count(*) from notifications")})
	mail := func(key string, when time.Time) {
		t.Helper()
		if err := e.DB.In(ctx, e.Lugano, func(tx *tenancy.Tx) error {
			_, err := tx.Exec("insert into notifications (key, template, recipient, lang, created_at) values ($1, 'x', 'a@example.example', 'it', $2)", key, when)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	mail("a", noon)
	mail("b", noon)
	mail("c", noon.AddDate(0, 0, 2))
	mail("today", noon.AddDate(0, 0, 3))
	for range 2 {
		if err := r.Read(ctx, e.Lugano); err != nil {
			t.Fatal(err)
		}
		mail(time.Now().String(), noon)
	}
	read := func(meter string) (got []int64) {
		t.Helper()
		if err := e.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
			days, err := meters.Days(tx, meter, today, 4)
			got = days["lugano"]
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := read(meters.Mails); len(got) != 4 || got[0] != 2 || got[1] != 0 || got[2] != 1 || got[3] != 0 {
		t.Errorf("mails by day: %v", got)
	}
	if got := read(meters.Storage); got[0] != 0 || got[2] != 28 {
		t.Errorf("a level is read of yesterday alone: %v", got)
	}
	if err := e.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		use, last, err := meters.Month(tx, time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC))
		if err == nil && (use["chiasso"] != nil || last.Before(today)) {
			t.Errorf("month: %v until %v", use, last)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
