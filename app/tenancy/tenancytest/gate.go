package tenancytest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Gate stands before a PostgreSQL server; closed, the server is away for those
// who go through it: their connections break and new ones are refused.
type Gate struct {
	URL             string // the server's address through the gate
	network, server string

	mu       sync.Mutex
	address  string
	listener net.Listener
	open     map[net.Conn]bool
}

func newGate(t testing.TB, serverURL string) *Gate {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgx.ParseConfig(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	g := &Gate{address: "127.0.0.1:0", open: map[net.Conn]bool{}}
	g.network, g.server = pgconn.NetworkAddress(cfg.Host, cfg.Port)
	g.Open(t)
	g.address = g.listener.Addr().String()
	u.Host, u.RawQuery = g.address, "sslmode=disable"
	g.URL = u.String()
	t.Cleanup(g.Close)
	return g
}

// Open lets connections through.
func (g *Gate) Open(t testing.TB) {
	t.Helper()
	l, err := net.Listen("tcp", g.address) //nolint:noctx // a test's own listener
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.listener = l
	g.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go g.pass(c)
		}
	}()
}

// Close breaks every connection and refuses new ones.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.listener.Close()
	for c := range g.open {
		_ = c.Close()
	}
	clear(g.open)
}

func (g *Gate) pass(c net.Conn) {
	s, err := net.Dial(g.network, g.server) //nolint:noctx // see Open
	if err != nil {
		_ = c.Close()
		return
	}
	g.mu.Lock()
	g.open[c], g.open[s] = true, true
	g.mu.Unlock()
	go func() { _, _ = io.Copy(s, c); _ = s.Close() }()
	_, _ = io.Copy(c, s)
	_ = c.Close()
}
