// Package redistest gives each test an empty Redis of its own: a redis-server
// process with nothing on disk (it starts in about 15 ms), or a miniredis where
// that program is missing. With SPORTELLO_REDIS_URL set, tests take turns at the
// numbered databases of that server and none is started.
package redistest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// New returns the address (redis://…) of an empty Redis that ends with the test.
func New(t testing.TB) string {
	t.Helper()
	if url := os.Getenv("SPORTELLO_REDIS_URL"); url != "" {
		return borrow(t, url)
	}
	if program, err := exec.LookPath("redis-server"); err == nil {
		return start(t, program)
	}
	m := miniredis.RunT(t)
	stop := make(chan struct{})
	go devstack.Tick(m, stop)
	t.Cleanup(func() { close(stop) })
	return "redis://" + m.Addr() + "/0"
}

// Client is a client of New's Redis, closed when the test ends.
func Client(t testing.TB, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func start(t testing.TB, program string) string {
	t.Helper()
	dir := t.TempDir()
	// Another process may take the port between the look and the start.
	for range 5 {
		port := freePort(t)
		cmd := exec.Command(program, "--port", port, "--bind", "127.0.0.1", "--dir", dir,
			"--save", "", "--appendonly", "no", "--logfile", filepath.Join(dir, "redis.log"))
		cmd.SysProcAttr = diesWithParent()
		if err := cmd.Start(); err != nil {
			t.Fatalf("redistest: %v", err)
		}
		exited := make(chan struct{})
		go func() {
			_ = cmd.Wait()
			close(exited)
		}()
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // gone already: nothing to do
			<-exited
		})
		url := "redis://127.0.0.1:" + port + "/0"
		if waitReady(t, url, exited) {
			return url
		}
	}
	log, _ := os.ReadFile(filepath.Join(dir, "redis.log"))
	t.Fatalf("redistest: redis-server does not start:\n%s", log)
	return ""
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func waitReady(t testing.TB, url string, exited <-chan struct{}) bool {
	t.Helper()
	c := Client(t, url)
	for range 500 {
		select {
		case <-exited:
			return false
		default:
		}
		if c.Ping(context.Background()).Err() == nil {
			return true
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

// borrow takes one of the databases 1 to 15 of a server that exists, waiting
// until another test gives one back; database 0 holds who has which. A test that
// was killed gives its database back after ten minutes.
func borrow(t testing.TB, url string) string {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.DB = 0
	desk := redis.NewClient(o)
	t.Cleanup(func() { _ = desk.Close() })
	ctx := context.Background()
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		for n := 1; n <= 15; n++ {
			key := fmt.Sprintf("sportello:redistest:%d", n)
			got, err := desk.SetNX(ctx, key, t.Name(), 10*time.Minute).Result()
			if err != nil {
				t.Fatalf("redistest: %v", err)
			}
			if !got {
				continue
			}
			t.Cleanup(func() { desk.Del(ctx, key) })
			own := *o
			own.DB = n
			c := redis.NewClient(&own)
			defer c.Close()
			if err := c.FlushDB(ctx).Err(); err != nil {
				t.Fatalf("redistest: %v", err)
			}
			return withDatabase(t, url, n)
		}
	}
	t.Fatal("redistest: no database of SPORTELLO_REDIS_URL came free")
	return ""
}
