package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clean"
	"github.com/sportello-ticino/sportello/pkg/trace"
)

// errTaken says that another worker holds the row right now.
var errTaken = errors.New("outbox: the job is being done elsewhere")

// process is called by asynq with a ticket. asynq never retries: the outbox
// row decides, through run_after.
func (w *Worker) process(ctx context.Context, task *asynq.Task) error {
	var tk ticket
	if err := json.Unmarshal(task.Payload(), &tk); err != nil {
		return fmt.Errorf("outbox: ticket: %w", err)
	}
	t, err := w.db.Directory().BySlug(ctx, tk.Commune)
	if err != nil {
		return err
	}
	release := w.slot(ctx, t)
	if release == nil {
		return ctx.Err()
	}
	defer w.room(t)
	defer release()
	start := time.Now()
	ctx, span := trace.Start(ctx, trace.Job, task.Type(), t.Slug())
	err = w.do(ctx, t, tk)
	var later PutOff
	if errors.As(err, &later) {
		span.End(nil)
	} else {
		span.End(err)
	}
	switch {
	case err == nil:
		jobsDone.WithLabelValues(t.Slug(), task.Type(), "done").Inc()
		jobSeconds.WithLabelValues(task.Type()).Observe(time.Since(start).Seconds())
	case errors.Is(err, errTaken):
		return nil
	case errors.As(err, &later):
		jobsDone.WithLabelValues(t.Slug(), task.Type(), "put-off").Inc()
		w.logUnless(ctx, "put off job", w.putOff(ctx, t, tk.ID, later.For), "commune", t.Slug())
	default:
		jobsDone.WithLabelValues(t.Slug(), task.Type(), "failed").Inc()
		w.log.Error("job failed", "commune", t.Slug(), "job", tk.ID, "kind", task.Type(), "error", err.Error())
		w.logUnless(ctx, "note failed job", w.failed(ctx, t, tk.ID, err), "commune", t.Slug())
	}
	return nil
}

// slot bounds how many jobs of one commune, and how many of all, run at a time
// in this process; nil when ctx ended first.
func (w *Worker) slot(ctx context.Context, t tenancy.Tenant) func() {
	w.mu.Lock()
	s := w.slots[t.Slug()]
	if s == nil {
		s = make(chan struct{}, w.each)
		w.slots[t.Slug()] = s
	}
	w.mu.Unlock()
	select {
	case s <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	select {
	case w.work <- struct{}{}:
		return func() { <-w.work; <-s }
	case <-ctx.Done():
		<-s
		return nil
	}
}

func (w *Worker) do(ctx context.Context, t tenancy.Tenant, tk ticket) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("outbox: panic: %v\n%s", p, debug.Stack())
		}
	}()
	var job Job
	var e entry
	open := false
	err = w.db.In(ctx, t, func(tx *tenancy.Tx) error {
		var err error
		if job, open, err = lock(tx, t, tk.ID); err != nil || !open {
			return err
		}
		var known bool
		if e, known = w.reg.kinds[job.Kind]; !known {
			return fmt.Errorf("outbox: this binary has no handler for %q", job.Kind)
		}
		if e.inside == nil {
			return hold(tx, job, tk)
		}
		if err := e.inside(ctx, tx, job); err != nil {
			return err
		}
		done(tx, tk.ID)
		return nil
	})
	if err != nil || !open || e.inside != nil {
		return err
	}
	// Outside effects run without a transaction; the row is marked after. A
	// heartbeat keeps the reconciler from taking a slow job for a lost one.
	stop := w.heartbeat(ctx, t, tk.ID)
	err = e.outside(ctx, t, job)
	stop()
	if err != nil {
		return err
	}
	return w.db.In(ctx, t, func(tx *tenancy.Tx) error {
		done(tx, tk.ID)
		return nil
	})
}

// hold makes a job with an effect outside the database this ticket's: it begins
// anew to be overdue, so that nobody else is given a ticket for it, and a ticket
// that was older is worth nothing. Tickets of a release that did not number them
// are let through.
func hold(tx *tenancy.Tx, job Job, tk ticket) error {
	if tk.Version != 0 && tk.Version != job.version {
		return errTaken
	}
	tx.Queue("update outbox set relayed_at = now() where id = $1", job.ID)
	return nil
}

func (w *Worker) heartbeat(ctx context.Context, t tenancy.Tenant, id int64) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(overdue / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				w.logUnless(ctx, "heartbeat", w.db.In(ctx, t, func(tx *tenancy.Tx) error {
					_, err := tx.Exec("update outbox set relayed_at = now() where id = $1 and done_at is null", id)
					return err
				}), "commune", t.Slug())
			}
		}
	}()
	return cancel
}

// lock takes the row for this transaction; open is false when it is done. A row
// that the relay has not let go yet is waited for: the ticket was quicker than
// its commit, and nobody else would come for it before it is overdue.
func lock(tx *tenancy.Tx, t tenancy.Tenant, id int64) (Job, bool, error) {
	job := Job{ID: id, tenant: t}
	open, err := job.take(tx, "for update skip locked")
	if err != nil || open {
		return job, open, err
	}
	var finished bool
	if err := tx.QueryRow("select coalesce((select done_at is not null or gave_up_at is not null from outbox where id = $1), true)", id).Scan(&finished); err != nil || finished {
		return job, false, err
	}
	open, err = job.take(tx, "for update")
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "55P03" { // lock_not_available: the connection's lock_timeout
		return job, false, errTaken
	}
	return job, open, err
}

// take reads the row under a lock; false when there is none to take.
func (j *Job) take(tx *tenancy.Tx, locking string) (bool, error) {
	var payload string
	err := tx.QueryRow(`select kind, payload::text, attempts, coalesce((extract(epoch from relayed_at) * 1000000)::bigint, 0) from outbox
		where id = $1 and done_at is null and gave_up_at is null `+locking, j.ID).
		Scan(&j.Kind, &payload, &j.Attempts, &j.version)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	j.payload = []byte(payload)
	return err == nil, err
}

// done goes out with the commit.
func done(tx *tenancy.Tx, id int64) {
	tx.Queue("update outbox set done_at = now(), last_error = '' where id = $1", id)
}

// putOff lets the row wait as its handler asked.
func (w *Worker) putOff(ctx context.Context, t tenancy.Tenant, id int64, wait time.Duration) error {
	return w.db.In(context.WithoutCancel(ctx), t, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update outbox set last_error = '', relayed_at = null, run_after = now() + make_interval(secs => $2) where id = $1 and done_at is null", id, wait.Seconds())
		return err
	})
}

// failed puts the row off, longer each time, and gives up in the open after
// maxAttempts: the console counts what was given up.
func (w *Worker) failed(ctx context.Context, t tenancy.Tenant, id int64, cause error) error {
	msg := clean.Text(cause.Error(), 500)
	return w.db.In(context.WithoutCancel(ctx), t, func(tx *tenancy.Tx) error {
		_, err := tx.Exec(`update outbox set last_error = $2, relayed_at = null,
			attempts = attempts + 1, run_after = now() + make_interval(secs => least(power(2, least(attempts + 1, 20)), $4)),
			gave_up_at = case when attempts + 1 >= $3 then now() end where id = $1`, id, msg, maxAttempts, retryMost.Seconds())
		return err
	})
}
