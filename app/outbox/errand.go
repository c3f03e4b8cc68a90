package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clean"
)

// How the workers carry errands. An errand that was taken and is not done after
// the lease is taken again: its worker has died.
const (
	errandPoll  = 500 * time.Millisecond
	errandLease = 15 * time.Second
	errandBatch = 50
	errandKept  = "90 days" // how long a commune remembers what it has done
)

// Errand is something a transaction of the platform has a commune do. The two
// schemas may lie on two clusters, so no transaction spans both: the errand is
// written with its cause, and done in a transaction of the commune that also
// notes that it was done.
type Errand struct {
	ID       uuid.UUID
	Slug     string
	Kind     string
	Attempts int
	payload  []byte
}

// Decode reads the payload.
func (e Errand) Decode(into any) error { return json.Unmarshal(e.payload, into) }

// ErrandHandler does an errand inside the commune's transaction that notes it:
// its effects in the database happen exactly once. What must leave the database
// goes on as a job of the commune's outbox.
type ErrandHandler func(ctx context.Context, tx *tenancy.Tx, e Errand) error

// Errand registers who does the errands of a kind.
func (r *Registry) Errand(kind string, h ErrandHandler) {
	if _, dup := r.errands[kind]; dup {
		panic("outbox: two handlers for errand " + kind)
	}
	r.errands[kind] = h
}

// Errand has a commune do something once the platform's transaction is
// committed. A commune that is away does it when it is back; one that was
// archived never does.
func (o *Outbox) Errand(tx *tenancy.PlatformTx, t tenancy.Tenant, kind string, payload any) error {
	if _, ok := o.reg.errands[kind]; !ok {
		return fmt.Errorf("outbox: no handler is registered for errand %q", kind)
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("outbox: payload of errand %s: %w", kind, err)
	}
	tx.Queue("insert into errands (id, slug, kind, payload) values ($1, $2, $3, $4)", uuid.Must(uuid.NewV7()), t.Slug(), kind, string(body))
	return nil
}

func (w *Worker) errandLoop(ctx context.Context) {
	tick := time.NewTicker(errandPoll)
	defer tick.Stop()
	for {
		for n := errandBatch; n == errandBatch && ctx.Err() == nil; {
			var err error
			n, err = w.errands(ctx)
			w.logUnless(ctx, "carry errands", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// errands takes what is due and does it; it returns how many it took.
func (w *Worker) errands(ctx context.Context) (int, error) {
	var due []Errand
	if err := w.db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(`update errands set attempts = attempts + 1, run_after = now() + make_interval(secs => $1)
			where id in (select id from errands where run_after <= now() order by run_after, id limit $2 for update skip locked)
			returning id, slug, kind, attempts, payload::text`, errandLease.Seconds(), errandBatch)
		if err != nil {
			return err
		}
		due, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e Errand, err error) {
			err = row.Scan(&e.ID, &e.Slug, &e.Kind, &e.Attempts, &e.payload)
			return e, err
		})
		return err
	}); err != nil {
		return 0, err
	}
	var g errgroup.Group // those of a commune that is away hold up no others
	g.SetLimit(8)
	for _, e := range due {
		g.Go(func() error {
			err := w.errand(ctx, e)
			if err != nil {
				w.logUnless(ctx, "errand", err, "commune", e.Slug, "kind", e.Kind)
			}
			return w.errandOver(ctx, e, err)
		})
	}
	return len(due), g.Wait()
}

// errand does one in its commune, unless it was done already.
func (w *Worker) errand(ctx context.Context, e Errand) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("outbox: panic: %v\n%s", p, debug.Stack())
		}
	}()
	do, known := w.reg.errands[e.Kind]
	if !known {
		return fmt.Errorf("outbox: this binary has no handler for errand %q", e.Kind)
	}
	t, err := w.db.Directory().BySlug(ctx, e.Slug)
	if errors.Is(err, tenancy.ErrUnknown) {
		return nil // archived: nobody is left to do it
	}
	if err != nil {
		return err
	}
	return w.db.In(ctx, t, func(tx *tenancy.Tx) error {
		n, err := tx.Exec("insert into errands_done (id) values ($1) on conflict do nothing", e.ID)
		if err != nil || n == 0 {
			return err
		}
		tx.Queue("delete from errands_done where at < now() - interval '" + errandKept + "'")
		return do(ctx, tx, e)
	})
}

// errandOver forgets an errand that is done, and puts off one that failed.
func (w *Worker) errandOver(ctx context.Context, e Errand, failed error) error {
	return w.db.Platform(context.WithoutCancel(ctx), func(tx *tenancy.PlatformTx) (err error) {
		if failed == nil {
			_, err = tx.Exec("delete from errands where id = $1", e.ID)
			return err
		}
		_, err = tx.Exec(`update errands set last_error = $2,
			run_after = now() + make_interval(secs => least(power(2, least(attempts, 20)), $3)) where id = $1`, e.ID, clean.Text(failed.Error(), 500), retryMost.Seconds())
		return err
	})
}
