package devstack_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// One test walks through the life of a folder: each start costs a second.
func TestLifeOfAFolder(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	allowThrough(t, dir)
	o := devstack.Options{Dir: dir}
	s := start(t, o)
	exec(t, s.OwnerDatabaseURL, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (42)")
	exec(t, s.OwnerDatabaseURL, "CREATE SCHEMA t_one", "CREATE ROLE "+devstack.Database+"_t_one NOLOGIN")
	if err := tryExec(s.DatabaseURL, "CREATE SCHEMA t_two"); err == nil {
		t.Error("the runtime account could create a schema")
	}
	if err := tryExec(s.DatabaseURL, "SELECT * FROM kept"); err == nil {
		t.Error("the runtime account could read a table nobody granted it")
	}
	setRedis(t, s.RedisURL, "kept", "42")

	if _, err := devstack.Start(ctx, o); !errors.Is(err, devstack.ErrRunning) {
		t.Fatalf("second start in the same folder: %v, want ErrRunning", err)
	}
	for _, secret := range []string{"postgres/secrets.json", "redis/secrets.json", "redis/redis.conf"} {
		info, err := os.Stat(filepath.Join(filepath.Dir(s.Postgres.Dir()), secret))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v, want mode 0600", secret, info.Mode(), err)
		}
	}

	// A crash of the machine leaves the pid file of a process that is gone.
	pid := s.Postgres.PID()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	waitGone(t, pid)
	if err := s.Stop(ctx); err != nil {
		t.Fatalf("stopping after a crash: %v", err)
	}
	pidFile := filepath.Join(s.Postgres.Dir(), "data", "postmaster.pid")
	rest, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatalf("the crash left no pid file, so this proves nothing: %v", err)
	}
	// And its number now belongs to somebody else: to this test.
	_, rest2, _ := strings.Cut(string(rest), "\n")
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())+"\n"+rest2), 0o600); err != nil {
		t.Fatal(err)
	}

	s = start(t, o)
	if got := query(t, s.OwnerDatabaseURL, "SELECT n FROM kept"); got != 42 {
		t.Errorf("after the crash: %d, want 42", got)
	}
	if got := getRedis(t, s.RedisURL, "kept"); got != "42" {
		t.Errorf("redis after restart: %q, want 42", got)
	}

	// The program is killed and the servers go on: the next start takes them over.
	other, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: dir})
	if err != nil || other.PID() != s.Postgres.PID() {
		t.Fatalf("a running server was not taken over: %v", err)
	}
	if got := query(t, other.TCPURL(devstack.Owner, devstack.Database), "SELECT n FROM kept"); got != 42 {
		t.Errorf("over TCP: %d, want 42", got)
	}
	otherRedis, err := devstack.StartRedis(ctx, dir, nil)
	if err != nil || otherRedis.URL() != s.RedisURL {
		t.Fatalf("a running redis was not taken over: %v", err)
	}
	if err := other.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(ctx); err != nil {
		t.Fatalf("stop twice: %v", err)
	}
	if err := tryExec(s.OwnerDatabaseURL, "SELECT 1"); err == nil {
		t.Error("the server still answers after Stop")
	}

	if err := os.Mkdir(filepath.Join(dir, "test"), 0o700); err != nil {
		t.Fatal(err)
	}
	s = start(t, o)
	if err := devstack.Forget(ctx, dir, "test"); !errors.Is(err, devstack.ErrRunning) {
		t.Fatalf("forgetting a folder in use: %v", err)
	}
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	orphan, err := devstack.StartPostgres(ctx, devstack.PostgresOptions{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := devstack.Forget(ctx, dir, "test"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "test" {
		t.Errorf("what is left: %v %v", entries, err)
	}
	if err := tryExec(orphan.URL(devstack.Owner, devstack.Database), "SELECT 1"); err == nil {
		t.Error("a server went on without its folder")
	}
}

func TestRootMovesOutOfAFolderTheServerCannotReach(t *testing.T) {
	if os.Geteuid() != 0 {
		// Nothing to prove: only root has to hand its server to another account.
		return
	}
	dir := t.TempDir() // 0700 of root above it
	hidden := filepath.Join(dir, "hidden")
	if err := os.Mkdir(hidden, 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := devstack.StartPostgres(t.Context(), devstack.PostgresOptions{Dir: filepath.Join(hidden, "data"), Volatile: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Remove(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Dir(p.Dir())); err == nil {
			t.Errorf("%s is still there", filepath.Dir(p.Dir()))
		}
	})
	if !strings.HasPrefix(p.Dir(), "/var/tmp/sportello-") {
		t.Errorf("server lies in %s, want /var/tmp/sportello-…", p.Dir())
	}
	if got := query(t, p.URL(devstack.Owner, devstack.Database), "SELECT 7"); got != 7 {
		t.Errorf("got %d", got)
	}
}

func TestServersThatExistAreUsed(t *testing.T) {
	o := devstack.Options{
		Dir: t.TempDir(), DatabaseURL: "postgres://a@h/d", OwnerDatabaseURL: "postgres://o@h/d", RedisURL: "redis://h",
	}
	s, err := devstack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Postgres != nil || s.Redis != nil || s.DatabaseURL != o.DatabaseURL || s.OwnerDatabaseURL != o.OwnerDatabaseURL || s.RedisURL != o.RedisURL {
		t.Errorf("something was started: %+v", s)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := devstack.Start(t.Context(), devstack.Options{Dir: t.TempDir(), DatabaseURL: "postgres://a@h/d"}); err == nil {
		t.Error("half a database was accepted")
	}
}

func TestWithoutProgramsItSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	dir := t.TempDir()
	allowThrough(t, dir)
	r, err := devstack.StartRedis(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Embedded() {
		t.Error("without redis-server a miniredis must answer")
	}
	setRedis(t, r.URL(), "a", "b")
	if getRedis(t, r.URL(), "a") != "b" {
		t.Error("miniredis lost a key")
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTickLetsKeysExpire(t *testing.T) {
	m := miniredis.RunT(t)
	stop := make(chan struct{})
	go devstack.Tick(m, stop)
	defer close(stop)
	if err := m.Set("a", "b"); err != nil {
		t.Fatal(err)
	}
	m.SetTTL("a", 300*time.Millisecond)
	for deadline := time.Now().Add(5 * time.Second); m.Exists("a"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the key never expired")
		}
	}
}

func start(t *testing.T, o devstack.Options) *devstack.Stack {
	t.Helper()
	s, err := devstack.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // for a test that fails half-way; stopping twice is allowed
		_ = s.Redis.Stop(context.Background())
		_ = s.Postgres.Stop()
	})
	return s
}

// allowThrough lets the unprivileged account of root's servers reach a test's folder.
func allowThrough(t *testing.T, dir string) {
	t.Helper()
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func tryExec(url string, sql ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, s := range sql {
		if _, err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func exec(t *testing.T, url string, sql ...string) {
	t.Helper()
	if err := tryExec(url, sql...); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, url, sql string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func setRedis(t *testing.T, url, key, value string) {
	t.Helper()
	if err := redisClient(t, url).Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func getRedis(t *testing.T, url, key string) string {
	t.Helper()
	v, err := redisClient(t, url).Get(t.Context(), key).Result()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err != nil || strings.Contains(string(b), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("process %d is still there", pid)
		}
	}
}
