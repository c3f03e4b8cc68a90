package cases

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Module mounts the pages and jobs of cases.
type Module struct{ *Service }

// New makes the module.
func New(d Deps) *Module { return &Module{&Service{Deps: d}} }

// uploadLimit is what a reply with five files of 10 MB may weigh.
const uploadLimit = 55 << 20

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	p := r.Portal
	p.GET("/area", ActionOwn, m.area)
	p.GET("/area/pratiche", ActionOwn, m.list)
	p.GET("/area/pratiche/:ref", ActionOwn, m.show)
	p.GET("/area/pratiche/:ref/inoltrata", ActionOwn, m.confirmation)
	p.POST("/area/pratiche/:ref/paga", ActionOwn, m.pay, web.AtMost("pay", 30, 10*time.Minute))
	p.POST("/area/pratiche/:ref/rispondi", ActionOwn, m.reply, web.MaxBody(uploadLimit))
	p.GET("/area/pratiche/:ref/ritira", ActionOwn, m.withdrawPage)
	p.POST("/area/pratiche/:ref/ritira", ActionOwn, m.withdraw)
	p.GET("/area/pratiche/:ref/allegati/:id", ActionOwn, m.ownUpload)
	p.GET("/area/conferme/:token", ActionOwn, m.confirmPage)
	p.POST("/area/conferme/:token", ActionOwn, m.confirm)

	d := r.Desk
	d.GET("", ActionDesk, m.deskList)
	d.POST("/prossima", ActionWork, m.next)
	d.GET("/pratiche/:ref", ActionDesk, m.deskCase)
	d.GET("/pratiche/:ref/allegati/:id", ActionDesk, m.deskUpload)
	d.POST("/pratiche/:ref/prendi", ActionWork, m.take)
	d.POST("/pratiche/:ref/nota", ActionWork, m.note)
	d.GET("/pratiche/:ref/chiedi", ActionWork, m.askPage)
	d.POST("/pratiche/:ref/chiedi", ActionWork, m.ask)
	d.GET("/pratiche/:ref/versione", ActionWork, m.movePage)
	d.POST("/pratiche/:ref/versione", ActionWork, m.moveCase)
	d.GET("/pratiche/:ref/decidi", ActionDecide, m.decidePage)
	d.POST("/pratiche/:ref/decidi", ActionDecide, m.decide)
}

// paymentEvent is what the events of payments carry.
type paymentEvent struct {
	PaymentID uuid.UUID `json:"payment_id"`
	CaseID    uuid.UUID `json:"case_id"`
	Amount    money.CHF `json:"amount"`
}

// Jobs registers what happens in the background.
func (m *Module) Jobs(r *outbox.Registry) {
	r.HandleCritical(jobIssue, m.issue)
	r.Handle(jobAdmit, m.admit)
	r.Every("cases.places", sweepEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.Sweep(ctx, t) })
	r.Every("cases.remind", time.Hour, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.Remind(ctx, t) })
	r.Every("cases.confirmations", time.Hour, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.FollowUp(ctx, t) })
	on := func(event string, do func(tx *tenancy.Tx, e paymentEvent) error) {
		r.Subscribe(event, "cases", func(_ context.Context, tx *tenancy.Tx, job outbox.Job) error {
			var e paymentEvent
			if err := job.Decode(&e); err != nil {
				return err
			}
			return do(tx, e)
		})
	}
	on("payments.fulfilled", m.paid)
	on("payments.failed", func(tx *tenancy.Tx, e paymentEvent) error { return m.paymentNoted(tx, e, "payment-failed") })
	on("payments.duplicate", func(tx *tenancy.Tx, e paymentEvent) error { return m.paymentNoted(tx, e, "duplicate") })
}
