package devstack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// The accounts of a private server. Admin is its superuser and only for setting
// up; Owner may create roles, databases and schemas; App may do nothing until
// the owner grants it something.
const (
	Admin = "sportello_admin"
	Owner = "sportello_owner"
	App   = "sportello_app"

	// Database is the database that Owner owns from the first start.
	Database = "sportello"
)

const (
	startTimeout = 90 * time.Second // recovery after a kill -9 is part of it
	stopTimeout  = 30 * time.Second
)

// PostgresOptions says where and how a private PostgreSQL runs.
type PostgresOptions struct {
	Dir            string       // folder for data, password and log
	MaxConnections int          // 0: 400
	Volatile       bool         // for tests: no fsync; data of a server that is not running is forgotten
	Log            *slog.Logger // nil: slog.Default
}

// Postgres is a running private server.
type Postgres struct {
	place   place
	secrets secrets
	socket  string // folder of the Unix socket; "" when its path would be too long
	pid     int
	exited  chan struct{} // closed when a server that we started ends; nil if taken over
}

// StartPostgres starts the server of a folder, setting it up the first time, and
// returns when it answers. A server that already runs there is taken over.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	p, err := openPostgres(o.Dir)
	if err != nil {
		return nil, err
	}
	held, err := lock(filepath.Join(p.place.dir, "lock"), true) // two starters must not both run initdb
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	defer held.Close()
	if p.secrets, err = p.place.secrets(Admin, Owner, App); err != nil { // the one before us may have made them
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if p.pid = p.postmaster(); p.pid != 0 && p.answers(ctx) {
		o.Log.Debug("postgres: taken over", "pid", p.pid, "dir", p.place.dir)
		return p, nil
	}
	if err := p.start(ctx, o); err != nil {
		return nil, fmt.Errorf("postgres in %s: %w", p.place.dir, err)
	}
	return p, nil
}

func (p *Postgres) data() string    { return filepath.Join(p.place.dir, "data") }
func (p *Postgres) logFile() string { return filepath.Join(p.place.dir, "postgres.log") }

// socketDir is where the Unix socket lies, or "" where the system's limit of
// 107 bytes for its path would be passed.
func socketDir(dir string) string {
	if len(dir)+len("/.s.PGSQL.65535") > 103 { // 103: macOS
		return ""
	}
	return dir
}

// URL is the address of a database on this server for one of its accounts. It
// goes through the Unix socket where there is one.
func (p *Postgres) URL(account, database string) string {
	if p.socket == "" {
		return p.TCPURL(account, database)
	}
	u := p.url(account, database)
	u.RawQuery = url.Values{"host": {p.socket}, "port": {strconv.Itoa(p.secrets.Port)}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// TCPURL is URL over 127.0.0.1, for programs that cannot use a Unix socket.
func (p *Postgres) TCPURL(account, database string) string {
	u := p.url(account, database)
	u.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(p.secrets.Port))
	u.RawQuery = "sslmode=disable"
	return u.String()
}

func (p *Postgres) url(account, database string) *url.URL {
	return &url.URL{Scheme: "postgres", User: url.UserPassword(account, p.secrets.Passwords[account]), Path: "/" + database}
}

// Remove stops the server and forgets its data.
func (p *Postgres) Remove() error {
	if err := p.Stop(); err != nil {
		return err
	}
	return p.place.remove()
}

// Dir is the folder of the server, which may not be the one asked for.
func (p *Postgres) Dir() string { return p.place.dir }

// Gone tells that the server has ended.
func (p *Postgres) Gone() bool { return !alive(p.pid) || !isPostgres(p.pid) }

// PID is the process id of the server.
func (p *Postgres) PID() int { return p.pid }

// postmaster reads the server's process id from its pid file and removes a file
// that a crash left behind. Zero: no server runs here.
func (p *Postgres) postmaster() int {
	path := filepath.Join(p.data(), "postmaster.pid")
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err == nil && alive(pid) && isPostgres(pid) {
		return pid
	}
	// PostgreSQL would refuse to start if the number now belongs to something
	// else of the same account, which happens after a restart of a container.
	_ = os.Remove(path)
	return 0
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// isPostgres tells whether a process is a PostgreSQL; where /proc is missing it
// believes so, and the start fails with PostgreSQL's own words.
func isPostgres(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if errors.Is(err, fs.ErrNotExist) {
		_, err := os.Stat("/proc/self")
		return err != nil
	}
	return strings.Contains(string(b), "postgres")
}

// answers tells whether the server lets the admin in.
func (p *Postgres) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.URL(Admin, "postgres"))
	if err != nil {
		return false
	}
	defer conn.Close(ctx)
	return conn.Ping(ctx) == nil
}

