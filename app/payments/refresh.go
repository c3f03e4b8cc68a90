package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Refresh reads the provider and applies what it says, once. Webhook, return
// page and comparison all end here. Errors: ErrAway when nothing could be learnt.
func (s *Service) Refresh(ctx context.Context, t tenancy.Tenant, id uuid.UUID) (Payment, error) {
	p, _, err := s.refresh(ctx, t, id)
	return p, err
}

// refresh is Refresh; changed tells that this call, and no other at the same
// moment, made the transition.
func (s *Service) refresh(ctx context.Context, t tenancy.Tenant, id uuid.UUID) (p Payment, changed bool, err error) {
	var account Account
	err = s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		if p, err = byID(tx, id, false); err != nil {
			return err
		}
		account, err = s.account(tx, p.Provider)
		return err
	})
	if err != nil {
		return p, false, err
	}
	provider := s.Providers[p.Provider]
	if provider == nil {
		return p, false, fmt.Errorf("payments: provider %q is not configured", p.Provider)
	}
	var remote Remote
	found := true
	if p.ProviderRef != "" {
		remote, err = provider.Read(ctx, account, p.ProviderRef)
	} else {
		remote, found, err = provider.Find(ctx, account, p.ID.String())
	}
	if err != nil {
		return p, false, s.away(t, p, err)
	}
	if !found {
		return s.neverOpened(ctx, t, p)
	}
	return s.apply(ctx, t, id, remote)
}

// neverOpened ends a payment that the provider does not know long after it was begun.
func (s *Service) neverOpened(ctx context.Context, t tenancy.Tenant, p Payment) (Payment, bool, error) {
	if s.Clock.Now().Sub(p.CreatedAt) < nothingCame {
		return p, false, nil
	}
	if err := s.close(ctx, t, p.ID); err != nil {
		return p, false, err
	}
	p.State = Failed
	return p, true, nil
}

// apply makes the transition that a reading means: row, ledger, event and
// audit in one transaction.
func (s *Service) apply(ctx context.Context, t tenancy.Tenant, id uuid.UUID, remote Remote) (p Payment, changed bool, err error) {
	err = s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		if p, err = byID(tx, id, false); err != nil {
			return err
		}
		if err := serialise(tx, p.CaseID, p.Purpose); err != nil {
			return err
		}
		if p, err = byID(tx, id, true); err != nil {
			return err
		}
		if p.ProviderRef != "" && p.ProviderRef != remote.Ref {
			return fmt.Errorf("payments: transaction %s does not belong to payment %s", remote.Ref, id)
		}
		before := p.State // under the row's lock
		err := s.move(tx, &p, remote)
		changed = p.State != before
		return err
	})
	return p, changed && err == nil, err
}

func (s *Service) move(tx *tenancy.Tx, p *Payment, remote Remote) error {
	now := s.Clock.Now()
	by := identity.System(tx.Tenant())
	if remote.State == RemoteFulfilled && remote.Amount != p.Amount {
		return fmt.Errorf("payments: payment %s is for %s, the provider took %s", p.ID, p.Amount, remote.Amount)
	}
	var elsewhere bool
	if err := tx.QueryRow("select exists (select from payments where case_id = $1 and purpose = $2 and state = 'fulfilled' and id <> $3)",
		p.CaseID, p.Purpose, p.ID).Scan(&elsewhere); err != nil {
		return err
	}
	before := p.State
	p.State = next(before, remote.State, elsewhere)
	p.ProviderRef, p.ProviderState, p.CheckedAt = remote.Ref, remote.Detail, now
	if remote.Method != "" {
		p.Method = remote.Method
	}
	if p.State != before && !p.State.Alive() {
		p.ClosedAt = &now
	}
	if err := save(tx, *p); err != nil {
		return err
	}
	if p.State == before {
		return nil
	}
	countState(tx.Tenant(), p.State)
	object, details := "payment:"+p.ID.String(), map[string]any{"case": p.CaseRef, "amount": int64(p.Amount), "transaction": p.ProviderRef}
	switch p.State {
	case Fulfilled:
		if err := post(tx, p.ID, "payment", atProvider, fees, p.Amount, now); err != nil {
			return err
		}
		if err := s.Outbox.Publish(tx, EventFulfilled, p.event(now)); err != nil {
			return err
		}
		return audit.Record(tx, by, "payments.fulfilled", object, details)
	case Overpaid:
		if err := post(tx, p.ID, "payment", atProvider, owed, p.Amount, now); err != nil {
			return err
		}
		if err := s.Outbox.Publish(tx, EventDuplicate, p.event(now)); err != nil {
			return err
		}
		if err := s.Outbox.Add(tx, jobRefund, refundPayload{PaymentID: p.ID}); err != nil {
			return err
		}
		return audit.Record(tx, by, "payments.paid-twice", object, details)
	case Failed:
		if err := s.Outbox.Publish(tx, EventFailed, p.event(now)); err != nil {
			return err
		}
		return audit.Record(tx, by, "payments.failed", object, details)
	}
	return nil
}

