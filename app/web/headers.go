package web

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strings"
)

// fresh makes the nonce of an answer's scripts and the request's name.
func fresh() (nonce, id string) {
	var b [12 + 9]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand, Go 1.24)
	text := base64.RawURLEncoding.EncodeToString(b[:])
	return text[:16], text[16:]
}

// The headers that every answer has alike. The slices are shared by all answers:
// who wants another value sets another slice (http.Header.Set), nobody changes
// one in place.
var (
	closedPolicy      = []string{"default-src 'none'; frame-ancestors 'none'"}
	headerNoSniff     = []string{"nosniff"}
	headerSameOrigin  = []string{"same-origin"}
	headerPermissions = []string{"camera=(), geolocation=(self), microphone=(), payment=()"}
	headerHSTS        = []string{"max-age=31536000"}
)

// harden is what every answer carries, the plain ones for machines and
// strangers too. A page may do more than nothing: allow says what.
func (s *Server) harden(h http.Header) {
	h["Content-Security-Policy"] = closedPolicy
	h["X-Content-Type-Options"] = headerNoSniff
	h["Referrer-Policy"] = headerSameOrigin
	h["Cross-Origin-Opener-Policy"] = headerSameOrigin
	h["Permissions-Policy"] = headerPermissions
	if s.HTTPS {
		h["Strict-Transport-Security"] = headerHSTS
	}
}

func (s *Server) allow(h http.Header, nonce, id string) {
	h["Content-Security-Policy"] = []string{s.policy[0] + nonce + s.policy[1]}
	h["X-Request-Id"] = []string{id}
}

// contentPolicy is the content security policy of pages, before and after the
// nonce. formTargets are foreign origins a form may lead to by redirect.
func contentPolicy(formTargets []string) [2]string {
	forms := strings.Join(append([]string{"form-action 'self'"}, formTargets...), " ")
	return [2]string{"default-src 'none'; script-src 'self' 'nonce-", "'; style-src 'self'; img-src 'self' data:; " +
		"font-src 'self'; connect-src 'self'; manifest-src 'self'; " + forms + "; frame-ancestors 'none'; base-uri 'none'"}
}

// embeddedPolicy is the content security policy of a page that other sites show
// inside theirs: no script, and only the sites that the commune lists.
func embeddedPolicy(origins []string) string {
	return "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors " +
		strings.Join(append([]string{"'self'"}, origins...), " ")
}

// framing sets what a route allows beyond others: to be shown inside another
// site's page, or to show one of our own inside it.
func (r *Request) framing() {
	switch o := r.route.opts; {
	case o.embeddable:
		r.SetHeader("Content-Security-Policy", embeddedPolicy(r.site.EmbedOrigins))
	case o.previews:
		r.SetHeader("Content-Security-Policy", r.c.Writer.Header().Get("Content-Security-Policy")+"; frame-src 'self'")
	}
}
