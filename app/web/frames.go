package web

import "strings"

// Framed lets pages of the same commune show this one in a frame: the preview of
// a page inside the console. Everywhere else frames are forbidden.
func (r *Request) Framed() {
	r.rule("frame-ancestors 'none'", "frame-ancestors 'self'")
}

// Frames lets this page show others of the same commune in frames.
func (r *Request) Frames() {
	r.rule("frame-ancestors 'none'", "frame-src 'self'; frame-ancestors 'none'")
}

func (r *Request) rule(old, now string) {
	const policy = "Content-Security-Policy"
	h := r.c.Writer.Header()
	h.Set(policy, strings.Replace(h.Get(policy), old, now, 1))
}
