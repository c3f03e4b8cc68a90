// Package dnstest is a DNS server for tests: it answers on this machine with the
// records it was given, and "no such name" for all others.
package dnstest

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Server answers A, AAAA, CNAME and TXT over UDP.
type Server struct {
	Addr string // host:port

	mu    sync.Mutex
	txt   map[string][]string
	ip    map[string][]netip.Addr
	alias map[string]string
	away  bool
	conn  net.PacketConn
}

// New runs a server until the test ends.
func New(t testing.TB) *Server {
	t.Helper()
	s, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Listen runs a server until Close.
func Listen(addr string) (*Server, error) {
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, err
	}
	s := &Server{Addr: conn.LocalAddr().String(), conn: conn, txt: map[string][]string{}, ip: map[string][]netip.Addr{}, alias: map[string]string{}}
	go s.serve()
	return s, nil
}

// Close ends it.
func (s *Server) Close() { _ = s.conn.Close() }

// TXT, IP and CNAME set a name's records; without values the name has none. Away
// lets every question fail, as when a zone's servers are gone.
func (s *Server) TXT(name string, values ...string) { s.set(func() { s.txt[key(name)] = values }) }

// IP sets a name's addresses.
func (s *Server) IP(name string, addresses ...string) {
	s.set(func() {
		s.ip[key(name)] = nil
		for _, a := range addresses {
			s.ip[key(name)] = append(s.ip[key(name)], netip.MustParseAddr(a))
		}
	})
}

// CNAME makes a name an alias; "" makes it none.
func (s *Server) CNAME(name, to string) { s.set(func() { s.alias[key(name)] = key(to) }) }

// Away lets every question fail.
func (s *Server) Away(away bool) { s.set(func() { s.away = away }) }

func (s *Server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func key(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

func (s *Server) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		if out, err := s.answer(buf[:n]); err == nil {
			_, _ = s.conn.WriteTo(out, from)
		}
	}
}

func (s *Server) answer(question []byte) ([]byte, error) {
	var p dnsmessage.Parser
	head, err := p.Start(question)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: head.ID, Response: true, RecursionAvailable: true, RecursionDesired: head.RecursionDesired}, Questions: []dnsmessage.Question{q}}
	if s.away {
		out.RCode = dnsmessage.RCodeServerFailure
		return out.Pack()
	}
	name, known := key(q.Name.String()), false
	add := func(owner string, body dnsmessage.ResourceBody) error {
		n, err := dnsmessage.NewName(owner + ".")
		out.Answers = append(out.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: n, Class: dnsmessage.ClassINET, TTL: 1}, Body: body})
		return err
	}
	for range 4 { // an alias of an alias of an alias
		to := s.alias[name]
		if to == "" {
			break
		}
		n, err := dnsmessage.NewName(to + ".")
		if err != nil {
			return nil, err
		}
		if err := add(name, &dnsmessage.CNAMEResource{CNAME: n}); err != nil {
			return nil, err
		}
		name, known = to, true
	}
	known = known || len(s.txt[name])+len(s.ip[name]) > 0
	for _, ip := range s.ip[name] {
		var body dnsmessage.ResourceBody
		switch {
		case q.Type == dnsmessage.TypeA && ip.Is4():
			body = &dnsmessage.AResource{A: ip.As4()}
		case q.Type == dnsmessage.TypeAAAA && ip.Is6():
			body = &dnsmessage.AAAAResource{AAAA: ip.As16()}
		default:
			continue
		}
		if err := add(name, body); err != nil {
			return nil, err
		}
	}
	if q.Type == dnsmessage.TypeTXT {
		for _, v := range s.txt[name] {
			if err := add(name, &dnsmessage.TXTResource{TXT: []string{v}}); err != nil {
				return nil, err
			}
		}
	}
	if !known {
		out.RCode = dnsmessage.RCodeNameError
	}
	return out.Pack()
}
