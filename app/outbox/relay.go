package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// How many open rows of one kind and commune are with asynq at a time; the rest
// stay in the table until some of these are done. asynq takes first what came
// first: were all handed over, a commune that writes ten thousand letters would
// keep the others waiting for as long as these take. Of jobs with an effect
// outside the database, which may be slow, there are fewer, so that none waits
// for its turn until it is taken for lost.
const (
	insideWindow  = 32
	outsideWindow = 2 * perCommuneMax
)

// relayHands is how many communes of a cluster are relayed at the same time.
const relayHands = 3

// relays is which communes of one cluster are to be looked at. A commune is
// looked at by one hand at a time, and once more when it was named meanwhile.
type relays struct {
	mu     sync.Mutex
	named  sync.Cond
	line   []tenancy.Tenant
	state  map[string]relayState // of those in line or in hand
	full   map[string]bool       // communes that have more than was handed over
	ending bool
}

type relayState int

const (
	inLine relayState = iota
	inHand
	inHandNamedAgain
)

func newRelays() *relays {
	r := &relays{state: map[string]relayState{}, full: map[string]bool{}}
	r.named.L = &r.mu
	return r
}

// mark puts a commune in line.
func (r *relays) mark(t tenancy.Tenant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch s, known := r.state[t.Slug()]; {
	case !known:
		r.state[t.Slug()] = inLine
		r.line = append(r.line, t)
		r.named.Signal()
	case s == inHand:
		r.state[t.Slug()] = inHandNamedAgain
	}
}

// take waits for a commune; false when there will be none any more.
func (r *relays) take() (tenancy.Tenant, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.line) == 0 && !r.ending {
		r.named.Wait()
	}
	if r.ending {
		return tenancy.Tenant{}, false
	}
	t := r.line[0]
	r.line = r.line[1:]
	r.state[t.Slug()] = inHand
	return t, true
}

// leave lets a commune go; it stands in line again when it was named meanwhile.
func (r *relays) leave(t tenancy.Tenant) {
	r.mu.Lock()
	again := r.state[t.Slug()] == inHandNamedAgain
	delete(r.state, t.Slug())
	r.mu.Unlock()
	if again {
		r.mark(t)
	}
}

func (r *relays) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ending = true
	r.named.Broadcast()
}

// mark has a commune's outbox looked at soon.
func (w *Worker) mark(t tenancy.Tenant) {
	if there := w.relays[t.Cluster()]; there != nil {
		there.mark(t)
	}
}

// room is said when a job of a commune has ended: where more were waiting than
// could be handed over, the next one can be.
func (w *Worker) room(t tenancy.Tenant) {
	there := w.relays[t.Cluster()]
	if there == nil {
		return
	}
	there.mu.Lock()
	more := there.full[t.Slug()]
	there.mu.Unlock()
	if more {
		there.mark(t)
	}
}

func (w *Worker) noteFull(t tenancy.Tenant, full bool) {
	there := w.relays[t.Cluster()]
	if there == nil {
		return
	}
	there.mu.Lock()
	defer there.mu.Unlock()
	there.full[t.Slug()] = full
}

func (w *Worker) relayHand(ctx context.Context, there *relays) {
	for {
		t, ok := there.take()
		if !ok {
			return
		}
		w.logUnless(ctx, "relay outbox", w.relay(ctx, t), "commune", t.Slug())
		there.leave(t)
	}
}

// relayLoop hears which communes have new rows: from Redis, else by polling the
// hints.
func (w *Worker) relayLoop(ctx context.Context) {
	sub := w.rdb.Subscribe(ctx, wakeChannel)
	defer sub.Close()
	wake := sub.Channel(redis.WithChannelSize(256))
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case m, ok := <-wake:
			if !ok {
				wake = nil
				continue
			}
			if t, err := w.db.Directory().BySlug(ctx, m.Payload); err == nil {
				w.mark(t)
			}
		case <-poll.C:
			w.relayHinted(ctx)
		}
	}
}

// relayHinted reads on each cluster which communes have written.
func (w *Worker) relayHinted(ctx context.Context) {
	var g errgroup.Group // a cluster that does not answer holds up none but itself
	for _, cluster := range w.db.Clusters() {
		g.Go(func() error {
			w.logUnless(ctx, "read outbox hints", w.relayHintedOn(ctx, cluster))
			return nil
		})
	}
	_ = g.Wait() // each has logged what failed
}

