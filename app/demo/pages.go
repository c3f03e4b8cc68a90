package demo

import (
	"io/fs"
	"slices"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/identity/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Module serves the pages that exist only in the demo.
type Module struct {
	DB       *tenancy.DB
	FS       fs.FS // the folder of communes the demo was opened from
	Identity *identity.Service
	Staff    *identity.Staff
	Mailbox  Mailbox
	URL      func(host string) string
}

// EntityDir is the folder of the shared entity's own people and face.
const EntityDir = "entity"

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	r.Portal.GET("/dev/personas", access.Public, m.personas)
	r.Portal.POST("/dev/personas/:name", access.Public, m.become)
	r.Portal.GET("/dev/posta", access.Public, m.mailList)
	r.Portal.GET("/dev/posta/:id", access.Public, m.mailMessage)
	r.Operator.GET("/dev/personas", access.Public, m.staffPersonas)
	r.Operator.POST("/dev/personas/:name", access.Public, m.becomeStaff)
}

// groups orders the personas for the page.
var groups = []struct {
	key      string
	personas []string
}{
	{"citizens", []string{"citizen-verified", "citizen", "mandate-holder", "represented", "firm-signatory"}},
	{"desk", []string{"official", "office-head", "counter-clerk"}},
	{"console", []string{"commune-admin", "second-admin", "data-protection-officer"}},
	{"entity", []string{"entity-operator", "entity-admin", "entity-auditor", "entity-finance"}},
}

// FolderOf finds the folder of a commune: its own, or an example it was opened
// from.
func FolderOf(fsys fs.FS, slug string) string {
	for _, dir := range []string{slug, "examples/" + slug} {
		if _, err := fs.Stat(fsys, dir+"/tenant.yaml"); err == nil {
			return dir
		}
	}
	return slug
}

func (m *Module) people(t tenancy.Tenant) (People, error) {
	return Read(m.FS, FolderOf(m.FS, t.Slug()))
}

func (m *Module) personas(r *web.Request) error {
	people, err := m.people(r.Tenant())
	if err != nil {
		return err
	}
	page := m.page(r, people)
	all, err := m.DB.Directory().All(r.Ctx())
	if err != nil {
		return err
	}
	for _, t := range all {
		page.Other = append(page.Other, ui.Link{Text: t.Name(), URL: m.URL(t.Slug()+"."+m.DB.Directory().Base()) + "/dev/personas"})
	}
	page.Other = append(page.Other, ui.Link{Text: i18n.T(r.Ctx(), "demo.entity"), URL: m.URL(web.EntityHost+"."+m.DB.Directory().Base()) + "/dev/personas"})
	return r.Page(200, i18n.T(r.Ctx(), "personas.title"), view.Personas(page))
}

func (m *Module) staffPersonas(r *web.Request) error {
	people, err := Read(m.FS, EntityDir)
	if err != nil {
		return err
	}
	return r.Page(200, i18n.T(r.Ctx(), "personas.title"), view.Personas(m.page(r, people)))
}

func (m *Module) page(r *web.Request, people People) view.PersonasPage {
	ctx := r.Ctx()
	page := view.PersonasPage{Place: r.Site().Brand.Name}
	for _, g := range groups {
		group := view.PersonaGroup{Title: i18n.T(ctx, "demo.group."+g.key)}
		for _, p := range people.All() {
			if slices.Contains(g.personas, p.Persona) {
				group.Personas = append(group.Personas, view.Persona{Key: p.Persona, Name: p.Name(), Role: i18n.T(ctx, "demo.persona."+p.Persona+".role"),
					Note: i18n.T(ctx, "demo.persona."+p.Persona+".note"), Active: r.Actor().Email() == p.Email})
			}
		}
		if len(group.Personas) > 0 {
			page.Groups = append(page.Groups, group)
		}
	}
	return page
}

func (m *Module) become(r *web.Request) error {
	people, err := m.people(r.Tenant())
	if err != nil {
		return err
	}
	p, ok := people.Find(r.Param("name"))
	if !ok {
		return web.NotFound()
	}
	var a *identity.Account
	if err := m.DB.Read(r.Ctx(), r.Tenant(), func(tx *tenancy.Tx) (err error) {
		a, err = identity.AccountByEmail(tx, p.Email)
		return err
	}); err != nil {
		return err
	}
	if a == nil {
		return web.NotFound()
	}
	token, err := m.Identity.Begin(r.Ctx(), r.Tenant(), *a, "persona")
	if err != nil {
		return err
	}
	r.SetSession(token)
	to := "/area"
	switch {
	case slices.Contains(p.Roles, "commune-admin"), slices.Contains(p.Roles, "data-protection-officer"):
		to = "/console"
	case len(p.Roles) > 0:
		to = "/ufficio"
	}
	return r.Redirect(web.SafeNext(r.Query("next"), to))
}

func (m *Module) becomeStaff(r *web.Request) error {
	people, err := Read(m.FS, EntityDir)
	if err != nil {
		return err
	}
	p, ok := people.Find(r.Param("name"))
	if !ok {
		return web.NotFound()
	}
	member, err := m.Staff.Find(r.Ctx(), p.Email)
	if err != nil {
		return err
	}
	if member == nil {
		return web.NotFound()
	}
	token, err := m.Staff.Begin(r.Ctx(), *member)
	if err != nil {
		return err
	}
	r.SetSession(token)
	return r.Redirect("/")
}
