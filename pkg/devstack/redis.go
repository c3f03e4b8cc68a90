package devstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Redis is a running private Redis, or the miniredis in its place.
type Redis struct {
	place    place
	secrets  secrets
	embedded *miniredis.Miniredis
	ticking  chan struct{} // closed to end the miniredis' clock
}

const redisAccount = "default"

// StartRedis starts the Redis of a folder with an append-only file and returns
// when it answers; one that already runs there is taken over. Without a
// redis-server on PATH a miniredis in this process takes its place.
func StartRedis(ctx context.Context, dir string, log *slog.Logger) (*Redis, error) {
	if log == nil {
		log = slog.Default()
	}
	r, err := openRedis(dir)
	if err != nil {
		return nil, err
	}
	if r.secrets.Port != 0 && r.answers(ctx) {
		log.Debug("redis: taken over", "dir", r.place.dir)
		return r, nil
	}
	if r.secrets.Port, err = freePort(r.secrets.Port); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	if err := r.place.keep(r.secrets); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		log.Info("redis: no redis-server on PATH, using the one inside this program; it forgets sessions on restart")
		return r, r.embed()
	}
	if err := r.start(ctx, program); err != nil {
		return nil, fmt.Errorf("redis in %s: %w", r.place.dir, err)
	}
	return r, nil
}

func openRedis(dir string) (*Redis, error) {
	pl, err := newPlace(dir, "redis")
	if err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	r := &Redis{place: pl}
	if r.secrets, err = pl.secrets(redisAccount); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	return r, nil
}

// URL is the address with its password.
func (r *Redis) URL() string {
	u := url.URL{
		Scheme: "redis", User: url.UserPassword(redisAccount, r.secrets.Passwords[redisAccount]),
		Host: r.addr(), Path: "/0",
	}
	return u.String()
}

// Embedded tells that a miniredis in this process answers.
func (r *Redis) Embedded() bool { return r.embedded != nil }

func (r *Redis) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.secrets.Port)) }

func (r *Redis) client() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr:     r.addr(),
		Password: r.secrets.Passwords[redisAccount], MaxRetries: -1, DialTimeout: time.Second,
	})
}

func (r *Redis) answers(ctx context.Context) bool {
	// The client would log each time that nobody is there, which is no news here.
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", r.addr())
	if err != nil {
		return false
	}
	conn.Close()
	c := r.client()
	defer c.Close()
	return c.Ping(ctx).Err() == nil
}

func (r *Redis) start(ctx context.Context, program string) error {
	// A configuration file keeps the password out of the process list.
	conf := filepath.Join(r.place.dir, "redis.conf")
	logFile := filepath.Join(r.place.dir, "redis.log")
	lines := []string{
		"bind 127.0.0.1", "port " + strconv.Itoa(r.secrets.Port), "protected-mode yes", "daemonize no",
		"requirepass " + r.secrets.Passwords[redisAccount], "dir " + strconv.Quote(r.place.dir),
		"appendonly yes", "appendfsync everysec", `save ""`, "maxmemory-policy noeviction",
	}
	if err := r.place.give(conf, []byte(strings.Join(lines, "\n")+"\n")); err != nil {
		return err
	}
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := r.place.command(program, conf)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for !r.answers(ctx) {
		select {
		case <-exited:
			return fmt.Errorf("ended at once; its log says:\n%s", tail(logFile))
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("does not answer (%w); its log says:\n%s", ctx.Err(), tail(logFile)), cmd.Process.Kill())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (r *Redis) embed() error {
	m := miniredis.NewMiniRedis()
	m.RequireAuth(r.secrets.Passwords[redisAccount])
	if err := m.StartAddr(r.addr()); err != nil {
		return fmt.Errorf("miniredis: %w", err)
	}
	r.embedded, r.ticking = m, make(chan struct{})
	go Tick(m, r.ticking)
	return nil
}

// Tick lets keys of a miniredis expire as time passes, which it does not do by
// itself, until stop is closed.
func Tick(m *miniredis.Miniredis, stop <-chan struct{}) {
	const step = 100 * time.Millisecond
	t := time.NewTicker(step)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-stop:
			return
		case now := <-t.C:
			m.FastForward(now.Sub(last))
			last = now
		}
	}
}

// Stop ends Redis; what it held is in its append-only file.
func (r *Redis) Stop(ctx context.Context) error {
	if r.embedded != nil {
		close(r.ticking)
		r.embedded.Close()
		return nil
	}
	err := r.shutdown(ctx)
	for range 250 {
		if !r.answers(ctx) {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("redis does not end: %w", err)
}

// shutdown sends the command in Redis' inline form: a client would try to
// connect again and log that it cannot. Redis answers by hanging up.
func (r *Redis) shutdown(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", r.addr())
	if err != nil {
		return nil // gone already
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(stopTimeout)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "AUTH %s %s\r\nSHUTDOWN\r\n", redisAccount, r.secrets.Passwords[redisAccount]); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}
