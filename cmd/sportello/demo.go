package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/devstack"
)

func demoCommand() *cobra.Command {
	var role string
	c := &cobra.Command{
		Use: "demo", Short: "Run the whole product on this machine with invented people", Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(append(os.Environ(), "SPORTELLO_DEMO=true"))
			if err != nil {
				return usageError{err}
			}
			if err := cfg.For(config.Demo); err != nil {
				return usageError{err}
			}
			switch role {
			case "":
				return runDemo(c.Context(), cfg)
			case "serve":
				return serve(c.Context(), cfg, logger(cfg, stderr), false)
			case "worker":
				return work(c.Context(), cfg, logger(cfg, stderr))
			}
			return usageError{fmt.Errorf("unknown role %q", role)}
		},
	}
	c.Flags().StringVar(&role, "role", "", "internal: the process to be (serve, worker)")
	_ = c.Flags().MarkHidden("role")
	return c
}

// runDemo starts servers, fills them, and keeps a web process and a worker
// running until Ctrl-C. The web process never sees the owner's credential.
func runDemo(ctx context.Context, cfg config.Config) error {
	start := time.Now()
	say := func(format string, a ...any) {
		fmt.Printf("%5.1fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, a...))
	}
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := free(cfg.Server.Addr); err != nil {
		return err
	}
	say("PostgreSQL and Redis under %s", cfg.Server.Data)
	stack, err := devstack.Start(ctx, devstack.Options{Dir: cfg.Server.Data, Log: quiet, DatabaseURL: cfg.Database.URL,
		OwnerDatabaseURL: cfg.Database.OwnerURL, RedisURL: cfg.Redis.URL, Second: cfg.Database.Clusters == ""})
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := stack.Stop(end); err != nil {
			fmt.Fprintln(os.Stderr, "sportello:", err)
		}
		fmt.Println("Stopped. Started again it goes on with the same data; `make demo-reset` forgets it.")
	}()
	cfg.Database.URL, cfg.Database.OwnerURL, cfg.Redis.URL = stack.DatabaseURL, stack.OwnerDatabaseURL, stack.RedisURL

	if s := stack.Second; s != nil { // somewhere to move a commune to
		cfg.Database.Clusters = secondCluster + "=" + s.URL(devstack.App, devstack.Database)
		cfg.Database.OwnerClusters = secondCluster + "=" + s.URL(devstack.Owner, devstack.Database)
	}

	d, err := startDemo(ctx, cfg, quiet, say)
	if err != nil {
		return err
	}
	defer func() {
		if err := d.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "sportello:", err)
		}
	}()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return supervise(ctx, cfg, "serve", d.Environ("serve")) })
	g.Go(func() error { return supervise(ctx, cfg, "worker", d.Environ("worker")) })
	if err := waitReady(ctx, "http://"+cfg.Server.Addr+"/readyz"); err != nil {
		return errors.Join(err, g.Wait())
	}
	say("ready\n")
	fmt.Print(d.Welcome())
	err = g.Wait()
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// secondCluster is what the demo calls its second PostgreSQL cluster.
const secondCluster = "nord"

// free says in one sentence that an address is taken.
func free(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%s is in use: stop what uses it, or choose another address with SPORTELLO_ADDR", addr)
	}
	return l.Close()
}

// supervise keeps one process of the demo running: one that dies (kill -9) is
// started again, as an init system would.
func supervise(ctx context.Context, cfg config.Config, role string, environ []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(cfg.Server.Data, role+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	for quick := 0; ; {
		began := time.Now()
		cmd := exec.CommandContext(ctx, self, "demo", "--role", role)
		cmd.Env, cmd.Stdout, cmd.Stderr = environ, log, log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C reaches us, and we tell them
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		cmd.WaitDelay = 20 * time.Second
		if err := cmd.Start(); err != nil {
			return err
		}
		_ = os.WriteFile(filepath.Join(cfg.Server.Data, role+".pid"), fmt.Appendf(nil, "%d\n", cmd.Process.Pid), 0o600)
		err := cmd.Wait()
		if ctx.Err() != nil {
			return nil
		}
		if quick++; time.Since(began) > 10*time.Second {
			quick = 0
		}
		if quick > 4 {
			return fmt.Errorf("the %s process ends again and again; its log is %s: %w", role, log.Name(), err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return client.Do(req)
}

func waitReady(ctx context.Context, url string) error {
	client := &http.Client{Timeout: 2 * time.Second}
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); {
		res, err := ask(ctx, client, url)
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("the desk did not become ready within a minute; see " + strings.TrimSuffix(url, "/readyz"))
}
