package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Request is one request on its way through a handler.
type Request struct {
	leave       func() // gives the commune's turn back
	c           *gin.Context
	srv         *Server
	route       Route
	*visit      // where, nonce, id
	site        *site.Site
	actor       identity.Actor
	lang        string
	langChosen  bool
	pendingTOTP bool
	degraded    bool
	hasToken    bool
	done        bool

	sharedKey       sharedKey
	sharedRevisions []int64 // set when the page may be kept for others
}

// Ctx is the request's context: its deadline, its language.
func (r *Request) Ctx() context.Context { return r.c.Request.Context() }

// Done tells on the page after a redirect what was just done, in the words of the
// text <texts>.<what>: ?fatto=closed with the texts "costs.done" is
// costs.done.closed. A word that no text has says nothing.
func (r *Request) Done(texts string) string {
	what := r.Query("fatto")
	if key := texts + "." + what; what != "" && i18n.Has(r.Ctx(), key) {
		return i18n.T(r.Ctx(), key)
	}
	return ""
}

// Tenant is the commune of the host; the zero Tenant on the entity's host.
func (r *Request) Tenant() tenancy.Tenant { return r.tenant }

// Site is the commune's (or the entity's) face.
func (r *Request) Site() *site.Site { return r.site }

// Actor is who asks.
func (r *Request) Actor() identity.Actor { return r.actor }

// May reports whether the actor may also do something else, for showing or
// leaving out a button. An error counts as no.
func (r *Request) May(a access.Action) bool {
	yes, err := r.srv.Access.May(r.actor, a)
	return err == nil && yes
}

// Area is where the page stands.
func (r *Request) Area() Area { return r.route.Area }

// Lang is the language of the page: "it", "de", "fr" or "en".
func (r *Request) Lang() string { return r.lang }

// Param is a part of the path. It is text: see readable.
func (r *Request) Param(name string) string { return readable(r.c.Param(name)) }

// Query is a value of the query string, "" when absent. It is text: see
// readable.
func (r *Request) Query(name string) string { return readable(r.c.Query(name)) }

// readable leaves out what is no text: bytes that are not UTF-8, and the zero
// character, which PostgreSQL takes in no value. What a browser never sends
// must not become a fault of ours.
func readable(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// Path is the path and query as asked for.
func (r *Request) Path() string { return r.c.Request.URL.RequestURI() }

// ID names the request in the log.
func (r *Request) ID() string { return r.id }

// ClientIP is the visitor's address; X-Forwarded-For counts only from listed
// proxies.
func (r *Request) ClientIP() string { return r.c.ClientIP() }

// Form parses the body of a form and returns its values (not the query's), as
// text: see readable.
// Errors: problem TooLarge; problem Invalid when it is no form.
func (r *Request) Form() (url.Values, error) {
	req := r.c.Request
	media, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	var err error
	if media == "multipart/form-data" {
		err = req.ParseMultipartForm(2 << 20)
	} else {
		err = req.ParseForm()
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, problem.TooLarge("web.too-large", "errors.413.text").Wrap(err)
	}
	if err != nil {
		return nil, problem.Invalid("web.form", "error.form").Wrap(err)
	}
	for _, values := range req.PostForm {
		for i := range values {
			values[i] = readable(values[i])
		}
	}
	return req.PostForm, nil
}

// Files are the uploaded files of a field; Form must have been called.
func (r *Request) Files(field string) []*multipart.FileHeader {
	if r.c.Request.MultipartForm == nil {
		return nil
	}
	return r.c.Request.MultipartForm.File[field]
}

// Body reads the raw body, at most limit bytes.
func (r *Request) Body(limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r.c.Request.Body, limit+1))
	if err != nil {
		return nil, problem.TooLarge("web.too-large", "errors.413.text").Wrap(err)
	}
	if int64(len(b)) > limit {
		return nil, problem.TooLarge("web.too-large", "errors.413.text")
	}
	return b, nil
}

// Header is a request header.
func (r *Request) Header(name string) string { return r.c.GetHeader(name) }

// SetHeader sets a header of the answer.
func (r *Request) SetHeader(name, value string) { r.c.Header(name, value) }

// Redirect sends the browser on with 303, so that it asks with GET.
func (r *Request) Redirect(to string) error {
	r.done = true
	r.c.Header("Cache-Control", "no-store")
	r.c.Redirect(http.StatusSeeOther, to)
	return nil
}

