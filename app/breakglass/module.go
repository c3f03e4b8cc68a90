package breakglass

import (
	"context"
	"errors"
	"time"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Module mounts the pages and jobs.
type Module struct{ *Service }

// Where the pages are.
const (
	consolePath = "/console/accesso-ente"
	enterPath   = "/accesso-ente"
)

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	r.Operator.GET("/comuni/:slug/accesso", ActionSee, m.asked)
	r.Operator.POST("/comuni/:slug/accesso", ActionAsk, m.ask, web.AtMost("ask-access", 20, time.Hour))
	r.Operator.POST("/comuni/:slug/accesso/:id/consegna", ActionAsk, m.again)
	r.Operator.POST("/comuni/:slug/accesso/:id/entra", ActionAsk, m.handOver)

	r.Operator.GET("/accessi", ActionReview, m.review)

	r.Console.GET("/accesso-ente", ActionGuests, m.guests)
	r.Console.POST("/accesso-ente/:id/concedi", ActionLetIn, m.grant)
	r.Console.POST("/accesso-ente/:id/rifiuta", ActionLetIn, m.refuse)
	r.Console.POST("/accesso-ente/:id/revoca", ActionLetIn, m.revoke)

	few := web.AtMost("enter", 20, 5*time.Minute)
	r.Portal.GET(enterPath+"/:token", access.Public, m.enterPage, few)
	r.Portal.POST(enterPath+"/:token", access.Public, m.enter, few, web.AlsoGuests())
}

// Banners says on top of a page who of the entity reads in the commune: on
// every page of the commune's console, on the entity's pages of that commune,
// and to the guest on whatever page it is. A failure costs the banner, never the
// page.
func (m *Module) Banners(r *web.Request) []ui.Banner {
	ctx := r.Ctx()
	if g, ok := r.Actor().Guest(); ok {
		return []ui.Banner{{Title: i18n.T(ctx, "access.banner.guest"),
			Text: i18n.T(ctx, "access.banner.guest-text", "what", scopeWords(ctx, r.Site().Office(g.Object).Name, g.Scope, g.Object), "until", until(g.Until))}}
	}
	t, link := r.Tenant(), ui.Link{Text: i18n.T(ctx, "access.banner.link"), URL: consolePath}
	switch {
	case r.Area() == web.AreaConsole && r.May("console.open"):
	case r.Area() == web.AreaOperator && r.Param("slug") != "" && r.May(ActionSee):
		var err error
		if t, err = m.DB.Directory().BySlug(ctx, r.Param("slug")); err != nil {
			return nil
		}
		link = ui.Link{Text: i18n.T(ctx, "access.banner.see"), URL: "/comuni/" + t.Slug() + "/accesso"}
	default:
		return nil
	}
	return m.banners(ctx, t, link, r.Area() == web.AreaOperator || r.May(ActionGuests))
}

func (m *Module) banners(ctx context.Context, t tenancy.Tenant, link ui.Link, linked bool) []ui.Banner {
	held, err := m.current.Get(ctx, t)
	if err != nil {
		return nil
	}
	var now []Grant
	var refs []string
	for _, g := range held {
		if g.Live(m.Clock.Now()) {
			now, refs = append(now, g), append(refs, g.ref())
		}
	}
	if len(now) == 0 {
		return nil
	}
	var read map[string]int64
	if err := m.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		read, err = audit.CountByActors(tx, refs, actionEntered)
		return err
	}); err != nil {
		return nil
	}
	var out []ui.Banner
	for _, g := range now {
		b := ui.Banner{Title: i18n.T(ctx, "access.banner.title", "name", g.StaffName),
			Text: i18n.T(ctx, "access.banner.text", "what", m.scopeWords(ctx, t, g.Scope, g.Object), "until", until(*g.Until), "why", g.Wish.Reason) + " " +
				times(ctx, "access.banner.read", read[g.ref()])}
		if linked {
			b.Link = &link
		}
		out = append(out, b)
	}
	return out
}

// nameOf is a case's reference or an office's name.
func (m *Module) nameOf(ctx context.Context, t tenancy.Tenant, s identity.Scope, object string) string {
	if s == identity.ScopeOffice {
		if face, err := m.Sites.Get(ctx, t); err == nil {
			return face.Office(object).Name
		}
	}
	return object
}

func (m *Module) scopeWords(ctx context.Context, t tenancy.Tenant, s identity.Scope, object string) string {
	return scopeWords(ctx, m.nameOf(ctx, t, s, object), s, object)
}

// scopeWords is what may be read, in words.
func scopeWords(ctx context.Context, office string, s identity.Scope, object string) string {
	if s == identity.ScopeOffice {
		object = office
	}
	return i18n.T(ctx, "access.scope."+string(s), "of", object)
}

// times counts, with a word of its own for none.
func times(ctx context.Context, key string, n int64) string {
	if n == 0 {
		return i18n.T(ctx, key+".zero")
	}
	return i18n.N(ctx, key, int(n))
}

// until is the end of a grant as people read it.
func until(t time.Time) string { return i18n.Time(t) }

// tenant is the commune of the entity's page.
func (m *Module) tenant(r *web.Request) (tenancy.Tenant, error) {
	t, err := m.DB.Directory().BySlug(r.Ctx(), r.Param("slug"))
	if errors.Is(err, tenancy.ErrUnknown) {
		return t, web.NotFound()
	}
	return t, err
}
