// Package console is the desk of a commune's own administrators, at /console:
// colours and name, services and fees, the payment account, who works here, and
// who did what.
//
// It owns no data: it brings together what site, catalogue, payments, identity
// and audit own. Every change is on the audit, in the same transaction.
package console

import (
	"context"
	"log/slog"
	"time"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// The actions of this module.
const (
	ActionOpen     access.Action = "console.open"
	ActionBrand    access.Action = "console.brand"
	ActionServices access.Action = "console.services"
	ActionPayments access.Action = "console.payments"
	ActionAudit    access.Action = "console.audit"
)

// Payments is what the console asks of payments.
type Payments interface {
	ReadAccount(ctx context.Context, by identity.Actor) (payments.AccountView, error)
	SetAccountTx(tx *tenancy.Tx, by identity.Actor, in payments.AccountInput) error
}

// Module serves the console.
type Module struct {
	DB        *tenancy.DB
	Catalogue *catalogue.Module
	Payments  Payments
	Staff     Staff
	Finding   Finding
	URL       func(t tenancy.Tenant, path string) string // full address of a page of the commune
	// Updates are the newer versions of shared services that wait, as tasks; may be nil.
	Updates func(ctx context.Context, t tenancy.Tenant) ([]ui.Task, error)
	Clock   clock.Clock // nil is the machine's
	// Near is what of the entity's services is nearly used up, as tasks; may be nil.
	Near func(ctx context.Context, t tenancy.Tenant) ([]ui.Task, error)
}

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	c := r.Console
	c.GET("", ActionOpen, m.overview)
	c.GET("/colori", ActionBrand, m.brandPage)
	c.POST("/colori", ActionBrand, m.brandPost)
	c.GET("/colori/anteprima.css", ActionBrand, m.brandPreview)
	c.GET("/servizi", ActionServices, m.services)
	c.GET("/servizi/:id", ActionServices, m.service)
	c.POST("/servizi/due-persone", ActionServices, m.twoPersons)
	c.POST("/servizi/:id/attiva", ActionServices, m.switchService)
	c.POST("/servizi/:id/avviso", ActionServices, m.pauseService)
	c.POST("/servizi/:id/conferma", ActionServices, m.confirmFee)
	c.GET("/incorpora", ActionServices, m.embedPage, web.Previews())
	c.POST("/incorpora", ActionServices, m.saveEmbed, web.Previews())
	c.GET("/parole", ActionServices, m.words)
	c.GET("/servizi/:id/modifica/:part", ActionServices, m.editPage)
	c.POST("/servizi/:id/modifica/:part", ActionServices, m.saveEdit)
	c.GET("/servizi/:id/anteprima", ActionServices, m.previewPage, web.Previews())
	c.GET("/servizi/:id/anteprima/:page", ActionServices, m.previewFrame)
	c.GET("/servizi/:id/prova", ActionServices, m.trialPage)
	c.POST("/servizi/:id/prova", ActionServices, m.trialPost)
	c.GET("/servizi/:id/esempi", ActionServices, m.examplesPage)
	c.POST("/servizi/:id/esempi", ActionServices, m.keepExample)
	c.GET("/servizi/:id/pubblica", ActionServices, m.publishPage)
	c.POST("/servizi/:id/pubblica", ActionServices, m.publishPost)
	c.GET("/servizi/:id/esporta/:file", ActionServices, m.exportService)
	c.GET("/servizi/:id/importa", ActionServices, m.importPage)
	c.POST("/servizi/:id/importa", ActionServices, m.importPost)
	c.GET("/pagamenti", ActionPayments, m.accountPage)
	c.POST("/pagamenti", ActionPayments, m.saveAccount)
	c.GET("/personale", ActionStaff, m.staffList)
	c.GET("/personale/nuova", ActionStaff, m.newOfficial)
	c.POST("/personale", ActionStaff, m.appoint)
	c.GET("/personale/:account", ActionStaff, m.official)
	c.POST("/personale/:account/ruoli", ActionStaff, m.officialRoles)
	c.POST("/personale/:account/invito", ActionStaff, m.officialInvitation)
	c.GET("/operazioni", ActionAudit, m.auditPage)
	c.GET("/operazioni.csv", ActionAudit, m.auditFile)
}

