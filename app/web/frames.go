package web

import "strings"

// InPreview lets pages of the same commune show this one in a frame (route option
// Previews). Everywhere else frames are forbidden.
func (r *Request) InPreview() {
	const policy = "Content-Security-Policy"
	h := r.c.Writer.Header()
	h.Set(policy, strings.Replace(h.Get(policy), "frame-ancestors 'none'", "frame-ancestors 'self'", 1))
}
