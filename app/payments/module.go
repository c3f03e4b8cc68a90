package payments

import (
	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/web"
)

// Module joins service, pages and jobs.
type Module struct{ *Service }

// New makes the module. It connects to nothing.
func New(d Deps) *Module { return &Module{&Service{d}} }

// maxNotice is the largest webhook taken, in bytes; real ones have some 250.
const maxNotice = 16 << 10

// Mount registers the pages and the address of the providers' webhooks,
// /hooks/pagamenti/{provider} on the commune's host.
func (m *Module) Mount(rt *web.Router) {
	rt.Portal.GET("/area/pagamenti", ActionOwn, m.list)
	rt.Portal.GET("/area/pagamenti/:id/esito", ActionOwn, m.outcome)
	rt.Hooks.POST("/pagamenti/:provider", access.Public, m.notice, web.MaxBody(maxNotice))
}
