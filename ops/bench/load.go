package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sportello-ticino/sportello/pkg/egress"
)

// figures are what a load gave.
type figures struct {
	PerSecond     float64
	P50, P95, P99 time.Duration
	Failed        int
}

// client keeps one connection per worker and follows no redirect; names under
// .localhost are this machine.
func client(workers int) *http.Client {
	d := net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return d.DialContext(ctx, network, egress.Local(addr))
			},
			MaxIdleConnsPerHost: workers, MaxIdleConns: workers, DisableCompression: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// load asks with a number of workers at once for d, after a warm-up of a fifth
// of it. A request is made by ask; any status but want is a failure.
func load(ctx context.Context, workers int, d time.Duration, want int, ask func(ctx context.Context) (*http.Request, error)) (figures, error) {
	c := client(workers)
	defer c.CloseIdleConnections()
	if _, _, err := burst(ctx, c, workers, d/5, want, ask); err != nil {
		return figures{}, err
	}
	start := time.Now()
	took, failed, err := burst(ctx, c, workers, d, want, ask)
	if err != nil {
		return figures{}, err
	}
	elapsed := time.Since(start)
	if len(took) == 0 {
		return figures{}, fmt.Errorf("no request of %d succeeded", failed)
	}
	slices.Sort(took)
	return summary(took, failed, elapsed), nil
}

// summary makes figures of sorted times.
func summary(took []time.Duration, failed int, elapsed time.Duration) figures {
	at := func(p float64) time.Duration { return took[min(len(took)-1, int(p*float64(len(took))))] }
	return figures{
		PerSecond: float64(len(took)) / elapsed.Seconds(), P50: at(.50), P95: at(.95), P99: at(.99), Failed: failed,
	}
}

func burst(ctx context.Context, c *http.Client, workers int, d time.Duration, want int, ask func(ctx context.Context) (*http.Request, error)) ([]time.Duration, int, error) {
	until := time.Now().Add(d)
	var (
		mu     sync.Mutex
		all    []time.Duration
		failed int
		first  error
		wg     sync.WaitGroup
	)
	for range workers {
		wg.Go(func() {
			var took []time.Duration
			bad := 0
			for time.Now().Before(until) && ctx.Err() == nil {
				req, err := ask(ctx)
				if err != nil {
					mu.Lock()
					first = err
					mu.Unlock()
					return
				}
				start := time.Now()
				if status, err := do(c, req); err != nil || status != want {
					bad++
					continue
				}
				took = append(took, time.Since(start))
			}
			mu.Lock()
			all, failed = append(all, took...), failed+bad
			mu.Unlock()
		})
	}
	wg.Wait()
	return all, failed, first
}

func do(c *http.Client, req *http.Request) (int, error) {
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// waitFor waits until an address answers 200, at most two minutes.
func waitFor(ctx context.Context, url string) error {
	c := client(1)
	defer c.CloseIdleConnections()
	var last error
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		status, err := do(c, req)
		if err == nil && status == http.StatusOK {
			return nil
		}
		last = fmt.Errorf("%s answers %d (%w)", url, status, err)
		if ctx.Err() != nil {
			break
		}
	}
	return last
}
