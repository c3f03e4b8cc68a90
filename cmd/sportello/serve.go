package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/pkg/config"
)

func serveCommand() *cobra.Command {
	var withWorker bool
	c := &cobra.Command{
		Use: "serve", Short: "Answer HTTP for all communes", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := load(config.Serve)
			if err != nil {
				return err
			}
			return serve(c.Context(), cfg, logger(cfg, stderr), withWorker)
		},
	}
	c.Flags().BoolVar(&withWorker, "with-worker", false, "also run background jobs (not the opening of communes)")
	return c
}

func workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Run background jobs; with the owner's credential also open communes", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := load(config.Work)
			if err != nil {
				return err
			}
			return work(c.Context(), cfg, logger(cfg, stderr))
		},
	}
}

// serve runs the web server until ctx ends, then says that it is going and lets
// requests finish.
func serve(ctx context.Context, cfg config.Config, log *slog.Logger, withWorker bool) error {
	if os.Getenv("GOGC") == "" {
		// What lives long is some 20 MB; collecting half as often costs about
		// as much again in memory and a tenth less in time.
		debug.SetGCPercent(200)
	}
	a, err := app.New(ctx, cfg, app.Options{Log: log})
	if err != nil {
		return err
	}
	defer a.Close()
	serving, stop := drained(ctx, a, cfg.Server.DrainDelay)
	defer stop()
	g, ctx := errgroup.WithContext(serving)
	g.Go(func() error { return listen(ctx, log, "desk", cfg.Server, cfg.Server.Addr, lastOnes(a, a.Web)) })
	g.Go(func() error { return listen(ctx, log, "ops", cfg.Server, cfg.Server.OpsAddr, a.Ops()) })
	if withWorker {
		g.Go(func() error { return a.Worker().Run(ctx) })
	}
	return g.Wait()
}

// drained is a context that ends some time after ctx does. In between /readyz
// says that the process is going, so that a proxy sends its requests elsewhere,
// and those that still come are answered.
func drained(ctx context.Context, a *app.App, delay time.Duration) (context.Context, context.CancelFunc) {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-ctx.Done():
		case <-serving.Done():
			return
		}
		a.Drain()
		select {
		case <-time.After(delay):
		case <-serving.Done():
		}
		stop()
	}()
	return serving, stop
}

// lastOnes tells whoever keeps a connection open to a process that is going not
// to use it again: a request that crosses its closing would be lost.
func lastOnes(a *app.App, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.Draining() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// work runs background jobs until ctx ends.
func work(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	a, err := app.New(ctx, cfg, app.Options{Log: log})
	if err != nil {
		return err
	}
	defer a.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.Worker().Run(ctx) })
	g.Go(func() error { return listen(ctx, log, "ops", cfg.Server, cfg.Server.OpsAddr, a.Ops()) })
	if cfg.Database.OwnerURL != "" {
		opener, err := a.Opener()
		if err != nil {
			return err
		}
		g.Go(func() error { return opener.Run(ctx) })
		g.Go(func() error { return a.KeepSealed(ctx) })
	}
	log.Info("worker runs", "opens communes", cfg.Database.OwnerURL != "")
	return g.Wait()
}

// listen serves on one address until ctx ends, then drains.
func listen(ctx context.Context, log *slog.Logger, what string, s config.Server, addr string, h http.Handler) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on %s (%w): stop what uses it or set SPORTELLO_ADDR / SPORTELLO_OPS_ADDR", addr, err)
	}
	srv := &http.Server{Handler: h, ReadTimeout: s.ReadTimeout, ReadHeaderTimeout: 10 * time.Second,
		WriteTimeout: s.WriteTimeout, IdleTimeout: s.IdleTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	log.Info("listening", "what", what, "addr", l.Addr().String())
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.StopTimeout)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		return errors.Join(err, srv.Close())
	}
	return nil
}
