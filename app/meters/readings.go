package meters

import (
	"context"
	"time"

	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// How often it is looked whether a day's reading is missing, how far back one is
// made up for, and how often changes are added up.
const (
	readEvery   = time.Hour
	makeUp      = 40 // days
	settleEvery = 5 * time.Minute
)

// Readings takes and keeps the daily readings.
type Readings struct {
	DB    *tenancy.DB
	Clock clock.Clock
	Registry
}

// Jobs registers the schedules, in each commune in one process: readings once an
// hour, and with the day's reading the recount of what is used now.
func (r *Readings) Jobs(reg *outbox.Registry) {
	reg.Every("meters.read", readEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error {
		fresh, err := r.read(ctx, t)
		if err != nil || !fresh {
			return err
		}
		_, err = r.Recount(ctx, t)
		return err
	})
	reg.Every("meters.settle", settleEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return r.Settle(ctx, t) })
}

// reading is one row: a meter's value on a day.
type reading struct {
	day   time.Time
	meter string
	value int64
}

// Read takes the readings that are missing of the days that have ended. Run
// again it finds nothing to do. A level of a day long gone cannot be read any
// more: only yesterday's is.
func (r *Readings) Read(ctx context.Context, t tenancy.Tenant) error {
	_, err := r.read(ctx, t)
	return err
}

// read is Read, and tells whether there was something to read.
func (r *Readings) read(ctx context.Context, t tenancy.Tenant) (bool, error) {
	today := Day(r.Clock.Now())
	first := today.AddDate(0, 0, -makeUp)
	if opened := Day(t.CreatedAt()); opened.After(first) {
		first = opened
	}
	if !first.Before(today) {
		return false, nil
	}
	known, err := r.known(ctx, t.Slug(), first)
	if err != nil {
		return false, err
	}
	var fresh []reading
	if err := r.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		for day := first; day.Before(today); day = day.AddDate(0, 0, 1) {
			list, err := r.count(tx, day, known, !day.AddDate(0, 0, 1).Before(today))
			if err != nil {
				return err
			}
			fresh = append(fresh, list...)
		}
		return nil
	}); err != nil || len(fresh) == 0 {
		return false, err
	}
	return true, r.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error { return keep(tx, t.Slug(), fresh) })
}

func (r *Readings) count(tx *tenancy.Tx, day time.Time, known map[reading]bool, yesterday bool) ([]reading, error) {
	var out []reading
	at := map[string]int{}
	for _, m := range r.all {
		if known[reading{day: day, meter: m.Name}] || Level(m.Name) && !yesterday {
			continue
		}
		n, err := m.Count(tx, begins(day), begins(day.AddDate(0, 0, 1)))
		if err != nil {
			return nil, err
		}
		i, ok := at[m.Name]
		if !ok {
			i = len(out)
			at[m.Name] = i
			out = append(out, reading{day: day, meter: m.Name})
		}
		out[i].value += n
	}
	return out, nil
}

// known tells which readings there are, as rows without their value.
func (r *Readings) known(ctx context.Context, slug string, first time.Time) (map[reading]bool, error) {
	out := map[reading]bool{}
	return out, r.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select day, meter from readings where slug = $1 and day >= $2", slug, first)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var k reading
			if err := rows.Scan(&k.day, &k.meter); err != nil {
				return err
			}
			out[k] = true
		}
		return rows.Err()
	})
}

func keep(tx *tenancy.PlatformTx, slug string, list []reading) error {
	days, names, values := make([]time.Time, len(list)), make([]string, len(list)), make([]int64, len(list))
	for i, v := range list {
		days[i], names[i], values[i] = v.day, v.meter, v.value
	}
	_, err := tx.Exec(`insert into readings (slug, day, meter, value)
		select $1, d, m, v from unnest($2::date[], $3::text[], $4::bigint[]) as x(d, m, v) on conflict do nothing`, slug, days, names, values)
	return err
}

// Keep notes one value of one day; a day already read stays as it was. The
// demo begins with some months of readings.
func Keep(tx *tenancy.PlatformTx, slug string, day time.Time, values map[string]int64) error {
	var list []reading
	for name, v := range values {
		list = append(list, reading{day, name, v})
	}
	return keep(tx, slug, list)
}

// Use is what a commune used in some time, by meter.
type Use map[string]int64

// Month is what every commune used in a month, by short name, and the last day
// that has been read. month is its first day.
func Month(tx *tenancy.PlatformTx, month time.Time) (map[string]Use, time.Time, error) {
	rows, err := tx.Query(`select slug, meter, sum(value)::bigint, (sum(value) / count(*))::bigint, max(day) from readings
		where day >= $1 and day < $2 group by slug, meter`, month, month.AddDate(0, 1, 0))
	if err != nil {
		return nil, time.Time{}, err
	}
	defer rows.Close()
	out, last := map[string]Use{}, time.Time{}
	for rows.Next() {
		var slug, name string
		var sum, mean int64
		var day time.Time
		if err := rows.Scan(&slug, &name, &sum, &mean, &day); err != nil {
			return nil, last, err
		}
		if out[slug] == nil {
			out[slug] = Use{}
		}
		if out[slug][name] = sum; Level(name) {
			out[slug][name] = mean
		}
		if day.After(last) {
			last = day
		}
	}
	return out, last, rows.Err()
}

// Days is one meter day by day, from first on, by commune; a day that was not
// read counts nothing.
func Days(tx *tenancy.PlatformTx, meter string, first time.Time, days int) (map[string][]int64, error) {
	rows, err := tx.Query("select slug, day, value from readings where meter = $1 and day >= $2 and day < $3", meter, first, first.AddDate(0, 0, days))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]int64{}
	for rows.Next() {
		var slug string
		var day time.Time
		var v int64
		if err := rows.Scan(&slug, &day, &v); err != nil {
			return nil, err
		}
		if out[slug] == nil {
			out[slug] = make([]int64, days)
		}
		out[slug][int(day.Sub(first).Hours()/24)] = v
	}
	return out, rows.Err()
}
