package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// proxy stands before the web processes: it asks each for /readyz five times a
// second, sends requests to those that are ready, in turns, and retries nothing.
// A process that says that it goes is left alone at once; one that is silent or
// not well after three looks, as with any proxy before a busy machine. Going is
// noticed within two looks, less than the drain delay.
type proxy struct {
	addr   string
	server *http.Server
	stop   context.CancelFunc
	next   atomic.Int64
	mu     sync.RWMutex
	behind []*backend
}

type backend struct {
	addr  string
	ready atomic.Bool
	pass  *httputil.ReverseProxy
}

func startProxy(ctx context.Context, l net.Listener, addrs ...string) *proxy {
	ctx, stop := context.WithCancel(ctx)
	p := &proxy{addr: l.Addr().String(), stop: stop}
	p.add(ctx, addrs...)
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(l) }()
	return p
}

// add puts further web processes behind the proxy.
func (p *proxy) add(ctx context.Context, addrs ...string) {
	for _, addr := range addrs {
		b := &backend{addr: addr}
		b.pass = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addr})
		b.pass.ErrorLog = log.New(io.Discard, "", 0)
		b.pass.Transport = &http.Transport{MaxIdleConnsPerHost: 32}
		b.pass.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "proxy: "+addr+": "+err.Error(), http.StatusBadGateway)
		}
		p.mu.Lock()
		p.behind = append(p.behind, b)
		p.mu.Unlock()
		go p.watch(ctx, b)
	}
}

const (
	probeTimeout = 2 * time.Second
	patience     = 3               // looks
	drainDelay   = 6 * time.Second // longer than two looks
)

func (p *proxy) watch(ctx context.Context, b *backend) {
	c := &http.Client{Timeout: probeTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	for unwell := 0; ctx.Err() == nil; wait(ctx, 200*time.Millisecond) {
		switch ready, going := look(ctx, c, b.addr); {
		case ready:
			unwell = 0
			b.ready.Store(true)
		case going:
			b.ready.Store(false)
		default:
			if unwell++; unwell >= patience {
				b.ready.Store(false)
			}
		}
	}
}

// look asks a process for /readyz.
func look(ctx context.Context, c *http.Client, addr string) (ready, going bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return false, false
	}
	res, err := c.Do(req)
	if err != nil {
		return false, false
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	return err == nil && res.StatusCode == http.StatusOK, strings.Contains(string(body), `"going"`)
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.RLock()
	all := p.behind
	p.mu.RUnlock()
	for range all {
		if b := all[int(p.next.Add(1))%len(all)]; b.ready.Load() {
			b.pass.ServeHTTP(w, r)
			return
		}
	}
	http.Error(w, "proxy: no process is ready", http.StatusBadGateway)
}

// ready counts the processes that may be asked.
func (p *proxy) ready() (n int) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, b := range p.behind {
		if b.ready.Load() {
			n++
		}
	}
	return n
}

func (p *proxy) close() {
	p.stop()
	_ = p.server.Close()
}

// get asks for a page and reads it to the end. What a proxy says of a page it
// could not have is the error.
func get(ctx context.Context, c *http.Client, address, host string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	req.Host = host
	res, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusBadGateway {
		why, err := io.ReadAll(io.LimitReader(res.Body, 500))
		return res.StatusCode, errors.Join(errors.New(string(why)), err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// wait sleeps, or less when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// until asks every tenth of a second whether something is so.
func until(ctx context.Context, limit time.Duration, what string, ok func() bool) error {
	for end := time.Now().Add(limit); time.Now().Before(end) && ctx.Err() == nil; wait(ctx, 100*time.Millisecond) {
		if ok() {
			return nil
		}
	}
	return fmt.Errorf("not within %s: %s", limit, what)
}