// Side is the menu, with what the actor may open.
func Side(r *web.Request, current string) []ui.Link {
	var out []ui.Link
	for _, e := range []struct {
		key, url string
		action   access.Action
	}{
		{"overview", "/console", ActionOpen}, {"brand", "/console/colori", ActionBrand},
		{"services", "/console/servizi", ActionServices}, {"words", wordsPath, ActionServices}, {"embed", embedPath, ActionServices}, {"payments", "/console/pagamenti", ActionPayments},
		{"staff", staffPath, ActionStaff}, {"audit", "/console/operazioni", ActionAudit}, {"guests", "/console/accesso-ente", "console.guests"},
		{"export", "/console/esportazione", "console.export"}, {"takeover", "/console/ripresa", "console.takeover"},
		{"quotas", "/console/quote", "quotas.own"}, {"support", "/console/assistenza", "support.own"}, {"agreements", "/console/accordi", "agreements.own"}, {"domain", "/console/dominio", "console.domain"},
	} {
		if r.May(e.action) {
			out = append(out, ui.Link{Text: i18n.T(r.Ctx(), "console.side."+e.key), URL: e.url, Current: e.url == current})
		}
	}
	return out
}

func (m *Module) overview(r *web.Request) error {
	ctx, by := r.Ctx(), r.Actor()
	page := view.OverviewPage{Side: Side(r, "/console")}
	if r.May(ActionAudit) { // names of people: nothing for a guest of the configuration
		var lines []audit.Line
		if err := m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) (err error) {
			lines, err = audit.Search(tx, audit.Filter{Limit: 8})
			return err
		}); err != nil {
			return err
		}
		page.Recent = auditGrid(ctx, lines)
	}
	if m.Near != nil && r.May("quotas.own") {
		var err error
		if page.Tasks, err = m.Near(ctx, by.Tenant()); err != nil {
			slog.WarnContext(ctx, "quotas unknown", "commune", by.Tenant().Slug(), "error", err.Error()) // a hint is missing, the page is not
		}
	}
	if m.Updates != nil && r.May(ActionServices) {
		waits, err := m.Updates(ctx, by.Tenant())
		if err != nil {
			slog.WarnContext(ctx, "updates unknown", "commune", by.Tenant().Slug(), "error", err.Error()) // as above
		}
		page.Tasks = append(page.Tasks, waits...)
	}
	if r.May(ActionServices) {
		entries, err := m.Catalogue.Entries(ctx, by)
		if err != nil {
			return err
		}
		on, demo := 0, 0
		for _, e := range entries {
			if e.Published {
				on++
			}
			if e.DemoFee() {
				demo++
			}
		}
		page.Tiles = []ui.Tile{
			{Value: i18n.Number(on), Label: i18n.T(ctx, "console.tile.on"), URL: "/console/servizi"},
			{Value: i18n.Number(len(entries) - on), Label: i18n.T(ctx, "console.tile.off"), URL: "/console/servizi"},
			{Value: i18n.Number(demo), Label: i18n.T(ctx, "console.tile.demo"), URL: "/console/servizi"},
		}
		if demo > 0 {
			page.Tasks = append(page.Tasks, ui.Task{Title: i18n.N(ctx, "console.task.fees", demo), Text: i18n.T(ctx, "console.task.fees-text"),
				Action: ui.Link{Text: i18n.T(ctx, "console.task.fees-action"), URL: "/console/servizi"}})
		}
	}
	if !r.May(ActionPayments) {
		return r.Page(200, i18n.T(ctx, "console.overview"), view.Overview(page), web.Here("/console"))
	}
	account, err := m.Payments.ReadAccount(ctx, by)
	if err != nil {
		return err
	}
	if !account.HasSecret {
		page.Tasks = append(page.Tasks, ui.Task{Title: i18n.T(ctx, "console.task.account"), Text: i18n.T(ctx, "console.task.account-text"),
			Action: ui.Link{Text: i18n.T(ctx, "console.task.account-action"), URL: "/console/pagamenti"}})
	}
	return r.Page(200, i18n.T(ctx, "console.overview"), view.Overview(page), web.Here("/console"))
}

func auditGrid(ctx context.Context, lines []audit.Line) ui.Grid {
	g := ui.Grid{Caption: i18n.T(ctx, "console.audit"), Columns: []ui.Column{
		{Title: i18n.T(ctx, "console.column.when")}, {Title: i18n.T(ctx, "console.column.who")},
		{Title: i18n.T(ctx, "console.column.what")}, {Title: i18n.T(ctx, "console.column.object"), Label: i18n.T(ctx, "console.column.object")},
	}}
	for _, l := range lines {
		who := l.Actor
		if who == "" {
			who = l.ActorID
		}
		g.Rows = append(g.Rows, []ui.Cell{
			{Text: i18n.Date(l.At) + ", " + i18n.Time(l.At), Num: true}, {Text: who}, {Text: audit.ActionName(ctx, l.Action), Small: audit.DetailWords(ctx, l.Details)}, {Text: audit.ObjectName(ctx, l.Object)},
		})
	}
	return g
}

// now is the day and hour of the console.
func (m *Module) now() time.Time {
	if m.Clock == nil {
		return clock.System{}.Now()
	}
	return m.Clock.Now()
}

// day reads a date field; the zero time when it is none.
func day(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, i18n.Zurich)
	if err != nil {
		return time.Time{}
	}
	return t
}