// JSON answers a machine.
func (r *Request) JSON(status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("web: json: %w", err)
	}
	if err := r.witness(status); err != nil {
		return err
	}
	r.c.Data(status, "application/json; charset=utf-8", b)
	return nil
}

// Blob sends a file. inline shows it in the browser, under a policy that lets
// it do nothing.
func (r *Request) Blob(name, contentType string, data []byte, inline bool) error {
	if err := r.witness(http.StatusOK); err != nil {
		return err
	}
	how := "attachment"
	if inline {
		how = "inline"
	}
	r.c.Header("Content-Disposition", mime.FormatMediaType(how, map[string]string{"filename": name}))
	r.c.Header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	r.c.Header("Cache-Control", "private, no-store")
	r.c.Data(http.StatusOK, contentType, data)
	return nil
}

// Immutable sends content whose address carries its hash.
func (r *Request) Immutable(contentType string, data []byte) error {
	if err := r.witness(http.StatusOK); err != nil {
		return err
	}
	r.c.Header("Cache-Control", "public, max-age=31536000, immutable")
	r.c.Data(http.StatusOK, contentType, data)
	return nil
}

// Passing answers with what this address shows at the moment and nobody may keep.
func (r *Request) Passing(contentType string, data []byte) error {
	if err := r.witness(http.StatusOK); err != nil {
		return err
	}
	r.c.Header("Cache-Control", "no-store")
	r.c.Data(http.StatusOK, contentType, data)
	return nil
}

// SessionToken is the cookie of the session, "" when there is none.
func (r *Request) SessionToken() string {
	v, _ := r.c.Cookie(SessionCookie)
	return v
}

// SetSession puts a session's token into the cookie; "" removes it. The session
// that it replaces ends: nobody holds two.
func (r *Request) SetSession(token string) {
	if old := r.SessionToken(); old != "" && old != token {
		r.endSession(old)
	}
	age := 0 // until the browser closes; Redis knows the real end
	if token == "" {
		age = -1
	}
	r.setCookie(SessionCookie, token, age)
}

// endSession ends a session on the server. Without Redis it ends by itself.
func (r *Request) endSession(token string) {
	if r.tenant.Valid() {
		_ = r.srv.Identity.SignOut(r.Ctx(), r.tenant, token)
	} else {
		_ = r.srv.Staff.SignOut(r.Ctx(), token)
	}
}

func (r *Request) setCookie(name, value string, age int) {
	http.SetCookie(r.c.Writer, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// PendingTOTP reports that a member of the entity's staff has given the
// password and not yet the second factor.
func (r *Request) PendingTOTP() bool { return r.pendingTOTP }

// Demo reports whether this is a demonstration with invented people.
func (r *Request) Demo() bool { return r.srv.Demo }

// Raw sends content as it is; the caller sets how long it may be kept.
func (r *Request) Raw(contentType string, data []byte) error {
	if err := r.witness(http.StatusOK); err != nil {
		return err
	}
	r.c.Data(http.StatusOK, contentType, data)
	return nil
}

// Validated sends public content with a validator made of its bytes, and nothing
// but 304 to who has it already (If-None-Match, RFC 9110). vary names the request
// headers that choose between contents of one address.
func (r *Request) Validated(contentType string, data []byte, vary ...string) error {
	if err := r.witness(http.StatusOK); err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	tag := `"` + hex.EncodeToString(sum[:12]) + `"`
	r.c.Header("ETag", tag)
	r.c.Header("Cache-Control", "public, no-cache")
	if len(vary) > 0 {
		r.c.Header("Vary", strings.Join(vary, ", "))
	}
	for known := range strings.SplitSeq(r.Header("If-None-Match"), ",") {
		if known = strings.TrimPrefix(strings.TrimSpace(known), "W/"); known == tag || known == "*" {
			r.done = true
			r.c.Status(http.StatusNotModified)
			r.c.Writer.WriteHeaderNow()
			return nil
		}
	}
	r.c.Data(http.StatusOK, contentType, data)
	return nil
}

// Words is the sentence of a problem in the page's language.
func (r *Request) Words(p *problem.Error) string { return r.words(p) }

// NotFound is the answer for what is not there, or not for this visitor.
func NotFound() error { return errNotFound }

// Host is the host that was asked for, without its port, in lower case.
func (r *Request) Host() string { return hostname(r.c.Request.Host) }
