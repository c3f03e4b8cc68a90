// Package clean makes words of others fit to be kept: what a mail server or a
// library says may be in any encoding, and of any length.
package clean

import (
	"strings"
)

// Text is at most n bytes of s that PostgreSQL takes: valid UTF-8 without NUL, cut
// between two runes.
func Text(s string, n int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "�")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
