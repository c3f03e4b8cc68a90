package meters

import (
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// Errors counts the requests that failed, per commune and hour. The log has each
// failure, also those that a dying process did not write.
type Errors struct {
	clock clock.Clock
	tally Tally
}

// NewErrors makes a count of failures.
func NewErrors(db *tenancy.DB, c clock.Clock) *Errors {
	return &Errors{clock: c, tally: Tally{DB: db, Write: `insert into error_counts (slug, hour, n) values ($1, $2, $3)
		on conflict (slug, hour) do update set n = error_counts.n + excluded.n returning n`}}
}

// Count adds one failure of a commune; the zero Tenant counts nothing.
func (e *Errors) Count(t tenancy.Tenant) {
	if t.Valid() {
		e.tally.Add(t, e.clock.Now().UTC().Truncate(time.Hour))
	}
}

// LastDay is how many requests failed in the last 24 hours, by commune.
func LastDay(tx *tenancy.PlatformTx, now time.Time) (map[string]int64, error) {
	rows, err := tx.Query("select slug, sum(n)::bigint from error_counts where hour > $1 group by slug", now.Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var slug string
		var n int64
		if err := rows.Scan(&slug, &n); err != nil {
			return nil, err
		}
		out[slug] = n
	}
	return out, rows.Err()
}
