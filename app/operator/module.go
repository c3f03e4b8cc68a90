package operator

import (
	"io/fs"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// The actions of this module.
const (
	ActionOpen      access.Action = "operator.open"
	ActionProvision access.Action = "operator.provision"
	ActionSuspend   access.Action = "operator.suspend"
	ActionStaffSee  access.Action = "staff.see"
	ActionStaff     access.Action = "staff.change"
)

// Module serves the entity's console.
type Module struct {
	DB    *tenancy.DB
	Staff *identity.Staff
	FS    fs.FS
	Files *blob.Bucket // for the exports of communes
	Clock clock.Clock
	URL   func(host string) string
}

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	r.Console.GET("/esportazione", ActionExport, m.exportPage)
	r.Console.POST("/esportazione", ActionExport, m.askExport)
	r.Console.GET("/esportazione/:file", ActionExport, m.downloadExport)
	o := r.Operator
	o.GET("/", ActionOpen, m.communes)
	o.GET("/comuni", ActionOpen, m.communes)
	o.GET("/comuni/nuovo", ActionProvision, m.newPage)
	o.POST("/comuni/nuovo", ActionProvision, m.open)
	o.GET("/comuni/:slug", ActionOpen, m.commune)
	o.POST("/comuni/:slug/sospendi", ActionSuspend, m.suspend)
	o.POST("/comuni/:slug/riapri", ActionSuspend, m.resume)
	o.GET("/comuni/:slug/vita", ActionOpen, m.life)
	o.POST("/comuni/:slug/vita/backup", ActionLife, m.ask(KindBackup))
	o.POST("/comuni/:slug/vita/move", ActionLife, m.ask(KindMove))
	o.POST("/comuni/:slug/vita/restore", ActionLife, m.ask(KindRestore))
	o.POST("/comuni/:slug/vita/archive", ActionArchive, m.ask(KindArchive))
	o.GET("/lavori/:id", ActionOpen, m.job)
	o.POST("/lavori/:id/riprova", ActionProvision, m.retry)
}
