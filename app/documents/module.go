package documents

import (
	"time"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/web"
)

// Module joins service and pages.
type Module struct{ *Service }

// New makes the module. It connects to nothing.
func New(d Deps) *Module { return &Module{&Service{d}} }

const (
	maxFile = 10 << 20         // of a file to be verified, bytes
	maxForm = maxFile + 64<<10 // the form around it
)

// Mount registers the pages. Verifying is for everybody and therefore bounded.
func (m *Module) Mount(rt *web.Router) {
	rt.Portal.GET("/area/documenti", ActionOwn, m.list)
	rt.Portal.GET("/area/documenti/:id", ActionOwn, m.download)
	rt.Desk.GET("/documenti/:id", ActionDesk, m.download)
	rt.Portal.GET("/verifica", access.Public, m.verifyPage, web.AtMost("documents.verify", 60, time.Minute))
	rt.Portal.POST("/verifica", access.Public, m.verifyFile, web.MaxBody(maxForm), web.AtMost("documents.upload", 20, time.Minute))
	rt.Portal.GET("/v/:code", access.Public, m.verdict, web.AtMost("documents.verify", 60, time.Minute))
}
