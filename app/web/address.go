package web

import (
	"net/http"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// elsewhere sends a visitor who comes to an old address of a commune on to its main
// one, with 308. Only somebody who arrives, on a public page, and has not signed
// in: whoever is in the middle of something finishes it where it began, for the
// session's cookie belongs to that host alone, and a form's answer must not lead
// to another host (form-action). The target is the directory's, never the
// request's; the browser keeps nothing, for the main address may fail tomorrow.
func (s *Server) elsewhere(req *Request, t tenancy.Tenant) bool {
	r := req.c.Request
	main := t.MainHost()
	if main == "" || main == hostname(r.Host) || req.route.opts.anywhere ||
		req.route.Area != AreaPortal || req.route.Action != access.Public ||
		r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if site, part := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Dest"); site == "same-origin" || part != "" && part != "document" {
		return false
	}
	if token, _ := req.c.Cookie(SessionCookie); token != "" {
		return false
	}
	req.done = true
	req.c.Header("Cache-Control", "no-store")
	req.c.Redirect(http.StatusPermanentRedirect, s.URL(main)+pathAndQuery(r))
	return true
}

// pathAndQuery is what was asked for, without whatever host a request line may
// have named.
func pathAndQuery(r *http.Request) string {
	to := r.URL.EscapedPath()
	if to == "" || to[0] != '/' {
		to = "/"
	}
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	return to
}

// canonical is the address under which a public page is to be known, where a
// commune has a main address of its own.
func (r *Request) canonical() string {
	if !r.tenant.Valid() || r.tenant.MainHost() == "" || r.route.Area != AreaPortal || r.route.Action != access.Public {
		return ""
	}
	return r.srv.URL(r.tenant.MainHost()) + r.c.Request.URL.EscapedPath()
}
