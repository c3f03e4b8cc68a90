package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// server is where this test process' databases are.
type server struct {
	owner, app, admin string // addresses of some database of the server; the path is replaced

	// inUse is locked, shared, by every test process until it ends, however it
	// ends; who gets it exclusively knows that no test runs. Nil for a server
	// that was not started here.
	inUse *os.File
}

var (
	shared = sync.OnceValues(func() (server, error) { return find("test") })
	second = sync.OnceValues(func() (server, error) { return find("test-second") })
)

// folders are where the servers keep their data, below .sportello.
var folders = []string{"test", "test-second"}

func find(name string) (server, error) {
	if owner := os.Getenv("SPORTELLO_OWNER_DATABASE_URL"); owner != "" {
		app := os.Getenv("SPORTELLO_DATABASE_URL")
		if app == "" {
			app = owner
		}
		return server{owner: owner, app: app, admin: owner}, nil
	}
	dir, err := folder(name)
	if err != nil {
		return server{}, err
	}
	return startShared(dir)
}

// folder is <module>/.sportello/<name> for the module that the test stands in.
func folder(name string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return filepath.Join(d, ".sportello", name), nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("pgtest: no go.mod above %s", dir)
		}
	}
}

func startShared(dir string) (server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return server{}, err
	}
	inUse, err := flock(filepath.Join(dir, "in-use"), syscall.LOCK_SH)
	if err != nil {
		return server{}, fmt.Errorf("pgtest: %w", err)
	}
	starting, err := flock(filepath.Join(dir, "starting"), syscall.LOCK_EX)
	if err != nil {
		return server{}, fmt.Errorf("pgtest: %w", err)
	}
	defer starting.Close()
	pg, err := devstack.StartPostgres(context.Background(), devstack.PostgresOptions{
		Dir: dir, Volatile: true, MaxConnections: 400, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return server{}, fmt.Errorf("pgtest: %w", err)
	}
	if err := watch(dir, pg); err != nil {
		return server{}, fmt.Errorf("pgtest: %w", err)
	}
	return server{
		owner: pg.URL(devstack.Owner, devstack.Database),
		app:   pg.URL(devstack.App, devstack.Database),
		admin: pg.URL(devstack.Admin, devstack.Database),
		inUse: inUse,
	}, nil
}

// watchdog ends the server when nobody held in-use four times in a row, 30
// seconds apart, and forgets its data, which is not durable anyway. It is a shell
// script because it must outlive every test process. $1 lock, $2 pid, $3 data.
const watchdog = `
command -v flock >/dev/null || exit
free=0
while kill -0 "$2" 2>/dev/null; do
	sleep 30
	exec 9>>"$1"
	if flock -n -x 9; then free=$((free+1)); else free=0; fi
	if [ "$free" -ge 4 ]; then
		kill -INT "$2"
		while kill -0 "$2" 2>/dev/null; do sleep 0.1; done
		rm -rf "$3"
		rmdir "${3%/*}" 2>/dev/null # only where it was made for the server alone
		exit
	fi
	exec 9>&-
done`

// watch starts the watchdog of a server that has none yet.
func watch(dir string, pg *devstack.Postgres) error {
	mark := filepath.Join(dir, "watched")
	pid := strconv.Itoa(pg.PID())
	if b, err := os.ReadFile(mark); err == nil && string(b) == pid {
		return nil
	}
	// Without flock(1) (not Linux) the script ends at once, and the server stays
	// until `make test` or the person stops it.
	cmd := exec.Command("/bin/sh", "-c", watchdog, "pgtest-watchdog", filepath.Join(dir, "in-use"), pid, pg.Dir())
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C of a test run must not reach it
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := cmd.Process.Release(); err != nil {
		return err
	}
	return os.WriteFile(mark, []byte(pid), 0o600)
}

// ErrInUse means that tests are still running on the server.
var ErrInUse = errors.New("pgtest: the test server is in use")

// Stop ends the servers of the module around the working folder and forgets
// their data. It waits up to ten seconds for test processes to end.
func Stop() error {
	var all []error
	for _, name := range folders {
		dir, err := folder(name)
		if err == nil {
			err = stop(dir)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

func stop(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "in-use")); err != nil {
		return nil // no test ever asked for a server
	}
	for range 100 {
		f, err := flock(filepath.Join(dir, "in-use"), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			defer f.Close()
			return stopShared(dir)
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	return ErrInUse
}

func stopShared(dir string) error {
	pg, err := devstack.FindPostgres(context.Background(), dir)
	if errors.Is(err, devstack.ErrNotRunning) {
		return nil
	} else if err != nil {
		return err
	}
	return pg.Remove()
}

// flock opens a file and locks it; the lock ends with the file or the process.
func flock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(err, f.Close())
		}
	}
}
