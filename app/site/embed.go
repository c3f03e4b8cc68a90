package site

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// MaxEmbedOrigins is how many sites may embed a commune's desk.
const MaxEmbedOrigins = 20

// ErrEmbedOrigin is a line that is no address of a site.
var ErrEmbedOrigin = problem.Invalid("site.embed-origin", "embed.error.origin")

// ParseEmbedOrigins reads the addresses of sites, one a line: https, a host name
// and at most a port. Anything more of an address is left out; what is no such
// address is ErrEmbedOrigin with the line. Wildcards are refused: who may frame a
// page is said by name.
func ParseEmbedOrigins(text string) ([]string, error) {
	out := []string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		origin, ok := origin(line)
		if !ok {
			return nil, ErrEmbedOrigin.With("line", line)
		}
		if !slices.Contains(out, origin) {
			out = append(out, origin)
		}
	}
	if len(out) > MaxEmbedOrigins {
		return nil, ErrEmbedOrigin.With("line", out[MaxEmbedOrigins])
	}
	return out, nil
}

func origin(line string) (string, bool) {
	if !strings.Contains(line, "://") {
		line = "https://" + line
	}
	u, err := url.Parse(line)
	if err != nil || u.Scheme != "https" || u.User != nil || !hostname(u.Hostname()) {
		return "", false
	}
	return "https://" + strings.ToLower(u.Host), true
}

// hostname accepts only what can stand in a header: names of letters, digits,
// hyphens and dots, with a dot in them.
func hostname(host string) bool {
	if len(host) > 253 || !strings.Contains(host, ".") || strings.HasPrefix(host, ".") || strings.HasSuffix(host, ".") {
		return false
	}
	for _, r := range host {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' {
			return false
		}
	}
	return true
}

// SaveEmbedOrigins keeps the sites that may embed the commune's desk.
func SaveEmbedOrigins(tx *tenancy.Tx, origins []string) error {
	return set(tx, keyEmbed, origins, "console")
}
