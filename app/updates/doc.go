// Package updates is the pages on which the shared catalogue moves: a commune's
// administrators look at newer versions of shared services, accept, refuse and undo
// them, take services over and offer their own; the entity publishes versions, sees
// on which each commune stands, and answers offers.
//
// It owns no data: versions, merges and offers are package catalogue's. The entity
// sees versions and counts, never what lies in a case.
package updates

import (
	"context"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
)

// The actions of this module. A commune's own pages ask for console.services.
const (
	ActionOwn     access.Action = "console.services"
	ActionSee     access.Action = "catalogue.see"
	ActionPublish access.Action = "catalogue.publish"
)

// Module serves the pages.
type Module struct {
	DB        *tenancy.DB
	Catalogue *catalogue.Module
}

// maxYAML is what a pasted or uploaded definition may weigh with its form.
const maxYAML = 1 << 20

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	c := r.Console
	c.GET("/servizi/aggiornamenti", ActionOwn, m.list)
	c.POST("/servizi/aggiornamenti", ActionOwn, m.settings)
	c.GET("/servizi/catalogo", ActionOwn, m.sharedList)
	c.GET("/servizi/catalogo/:id", ActionOwn, m.preview)
	c.POST("/servizi/catalogo/:id", ActionOwn, m.adopt)
	c.GET("/servizi/:id/aggiornamento", ActionOwn, m.update)
	c.POST("/servizi/:id/aggiornamento", ActionOwn, m.accept)
	c.POST("/servizi/:id/aggiornamento/rifiuta", ActionOwn, m.refuse)
	c.GET("/servizi/:id/annulla", ActionOwn, m.undoPage)
	c.POST("/servizi/:id/annulla", ActionOwn, m.undo)
	c.GET("/servizi/:id/offri", ActionOwn, m.offerPage)
	c.POST("/servizi/:id/offri", ActionOwn, m.offer)

	o := r.Operator
	o.GET("/catalogo", ActionSee, m.dashboard)
	o.GET("/catalogo/pubblica", ActionPublish, m.publishPage)
	o.POST("/catalogo/pubblica", ActionPublish, m.publish, web.MaxBody(maxYAML))
	o.GET("/catalogo/offerte/:offer", ActionSee, m.offered)
	o.POST("/catalogo/offerte/:offer", ActionPublish, m.answer)
	o.GET("/catalogo/:service", ActionSee, m.service)
	o.POST("/catalogo/:service/ritira", ActionPublish, m.withdraw)
}

// Tasks says on the console's first page that newer versions wait.
func (m *Module) Tasks(ctx context.Context, t tenancy.Tenant) ([]ui.Task, error) {
	n, err := m.Catalogue.WaitingCount(ctx, t)
	if err != nil || n == 0 {
		return nil, err
	}
	return []ui.Task{waitingTask(ctx, n)}, nil
}
