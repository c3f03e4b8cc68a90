package domains

import (
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// maxHost leaves room for the label before it in the 253 characters of a name.
const maxHost = 230

// reserved are endings that no public DNS will ever delegate to a commune.
var reserved = []string{"localhost", "local", "internal", "invalid", "onion", "arpa", "lan", "home", "corp"}

// Normal reads a host name as somebody typed or pasted it and returns it as the
// directory keeps it: lower case, punycode, no final point. base is the domain
// under which communes have their subdomain; nothing of it can be asked for.
// Errors: ErrName, ErrAddress, ErrOurs, ErrSuffix.
func Normal(typed, base string) (string, error) {
	s := strings.TrimSpace(typed)
	if i := strings.Index(s, "://"); i >= 0 { // pasted from the browser's address
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Port() != "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return "", ErrName
		}
		s = u.Hostname()
	}
	s = strings.TrimSuffix(s, ".")
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return "", ErrAddress
	}
	host, err := idna.Lookup.ToASCII(s)
	if err != nil || len(host) < 4 || len(host) > maxHost || strings.ContainsAny(host, "_/:@%") {
		return "", ErrName
	}
	host = strings.ToLower(host)
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return "", ErrName
		}
	}
	top := labels[len(labels)-1]
	if strings.Trim(top, "0123456789") == "" || strings.HasPrefix(top, "0x") {
		return "", ErrAddress // what some programs read as a number: 127.1, 0x7f.1
	}
	switch {
	case len(labels) < 2:
		return "", ErrName
	case host == base || Under(host, base) || Under(base, host):
		return "", ErrOurs
	}
	for _, r := range reserved {
		if top == r {
			return "", ErrName
		}
	}
	if suffix, _ := publicsuffix.PublicSuffix(host); suffix == host {
		return "", ErrSuffix
	}
	return host, nil
}

// Under reports whether a host is a subdomain of another.
func Under(host, parent string) bool { return strings.HasSuffix(host, "."+parent) }

// Apex reports whether a host is the registered domain itself, where the DNS
// allows no alias.
func Apex(host string) bool {
	own, err := publicsuffix.EffectiveTLDPlusOne(host)
	return err == nil && own == host
}

// Shown is a host as people read it: with its umlauts and accents.
func Shown(host string) string {
	if s, err := idna.Display.ToUnicode(host); err == nil {
		return s
	}
	return host
}
