package outbox

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"
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
	taskTimeout   = 60 * time.Second
	longTimeout   = 30 * time.Minute
	chainEvery    = time.Second
	perCommuneMax = 4 // jobs of one commune at a time, so that none starves; default
	// waitingPlaces is how many tickets asynq gives out for each that can be
	// worked on: those of a commune that has its share wait here, and keep no
	// handler from the others.
	waitingPlaces = 8
)

// Worker relays outbox rows to asynq and runs their handlers.
type Worker struct {
	db     *tenancy.DB
	reg    *Registry
	rdb    redis.UniversalClient
	client *asynq.Client
	server *asynq.Server
	log    *slog.Logger

	relays map[string]*relays // by cluster
	work   chan struct{}      // a place for each handler that runs

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
	w := &Worker{each: d.PerCommune, db: d.DB, reg: d.Registry, rdb: d.Redis, log: d.Log, slots: map[string]chan struct{}{},
		relays: map[string]*relays{}, work: make(chan struct{}, d.Concurrency)}
	for _, cluster := range d.DB.Clusters() {
		w.relays[cluster] = newRelays()
	}
	w.client = asynq.NewClientFromRedisClient(d.Redis)
	w.server = asynq.NewServerFromRedisClient(d.Redis, asynq.Config{
		Concurrency:       waitingPlaces * d.Concurrency,
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
	for _, there := range w.relays {
		for range relayHands {
			loop(func(ctx context.Context) { w.relayHand(ctx, there) })
		}
		context.AfterFunc(ctx, there.end)
	}
	loop(w.relayLoop)
	loop(w.sweepLoop)
	loop(w.chainLoop)
	loop(w.errandLoop)
	loop(w.gaugeLoop)
	for _, t := range w.reg.ticks {
		loop(func(ctx context.Context) { w.tickLoop(ctx, t) })
	}
	<-ctx.Done()
	w.server.Shutdown()
	wg.Wait()
	return nil // the client shares the process's Redis connection
}

// sweepLoop is the reconciler: it looks at every commune, whatever the hints
// said, and finds rows that were never handed over or never done.
func (w *Worker) sweepLoop(ctx context.Context) {
	w.everyCommune(ctx, sweepEvery, func(ctx context.Context, t tenancy.Tenant) error {
		w.mark(t)
		return nil
	})
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
	if tk.watch {
		err = w.db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
			n, err := tx.Exec(`insert into watch_runs as r (name, slug, began_at) values ($1, $2, clock_timestamp())
				on conflict (name, slug) do update set began_at = excluded.began_at
				where r.began_at <= excluded.began_at - make_interval(secs => $3)`, tk.name, t.Slug(), tk.every.Seconds()*.9)
			mine = err == nil && n == 1
			return err
		})
		return mine && err == nil, err
	}
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