// Notice takes a webhook: who sent it is checked, what it says is not believed.
// Errors: ErrForged, ErrAway, problem NotFound when the commune has no account.
func (s *Service) Notice(ctx context.Context, t tenancy.Tenant, provider string, header func(string) string, body []byte) error {
	pr := s.Providers[provider]
	if pr == nil {
		return errNotFound
	}
	account, err := s.accountOf(ctx, t, provider)
	if errors.Is(err, ErrNoAccount) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	n, err := pr.ReadNotice(ctx, account, header, body)
	if errors.Is(err, ErrUnavailable) {
		return ErrAway.Wrap(err)
	}
	if err != nil || n.Ref == "" {
		return err
	}
	id, err := s.ofTransaction(ctx, t, provider, account, n.Ref)
	if err != nil {
		return err
	}
	outcome := "unknown"
	if id != uuid.Nil {
		_, changed, err := s.refresh(ctx, t, id)
		if err != nil {
			return err
		}
		if outcome = "unchanged"; changed {
			outcome = "applied"
		}
	}
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error { return logDelivery(tx, s.Clock.Now(), provider, n, outcome) })
}

// ofTransaction finds the payment of a transaction; uuid.Nil when it is none
// of ours. A transaction under our reference that the row does not know comes
// from a request that died, or is a second one: then it gets a row of its own.
func (s *Service) ofTransaction(ctx context.Context, t tenancy.Tenant, provider string, account Account, ref string) (uuid.UUID, error) {
	var p Payment
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		p, err = find(tx, false, "provider = ? and provider_ref = ?", provider, ref)
		return err
	})
	if err == nil {
		return p.ID, nil
	}
	if !errors.Is(err, errNotFound) {
		return uuid.Nil, err
	}
	remote, err := s.Providers[provider].Read(ctx, account, ref)
	if errors.Is(err, ErrRefused) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, ErrAway.Wrap(err)
	}
	id := ours(remote.Reference)
	if id == uuid.Nil {
		return id, nil
	}
	err = s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		if p, err = byID(tx, id, false); err != nil {
			return err
		}
		if err := serialise(tx, p.CaseID, p.Purpose); err != nil {
			return err
		}
		first, err := setRef(tx, p.ID, ref)
		if err != nil || first {
			return err
		}
		if p, err = byID(tx, id, false); err != nil || p.ProviderRef == ref {
			return err
		}
		return s.sibling(tx, &p, remote)
	})
	switch {
	case errors.Is(err, errNotFound):
		return uuid.Nil, nil
	case isUnique(err): // another notice of the same transaction was faster
		return s.again(ctx, t, provider, ref)
	}
	return p.ID, err
}

// ours is the payment that a reference names; uuid.Nil for somebody else's
// sale in the same space.
func ours(reference string) uuid.UUID {
	id, err := uuid.Parse(reference)
	if err != nil {
		return uuid.Nil
	}
	return id
}

func (s *Service) again(ctx context.Context, t tenancy.Tenant, provider, ref string) (uuid.UUID, error) {
	var p Payment
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		p, err = find(tx, false, "provider = ? and provider_ref = ?", provider, ref)
		return err
	})
	return p.ID, err
}

// sibling records a second transaction for the same payment. It begins as
// failed, which is not alive; if it is money, the transition says so.
func (s *Service) sibling(tx *tenancy.Tx, p *Payment, remote Remote) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	twin := *p
	now := s.Clock.Now()
	twin.ID, twin.ProviderRef, twin.ProviderState, twin.State = id, remote.Ref, remote.Detail, Failed
	twin.CreatedAt, twin.CheckedAt, twin.ClosedAt, twin.ReturnedAt, twin.Method = now, now, nil, nil, ""
	if err := insert(tx, &twin); err != nil {
		return err
	}
	*p = twin
	return audit.Record(tx, identity.System(tx.Tenant()), "payments.second-transaction", "payment:"+id.String(),
		map[string]any{"case": p.CaseRef, "transaction": remote.Ref})
}

// returned notes when the payer first came back, for the page's patience.
func (s *Service) returned(ctx context.Context, t tenancy.Tenant, p Payment) (time.Time, error) {
	if p.ReturnedAt != nil {
		return *p.ReturnedAt, nil
	}
	now := s.Clock.Now()
	err := s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update payments set returned_at = $2 where id = $1 and returned_at is null", p.ID, now)
		return err
	})
	return now, err
}
