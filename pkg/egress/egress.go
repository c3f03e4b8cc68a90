// Package egress is the one way out: the HTTP client of every provider and
// webhook. It refuses to connect to private, loopback and other special
// addresses, so that an address somebody typed on a console cannot reach what
// only this machine can see. What lies there on purpose (a payment sandbox, a
// register in the municipal network) is listed in the setting egress.allow.
//
// The address is checked when the connection is made, after the name was
// resolved: a name that resolves to a public address once and to a private one
// the next time is refused. No proxy of the environment is used, for it would
// connect in our place.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/sportello-ticino/sportello/pkg/trace"
)

// ErrRefused means that a destination is private and not allowed.
var ErrRefused = errors.New("egress: address is private and not in SPORTELLO_EGRESS_ALLOW")

// Options says what may be reached beside the public network.
type Options struct {
	Allow   []string      // CIDR ("10.1.0.0/16") or host:port ("payments.localhost:8091")
	Timeout time.Duration // one call, body included; 0: 15 seconds
}

// Guard decides and dials.
type Guard struct {
	prefixes []netip.Prefix
	hosts    map[string]bool // host:port in lower case
	dialer   net.Dialer
	timeout  time.Duration
}

// NewGuard checks the options.
func NewGuard(o Options) (*Guard, error) {
	g := &Guard{hosts: map[string]bool{}, timeout: o.Timeout}
	if g.timeout == 0 {
		g.timeout = 15 * time.Second
	}
	g.dialer = net.Dialer{Timeout: min(g.timeout, 10*time.Second), KeepAlive: 30 * time.Second}
	for _, entry := range o.Allow {
		if p, err := netip.ParsePrefix(entry); err == nil {
			g.prefixes = append(g.prefixes, p.Masked())
			continue
		}
		if host, port, err := net.SplitHostPort(entry); err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("egress: %q is neither a CIDR nor host:port", entry)
		}
		g.hosts[strings.ToLower(entry)] = true
	}
	return g, nil
}

// Client returns an HTTP client that dials through the guard. It follows no
// redirect to another host and none from https to http: a provider's answer must
// not choose where our credentials go.
func (g *Guard) Client() *http.Client {
	return &http.Client{
		Timeout: g.timeout,
		Transport: traced{&http.Transport{
			DialContext:            g.DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           50,
			MaxIdleConnsPerHost:    10,
			IdleConnTimeout:        60 * time.Second,
			TLSHandshakeTimeout:    10 * time.Second,
			ResponseHeaderTimeout:  g.timeout,
			MaxResponseHeaderBytes: 64 << 10,
		}},
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			first := via[0].URL
			if len(via) >= 5 || !strings.EqualFold(next.URL.Host, first.Host) || (first.Scheme == "https" && next.URL.Scheme != "https") {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}

// traced tells the trace which host was called and how it went, not what was asked.
type traced struct{ next *http.Transport }

func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, span := trace.Inside(r.Context(), trace.Call, r.Method+" "+r.URL.Hostname(), "")
	resp, err := t.next.RoundTrip(r.WithContext(ctx))
	if err == nil {
		span.Status(resp.StatusCode)
	}
	span.End(err)
	return resp, err
}

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (t traced) CloseIdleConnections() { t.next.CloseIdleConnections() }

// DialContext connects to a public or an allowed address. Names under
// .localhost mean this machine, as in browsers, which Go's resolver does not know.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d := g.dialer
	if !g.hosts[strings.ToLower(address)] {
		d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error { return g.check(resolved) }
	}
	return d.DialContext(ctx, network, Local(address))
}

// check refuses a resolved ip:port that is special and not allowed.
func (g *Guard) check(resolved string) error {
	ap, err := netip.ParseAddrPort(resolved)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrRefused, resolved)
	}
	ip := ap.Addr().Unmap().WithZone("")
	for _, p := range g.prefixes {
		if p.Contains(ip) {
			return nil
		}
	}
	if !Public(ip) {
		return fmt.Errorf("%w: %s", ErrRefused, resolved)
	}
	return nil
}

// CheckURL refuses an address that can never be called, so that a console can
// say so before it is saved: not http or https, with a user in it, or with a
// private IP address as its host. A name is judged when it is dialled.
func (g *Guard) CheckURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return fmt.Errorf("egress: %q is not an http(s) address", address)
	}
	if u.User != nil {
		return errors.New("egress: an address must not hold a password")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	hostport := net.JoinHostPort(u.Hostname(), port)
	if g.hosts[strings.ToLower(hostport)] {
		return nil
	}
	local := Local(hostport)
	if ap, err := netip.ParseAddrPort(local); err == nil {
		return g.check(ap.String())
	}
	return nil
}

// Local replaces a host named localhost or under .localhost by 127.0.0.1
// (RFC 6761, section 6.3) and leaves any other host:port as it is.
func Local(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return address
}

// LocalClient is an HTTP client for the demo and for tests: it reaches
// *.localhost on this machine, and nothing else.
func LocalClient() *http.Client {
	g := &Guard{dialer: net.Dialer{Timeout: 5 * time.Second}}
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			local := Local(address)
			if ap, err := netip.ParseAddrPort(local); err != nil || !ap.Addr().IsLoopback() {
				return nil, fmt.Errorf("egress: %s is not this machine", address)
			}
			return g.dialer.DialContext(ctx, network, local)
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
