package status

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// span is how many days the page draws, and are kept.
const span = 90

// noticed is from how many minutes on a day is not drawn as a good one: a single
// look may fall into the restart of something.
const noticed = 2

// Day is how a day went: the minutes of the part that was worst off.
type Day struct {
	Date       time.Time
	Seen       bool // somebody looked most of that day, or saw that something was wrong
	Down, Late int  // minutes
	Watched    int  // minutes in which somebody looked
}

// enough tells that the day was watched well enough to say how it went: for nine
// tenths of it, or of what has passed of it. What was seen to be wrong counts anyhow.
func (d Day) enough(now time.Time) bool {
	if d.Down >= noticed || d.Late >= noticed {
		return true
	}
	y, m, day := d.Date.Date()
	begins := time.Date(y, m, day, 0, 0, 0, 0, i18n.Zurich)
	ends := begins.AddDate(0, 0, 1)
	if now.Before(ends) {
		ends = now.Add(-3 * noticed * time.Minute) // the last looks may not be there yet
	}
	return float64(d.Watched) >= .9*ends.Sub(begins).Minutes()
}

// State is how the day is drawn.
func (d Day) State() State {
	switch {
	case d.Down >= noticed:
		return Down
	case d.Late >= noticed:
		return Late
	}
	return Works
}

// Incident is a time in which a part did not work.
type Incident struct {
	Part  Part       `json:"part"`
	Began time.Time  `json:"from"`
	Ended *time.Time `json:"to"`
}

// Memory is what was seen in ninety days.
type Memory struct {
	Days []Day     // the oldest first, today last
	Last *Incident // nil when there was none
}

// today is the calendar day in the commune, as PostgreSQL's date has it.
func today(now time.Time) time.Time {
	y, m, d := now.In(i18n.Zurich).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// longest is for how many minutes a look stands at most: of a time in which
// nobody looked, nothing is known.
const longest = 10

// since is for how many minutes a look stands: those since the last one, the
// usual distance where there was none lately.
func since(tx *tenancy.PlatformTx, t tenancy.Tenant, now time.Time, every time.Duration) (minutes int, err error) {
	var last *time.Time
	err = tx.QueryRow("select (select at from status_looks where slug = $1)", t.Slug()).Scan(&last)
	if err != nil {
		return 0, err
	}
	minutes = int(every / time.Minute)
	at := now
	if last != nil {
		if passed := int(now.Sub(*last) / time.Minute); passed <= longest {
			minutes, at = passed, last.Add(time.Duration(passed)*time.Minute) // the rest of a minute is for the next look
		}
	}
	tx.Queue("insert into status_looks (slug, at) values ($1, $2) on conflict (slug) do update set at = excluded.at", t.Slug(), at)
	return minutes, nil
}

// Look looks at a commune and remembers it; every is how often it is called.
func (s *Service) Look(ctx context.Context, t tenancy.Tenant, every time.Duration) error {
	saw, now := s.look(ctx, t), s.Clock.Now()
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		minutes, err := since(tx, t, now, every)
		if err != nil {
			return err
		}
		count := func(part Part, down, late int) {
			tx.Queue(`insert into status_days as d (slug, day, part, down, late) values ($1, $2, $3, $4, $5)
				on conflict (slug, day, part) do update set down = d.down + excluded.down, late = d.late + excluded.late`, t.Slug(), today(now), string(part), down, late)
		}
		count("seen", 0, minutes)
		for _, p := range parts {
			switch saw[p] {
			case Down:
				count(p, minutes, 0)
				tx.Queue("insert into status_incidents (slug, part, began_at) values ($1, $2, $3) on conflict do nothing", t.Slug(), string(p), now)
			case Late:
				count(p, 0, minutes)
				fallthrough
			case Works:
				tx.Queue("update status_incidents set ended_at = $3 where slug = $1 and part = $2 and ended_at is null", t.Slug(), string(p), now)
			}
		}
		tx.Queue("delete from status_days where slug = $1 and day < $2", t.Slug(), today(now).AddDate(0, 0, -span))
		_, err = tx.Exec("delete from status_incidents where slug = $1 and ended_at < $2", t.Slug(), now.AddDate(0, 0, -span))
		return err
	})
}

// remember reads the ninety days.
func (s *Service) remember(ctx context.Context, t tenancy.Tenant) (*Memory, error) {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	end := today(s.Clock.Now())
	m := &Memory{Days: make([]Day, span)}
	for i := range m.Days {
		m.Days[i].Date = end.AddDate(0, 0, i-span+1)
	}
	return m, s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(`select day, coalesce(max(down) filter (where part <> 'seen'), 0), coalesce(max(late) filter (where part <> 'seen'), 0),
			coalesce(max(late) filter (where part = 'seen'), 0) from status_days where slug = $1 and day > $2 group by day`, t.Slug(), end.AddDate(0, 0, -span))
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Day, err error) {
			err = row.Scan(&d.Date, &d.Down, &d.Late, &d.Watched)
			return d, err
		})
		if err != nil {
			return err
		}
		for _, d := range found {
			if i := span - 1 - int(end.Sub(d.Date)/(24*time.Hour)); i >= 0 && i < span {
				m.Days[i].Down, m.Days[i].Late, m.Days[i].Watched = d.Down, d.Late, d.Watched
				m.Days[i].Seen = d.enough(s.Clock.Now())
			}
		}
		var last Incident
		err = tx.QueryRow(`select part, began_at, ended_at from status_incidents where slug = $1 and (ended_at is null or ended_at - began_at >= interval '1 minute')
			order by began_at desc limit 1`, t.Slug()).Scan(&last.Part, &last.Began, &last.Ended)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		m.Last = &last
		return err
	})
}
