package tenancy

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"
)

// revisionTTL is how long a process trusts its snapshot of a commune without
// asking: a change made on a console reaches all processes within a second.
const revisionTTL = time.Second

// revisionBook remembers, per commune, the revision of every topic.
type revisionBook struct {
	mu   sync.Mutex
	at   map[string]revisionPage
	once singleflight.Group
}

type revisionPage struct {
	readAt time.Time
	topics map[string]int64
}

func (db *DB) forgetRevisions(t Tenant) {
	b := db.book
	b.mu.Lock()
	delete(b.at, t.Slug())
	b.mu.Unlock()
}

// Revision is the number that Tx.Bump raises for a topic, at most a second old.
// Errors: whatever kept the database from answering.
func (db *DB) Revision(ctx context.Context, t Tenant, topic string) (int64, error) {
	return db.revision(ctx, t, topic)
}

func (db *DB) revision(ctx context.Context, t Tenant, topic string) (int64, error) {
	b := db.book
	b.mu.Lock()
	page, ok := b.at[t.Slug()]
	b.mu.Unlock()
	if ok && time.Since(page.readAt) < revisionTTL {
		return page.topics[topic], nil
	}
	v, err, _ := b.once.Do(t.Slug(), func() (any, error) {
		next := revisionPage{readAt: time.Now(), topics: map[string]int64{}}
		err := db.Read(context.WithoutCancel(ctx), t, func(tx *Tx) error {
			rows, err := tx.Query("select topic, rev from revisions")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var name string
				var rev int64
				if err := rows.Scan(&name, &rev); err != nil {
					return err
				}
				next.topics[name] = rev
			}
			return rows.Err()
		})
		if err != nil {
			return nil, err
		}
		b.mu.Lock()
		b.at[t.Slug()] = next
		b.mu.Unlock()
		return next, nil
	})
	if err != nil {
		return 0, err
	}
	return v.(revisionPage).topics[topic], nil
}

// Cached keeps one value per commune in memory (its catalogue, its brand, its
// roles). A change is announced with Tx.Bump in the transaction that makes it;
// the value is loaded again at the first question after that.
type Cached[T any] struct {
	db    *DB
	topic string
	load  func(tx *Tx) (T, error)
	mu    sync.RWMutex
	held  map[string]held[T]
	once  singleflight.Group

	hit, miss, stale prometheus.Counter
}

type held[T any] struct {
	rev   int64
	value T
}

// NewCached makes a cache of what load reads; topic names it in Tx.Bump.
func NewCached[T any](db *DB, topic string, load func(tx *Tx) (T, error)) *Cached[T] {
	return &Cached[T]{db: db, topic: topic, load: load, held: map[string]held[T]{},
		hit: cacheReads.WithLabelValues(topic, "hit"), miss: cacheReads.WithLabelValues(topic, "miss"), stale: cacheReads.WithLabelValues(topic, "stale")}
}

// Get returns the commune's value, loading it when it is missing or stale.
// The value is shared: readers must not change it.
func (c *Cached[T]) Get(ctx context.Context, t Tenant) (T, error) {
	slug := t.Slug()
	rev, err := c.db.revision(ctx, t, c.topic)
	c.mu.RLock()
	h, ok := c.held[slug]
	c.mu.RUnlock()
	if err != nil {
		if ok {
			c.stale.Inc() // the database is away: what we know is better than nothing
			return h.value, nil
		}
		var zero T
		return zero, err
	}
	if ok && h.rev == rev {
		c.hit.Inc()
		return h.value, nil
	}
	c.miss.Inc()
	v, err, _ := c.once.Do(slug, func() (any, error) {
		var value T
		err := c.db.Read(context.WithoutCancel(ctx), t, func(tx *Tx) error {
			var err error
			value, err = c.load(tx)
			return err
		})
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		c.held[slug] = held[T]{rev, value}
		c.mu.Unlock()
		return value, nil
	})
	if err != nil {
		var zero T
		return zero, err
	}
	return v.(T), nil
}