// relayHintedOn takes the hints of one cluster away and marks the communes they
// name. A process that dies before it has looked loses only time: whoever sweeps
// finds the rows.
func (w *Worker) relayHintedOn(ctx context.Context, cluster string) error {
	var roles []string
	hints := 0
	err := w.db.Node(ctx, cluster, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(`with read as (delete from outbox_hints where id in (select id from outbox_hints order by id limit 2000) returning tenant)
			select tenant::text, count(*) from read group by tenant`)
		if err != nil {
			return err
		}
		var role string
		var n int
		_, err = pgx.ForEachRow(rows, []any{&role, &n}, func() error {
			roles, hints = append(roles, role), hints+n
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	hintsWaiting.WithLabelValues(cluster).Set(float64(hints))
	for _, role := range roles {
		if t, err := w.db.Directory().ByRole(ctx, cluster, role); err == nil { // else the last hint of a commune that was archived or moved away
			w.mark(t)
		}
	}
	return nil
}

// due is a row to hand over; Full tells that its commune has as many open rows of
// some kind as are handed over at a time, or more.
type due struct {
	ID       int64
	Kind     string
	Attempts int
	Full     bool
	Waited   float64 // seconds
	First    bool    // it was not handed over before
	Now      int64   // when it is handed over, in microseconds: the version of its ticket
}

const dueRows = `
	with places as (select o.id, o.n = k.places as last from unnest($1::text[], $2::int[]) as k(kind, places), lateral (
		select id, row_number() over (order by run_after, id) as n from outbox
		where outbox.kind = k.kind and done_at is null and gave_up_at is null and run_after <= now()
		order by run_after, id limit k.places) o)
	select id, kind, attempts, (select bool_or(last) from places), extract(epoch from clock_timestamp() - run_after)::float8, relayed_at is null,
		(extract(epoch from now()) * 1000000)::bigint from outbox
	where id = any(array(select id from places)) and done_at is null and gave_up_at is null
		and (relayed_at is null or relayed_at < now() - make_interval(secs => $3))
	order by run_after, id for update of outbox skip locked`

// relay hands a commune's due rows to asynq. When a row was handed over is part of
// the task's id: a repetition after a lost lease is a new task. It counts as no
// attempt: a row that only waited for its turn has failed at nothing.
func (w *Worker) relay(ctx context.Context, t tenancy.Tenant) error {
	kinds, windows := w.reg.windows()
	return w.db.In(ctx, t, func(tx *tenancy.Tx) error {
		rows, err := tx.Query(dueRows, kinds, windows, overdue.Seconds())
		if err != nil {
			return err
		}
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[due])
		if err != nil || len(all) == 0 {
			return err
		}
		w.noteFull(t, all[0].Full)
		ids := make([]int64, len(all))
		var g errgroup.Group
		g.SetLimit(8)
		for i, d := range all {
			ids[i] = d.ID
			if d.First && d.Attempts == 0 {
				relaySeconds.Observe(d.Waited)
			}
			g.Go(func() error { return w.enqueue(ctx, t, d) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		tx.Queue("update outbox set relayed_at = now() where id = any($1)", ids)
		return nil
	})
}

// ticket is what asynq carries.
type ticket struct {
	Commune string `json:"commune"`
	ID      int64  `json:"id"`
	Version int64  `json:"version"`
}

func (w *Worker) enqueue(ctx context.Context, t tenancy.Tenant, d due) error {
	tk := ticket{t.Slug(), d.ID, d.Now}
	body, err := json.Marshal(tk)
	if err != nil {
		return err
	}
	e, within := w.reg.kinds[d.Kind], taskTimeout
	if e.long {
		within = longTimeout
	}
	_, err = w.client.EnqueueContext(ctx, asynq.NewTask(d.Kind, body),
		asynq.TaskID(fmt.Sprintf("%s:%d:%d", tk.Commune, tk.ID, tk.Version)),
		asynq.Queue(string(e.class)), asynq.MaxRetry(0), asynq.Timeout(within))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}
