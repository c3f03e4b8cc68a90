package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Names of the cookies. The __Host- prefix makes browsers insist on Secure,
// on no Domain and on the path /.
const (
	SessionCookie = "__Host-sportello"
	langCookie    = "__Host-lang"
)

var (
	errForbidden = problem.Forbidden("access.denied", "errors.403.text")
	errOrigin    = problem.Forbidden("web.origin", "errors.403.text")
	errAway      = problem.Unavailable("web.sessions-away", "errors.503.text").WithRetry(10 * time.Second)
	errSignIn    = problem.Unauthenticated("access.sign-in", "errors.401.text")
)

// serve wraps a route's handler with everything that comes before it.
func (s *Server) serve(rt Route) gin.HandlerFunc {
	return func(c *gin.Context) {
		req := &Request{c: c, srv: s, route: rt, visit: visitOf(c.Request.Context())}
		err := s.prepare(req)
		if req.leave != nil {
			defer req.leave()
		}
		if err != nil {
			req.fail(err)
			return
		}
		if req.done || req.fromShelf() {
			return
		}
		if err := rt.handle(req); err != nil {
			req.fail(err)
		}
	}
}

// prepare finds out who asks for what, where, and whether they may.
func (s *Server) prepare(req *Request) error {
	c := req.c
	to := req.visit.resolved
	if to.kind == hostCommune && s.elsewhere(req, to.tenant) {
		return nil
	}
	if err := s.face(req, to); err != nil {
		return err
	}
	s.chooseLanguage(req)
	req.framing()
	if to.kind == hostCommune {
		var err error
		if req.leave, err = s.turns.enter(req.Ctx(), to.tenant); err != nil {
			return err
		}
		if state, reason := to.tenant.State(); state == tenancy.Suspended && req.route.Area != AreaHooks && !req.route.opts.always {
			return req.suspended(reason)
		}
	}
	if req.route.Area == AreaAPI {
		if err := s.call(req); err != nil {
			return err
		}
	}
	if req.route.Area != AreaHooks {
		if err := s.origin.Check(c.Request); err != nil {
			return errOrigin.Wrap(err)
		}
	}
	if err := s.who(req, to); err != nil {
		return err
	}
	req.visit.actor = req.actor.Ref()
	if reads := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead; !reads &&
		req.route.Area != AreaHooks && !req.route.opts.guests && !access.MaySend(req.actor) {
		return errNotFound
	}
	if l := req.route.opts.limit; l != nil {
		if err := s.limits.allow(c.Request.Context(), req, *l); err != nil {
			return err
		}
	}
	may, err := s.Access.May(req.actor, req.route.Action)
	switch {
	case err != nil:
		return err
	case may:
	case req.actor.IsGuest(), req.actor.IsStranger(): // what a grant does not name is not there
		return errNotFound
	case req.degraded: // has a session that cannot be read now: it has not ended
		return errAway
	case req.pendingTOTP:
		return req.Redirect("/codice")
	case req.actor.Anonymous() && c.Request.Method == http.MethodGet && req.route.Area != AreaAPI:
		return req.Redirect("/accedi?next=" + url.QueryEscape(c.Request.URL.RequestURI()))
	case req.actor.Anonymous():
		return errSignIn
	default:
		return errForbidden
	}
	if req.route.opts.bodyLimit > 0 {
		c.Request.Body = http.MaxBytesReader(c.Writer, c.Request.Body, req.route.opts.bodyLimit)
	}
	return nil
}

func (s *Server) face(req *Request, to resolved) error {
	if to.kind != hostCommune {
		req.site = s.Entity
		return nil
	}
	var err error
	req.site, err = s.Sites.Get(req.Ctx(), to.tenant)
	if err != nil && req.route.opts.faceless {
		face := *s.Entity
		face.OfficialName, face.Brand.Name, face.Brand.Line = to.tenant.Name(), to.tenant.Name(), ""
		req.site = &face
		return nil
	}
	if err != nil {
		return problem.Unavailable("web.site", "errors.503.text").Wrap(err)
	}
	return nil
}

// who reads the session. On an entity host only staff exist, elsewhere never.
func (s *Server) who(req *Request, to resolved) error {
	token, _ := req.c.Cookie(SessionCookie)
	req.actor = identity.Visitor(to.tenant)
	if token == "" || req.route.opts.embeddable {
		return nil
	}
	req.hasToken = true
	switch to.kind {
	case hostCommune:
		var lang string
		req.actor, lang, req.degraded = s.Identity.Actor(req.Ctx(), to.tenant, token)
		if !req.langChosen && req.offers(lang) {
			req.speak(lang)
		}
	case hostEntity:
		actor, pending, err := s.Staff.Actor(req.Ctx(), token)
		req.degraded, req.pendingTOTP = err != nil, pending
		if actor.IsStaff() {
			req.actor = actor
		}
	}
	return nil
}

// chooseLanguage takes ?lang= (and remembers it), then the cookie, else
// Italian, the official language. A language the commune does not offer is
// not chosen.
func (s *Server) chooseLanguage(req *Request) {
	lang := i18n.Reference
	if asked := req.c.Query("lang"); req.offers(asked) {
		lang, req.langChosen = asked, true
		req.setCookie(langCookie, asked, 365*24*3600)
	} else if kept, err := req.c.Cookie(langCookie); err == nil && req.offers(kept) {
		lang, req.langChosen = kept, true
	}
	req.speak(lang)
}

// speak makes lang the language of the answer.
func (r *Request) speak(lang string) {
	r.lang = lang
	r.c.Request = r.c.Request.WithContext(i18n.WithLang(r.c.Request.Context(), r.srv.Texts, lang))
}

var (
	allLanguages  = []string{"it", "de", "fr", "en"}
	languageNames = map[string]string{"it": "Italiano", "de": "Deutsch", "fr": "Français", "en": "English"}
)

// offered are the codes of the languages of the commune.
func (r *Request) offered() []string {
	if r.site != nil && len(r.site.Languages) > 0 {
		return r.site.Languages
	}
	return allLanguages
}

func (r *Request) offers(lang string) bool {
	return lang != "" && languageNames[lang] != "" && slices.Contains(r.offered(), lang)
}

func (r *Request) languages() []ui.Language {
	codes := r.offered()
	out := make([]ui.Language, 0, len(codes))
	for _, c := range codes {
		if name := languageNames[c]; name != "" {
			out = append(out, ui.Language{Code: c, Name: name})
		}
	}
	return out
}

// SafeNext returns a path on this host to go on to after signing in; anything
// else (another host, a scheme, a backslash trick) becomes the fallback.
func SafeNext(next, fallback string) string {
	if len(next) < 2 || next[0] != '/' || next[1] == '/' || strings.ContainsAny(next, "\\\r\n\t") {
		return fallback
	}
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return fallback
	}
	return next
}
