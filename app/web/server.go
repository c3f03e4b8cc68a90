package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
	"github.com/sportello-ticino/sportello/pkg/trace"
)

// Deps is what the edge needs.
type Deps struct {
	DB             *tenancy.DB
	Redis          redis.UniversalClient
	Access         *access.Access
	Identity       *identity.Service
	Staff          *identity.Staff
	Sites          *site.Sites
	Entity         *site.Site // the shared entity's own face
	Texts          *i18n.Bundle
	Log            *slog.Logger
	URL            func(host string) string // public address of a host of ours
	HTTPS          bool
	Demo           bool
	TrustedProxies []string
	Version        string
	// FormTargets are foreign origins a form may lead to by redirect: the
	// payment pages of the configured providers.
	FormTargets []string
	// Banners are what must stand on top of a page: who of the entity reads in
	// the commune, and until when. nil shows none.
	Banners func(*Request) []ui.Banner
	// PerCommune is how many requests of one commune this process works on at a
	// time; 0 takes four per core.
	PerCommune int
	// Announcements are those above a page, and a number that changes
	// with them; it answers from memory. May be nil.
	Announcements func(ctx context.Context, t tenancy.Tenant, lang string, citizens bool) ([]ui.Announcement, int64)
	// Failed hears of every request of a commune that failed. May be nil.
	Failed func(t tenancy.Tenant)
	// Calls counts a call of the machine interface and says what is left of the
	// commune's day; it answers from memory. nil counts none.
	Calls func(t tenancy.Tenant) Calls
	// CallsPerMinute is how many of them one visitor may make in a minute; 0 sets
	// no bound.
	CallsPerMinute int
	// CallsPerAddress is how many one visitor may make in a day, so that a single
	// program leaves the commune's others something; 0 sets no limit.
	CallsPerAddress int
	// Ready reports what is wrong with this process's dependencies.
	Ready func(ctx context.Context) Readiness
}

// Server answers HTTP for all hosts of the deployment.
type Server struct {
	Deps
	router *Router
	origin *http.CrossOriginProtection
	limits *limiter
	turns  *turns
	shelf  *shelf
	meters sync.Map  // labels → meter
	policy [2]string // the content security policy before and after the nonce

	commune, entity, root *gin.Engine
}

var errNotFound = problem.NotFound("web.not-found", "errors.404.text")

// New builds the server from a filled route table.
func New(d Deps, r *Router) (*Server, error) {
	for _, rt := range r.routes {
		if rt.Action != access.Public && !d.Access.Grants(rt.Action) {
			return nil, fmt.Errorf("web: no role may do %q (%s %s)", rt.Action, rt.Method, rt.Path)
		}
	}
	gin.SetMode(gin.ReleaseMode)
	s := &Server{Deps: d, router: r, origin: http.NewCrossOriginProtection(), limits: newLimiter(d.Redis), turns: newTurns(d.PerCommune), shelf: newShelf(),
		policy: contentPolicy(d.FormTargets)}
	s.commune = s.engine(AreaPortal, AreaDesk, AreaConsole, AreaAPI, AreaHooks)
	s.entity = s.engine(AreaOperator)
	s.root = s.engine(AreaRoot)
	return s, nil
}

// EntityHost is the first label of the entity's host: ente.<base>.
const EntityHost = "ente"

type hostKind uint8

const (
	hostUnknown hostKind = iota
	hostCommune
	hostEntity
	hostRoot
)

type resolved struct {
	kind   hostKind
	tenant tenancy.Tenant
}

// visit is what is known of a request before its route is.
type visit struct {
	resolved
	nonce, id string
	actor     string // who asks, for the log: known once the session was read
}

type visitKey struct{}

// visitOf is the visit of a request's context; there is always one below ServeHTTP.
func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// patience is how long a request may take.
const patience = 20 * time.Second

// resolve decides by the Host header alone.
func (s *Server) resolve(ctx context.Context, hostport string) (resolved, error) {
	host := hostname(hostport)
	base := s.DB.Directory().Base()
	switch host {
	case base:
		return resolved{kind: hostRoot}, nil
	case EntityHost + "." + base:
		return resolved{kind: hostEntity}, nil
	}
	t, err := s.DB.Directory().ByHost(ctx, host)
	if errors.Is(err, tenancy.ErrUnknown) {
		return resolved{}, nil
	}
	if err != nil {
		return resolved{}, err
	}
	if state, _ := t.State(); state == tenancy.Provisioning {
		return resolved{}, nil
	}
	return resolved{kind: hostCommune, tenant: t}, nil
}

// hostname is a Host header without its port, in lower case.
func hostname(hostport string) string {
	host := strings.ToLower(hostport)
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return host
}

// Knows reports whether a host name belongs to this deployment.
func (s *Server) Knows(ctx context.Context, host string) (bool, error) {
	to, err := s.resolve(ctx, host)
	return to.kind != hostUnknown, err
}

// ServeHTTP sends a request to the tree of its host.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.harden(w.Header())
	switch r.URL.Path {
	case "/healthz":
		plain(w, http.StatusOK, "ok\n")
		return
	case "/readyz":
		s.readyz(w, r)
		return
	}
	if strings.HasPrefix(r.URL.Path, ui.AssetPrefix) {
		ui.Handler().ServeHTTP(w, r)
		return
	}
	to, err := s.resolve(r.Context(), r.Host)
	if err != nil {
		s.Log.Error("find commune", "error", err.Error())
		w.Header().Set("Retry-After", "5")
		plain(w, http.StatusServiceUnavailable, "Servizio momentaneamente non disponibile.\n")
		return
	}
	v := &visit{resolved: to}
	v.nonce, v.id = fresh()
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), visitKey{}, v), patience)
	defer cancel()
	r = r.WithContext(ctx)
	switch to.kind {
	case hostCommune:
		s.commune.ServeHTTP(w, r)
	case hostEntity:
		s.entity.ServeHTTP(w, r)
	case hostRoot:
		s.root.ServeHTTP(w, r)
	default:
		// Nothing here may name a commune: not even that there are any.
		plain(w, http.StatusNotFound, "404\n")
	}
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text))
}

// frame is around every request: headers, one line of log, one count, and the
// last line of defence against a panic.
func (s *Server) frame(c *gin.Context) {
	start := time.Now()
	v := visitOf(c.Request.Context())
	var span trace.Span
	if trace.Active() {
		var ctx context.Context
		ctx, span = trace.Start(c.Request.Context(), trace.Request, method(c.Request.Method)+" "+route(c), v.commune())
		c.Request = c.Request.WithContext(ctx)
	}
	s.allow(c.Writer.Header(), v.nonce, v.id)
	defer func() {
		// net/http forgets the files of a form once the request was copied.
		if form := c.Request.MultipartForm; form != nil {
			_ = form.RemoveAll()
		}
		if p := recover(); p != nil {
			if s.Failed != nil {
				s.Failed(v.tenant)
			}
			s.Log.Error("panic", "request", v.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if !c.Writer.Written() {
				plain(c.Writer, http.StatusInternalServerError, "Errore interno. Riferimento: "+v.id+"\n")
			}
		}
		s.note(c, v, time.Since(start))
		span.Status(c.Writer.Status())
		span.End(nil)
	}()
	c.Next()
}
