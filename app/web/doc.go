// Package web is the edge: gin lives here and nowhere else.
//
// It finds the commune by host, the person by session, the permission by
// action, and turns a returned error into a page or a problem document in one
// place. Modules mount handlers of the form func(*web.Request) error; no route
// exists without an action, and public ones say access.Public.
//
// Every answer carries the security headers; unsafe requests must come from
// the desk's own pages (origin check); X-Forwarded-For counts only from listed
// proxies; the Host header alone decides the commune.
package web
