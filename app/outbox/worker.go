package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// How the worker paces itself. A row that was handed to asynq and is not done
// after overdue is handed over again: asynq can lose a task with its lease.
const (
	pollEvery     = 400 * time.Millisecond
	sweepEvery    = 3 * time.Second
	overdue       = 10 * time.Second
	maxAttempts   = 250 // with retryMost between them about ten days
	retryMost     = time.Hour
	relayBatch    = 200
	taskTimeout   = 60 * time.Second
	chainEvery    = time.Second
	perCommuneMax = 4 // jobs of one commune at a time, so that none starves; default
)

// Worker relays outbox rows to asynq and runs their handlers.
type Worker struct {
	db     *tenancy.DB
	reg    *Registry
	rdb    redis.UniversalClient
	client *asynq.Client
	server *asynq.Server
	log    *slog.Logger

	mu    sync.Mutex
	slots map[string]chan struct{}
	each  int // jobs of one commune at a time
}

// WorkerDeps is what a worker needs.
type WorkerDeps struct {
	DB          *tenancy.DB
	Registry    *Registry
	Redis       redis.UniversalClient
	Log         *slog.Logger
	Concurrency int // handlers at a time; default 8
	PerCommune  int // of these, at most so many for one commune; default 4
}

// NewWorker makes a worker; Run starts it.
func NewWorker(d WorkerDeps) *Worker {
	if d.Concurrency == 0 {
		d.Concurrency = 8
	}
	if d.PerCommune == 0 {
		d.PerCommune = perCommuneMax
	}
	w := &Worker{each: d.PerCommune, db: d.DB, reg: d.Registry, rdb: d.Redis, log: d.Log, slots: map[string]chan struct{}{}}
	w.client = asynq.NewClientFromRedisClient(d.Redis)
	w.server = asynq.NewServerFromRedisClient(d.Redis, asynq.Config{
		Concurrency:       d.Concurrency,
		Queues:            map[string]int{string(Critical): 6, string(Default): 3, string(Bulk): 1},
		TaskCheckInterval: 50 * time.Millisecond,
		LogLevel:          asynq.ErrorLevel,
		Logger:            asynqLog{d.Log},
		ShutdownTimeout:   15 * time.Second,
	})
	return w
}

// Run works until ctx ends, then lets running handlers finish.
func (w *Worker) Run(ctx context.Context) error {
	if err := w.server.Start(asynq.HandlerFunc(w.process)); err != nil {
		return fmt.Errorf("outbox: start asynq: %w", err)
	}
	var wg sync.WaitGroup
	loop := func(f func(context.Context)) {
		wg.Add(1)
		go func() { defer wg.Done(); f(ctx) }()
	}
	loop(w.relayLoop)
	loop(w.sweepLoop)
	loop(w.chainLoop)
	for _, t := range w.reg.ticks {
		loop(func(ctx context.Context) { w.tickLoop(ctx, t) })
	}
	<-ctx.Done()
	w.server.Shutdown()
	wg.Wait()
	return nil // the client shares the process's Redis connection
}

// relayLoop hands over new rows: woken by Redis, else by polling the hints.
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
				w.relayOrLog(ctx, t)
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
			w.relayHintedOn(ctx, cluster)
			return nil
		})
	}
	_ = g.Wait() // each has logged what failed
}

// relayHintedOn relays the communes of one cluster that have written, and then
// deletes just the hints it read.
func (w *Worker) relayHintedOn(ctx context.Context, cluster string) {
	var ids []int64
	roles := map[string]bool{}
	err := w.db.Node(ctx, cluster, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select id, tenant::text from outbox_hints order by id limit 2000")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id int64
			var role string
			if err := rows.Scan(&id, &role); err != nil {
				return err
			}
			ids, roles[role] = append(ids, id), true
		}
		return rows.Err()
	})
	if err != nil || len(ids) == 0 {
		w.logUnless(ctx, "read outbox hints", err)
		return
	}
	for role := range roles {
		t, err := w.db.Directory().ByRole(ctx, cluster, role)
		if err != nil {
			continue // the last hint of a commune that was archived or moved away
		}
		if err := w.relay(ctx, t); err != nil {
			w.logUnless(ctx, "relay outbox", err, "commune", t.Slug())
			return // keep the hints: the next poll tries again
		}
	}
	w.logUnless(ctx, "delete outbox hints", w.db.Node(ctx, cluster, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec("delete from outbox_hints where id = any($1)", ids)
		return err
	}))
}

func (w *Worker) relayOrLog(ctx context.Context, t tenancy.Tenant) {
	w.logUnless(ctx, "relay outbox", w.relay(ctx, t), "commune", t.Slug())
}

