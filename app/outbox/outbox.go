// Package outbox answers "what must happen next".
//
// A use case writes what must follow into the commune's outbox in its own
// transaction; a relay hands it to asynq; a handler does it. Redis and the
// hints only make it fast: what is in the table and not done is handed over
// again by the reconciler, so a lost Redis loses nothing. An effect inside the
// database happens exactly once, because the handler's transaction locks the
// row and marks it done. An effect outside happens at least once and carries
// the job's key, so that the other side can recognise it.
//
// A transaction of the platform has no commune to write into: it leaves an
// errand (errand.go), which a worker carries into the commune exactly once.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Outbox adds jobs inside a transaction.
type Outbox struct {
	reg  *Registry
	wake *waker
}

// New makes an outbox whose events reach the subscribers of reg. rdb may be nil:
// then the relay's poll finds the rows.
func New(reg *Registry, rdb redis.UniversalClient) *Outbox {
	return &Outbox{reg: reg, wake: &waker{rdb: rdb, resting: map[string]bool{}}}
}

// Add writes one background job of a registered kind, to be done after commit.
func (o *Outbox) Add(tx *tenancy.Tx, kind string, payload any) error {
	return o.AddAfter(tx, kind, payload, 0)
}

// AddAfter is Add with a delay.
func (o *Outbox) AddAfter(tx *tenancy.Tx, kind string, payload any, delay time.Duration) error {
	if _, ok := o.reg.kinds[kind]; !ok {
		return fmt.Errorf("outbox: no handler is registered for %q", kind)
	}
	return o.insert(tx, kind, payload, delay)
}

func (o *Outbox) insert(tx *tenancy.Tx, kind string, payload any, delay time.Duration) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("outbox: payload of %s: %w", kind, err)
	}
	tx.Queue("insert into outbox (kind, payload, run_after) values ($1, $2, now() + make_interval(secs => $3))",
		kind, string(body), delay.Seconds())
	o.due(tx)
	return nil
}

// due tells the relays, once tx is committed, that the commune has something due.
func (o *Outbox) due(tx *tenancy.Tx) {
	tx.Queue("insert into platform.outbox_hints (at) values (clock_timestamp())")
	slug := tx.Tenant().Slug()
	tx.AfterCommit(func() { o.wake.up(slug) })
}

// Publish writes one job for every subscriber of an event. No subscriber is
// not an error.
func (o *Outbox) Publish(tx *tenancy.Tx, event string, payload any) error {
	for _, kind := range o.reg.events[event] {
		if err := o.insert(tx, kind, payload, 0); err != nil {
			return err
		}
	}
	return nil
}

// Job is one row of an outbox on its way to its handler.
type Job struct {
	ID       int64
	Kind     string
	Attempts int // that failed before
	version  int64
	tenant   tenancy.Tenant
	payload  []byte
}

// Decode reads the payload.
func (j Job) Decode(into any) error { return json.Unmarshal(j.payload, into) }

// Key is the same at every attempt: what the other side recognises a
// repetition by.
func (j Job) Key() string { return fmt.Sprintf("%s:%d", j.tenant.Slug(), j.ID) }

// Handler does a job inside the transaction that marks it done.
type Handler func(ctx context.Context, tx *tenancy.Tx, job Job) error

// OutsideHandler does a job whose effect is outside the database, or that
// needs several transactions. It must be safe to run twice.
type OutsideHandler func(ctx context.Context, t tenancy.Tenant, job Job) error

// PutOff is what a handler returns when its job must wait: the row stays open and
// comes again after that time. It is no failure, and counts as none.
type PutOff struct{ For time.Duration }

// Error is the line for whoever does not know PutOff.
func (p PutOff) Error() string { return "outbox: put off for " + p.For.String() }

// waiting picks the jobs of a kind that were put off: a retry after a failure has
// its error beside it.
const waiting = "kind = $1 and done_at is null and gave_up_at is null and run_after > now() and last_error = ''"

