package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// rolling replaces each web process in turn, and each worker, while people work.
// Not one request may fail.
func rolling(ctx context.Context, d *deployment, o options, out io.Writer) error {
	return underLoad(ctx, d, o, out, func(ctx context.Context) error {
		for end, n := time.Now().Add(o.lasts), 0; time.Now().Before(end) || n < 2; n++ {
			p := d.serves[n%2]
			before := p.started()
			p.signal(syscall.SIGTERM)
			d.workers[n%2].signal(syscall.SIGTERM)
			if err := until(ctx, time.Minute, p.name+" is replaced", func() bool { return p.started() > before }); err != nil {
				return err
			}
			if err := until(ctx, time.Minute, "both web processes are ready", func() bool { return d.proxy.ready() == 2 }); err != nil {
				return err
			}
			wait(ctx, 500*time.Millisecond)
			fmt.Fprintf(out, "%s replaced\n", p.name)
		}
		return nil
	})
}

// sideBySide runs another program beside today's on the same data.
func sideBySide(ctx context.Context, d *deployment, o options, out io.Writer) error {
	if o.before == "" {
		return errors.New("-before names the other program")
	}
	if err := d.startServe(ctx, "serve-before", o.before); err != nil {
		return err
	}
	w, err := startProcess(ctx, "worker", "worker", o.before, d.folder("worker-before.log"), append(d.settings.all(), "SPORTELLO_OPS_ADDR=127.0.0.1:0"))
	if err != nil {
		return err
	}
	d.workers = append(d.workers, w)
	if err := until(ctx, 90*time.Second, "three web processes are ready", func() bool { return d.proxy.ready() == 3 }); err != nil {
		return err
	}
	return underLoad(ctx, d, o, out, func(ctx context.Context) error { wait(ctx, o.lasts); return nil })
}

// pages are what visitors read meanwhile.
var pages = []string{"/", "/servizi", "/servizi/certificato-domicilio", "/verifica", "/stato", "/accedi", "/api/v1/services"}

// underLoad lets people file and visitors read while change happens; every
// request that fails is an error.
func underLoad(ctx context.Context, d *deployment, o options, out io.Writer, change func(context.Context) error) error {
	c, err := newCrowd(ctx, d, false)
	if err != nil {
		return err
	}
	stop, enough := context.WithCancel(ctx)
	defer enough()
	changed := make(chan error, 1)
	go func() {
		changed <- change(ctx)
		enough()
	}()
	var read atomic.Int64
	visitors := make(chan struct{})
	go func() {
		defer close(visitors)
		_, port, _ := net.SplitHostPort(d.proxy.addr)
		for stop.Err() == nil {
			slug, path := communes[rand.IntN(len(communes))], pages[rand.IntN(len(pages))]
			status, err := get(ctx, c.http, "http://"+d.proxy.addr+path, slug+".localhost:"+port)
			if (err != nil || status != http.StatusOK) && ctx.Err() == nil {
				c.wrong(errors.Join(fmt.Errorf("%s of %s answers %d", path, slug, status), err))
			}
			read.Add(1)
			wait(stop, 20*time.Millisecond)
		}
	}()
	c.run(ctx, stop, clients/4)
	<-visitors
	if err := <-changed; err != nil {
		return err
	}
	settled := c.settled(ctx, 3*time.Minute)
	t, err := c.count(ctx)
	if err != nil {
		return errors.Join(settled, err)
	}
	c.papers(ctx, 20, t)
	fmt.Fprintf(out, "%6d pages read, %d requests failed\n", read.Load(), len(c.errs))
	return errors.Join(settled, c.report(out, t))
}

// logs shows the ends of the logs after a failure.
func logs(dir string, out io.Writer) error {
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "── end of %s\n%s\n", name, b[max(0, len(b)-3000):])
	}
	return err
}

// forget removes the folder with its databases, wherever they had to be put.
func forget(dir string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return errors.Join(devstack.Forget(ctx, filepath.Join(dir, "main")), devstack.Forget(ctx, filepath.Join(dir, "north")), os.RemoveAll(dir))
}
