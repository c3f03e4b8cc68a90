package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/ui"
)

// Handler answers a request or says why not.
type Handler func(*Request) error

// Route is one line of the route table.
type Route struct {
	Area   Area
	Method string
	Path   string
	Action access.Action
	opts   routeOptions
	handle Handler
}

// Area is where a route answers and which frame its pages have.
type Area string

// The areas. Portal to Hooks answer on a commune's host, Operator on the
// entity's, Root on the deployment's own.
const (
	AreaPortal   Area = "portal"
	AreaDesk     Area = "desk"
	AreaConsole  Area = "console"
	AreaAPI      Area = "api"
	AreaHooks    Area = "hooks"
	AreaOperator Area = "operator"
	AreaRoot     Area = "root"
)

func (a Area) variant() ui.Variant {
	switch a {
	case AreaDesk:
		return ui.Desk
	case AreaConsole:
		return ui.Console
	case AreaOperator:
		return ui.Operator
	case AreaRoot:
		return ui.Bare
	}
	return ui.Portal
}

type routeOptions struct {
	bodyLimit int64
	limit     *Limit
	shared    []string
	always    bool
	guests    bool
	anywhere  bool
	faceless  bool

	embeddable, previews bool
}

// RouteOption refines a route.
type RouteOption func(*routeOptions)

// defaultBody is how many bytes a request may carry where nothing is uploaded.
const defaultBody = 1 << 20

// MaxBody lets a route take up to n bytes.
func MaxBody(n int64) RouteOption { return func(o *routeOptions) { o.bodyLimit = n } }

// WhileSuspended keeps a route open while the commune's desk is suspended: what
// the page that says so needs.
func WhileSuspended() RouteOption { return func(o *routeOptions) { o.always = true } }

// AnyAddress keeps a public page at every address of the commune: what is needed
// where the main one does not answer, and what pages of all addresses are made of.
func AnyAddress() RouteOption { return func(o *routeOptions) { o.anywhere = true } }

// EvenAway keeps a page open while the commune's cluster does not answer: where
// its face is not known it wears the entity's, under the commune's name.
func EvenAway() RouteOption { return func(o *routeOptions) { o.faceless = true } }

// AlsoGuests lets a guest of the entity send what the route takes: ending the
// own session, and nothing else so far.
func AlsoGuests() RouteOption { return func(o *routeOptions) { o.guests = true } }

// Embeddable lets the sites that the commune lists (site.EmbedOrigins) show a page
// inside theirs. It is for pages without a session: a browser sends none there,
// and none is read. Every other page refuses to be framed.
func Embeddable() RouteOption { return func(o *routeOptions) { o.embeddable = true } }

// Previews lets a page show one of our own pages inside it.
func Previews() RouteOption { return func(o *routeOptions) { o.previews = true } }

// Limit bounds how often one visitor may use a route.
type Limit struct {
	Name string // routes with the same name share the count
	Max  int
	Per  time.Duration
}

// AtMost limits a route to max requests per visitor and period.
func AtMost(name string, max int, per time.Duration) RouteOption {
	return func(o *routeOptions) { o.limit = &Limit{name, max, per} }
}

// Group registers the routes of one area.
type Group struct {
	area   Area
	prefix string
	routes *[]Route
}

// GET, POST: a method, a path below the area's prefix, who may, what happens.
func (g *Group) GET(path string, action access.Action, h Handler, opts ...RouteOption) {
	g.add(http.MethodGet, path, action, h, opts)
}

// POST registers a route that changes something.
func (g *Group) POST(path string, action access.Action, h Handler, opts ...RouteOption) {
	g.add(http.MethodPost, path, action, h, opts)
}

func (g *Group) add(method, path string, action access.Action, h Handler, opts []RouteOption) {
	if action == "" {
		panic(fmt.Sprintf("web: %s %s%s has no action", method, g.prefix, path))
	}
	r := Route{Area: g.area, Method: method, Path: g.prefix + path, Action: action, handle: h}
	r.opts.bodyLimit = defaultBody
	for _, o := range opts {
		o(&r.opts)
	}
	*g.routes = append(*g.routes, r)
}

// Router collects the routes of all modules.
type Router struct {
	Portal, Desk, Console, API, Hooks, Operator, Root *Group

	routes []Route
}

// NewRouter makes an empty route table.
func NewRouter() *Router {
	r := &Router{}
	group := func(a Area, prefix string) *Group { return &Group{a, prefix, &r.routes} }
	r.Portal = group(AreaPortal, "")
	r.Desk = group(AreaDesk, "/ufficio")
	r.Console = group(AreaConsole, "/console")
	r.API = group(AreaAPI, "/api/v1")
	r.Hooks = group(AreaHooks, "/hooks")
	r.Operator = group(AreaOperator, "")
	r.Root = group(AreaRoot, "")
	return r
}

// Routes is the route table, in the order of registration.
func (r *Router) Routes() []Route { return append([]Route(nil), r.routes...) }

// engine builds gin's tree for one kind of host.
func (s *Server) engine(areas ...Area) *gin.Engine {
	e := gin.New()
	e.RedirectTrailingSlash, e.HandleMethodNotAllowed = false, false
	_ = e.SetTrustedProxies(s.TrustedProxies)
	e.Use(s.frame)
	for _, rt := range s.router.routes {
		for _, a := range areas {
			if rt.Area == a {
				e.Handle(rt.Method, rt.Path, s.serve(rt))
				if rt.Method == http.MethodGet { // net/http leaves the body out
					e.Handle(http.MethodHead, rt.Path, s.serve(rt))
				}
			}
		}
	}
	e.NoRoute(s.serve(Route{Area: areas[0], Action: access.Public, handle: func(*Request) error { return errNotFound }}))
	return e
}
