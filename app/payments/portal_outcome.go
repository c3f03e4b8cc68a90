package payments

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/payments/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

const (
	askTime = 4 * time.Second  // the page asks the provider for so long
	isLate  = 15 * time.Second // after this the page says that one need not wait
)

// own finds a payment of the actor; anybody else's is not found.
func (m *Module) own(ctx context.Context, by identity.Actor, param string) (p Payment, err error) {
	id, err := uuid.Parse(param)
	if err != nil {
		return p, errNotFound
	}
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		p, err = find(tx, false, "id = ? and payer_id = ?", id, by.AccountID())
		return err
	})
	return p, err
}

// outcome is where the payer comes back to. It asks the provider itself, so
// that nobody waits for a webhook, and sends the payer on once all is clear.
func (m *Module) outcome(r *web.Request) error {
	p, err := m.own(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	if p.State.Alive() {
		ctx, cancel := context.WithTimeout(r.Ctx(), askTime)
		defer cancel()
		if fresh, err := m.Refresh(ctx, r.Tenant(), p.ID); err == nil {
			p = fresh
		} // otherwise the page waits and asks again
	}
	ctx := r.Ctx()
	switch p.State {
	case Fulfilled, Overpaid, Refunded:
		return r.Redirect(p.ReturnPath)
	case Failed:
		page := view.FailedPage{
			Abandoned: p.ProviderState != "FAILED" && p.ProviderState != "DECLINE", Ref: p.CaseRef, Amount: p.Amount.String(),
			RetryURL: p.RetryPath, CaseURL: p.ReturnPath,
		}
		return r.Page(http.StatusOK, i18n.T(ctx, "payments.declined"), view.Failed(page))
	default:
		since, err := m.returned(ctx, r.Tenant(), p)
		if err != nil {
			return err
		}
		page := view.WaitPage{Ref: p.CaseRef, Amount: p.Amount.String(), Late: m.Clock.Now().Sub(since) > isLate, CaseURL: p.ReturnPath}
		return r.Page(http.StatusOK, i18n.T(ctx, "payments.wait"), view.Wait(page), web.Refresh(2))
	}
}
