package operator

import (
	"context"
	"time"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// When the console warns of what it watches.
const (
	warnBefore  = 21 * 24 * time.Hour // the end of a certificate
	backupEvery = 26 * time.Hour      // a day, and room for the work itself
	chartDays   = 90
)

// backup is a commune's newest one.
type backup struct {
	at    time.Time
	state string
}

// watched is what the platform knows of all communes, read at once.
type watched struct {
	errors  map[string]int64
	cases   map[string][]int64
	backups map[string]backup
	tls     map[string]time.Time // the first own domain to expire
	places  map[string]place
}

// place is where a commune lies and how its last migration went.
type place struct{ cluster, migrationError string }

func (m *Module) watch(ctx context.Context) (w watched, err error) {
	now := m.Clock.Now()
	w.backups, w.tls, w.places = map[string]backup{}, map[string]time.Time{}, map[string]place{}
	err = m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if w.errors, err = meters.LastDay(tx, now); err != nil {
			return err
		}
		if w.cases, err = meters.Days(tx, meters.Cases, meters.Day(now).AddDate(0, 0, -chartDays), chartDays); err != nil {
			return err
		}
		rows, err := tx.Query("select distinct on (slug) slug, at, state from backups where kind = 'commune' order by slug, at desc")
		if err != nil {
			return err
		}
		for rows.Next() {
			var slug string
			var b backup
			if err := rows.Scan(&slug, &b.at, &b.state); err != nil {
				rows.Close()
				return err
			}
			w.backups[slug] = b
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if rows, err = tx.Query("select slug, cluster, migration_error from communes"); err != nil {
			return err
		}
		for rows.Next() {
			var slug string
			var p place
			if err := rows.Scan(&slug, &p.cluster, &p.migrationError); err != nil {
				rows.Close()
				return err
			}
			w.places[slug] = p
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if rows, err = tx.Query("select slug, min(not_after) from certificates where not_after is not null group by slug"); err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var slug string
			var until time.Time
			if err := rows.Scan(&slug, &until); err != nil {
				return err
			}
			w.tls[slug] = until
		}
		return rows.Err()
	})
	return w, err
}