// Waiting counts the jobs of a kind that have been put off.
func Waiting(tx *tenancy.Tx, kind string) (n int64, err error) {
	err = tx.QueryRow("select count(*) from outbox where "+waiting, kind).Scan(&n)
	return n, err
}

// Hasten lets up to n jobs of a kind that have been put off run now, the oldest
// first.
func (o *Outbox) Hasten(tx *tenancy.Tx, kind string, n int64) error {
	moved, err := tx.Exec("update outbox set run_after = now(), relayed_at = null where id in (select id from outbox where "+waiting+" order by id limit $2)", kind, n)
	if err != nil || moved == 0 {
		return err
	}
	o.due(tx)
	return nil
}

// Class decides how soon a job is taken when there is a queue.
type Class string

// The classes, and asynq's queues of the same name.
const (
	Critical Class = "critical"
	Default  Class = "default"
	Bulk     Class = "bulk"
)

type entry struct {
	long    bool // may take half an hour
	class   Class
	inside  Handler
	outside OutsideHandler
}

// Registry knows which handler does which kind of job.
type Registry struct {
	kinds   map[string]entry
	events  map[string][]string
	ticks   []tick
	errands map[string]ErrandHandler
	gauges  []gauge
}

type tick struct {
	name  string
	every time.Duration
	do    OutsideHandler
	watch bool // the turn is taken in the platform's schema
}

// NewRegistry makes an empty registry.
func NewRegistry() *Registry {
	return &Registry{kinds: map[string]entry{}, events: map[string][]string{}, errands: map[string]ErrandHandler{}}
}

func (r *Registry) add(kind string, e entry) {
	if _, dup := r.kinds[kind]; dup {
		panic("outbox: two handlers for " + kind)
	}
	r.kinds[kind] = e
}

// Handle registers a job whose effect is inside the database.
func (r *Registry) Handle(kind string, h Handler) { r.add(kind, entry{class: Default, inside: h}) }

// HandleOutside registers a job with an effect outside the database.
func (r *Registry) HandleOutside(kind string, h OutsideHandler) {
	r.add(kind, entry{class: Default, outside: h})
}

// HandleCritical is HandleOutside for what a person is waiting for.
func (r *Registry) HandleCritical(kind string, h OutsideHandler) {
	r.add(kind, entry{class: Critical, outside: h})
}

// HandleLong is HandleOutside for what may take half an hour.
func (r *Registry) HandleLong(kind string, h OutsideHandler) {
	r.add(kind, entry{class: Bulk, outside: h, long: true})
}

// Subscribe does h, exactly once, for every event published; name tells the
// subscribers of one event apart.
func (r *Registry) Subscribe(event, name string, h Handler) {
	kind := event + ">" + name
	r.add(kind, entry{class: Critical, inside: h})
	r.events[event] = append(r.events[event], kind)
}

// Every does something regularly in every active commune, in one process at a
// time (reconciliation with a payment provider, expiry of drafts).
func (r *Registry) Every(name string, every time.Duration, do OutsideHandler) {
	r.ticks = append(r.ticks, tick{name: name, every: every, do: do})
}

// Watch is Every for what must also happen while a commune's cluster is away: the
// turn is noted in the platform's schema.
func (r *Registry) Watch(name string, every time.Duration, do OutsideHandler) {
	r.ticks = append(r.ticks, tick{name: name, every: every, do: do, watch: true})
}

// Kinds lists what can be handled, sorted.
func (r *Registry) Kinds() []string {
	out := make([]string, 0, len(r.kinds))
	for k := range r.kinds {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// windows are the kinds this binary can handle, and how many rows of each are
// handed over at a time. A kind it does not know stays where it is until a binary
// comes that does.
func (r *Registry) windows() (kinds []string, rows []int32) {
	for k, e := range r.kinds {
		n := int32(insideWindow)
		if e.outside != nil {
			n = outsideWindow
		}
		kinds, rows = append(kinds, k), append(rows, n)
	}
	return kinds, rows
}
