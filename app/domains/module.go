package domains

import (
	"context"
	"time"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
)

// The actions of this module. The entity's people see the page with operator.open.
const (
	ActionOwn    access.Action = "console.domain"
	ActionSee    access.Action = "operator.open"
	ActionChange access.Action = "operator.domain"
)

// Where the pages are.
const (
	consolePath = "/console/dominio"
	entityPath  = "/comuni/:slug/dominio"
)

// checkEvery is how often a commune's domains are looked through for one that is
// due; each says itself when that is.
const checkEvery = time.Minute

// Module mounts the pages and the job.
type Module struct{ *Service }

// Mount adds the routes. A check asks foreign servers: nobody may have us ask
// without end.
func (m *Module) Mount(r *web.Router) {
	few := web.AtMost("domain-check", 40, time.Hour)
	c, o := r.Console, r.Operator
	c.GET("/dominio", ActionOwn, m.own)
	c.POST("/dominio", ActionOwn, m.ownDo((*Module).ask), few)
	c.POST("/dominio/controlla", ActionOwn, m.ownDo((*Module).look), few)
	c.POST("/dominio/principale", ActionOwn, m.ownDo((*Module).setMain))
	c.POST("/dominio/togli", ActionOwn, m.ownDo((*Module).takeAway))
	o.GET(entityPath, ActionSee, m.entity)
	o.POST(entityPath, ActionChange, m.entityDo((*Module).ask), few)
	o.POST(entityPath+"/controlla", ActionChange, m.entityDo((*Module).look), few)
	o.POST(entityPath+"/principale", ActionChange, m.entityDo((*Module).setMain))
	o.POST(entityPath+"/togli", ActionChange, m.entityDo((*Module).takeAway))
	r.Portal.GET("/.well-known/webauthn", access.Public, m.relatedOrigins, web.AnyAddress(), web.WhileSuspended())
}

// Jobs registers the regular check and the errand into the commune.
func (m *Module) Jobs(reg *outbox.Registry) {
	reg.Every("domains.check", checkEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.Due(ctx, t) })
	reg.Errand(errand, m.told)
}
