package status

import (
	"context"
	"time"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/bulletin"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// lookEvery is how often the workers look at a commune.
const lookEvery = time.Minute

// Module mounts the page.
type Module struct{ *Service }

// New makes the module; redis says whether sessions can be read.
func New(db *tenancy.DB, c clock.Clock, board *bulletin.Board, redis func(context.Context) error) *Module {
	return &Module{&Service{DB: db, Clock: c, Board: board, Redis: redis, held: map[string]Snapshot{}}}
}

// Mount adds the routes: they answer whatever is away.
func (m *Module) Mount(r *web.Router) {
	always := []web.RouteOption{web.WhileSuspended(), web.AnyAddress(), web.EvenAway()}
	r.Portal.GET("/stato", access.Public, m.page, always...)
	r.Portal.GET("/stato.json", access.Public, m.machine, always...)
}

// Jobs registers the look at every commune.
func (m *Module) Jobs(reg *outbox.Registry) {
	reg.Watch("status.look", lookEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.Look(ctx, t, lookEvery) })
}
