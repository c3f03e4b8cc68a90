package domains

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// How long the DNS and a handshake may take: a person waits for them.
const (
	askTimeout  = 4 * time.Second
	dialTimeout = 12 * time.Second // the proxy gets a new certificate meanwhile
	seenMax     = 120
)

// What a look found wrong.
const (
	findAway      = "away"       // the DNS did not answer
	findNoProof   = "no-proof"   // no TXT record
	findBadProof  = "bad-proof"  // another text
	findNoAddress = "no-address" // the name leads nowhere
	findElsewhere = "elsewhere"  // it leads to somebody else, entirely or in part
)

// sight is what the DNS says of a host now.
type sight struct {
	proof, points bool
	finding, seen string
}

func (s sight) good() bool { return s.proof && s.points }

// Resolver asks one DNS server; addr "" asks the machine's.
func Resolver(addr string) *net.Resolver {
	if addr == "" {
		return &net.Resolver{PreferGo: true}
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: askTimeout}).DialContext(ctx, network, addr)
	}}
}

// look asks the DNS for the proof and for the address of a host. Both are asked
// for absolutely: no search domain of the machine may lend its name.
func (s *Service) look(ctx context.Context, d Domain) sight {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var out sight
	texts, err := s.Resolver.LookupTXT(ctx, d.RecordName()+".")
	switch {
	case slices.Contains(texts, d.Record()):
		out.proof = true
	case err != nil && !absent(err):
		out.finding = findAway
	case len(texts) == 0:
		out.finding = findNoProof
	default:
		out.finding, out.seen = findBadProof, cut(texts[0])
	}
	ours, err := s.front(ctx, d.Slug)
	if err != nil {
		out.finding = orFirst(out.finding, findAway)
		return out
	}
	theirs, err := s.Resolver.LookupNetIP(ctx, "ip", d.Host+".")
	switch {
	case err != nil && !absent(err):
		out.finding = orFirst(out.finding, findAway)
	case len(theirs) == 0:
		out.finding = orFirst(out.finding, findNoAddress)
	default:
		// One foreign address among ours would get part of the visitors.
		out.points = !slices.ContainsFunc(theirs, func(ip netip.Addr) bool { return !slices.Contains(ours, ip.Unmap()) })
		if !out.points && out.finding == "" {
			out.finding, out.seen = findElsewhere, cut(list(theirs))
		}
	}
	return out
}

func orFirst(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

// front are our addresses: the configured ones, or those of <slug>.<base>.
func (s *Service) front(ctx context.Context, slug string) ([]netip.Addr, error) {
	if len(s.Front) > 0 {
		return s.Front, nil
	}
	found, err := s.Resolver.LookupNetIP(ctx, "ip", slug+"."+s.DB.Directory().Base()+".")
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found, err
}

// absent reports that the DNS answered: there is no such record.
func absent(err error) bool {
	var e *net.DNSError
	return errors.As(err, &e) && e.IsNotFound
}

func list(ips []netip.Addr) string {
	out := make([]string, len(ips))
	for i, ip := range ips {
		out[i] = ip.Unmap().String()
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// cut keeps a foreign text short and printable: somebody else wrote it.
func cut(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > seenMax {
		return string(r[:seenMax]) + "…"
	}
	return s
}

// What a handshake found wrong.
const (
	tlsUnreachable = "unreachable"
	tlsNone        = "no-certificate"
)

// certificate asks a host for its certificate: until when, or why there is none.
// The address comes from the same resolver as the proof; the connection goes
// through the guard that refuses private addresses.
func (s *Service) certificate(ctx context.Context, host string) (*time.Time, string) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	ips, err := s.Resolver.LookupNetIP(ctx, "ip", host+".")
	if err != nil || len(ips) == 0 {
		return nil, tlsUnreachable
	}
	conn, err := s.Dial(ctx, "tcp", net.JoinHostPort(ips[0].Unmap().String(), s.Port))
	if err != nil {
		return nil, tlsUnreachable
	}
	defer conn.Close()
	c := tls.Client(conn, &tls.Config{ServerName: host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12})
	if err := c.HandshakeContext(ctx); err != nil {
		var wrong *tls.CertificateVerificationError
		var name x509.HostnameError
		if errors.As(err, &wrong) || errors.As(err, &name) {
			return nil, tlsNone
		}
		return nil, tlsUnreachable
	}
	until := c.ConnectionState().PeerCertificates[0].NotAfter
	return &until, ""
}
