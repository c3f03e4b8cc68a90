// Package bouncertest runs a private PgBouncer in transaction mode in front of a
// PostgreSQL, for tests and measurements: on a free port of 127.0.0.1, with a
// folder of its own, and under an unprivileged account when the caller is root,
// for PgBouncer refuses to run as root. It knows nothing of what goes through it.
package bouncertest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// ErrMissing means that no PgBouncer is installed.
var ErrMissing = errors.New("bouncertest: no pgbouncer on PATH or in /usr/sbin: run `sh ops/bootstrap test`")

// Options say what stands behind and who may come.
type Options struct {
	Upstream string            // address of the PostgreSQL; its account and database do not matter
	Users    map[string]string // login → password, the same before and behind
	PoolSize int               // server connections per login and database; 0: 4
}

// Bouncer is a running PgBouncer.
type Bouncer struct {
	addr string
	dir  string
	cmd  *exec.Cmd
	done chan struct{}
}

// Start starts one and returns when it takes connections. Errors: ErrMissing.
func Start(ctx context.Context, o Options) (*Bouncer, error) {
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program = "/usr/sbin/pgbouncer" // not on everybody's PATH
		if _, err := os.Stat(program); err != nil {
			return nil, ErrMissing
		}
	}
	if o.PoolSize == 0 {
		o.PoolSize = 4
	}
	up, err := pgx.ParseConfig(o.Upstream)
	if err != nil {
		return nil, fmt.Errorf("bouncertest: %w", err)
	}
	account, err := devstack.ServerAccount()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bouncer-")
	if err != nil {
		return nil, err
	}
	b := &Bouncer{dir: dir, done: make(chan struct{})}
	// Another process may take the port between the look and the start.
	for range 5 {
		if err = b.start(ctx, program, account, up, o); err == nil {
			return b, nil
		}
	}
	return nil, errors.Join(err, os.RemoveAll(dir))
}

func (b *Bouncer) start(ctx context.Context, program string, account *devstack.Account, up *pgx.ConnConfig, o Options) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.addr = l.Addr().String()
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return err
	}
	var users strings.Builder
	for login, password := range o.Users {
		fmt.Fprintf(&users, "%q %q\n", login, password)
	}
	conf := strings.Join([]string{
		"[databases]", fmt.Sprintf("* = host=%s port=%d", up.Host, up.Port),
		"[pgbouncer]", "listen_addr = 127.0.0.1", "listen_port = " + strconv.Itoa(port), "unix_socket_dir =",
		"auth_type = scram-sha-256", "auth_file = " + filepath.Join(b.dir, "users"),
		"pool_mode = transaction", "default_pool_size = " + strconv.Itoa(o.PoolSize), "max_client_conn = 500",
		"server_tls_sslmode = disable", "logfile = " + filepath.Join(b.dir, "log"), "log_connections = 0", "log_disconnections = 0", "",
	}, "\n")
	for name, text := range map[string]string{"conf": conf, "users": users.String(), "log": ""} {
		path := filepath.Join(b.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
		if err := account.Own(path); err != nil {
			return err
		}
	}
	if err := account.Own(b.dir); err != nil {
		return err
	}
	b.cmd = exec.Command(program, filepath.Join(b.dir, "conf"))
	b.cmd.Dir = b.dir
	b.cmd.SysProcAttr = account.Process()
	if err := b.cmd.Start(); err != nil {
		return fmt.Errorf("bouncertest: %w", err)
	}
	exited := make(chan struct{})
	b.done = exited
	go func() {
		_ = b.cmd.Wait()
		close(exited)
	}()
	for range 500 {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", b.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-exited:
			log, _ := os.ReadFile(filepath.Join(b.dir, "log"))
			return fmt.Errorf("bouncertest: PgBouncer ended at once:\n%s", log)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), b.end())
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.Join(errors.New("bouncertest: PgBouncer does not answer"), b.end())
}

func (b *Bouncer) end() error {
	err := b.cmd.Process.Kill()
	<-b.done
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Stop ends it and forgets its folder.
func (b *Bouncer) Stop() error { return errors.Join(b.end(), os.RemoveAll(b.dir)) }

// URL is an address of the server behind, with account and database, led through
// the bouncer.
func (b *Bouncer) URL(direct string) (string, error) {
	cfg, err := pgx.ParseConfig(direct)
	if err != nil {
		return "", fmt.Errorf("bouncertest: %w", err)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword(cfg.User, cfg.Password), Host: b.addr, Path: "/" + cfg.Database, RawQuery: "sslmode=disable"}
	return u.String(), nil
}

// New is Start for a test; it ends with the test.
func New(t testing.TB, o Options) *Bouncer {
	t.Helper()
	b, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}