func (p *Postgres) start(ctx context.Context, o PostgresOptions) error {
	if o.Volatile { // without fsync a crash may have left anything
		if err := os.RemoveAll(p.data()); err != nil {
			return err
		}
	}
	major, err := dataVersion(p.data())
	if err != nil {
		return err
	}
	bin, err := findPostgres(major)
	if err != nil {
		return err
	}
	if major == 0 {
		o.Log.Info("postgres: first start, setting up", "version", bin.major, "dir", p.place.dir)
		if err := p.initdb(bin); err != nil {
			return err
		}
	}
	if p.secrets.Port, err = freePort(p.secrets.Port); err != nil {
		return err
	}
	if err := p.place.keep(p.secrets); err != nil {
		return err
	}
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := p.place.command(filepath.Join(bin.dir, "postgres"), p.arguments(o)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	p.pid, p.exited = cmd.Process.Pid, make(chan struct{})
	go func() {
		_ = cmd.Wait() // whoever waits for p.exited reads the reason in the log
		close(p.exited)
	}()
	if err := p.waitReady(ctx); err != nil {
		return errors.Join(err, p.Stop())
	}
	return p.accounts(ctx)
}

// initdb sets the data folder up. It works in a folder beside and renames it at
// the end, so that a kill in between leaves nothing half made.
func (p *Postgres) initdb(bin postgresBin) error {
	fresh, pwfile := p.data()+".new", filepath.Join(p.place.dir, "pwfile")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := p.place.give(pwfile, []byte(p.secrets.Passwords[Admin])); err != nil {
		return err
	}
	defer os.Remove(pwfile)
	if err := p.place.keep(p.secrets); err != nil {
		return err
	}
	cmd := p.place.command(filepath.Join(bin.dir, "initdb"), "--pgdata="+fresh, "--username="+Admin, "--pwfile="+pwfile,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return os.Rename(fresh, p.data())
}

func (p *Postgres) arguments(o PostgresOptions) []string {
	conns := o.MaxConnections
	if conns == 0 {
		conns = 400
	}
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(p.secrets.Port),
		"unix_socket_directories=" + p.socket, "unix_socket_permissions=0777", // the password decides, and the folder is 0700
		"max_connections=" + strconv.Itoa(conns),
		"max_locks_per_transaction=256", // a schema of 30 tables with 60 indexes is dropped in one transaction
		"shared_buffers=256MB",
		"jit=off", // our statements are short; compiling them costs more than it saves
		"timezone=UTC", "log_timezone=UTC", "log_line_prefix=%m [%p] %u@%d ",
		"password_encryption=scram-sha-256", "cluster_name=sportello", "autovacuum_naptime=20s",
	}
	if o.Volatile {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"wal_level=minimal", "max_wal_senders=0", "checkpoint_timeout=1h", "max_wal_size=4GB", "autovacuum=off")
	}
	args := []string{"-D", p.data()}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

func (p *Postgres) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if p.answers(ctx) {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("ended at once; its log says:\n%s", tail(p.logFile()))
		case <-ctx.Done():
			return fmt.Errorf("does not answer (%w); its log says:\n%s", ctx.Err(), tail(p.logFile()))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the server: open sessions are cut, everything committed is kept.
// After 30 seconds it is made to end without tidying up, which its next start repairs.
func (p *Postgres) Stop() error {
	select {
	case <-p.exited: // its number may belong to another process by now; never ready when nil
		return nil
	default:
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if err := syscall.Kill(p.pid, sig); errors.Is(err, syscall.ESRCH) {
			return nil
		} else if err != nil {
			return fmt.Errorf("stop postgres: %w", err)
		}
		if p.waitGone(stopTimeout) {
			return nil
		}
	}
	return fmt.Errorf("postgres (pid %d) does not end", p.pid)
}

func (p *Postgres) waitGone(limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) {
		select {
		case <-p.exited: // never ready when nil
			return true
		case <-time.After(20 * time.Millisecond):
			if p.exited == nil && !alive(p.pid) {
				return true
			}
		}
	}
	return false
}

// tail returns the last two thousand bytes of a log.
func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(b[max(0, len(b)-2000):]))
}

// ErrNotRunning means that no server runs in the folder.
var ErrNotRunning = errors.New("no private PostgreSQL runs here")

// FindPostgres takes over the server that runs in a folder, or returns
// ErrNotRunning; it never starts one.
func FindPostgres(ctx context.Context, dir string) (*Postgres, error) {
	p, err := openPostgres(dir)
	if err != nil {
		return nil, err
	}
	if p.pid = p.postmaster(); p.pid == 0 || !p.answers(ctx) {
		return nil, ErrNotRunning
	}
	return p, nil
}

func openPostgres(dir string) (*Postgres, error) {
	pl, err := newPlace(dir, "postgres")
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	p := &Postgres{place: pl, socket: socketDir(pl.dir)}
	if p.secrets, err = pl.secrets(Admin, Owner, App); err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return p, nil
}
