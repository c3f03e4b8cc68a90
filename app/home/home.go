// Package home is what a visitor meets first: the portal's first page, the
// choice of a commune, the pages that only say something, a commune's theme
// and mark.
package home

import (
	"context"
	"net/url"
	"path"
	"regexp"
	"strconv"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/home/view"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Catalogue is what home asks of the catalogue.
type Catalogue interface {
	Offered(ctx context.Context, t tenancy.Tenant) ([]*catalogue.Service, error)
	Often(ctx context.Context, t tenancy.Tenant, n int) (list []*catalogue.Service, counted bool, err error)
	Row(ctx context.Context, s *catalogue.Service) ui.Row
}

// Module serves these pages.
type Module struct {
	DB        *tenancy.DB
	Catalogue Catalogue
	Sites     *site.Sites
	Clock     clock.Clock
	URL       func(host string) string
}

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	r.Portal.GET("/", access.Public, m.home, web.Shared(catalogue.Topic, catalogue.FiguresTopic))
	r.Portal.GET("/accessibilita", access.Public, m.accessibility, web.WhileSuspended())
	for _, g := range []*web.Group{r.Portal, r.Operator, r.Root} {
		g.GET("/tema/:file", access.Public, m.theme, web.WhileSuspended(), web.AnyAddress(), web.EvenAway())
		g.GET("/marchio/:file", access.Public, m.mark, web.WhileSuspended(), web.AnyAddress(), web.EvenAway())
	}
	r.Root.GET("/", access.Public, m.chooser)
	r.Root.GET("/marchi/:slug", access.Public, m.communeMark)
}

// events are the changes in a life by which people look for services, with
// their icon; titles and texts are home.event.<key>.
var events = []struct{ key, icon string }{
	{"casa", "house"}, {"figlio", "stroller"}, {"scuola", "backpack"}, {"auto", "car"},
	{"costruire", "buildings2"}, {"attivita", "briefcase"}, {"lavoro", "wallet"}, {"animali", "heart"},
	{"tempo-libero", "bicycle"}, {"diritti", "person-group"}, {"aiuto", "hand-shake-heart"}, {"lutto", "flower-petal-falling"},
}

func (m *Module) home(r *web.Request) error {
	ctx := r.Ctx()
	services, err := m.Catalogue.Offered(ctx, r.Tenant())
	if err != nil {
		return err
	}
	often, counted, err := m.Catalogue.Often(ctx, r.Tenant(), 6)
	if err != nil {
		return err
	}
	page := view.HomePage{ServiceCount: len(services), Counted: counted}
	for _, s := range often {
		page.Services = append(page.Services, m.Catalogue.Row(ctx, s))
		if len(page.Popular) < 3 {
			page.Popular = append(page.Popular, ui.Link{Text: s.Title.For(ctx), URL: "/servizi/" + s.ID})
		}
	}
	known := map[string]bool{}
	for _, s := range services {
		for _, e := range s.LifeEvents {
			known[e] = true
		}
	}
	for _, e := range events {
		if known[e.key] {
			page.Events = append(page.Events, view.LifeEvent{Icon: e.icon, Title: i18n.T(ctx, "home.event."+e.key+".title"),
				Text: i18n.T(ctx, "home.event."+e.key+".text"), URL: "/servizi?evento=" + e.key})
		}
	}
	for _, a := range catalogue.Audiences() {
		if n := len((catalogue.Filter{Audience: a}).Of(services)); n > 0 {
			page.Audiences = append(page.Audiences, ui.Link{Text: i18n.T(ctx, "find.audience."+a), URL: "/servizi?pubblico=" + a, Count: strconv.Itoa(n)})
		}
	}
	for _, key := range catalogue.OfficesOf(services) {
		n := len((catalogue.Filter{Office: key}).Of(services))
		page.Offices = append(page.Offices, ui.Link{Text: r.Site().Office(key).Name, URL: "/servizi?ufficio=" + url.QueryEscape(key), Count: strconv.Itoa(n)})
	}
	return r.Page(200, "", view.Home(page), web.OwnSearch())
}

func (m *Module) accessibility(r *web.Request) error {
	ctx := r.Ctx()
	hall := r.Site().TownHall
	page := view.ArticlePage{Title: i18n.T(ctx, "a11y.title"), Lead: i18n.T(ctx, "a11y.lead"), Sections: []view.Section{
		{Title: i18n.T(ctx, "a11y.how.title"), Text: []string{i18n.T(ctx, "a11y.how.text")}},
		{Title: i18n.T(ctx, "a11y.missing.title"), Text: []string{i18n.T(ctx, "a11y.missing.text")}},
		{Title: i18n.T(ctx, "a11y.report.title"), Text: []string{i18n.T(ctx, "a11y.report.text"), hall["name"] + ", " + hall["address"]}},
	}}
	if phone := hall["phone"]; phone != "" {
		page.Sections[2].Links = []ui.Link{{Text: phone, URL: ui.TelURL(phone)}}
	}
	return r.Page(200, page.Title, view.Article(page))
}

// theme and mark: their address carries a hash, so that browsers may keep them
// for good. A page that was on its way while the commune changed its face, or
// that another process painted a moment ago, still asks for the one before: it
// gets the present one, which nobody may keep under that address.
func (m *Module) theme(r *web.Request) error {
	return face(r, "/tema/", r.Site().ThemePath, "text/css; charset=utf-8", r.Site().ThemeCSS)
}

func (m *Module) mark(r *web.Request) error {
	return face(r, "/marchio/", r.Site().MarkPath, "image/svg+xml", r.Site().MarkSVG)
}

var hashed = regexp.MustCompile(`^[0-9a-f]{16}\.(css|svg)$`)

func face(r *web.Request, folder, now, contentType string, data []byte) error {
	file := r.Param("file")
	switch {
	case folder+file == now:
		return r.Immutable(contentType, data)
	case hashed.MatchString(file) && path.Ext(file) == path.Ext(now):
		return r.Passing(contentType, data)
	}
	return web.NotFound()
}

// chooser is the shared address: which commune is yours?
func (m *Module) chooser(r *web.Request) error {
	all, err := m.DB.Directory().All(r.Ctx())
	if err != nil {
		return err
	}
	var page view.ChooserPage
	for _, t := range all {
		state, _ := t.State()
		if state == tenancy.Provisioning {
			continue
		}
		s, err := m.Sites.Get(r.Ctx(), t)
		if err != nil {
			continue // one commune that is away does not close the door to the others
		}
		c := view.Commune{Name: s.OfficialName, URL: m.URL(m.DB.Directory().HostOf(t)), MarkURL: "/marchi/" + t.Slug()}
		if state == tenancy.Suspended {
			c.Note = i18n.T(r.Ctx(), "chooser.suspended")
		}
		page.Communes = append(page.Communes, c)
	}
	return r.Page(200, i18n.T(r.Ctx(), "chooser.title"), view.Chooser(page))
}

// communeMark shows a commune's mark on the shared address, where images of
// other hosts are not allowed.
func (m *Module) communeMark(r *web.Request) error {
	t, err := m.DB.Directory().BySlug(r.Ctx(), r.Param("slug"))
	if err != nil {
		return web.NotFound()
	}
	s, err := m.Sites.Get(r.Ctx(), t)
	if err != nil {
		return web.NotFound()
	}
	r.SetHeader("Cache-Control", "public, max-age=300")
	return r.Raw("image/svg+xml", s.MarkSVG)
}
