package meters

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Tally counts in memory, per commune and span of time, and writes the sums some
// seconds later, in one transaction and only when there is something to write:
// counting costs a map entry. What a process had not written when it died is lost.
type Tally struct {
	DB *tenancy.DB
	// Write adds $3 to what stands under $1 (the commune) and $2 (when the span
	// begins) and returns the sum.
	Write string

	mu      sync.Mutex
	waiting map[span]int64
	known   map[span]int64 // the sum that was last returned, and all since
	planned bool
}

type span struct {
	slug string
	at   time.Time
}

// writeAfter is how long counts are gathered.
const writeAfter = 2 * time.Second

// Add counts one and returns the sum as this process knows it: what others have
// counted is missing for some seconds, and at the first count of a span.
func (y *Tally) Add(t tenancy.Tenant, at time.Time) int64 {
	k := span{t.Slug(), at}
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.waiting == nil {
		y.waiting, y.known = map[span]int64{}, map[span]int64{}
	}
	_, seen := y.known[k]
	if !seen {
		for old := range y.known { // a span that is over is asked for no more
			if old.slug == k.slug && old.at.Before(at) {
				delete(y.known, old)
			}
		}
	}
	y.waiting[k]++
	y.known[k]++
	if !y.planned {
		y.planned = true
		after := writeAfter
		if !seen {
			after = 0 // ask at once what the others have
		}
		time.AfterFunc(after, y.write)
	}
	return y.known[k]
}

// Sum is what Add would return without counting.
func (y *Tally) Sum(t tenancy.Tenant, at time.Time) int64 {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.known[span{t.Slug(), at}]
}

func (y *Tally) write() {
	y.mu.Lock()
	list := y.waiting
	y.waiting, y.planned = map[span]int64{}, false
	y.mu.Unlock()
	// Two processes that write at the same moment take the rows in one order.
	spans := make([]span, 0, len(list))
	for k := range list {
		spans = append(spans, k)
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.slug, b.slug), a.at.Compare(b.at)) })
	sums := map[span]int64{}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	// With the database away there is nothing to count on.
	if err := y.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		for _, k := range spans {
			var n int64
			if err := tx.QueryRow(y.Write, k.slug, k.at, list[k]).Scan(&n); err != nil {
				return err
			}
			sums[k] = n
		}
		return nil
	}); err != nil {
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	for k, n := range sums {
		if _, open := y.known[k]; open {
			y.known[k] = n + y.waiting[k]
		}
	}
}