// relay hands a commune's due rows to asynq. The attempt's number is part of
// the task's id: a repetition after a lost lease is a new task, a double
// relay of the same attempt is a conflict and therefore harmless.
func (w *Worker) relay(ctx context.Context, t tenancy.Tenant) error {
	for {
		n := 0
		err := w.db.In(ctx, t, func(tx *tenancy.Tx) error {
			rows, err := tx.Query(`select id, kind, attempts from outbox
				where done_at is null and gave_up_at is null and run_after <= now()
				and (relayed_at is null or relayed_at < now() - make_interval(secs => $1))
				order by run_after, id limit $2 for update skip locked`, overdue.Seconds(), relayBatch)
			if err != nil {
				return err
			}
			type due struct {
				ID       int64
				Kind     string
				Attempts int
			}
			all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[due])
			if err != nil {
				return err
			}
			n = len(all)
			ids := make([]int64, n)
			for i, d := range all {
				ids[i] = d.ID
				if err := w.enqueue(ctx, t, d.ID, d.Kind, d.Attempts+1); err != nil {
					return err
				}
			}
			if n == 0 {
				return nil
			}
			_, err = tx.Exec("update outbox set relayed_at = now(), attempts = attempts + 1 where id = any($1)", ids)
			return err
		})
		if err != nil || n < relayBatch {
			return err
		}
	}
}

type ticket struct {
	Commune string `json:"commune"`
	ID      int64  `json:"id"`
}

func (w *Worker) enqueue(ctx context.Context, t tenancy.Tenant, id int64, kind string, attempt int) error {
	class := Default
	if e, ok := w.reg.kinds[kind]; ok {
		class = e.class
	}
	body, err := json.Marshal(ticket{t.Slug(), id})
	if err != nil {
		return err
	}
	_, err = w.client.EnqueueContext(ctx, asynq.NewTask(kind, body),
		asynq.TaskID(fmt.Sprintf("%s:%d:%d", t.Slug(), id, attempt)),
		asynq.Queue(string(class)), asynq.MaxRetry(0), asynq.Timeout(taskTimeout))
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// sweepLoop is the reconciler: it looks at every commune, whatever the hints
// said, and finds rows that were never handed over or never done.
func (w *Worker) sweepLoop(ctx context.Context) {
	w.everyCommune(ctx, sweepEvery, w.relay)
}

func (w *Worker) chainLoop(ctx context.Context) {
	w.everyCommune(ctx, chainEvery, func(ctx context.Context, t tenancy.Tenant) error {
		return w.db.In(ctx, t, func(tx *tenancy.Tx) error {
			_, err := audit.Chain(tx)
			return err
		})
	})
}

func (w *Worker) everyCommune(ctx context.Context, every time.Duration, do func(context.Context, tenancy.Tenant) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		all, err := w.db.Directory().All(ctx)
		w.logUnless(ctx, "read directory", err)
		byCluster := map[string][]tenancy.Tenant{}
		for _, t := range all {
			if state, _ := t.State(); state != tenancy.Provisioning {
				byCluster[t.Cluster()] = append(byCluster[t.Cluster()], t)
			}
		}
		var g errgroup.Group // communes whose cluster is away do not hold up the others
		for _, there := range byCluster {
			g.Go(func() error {
				for _, t := range there {
					w.logUnless(ctx, "look after commune", do(ctx, t), "commune", t.Slug())
				}
				return nil
			})
		}
		_ = g.Wait() // each has logged what failed
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tickLoop runs something regular in each commune, in one worker of several.
func (w *Worker) tickLoop(ctx context.Context, tk tick) {
	w.everyCommune(ctx, tk.every, func(ctx context.Context, t tenancy.Tenant) error {
		mine, err := w.takeTurn(ctx, t, tk)
		if err != nil || !mine {
			return err
		}
		return tk.do(ctx, t, Job{Kind: tk.name, tenant: t})
	})
}

// takeTurn notes in the commune's schema that a regular job runs now. It is
// another worker's turn, or too early, when less than nine tenths of the pause
// have passed; what Redis remembers or forgets changes nothing.
func (w *Worker) takeTurn(ctx context.Context, t tenancy.Tenant, tk tick) (mine bool, err error) {
	err = w.db.In(ctx, t, func(tx *tenancy.Tx) error {
		n, err := tx.Exec(`insert into tick_runs as r (name, began_at) values ($1, clock_timestamp())
			on conflict (name) do update set began_at = excluded.began_at
			where r.began_at <= excluded.began_at - make_interval(secs => $2)`, tk.name, tk.every.Seconds()*.9)
		mine = err == nil && n == 1
		return err
	})
	return mine && err == nil, err
}

func (w *Worker) logUnless(ctx context.Context, what string, err error, args ...any) {
	if err != nil && ctx.Err() == nil {
		w.log.Error(what, append(args, "error", err.Error())...)
	}
}

type asynqLog struct{ *slog.Logger }

func (l asynqLog) Debug(a ...any) {}
func (l asynqLog) Info(a ...any)  {}
func (l asynqLog) Warn(a ...any)  { l.Logger.Warn("asynq", "message", fmt.Sprint(a...)) }
func (l asynqLog) Error(a ...any) { l.Logger.Error("asynq", "message", fmt.Sprint(a...)) }
func (l asynqLog) Fatal(a ...any) { l.Logger.Error("asynq", "message", fmt.Sprint(a...)) }
