package payments

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

const (
	jobRefund      = "payments.refund"
	reconcileEvery = time.Minute
	reconcileBatch = 50
	sumsEvery      = 24 * time.Hour
)

var (
	paymentStates = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "sportello_payments_total", Help: "Payments that reached a state.",
	}, []string{"commune", "state"})
	forgedNotices = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "sportello_payments_forged_webhooks_total", Help: "Webhooks refused for their signature.",
	}, []string{"commune"})
	unbalanced = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Name: "sportello_payments_unbalanced", Help: "Payments whose ledger does not match their state. Must be 0.",
	}, []string{"commune"})
)

func countState(t tenancy.Tenant, s State) {
	paymentStates.WithLabelValues(t.Slug(), string(s)).Inc()
}

type refundPayload struct {
	PaymentID uuid.UUID `json:"payment_id"`
}

// Jobs registers the background work.
func (m *Module) Jobs(reg *outbox.Registry) {
	reg.HandleOutside(jobRefund, m.refund)
	reg.Every("payments.reconcile", reconcileEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.Reconcile(ctx, t) })
	reg.Every("payments.sums", sumsEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.CheckSums(ctx, t) })
}

// GiveBack is a step of the caller's transaction: money that turned out not to
// be due (paid after withdrawing) is booked as owed and given back by a job.
// It does nothing for a payment that is not fulfilled.
func (s *Service) GiveBack(tx *tenancy.Tx, by identity.Actor, id uuid.UUID) error {
	p, err := byID(tx, id, true)
	if err != nil || p.State != Fulfilled {
		return err
	}
	now := s.Clock.Now()
	p.State = Overpaid
	if err := save(tx, p); err != nil {
		return err
	}
	if err := post(tx, p.ID, "correction", fees, owed, p.Amount, now); err != nil {
		return err
	}
	if err := s.Outbox.Add(tx, jobRefund, refundPayload{PaymentID: p.ID}); err != nil {
		return err
	}
	return audit.Record(tx, by, "payments.given-back", "payment:"+p.ID.String(), map[string]any{"case": p.CaseRef, "amount": int64(p.Amount)})
}

// refund gives a duplicate payment back. The payment's id is the provider's
// idempotency key, so a repetition pays once.
func (s *Service) refund(ctx context.Context, t tenancy.Tenant, job outbox.Job) error {
	var in refundPayload
	if err := job.Decode(&in); err != nil {
		return err
	}
	return s.giveBack(ctx, t, in.PaymentID)
}

func (s *Service) giveBack(ctx context.Context, t tenancy.Tenant, id uuid.UUID) error {
	var p Payment
	var account Account
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		if p, err = byID(tx, id, false); err != nil {
			return err
		}
		account, err = s.account(tx, p.Provider)
		return err
	})
	if err != nil || p.State != Overpaid {
		return err
	}
	back, err := s.Providers[p.Provider].Refund(ctx, account, RefundOrder{Ref: p.ProviderRef, Key: p.ID.String(), Amount: p.Amount})
	if err != nil {
		return err
	}
	if !back.Done {
		return fmt.Errorf("payments: refund %s of payment %s is not done yet (failed: %t)", back.Ref, p.ID, back.Failed)
	}
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		p, err := byID(tx, id, true)
		if err != nil || p.State != Overpaid {
			return err
		}
		now := s.Clock.Now()
		p.State, p.RefundRef, p.CheckedAt = Refunded, back.Ref, now
		if err := save(tx, p); err != nil {
			return err
		}
		if err := post(tx, p.ID, "refund", owed, atProvider, p.Amount, now); err != nil {
			return err
		}
		countState(t, Refunded)
		return audit.Record(tx, identity.System(t), "payments.refunded", "payment:"+p.ID.String(),
			map[string]any{"case": p.CaseRef, "amount": int64(p.Amount), "refund": back.Ref})
	})
}

// Reconcile compares open payments with the provider, so that a webhook that
// never came does not matter. One payment that fails does not stop the rest.
func (s *Service) Reconcile(ctx context.Context, t tenancy.Tenant) error {
	var ids []uuid.UUID
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		ids, err = due(tx, s.Clock.Now(), reconcileBatch)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := s.Refresh(ctx, t, id); err != nil {
			s.Log.Warn("payment not compared", "commune", t.Slug(), "payment", id, "error", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// CheckSums proves that ledger and payments tell the same: money that came
// stands in the ledger once, money that went back too, nothing else does.
func (s *Service) CheckSums(ctx context.Context, t tenancy.Tenant) error {
	var wrong int
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		return tx.QueryRow(`select count(*) from (
			select p.id,
			       case when p.state in ('fulfilled', 'overpaid') then p.amount else 0 end as expected,
			       coalesce(sum(e.amount) filter (where e.account = 'provider'), 0) as booked,
			       coalesce(sum(e.amount), 0) as balance
			from payments p left join ledger_entries e on e.payment_id = p.id group by p.id) x
			where expected <> booked or balance <> 0`).Scan(&wrong)
	})
	if err != nil {
		return err
	}
	unbalanced.WithLabelValues(t.Slug()).Set(float64(wrong))
	if wrong > 0 {
		return fmt.Errorf("payments: %d payments of %s do not match the ledger", wrong, t.Slug())
	}
	return nil
}
