package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// drill does harm, one fault after the other.
type drill struct {
	*deployment
	lasts  time.Duration
	only   string // faults whose name has this in it; "" for all
	random *rand.Rand
	count  map[string]int
	errs   []error // what must not have happened during a fault
}

type fault struct {
	name string
	do   func(context.Context) error
}

// run does faults at random until its time is over; each kind at least once.
func (d *drill) run(ctx context.Context) error {
	end := time.Now().Add(d.lasts)
	all := []fault{
		{"web process killed", func(context.Context) error { d.serves[d.random.IntN(2)].signal(syscall.SIGKILL); return nil }},
		{"worker killed", func(context.Context) error { d.workers[d.random.IntN(2)].signal(syscall.SIGKILL); return nil }},
		{"Redis emptied", func(ctx context.Context) error { return d.inside.Redis.FlushAll(ctx).Err() }},
		{"Redis killed", func(ctx context.Context) error { return d.redisAway(ctx, 300*time.Millisecond, false) }},
		{"Redis away", func(ctx context.Context) error { return d.redisAway(ctx, max(4*time.Second, d.lasts/20), true) }},
		{"PostgreSQL killed", func(ctx context.Context) error { return d.killPostgres(ctx, &d.main, "main", 0, nil) }},
		{"one cluster of two down", d.northAway},
		{"disk of the main cluster full", d.diskFull},
		{"disk of the files full", d.filesFull},
		{"slow disk", d.slowDisk},
	}
	if d.lasts >= 8*time.Minute {
		all = append(all, fault{"Redis away for five minutes", func(ctx context.Context) error {
			if d.count["Redis away for five minutes"] > 0 {
				return nil
			}
			return d.redisAway(ctx, 5*time.Minute, true)
		}})
	}
	all = slices.DeleteFunc(all, func(f fault) bool { return !strings.Contains(f.name, d.only) })
	for round := 0; time.Now().Before(end) || round == 0; round++ {
		d.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, f := range all {
			if round > 0 && time.Now().After(end) {
				break
			}
			if err := f.do(ctx); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
			d.count[f.name]++
			wait(ctx, time.Second+time.Duration(d.random.IntN(2000))*time.Millisecond)
		}
	}
	return ctx.Err()
}

// redisAway kills Redis and starts it again later. Meanwhile the desk goes on
// and says that it is degraded.
func (d *drill) redisAway(ctx context.Context, pause time.Duration, look bool) error {
	if pid := d.redisPID(ctx); pid != 0 {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return err
		}
	} else if err := d.redis.Stop(ctx); err != nil {
		return err
	}
	back := time.Now().Add(pause)
	if look {
		wait(ctx, 500*time.Millisecond)
		for time.Now().Before(back) && ctx.Err() == nil {
			d.expect(ctx, "lugano", "/servizi", "without Redis")
			if state := d.readiness(ctx); !strings.Contains(state, `"degraded":true`) || !strings.Contains(state, `"ready":true`) {
				d.errs = append(d.errs, fmt.Errorf("without Redis /readyz says %s", state))
			}
			wait(ctx, time.Second)
		}
	}
	wait(ctx, time.Until(back))
	url := d.redis.URL()
	again, err := devstack.StartRedis(ctx, d.folder("main"), quiet)
	if err != nil {
		return err
	}
	if d.redis = again; again.URL() != url {
		return fmt.Errorf("redis came back at another address")
	}
	return nil
}

// readiness is what a web process that is up says of itself.
func (d *drill) readiness(ctx context.Context) string {
	var body []byte
	_ = until(ctx, 10*time.Second, "an answer from /readyz", func() bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.proxy.addr+"/readyz", nil)
		if err != nil {
			return false
		}
		res, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		body, err = io.ReadAll(res.Body)
		return err == nil && json.Valid(body)
	})
	return string(body)
}

// expect asks for a public page that must be there in spite of a fault.
func (d *drill) expect(ctx context.Context, slug, path, when string) {
	_, port, _ := net.SplitHostPort(d.proxy.addr)
	status, err := get(ctx, &http.Client{Timeout: 10 * time.Second}, "http://"+d.proxy.addr+path, slug+".localhost:"+port)
	if (err != nil || status != http.StatusOK) && ctx.Err() == nil {
		d.errs = append(d.errs, errors.Join(fmt.Errorf("%s: %s of %s answers %d", when, path, slug, status), err))
	}
}

// northAway takes the second cluster away: the communes of the first one do not notice.
func (d *drill) northAway(ctx context.Context) error {
	return d.killPostgres(ctx, &d.north, "north", 4*time.Second, func() {
		d.expect(ctx, "lugano", "/servizi", "with the other cluster down")
		d.expect(ctx, unpaid, "/servizi/certificato-domicilio", "with the other cluster down")
	})
}

// killPostgres kills a server with all its backends and starts it again later.
func (d *drill) killPostgres(ctx context.Context, pg **devstack.Postgres, folder string, pause time.Duration, meanwhile func()) error {
	if err := syscall.Kill((*pg).PID(), syscall.SIGKILL); err != nil {
		return err
	}
	for back := time.Now().Add(pause); time.Now().Before(back) && ctx.Err() == nil; wait(ctx, 200*time.Millisecond) {
		if meanwhile != nil {
			meanwhile()
		}
	}
	return d.startPostgres(ctx, pg, folder)
}

// startPostgres starts a server that has ended, as an init system would.
func (d *drill) startPostgres(ctx context.Context, pg **devstack.Postgres, folder string) error {
	url := (*pg).TCPURL(devstack.App, devstack.Database)
	var again *devstack.Postgres
	var err error
	// The dead server's children leave one by one; until then its memory is taken.
	if werr := until(ctx, 60*time.Second, "the database is back", func() bool {
		again, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: d.folder(folder), Log: quiet})
		return err == nil
	}); werr != nil {
		return fmt.Errorf("%w: %w", werr, err)
	}
	if *pg = again; again.TCPURL(devstack.App, devstack.Database) != url {
		return fmt.Errorf("postgresql came back at another address")
	}
	return nil
}
