package operator

import (
	"context"
	"io/fs"
	"time"

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
	DB       *tenancy.DB
	Staff    *identity.Staff
	Identity *identity.Service // of the communes: invites a first administrator
	FS       fs.FS
	Files    *blob.Bucket // for the exports of communes
	Clock    clock.Clock
	URL      func(host string) string
	Version  string // of this binary
	// Marks say by commune which quota is nearly used up; may be nil.
	Marks func(ctx context.Context) (map[string]string, error)
}

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	r.Console.GET("/esportazione", ActionExport, m.exportPage)
	r.Console.POST("/esportazione", ActionExport, m.askExport)
	r.Console.GET("/esportazione/:file", ActionExport, m.downloadExport)
	r.Console.POST("/importazione", ActionExport, m.askImport, web.MaxBody(ImportMax))
	o := r.Operator
	o.GET("/", ActionOpen, m.communes)
	o.GET("/comuni", ActionOpen, m.communes)
	o.GET("/comuni/nuovo", ActionProvision, m.newPage)
	o.POST("/comuni/nuovo", ActionProvision, m.open)
	o.GET("/comuni/:slug", ActionOpen, m.commune)
	o.POST("/comuni/:slug/sospendi", ActionSuspend, m.suspend)
	o.POST("/comuni/:slug/riapri", ActionSuspend, m.resume)
	o.POST("/comuni/:slug/invito", ActionProvision, m.invite)
	o.GET("/comuni/:slug/vita", ActionOpen, m.life)
	o.POST("/comuni/:slug/vita/backup", ActionLife, m.ask(KindBackup))
	o.POST("/comuni/:slug/vita/move", ActionLife, m.ask(KindMove))
	o.POST("/comuni/:slug/vita/restore", ActionLife, m.ask(KindRestore))
	o.POST("/comuni/:slug/vita/archive", ActionArchive, m.ask(KindArchive))
	o.GET("/personale", ActionStaffSee, m.staffPage)
	o.POST("/personale", ActionStaff, m.inviteMember)
	o.GET("/personale/:member", ActionStaff, m.member)
	o.POST("/personale/:member/ruoli", ActionStaff, m.memberRoles)
	o.POST("/personale/:member/accesso", ActionStaff, m.memberAccess)
	o.POST("/personale/:member/fattore", ActionStaff, m.memberReset)
	few := web.AtMost("staff-enrol", 30, time.Hour)
	o.GET("/iscrizione/:token", access.Public, m.enrol, few)
	o.POST("/iscrizione/:token", access.Public, m.enrolPost, few)
	o.GET("/lavori/:id", ActionOpen, m.job)
	o.POST("/lavori/:id/riprova", ActionProvision, m.retry)
}
