package meters

import (
	"context"
	"sync"
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// Errors counts the requests that failed, per commune and hour. Counting costs
// a map entry: the sums are written some seconds later, in one statement, and
// only when there is something to write. What a process had not written when it
// died is lost; the log has each failure.
type Errors struct {
	DB    *tenancy.DB
	Clock clock.Clock

	mu      sync.Mutex
	waiting map[errorHour]int64
}

type errorHour struct {
	slug string
	hour time.Time
}

// writeAfter is how long counts are gathered.
const writeAfter = 2 * time.Second

// Count adds one failure of a commune; the zero Tenant counts nothing.
func (e *Errors) Count(t tenancy.Tenant) {
	if !t.Valid() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting == nil {
		e.waiting = map[errorHour]int64{}
		time.AfterFunc(writeAfter, e.write)
	}
	e.waiting[errorHour{t.Slug(), e.Clock.Now().UTC().Truncate(time.Hour)}]++
}

func (e *Errors) write() {
	e.mu.Lock()
	list := e.waiting
	e.waiting = nil
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// With the database away there is nothing to count on; the log has it.
	_ = e.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		for k, n := range list {
			tx.Queue("insert into error_counts (slug, hour, n) values ($1, $2, $3) on conflict (slug, hour) do update set n = error_counts.n + excluded.n", k.slug, k.hour, n)
		}
		_, err := tx.Exec("select 1")
		return err
	})
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
