package forms

import (
	"context"
	"time"

	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/scan"
)

// Deps is what forms are made of.
type Deps struct {
	DB       *tenancy.DB
	Clock    clock.Clock
	Services Services
	People   registers.PopulationRegister
	Blobs    *blob.Bucket
	Scanner  scan.Scanner
	// Submitter makes a case of a draft. Cases need the forms first, so it is
	// set once both exist.
	Submitter Submitter
	// Territory is what the commune's data says of its land; nil, or a part that
	// says nothing, means that answers are not checked against it.
	Territory func(ctx context.Context, t tenancy.Tenant) (Territory, error)
	// Space says whether files of so many bytes still have room in the commune;
	// nil takes all.
	Space interface {
		Room(ctx context.Context, t tenancy.Tenant, bytes int64) bool
	}
	// Keep is how long a draft is kept after it was last touched; 0 means 30
	// days.
	Keep time.Duration
}

// Territory is what is known of a commune's land.
type Territory struct {
	Postcodes []string
	Sections  []string // of the land register
	Extent    Extent
}

// Module is the forms of all communes.
type Module struct{ Deps }

// New makes the module.
func New(d Deps) *Module {
	if d.Keep == 0 {
		d.Keep = 30 * 24 * time.Hour
	}
	return &Module{Deps: d}
}

// maxStepBody is what a step with its files may weigh: some fields of five
// files each.
const maxStepBody = 60 << 20

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	r.Portal.GET("/servizi/:id/avvia", ActionFill, m.begin)
	r.Portal.GET("/area/bozze/:draft", ActionFill, m.resume)
	r.Portal.GET("/area/bozze/:draft/riepilogo", ActionFill, m.reviewPage)
	r.Portal.POST("/area/bozze/:draft/riepilogo", ActionFill, m.submit)
	r.Portal.POST("/area/bozze/:draft/elimina", ActionFill, m.discard)
	r.Portal.GET("/area/bozze/:draft/documenti/:upload", ActionFill, m.download)
	r.Portal.GET("/area/bozze/:draft/:step", ActionFill, m.stepPage)
	r.Portal.POST("/area/bozze/:draft/:step", ActionFill, m.saveStep, web.MaxBody(maxStepBody))
}

// Jobs registers the work that happens by itself: drafts that expired are
// forgotten, with their files.
func (m *Module) Jobs(r *outbox.Registry) {
	r.Every("forms.expire", time.Hour, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error {
		return m.Expire(ctx, t)
	})
}
