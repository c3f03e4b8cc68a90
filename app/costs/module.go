package costs

import (
	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/web"
)

// The actions of this module.
const (
	ActionSee   access.Action = "costs.see"
	ActionClose access.Action = "costs.close"
	ActionKey   access.Action = "costs.key"
)

// Module serves the statement on the entity's console.
type Module struct {
	*Service
	Entity *site.Site // whose paper the statement is printed on
}

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	o := r.Operator
	o.GET("/costi", ActionSee, m.newest)
	o.GET("/costi/:month", ActionSee, m.page)
	o.GET("/costi/:month/csv", ActionSee, m.csv)
	o.GET("/costi/:month/pdf", ActionSee, m.pdf)
	o.POST("/costi/:month/chiudi", ActionClose, m.close)
	o.GET("/chiave", ActionSee, m.keyPage)
	o.POST("/chiave", ActionKey, m.keyPost)
}
