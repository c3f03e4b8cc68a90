package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// world is the demo seen from inside: the same product on the same servers, with
// which people, drafts and sessions are made as the product makes them.
type world struct {
	*app.App
	tenant tenancy.Tenant
	base   string
	data   string
}

// person is somebody with a session and a draft that waits to be submitted.
type person struct {
	identity.Account
	draft  uuid.UUID
	cookie string
}

func openWorld(ctx context.Context, s settings, base string, pg *devstack.Postgres) (*world, error) {
	rdb, err := devstack.StartRedis(ctx, s.data, nil) // the demo's is taken over
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(filepath.Join(s.data, "master.key"))
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load([]string{
		"SPORTELLO_DEMO=true", "SPORTELLO_DATA=" + s.data, "SPORTELLO_MASTER_KEY=" + strings.TrimSpace(string(key)),
		"SPORTELLO_DATABASE_URL=" + pg.URL(devstack.App, devstack.Database),
		"SPORTELLO_OWNER_DATABASE_URL=" + pg.URL(devstack.Owner, devstack.Database), "SPORTELLO_REDIS_URL=" + rdb.URL(),
		"SPORTELLO_DATABASE_POOL_SIZE=3", // with a hundred communes web process and worker need nearly all there are
	})
	if err != nil {
		return nil, err
	}
	a, err := app.New(ctx, cfg, app.Options{})
	if err != nil {
		return nil, err
	}
	t, err := a.DB.Directory().BySlug(ctx, s.commune)
	if err != nil {
		a.Close()
		return nil, err
	}
	return &world{a, t, base, s.data}, nil
}

// people makes n people who have filled in a service's form with answers and have
// not sent it yet. At level 3 they are residents of the register.
func (w *world) people(ctx context.Context, n, level int, service, answers string) ([]person, error) {
	list := make([]person, n)
	run := uuid.NewString()[:8]
	err := w.DB.In(ctx, w.tenant, func(tx *tenancy.Tx) error {
		var numbers []string
		if level >= identity.LevelVerified {
			var err error
			if numbers, err = unused(tx, n); err != nil {
				return err
			}
			if len(numbers) < n {
				return fmt.Errorf("the register has %d people left of %d: remove %s", len(numbers), n, w.data)
			}
		}
		for i := range list {
			a := identity.Account{ID: uuid.New(), Email: fmt.Sprintf("bench-%s-%d@example.ch", run, i), FirstName: "Prova", LastName: "Misura", Level: level, Lang: "it"}
			if numbers != nil {
				a.AVS = &numbers[i]
			}
			now := time.Now()
			a.ConfirmedAt = &now
			list[i].Account = a
			if err := identity.SaveAccount(tx, &list[i].Account); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range list {
		g.Go(func() (err error) {
			p := &list[i]
			if p.draft, err = w.Forms.Begin(inner, identity.Person(w.tenant, p.Account, nil), service, "it"); err != nil {
				return err
			}
			p.cookie, err = w.Identity.Begin(inner, w.tenant, p.Account, "bench")
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	drafts := make([]uuid.UUID, n)
	for i, p := range list {
		drafts[i] = p.draft
	}
	return list, w.DB.In(ctx, w.tenant, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update drafts set answers = $1 where id = any($2)", answers, drafts)
		return err
	})
}

// unused are AVS numbers of n adults of the register who have no account.
func unused(tx *tenancy.Tx, n int) ([]string, error) {
	k, err := tx.Keys()
	if err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	err = openNumbers(tx, k, "account_avs/", "select account_id::text, avs_sealed from account_avs", func(number string) bool {
		taken[strings.ReplaceAll(number, ".", "")] = true
		return true
	})
	if err != nil {
		return nil, err
	}
	var free []string
	err = openNumbers(tx, k, "residents/", `select id::text, avs_sealed from residents
		where status = 'domicile' and not protected and not blocked and born < now() - interval '20 years' order by id`, func(number string) bool {
		if !taken[number] {
			free = append(free, number)
		}
		return len(free) < n
	})
	return free, err
}

// openNumbers hands each sealed number of a query to each until it has had enough.
func openNumbers(tx *tenancy.Tx, k tenancy.Keys, place, query string, each func(string) bool) error {
	rows, err := tx.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var sealed []byte
		if err := rows.Scan(&id, &sealed); err != nil {
			return err
		}
		number, err := k.Open(sealed, place+id)
		if err != nil {
			return err
		}
		if !each(string(number)) {
			break
		}
	}
	return rows.Err()
}

// queue hands people out one by one.
type queue struct {
	mu   sync.Mutex
	list []person
}

func (q *queue) next() (person, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) == 0 {
		return person{}, false
	}
	p := q.list[0]
	q.list = q.list[1:]
	return p, true
}

func (p person) header() string { return web.SessionCookie + "=" + p.cookie }

// pauseWorker keeps the demo's background jobs from taking part in a measurement
// until resume is called.
func (w *world) pauseWorker() (resume func() error, err error) {
	raw, err := os.ReadFile(filepath.Join(w.data, "worker.pid"))
	if err != nil {
		return nil, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, err
	}
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return nil, err
	}
	return func() error { return syscall.Kill(pid, syscall.SIGCONT) }, nil
}
