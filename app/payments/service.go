package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/money"
)

const (
	// claimTime is how long one request may take to open a payment before
	// another may look whether it got through.
	claimTime = 20 * time.Second
	// patience is how long a second click waits for the first.
	patience = 6 * time.Second
	// nothingCame is after how long a payment that the provider never heard of
	// counts as failed.
	nothingCame = 10 * time.Minute
)

// Deps is what payments are made of.
type Deps struct {
	DB     *tenancy.DB
	Outbox *outbox.Outbox
	Clock  clock.Clock
	// Providers by name; Provider names the one for new payments.
	Providers map[string]Provider
	Provider  string
	// URL is the public address of a path on a commune's host.
	URL func(t tenancy.Tenant, path string) string
	Log *slog.Logger
}

// Service is everything people and jobs do with payments.
type Service struct{ Deps }

// StartRequest says what is to be paid, and by whom.
type StartRequest struct {
	CaseID     uuid.UUID
	CaseRef    string
	PayerID    uuid.UUID // defaults to who asks
	Purpose    string    // "fee"; one thing is paid once per case and purpose
	Title      string    // what people read in their list: the service's title
	Lang       string
	Lines      []Line
	ReturnPath string // where the payer goes once paid: "/area/pratiche/…"
	RetryPath  string // POST address of the module that asked, which may call Start again
}

// Start answers where to pay. A payment for the same case and purpose that is
// still open is reused. Errors: ErrPaid, ErrAmount, ErrNoAccount, ErrAway.
func (s *Service) Start(ctx context.Context, by identity.Actor, in StartRequest) (string, error) {
	if in.PayerID == uuid.Nil {
		in.PayerID = by.AccountID()
	}
	for range 2 { // a second round when the open payment turns out to be over
		p, err := s.prepare(ctx, by, in)
		if err != nil {
			return "", err
		}
		url, over, err := s.page(ctx, by.Tenant(), p)
		if err != nil || !over {
			return url, err
		}
	}
	return "", ErrAway
}

// prepare finds the open payment or makes a new one.
func (s *Service) prepare(ctx context.Context, by identity.Actor, in StartRequest) (p Payment, err error) {
	amounts := make([]money.CHF, len(in.Lines))
	for i := range in.Lines {
		amounts[i] = in.Lines[i].Amount
		if in.Lines[i].Key == "" {
			in.Lines[i].Key = strconv.Itoa(i + 1)
		}
	}
	total, err := money.Sum(amounts...)
	if err != nil || total <= 0 {
		return p, ErrAmount
	}
	now := s.Clock.Now()
	err = s.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		if err := serialise(tx, in.CaseID, in.Purpose); err != nil {
			return err
		}
		var paid bool
		if err := tx.QueryRow("select exists (select from payments where case_id = $1 and purpose = $2 and state = 'fulfilled')", in.CaseID, in.Purpose).Scan(&paid); err != nil {
			return err
		}
		if paid {
			return ErrPaid
		}
		p, err = find(tx, false, "case_id = ? and purpose = ? and "+alive, in.CaseID, in.Purpose)
		if err == nil || !errors.Is(err, errNotFound) {
			return err
		}
		if _, err := s.account(tx, s.Provider); err != nil {
			return err
		}
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		p = Payment{
			ID: id, CaseID: in.CaseID, CaseRef: in.CaseRef, PayerID: in.PayerID, Purpose: in.Purpose, Title: in.Title, Lang: in.Lang,
			Amount: total, Lines: in.Lines, State: Starting, Provider: s.Provider, ReturnPath: in.ReturnPath, RetryPath: in.RetryPath, CreatedAt: now, CheckedAt: now,
		}
		if err := insert(tx, &p); err != nil {
			return err
		}
		return audit.Record(tx, by, "payments.started", "payment:"+p.ID.String(), map[string]any{"case": p.CaseRef, "amount": int64(total)})
	})
	return p, err
}

// page opens the payment at the provider if need be and answers the address to
// go to. over: the payment has ended meanwhile, begin anew.
func (s *Service) page(ctx context.Context, t tenancy.Tenant, p Payment) (url string, over bool, err error) {
	p, account, err := s.open(ctx, t, p)
	if err != nil {
		return "", false, err
	}
	if p.State == Open {
		url, err = s.Providers[p.Provider].PageURL(ctx, account, p.ProviderRef)
		if err == nil {
			return url, false, nil
		}
		if !errors.Is(err, ErrRefused) {
			return "", false, s.away(t, p, err)
		}
		if p, err = s.Refresh(ctx, t, p.ID); err != nil { // no page: it has gone on or ended
			return "", false, err
		}
	}
	switch p.State {
	case Failed:
		return "", true, nil
	case Open:
		return "", false, s.away(t, p, errors.New("open payment without a page"))
	default: // paid or being paid: the return page tells
		return s.URL(t, returnPath(p.ID)), false, nil
	}
}

// open makes sure that the provider has a transaction for the payment, exactly
// one. A request that died between the provider's answer and our note left the
// transaction there under our reference: it is looked for first.
func (s *Service) open(ctx context.Context, t tenancy.Tenant, p Payment) (Payment, Account, error) {
	account, err := s.accountOf(ctx, t, p.Provider)
	if err != nil || p.ProviderRef != "" || p.State != Starting {
		return p, account, err
	}
	mine, p, err := s.claimOrWait(ctx, t, p)
	if err != nil || !mine {
		return p, account, err
	}
	provider := s.Providers[p.Provider]
	remote, found, err := provider.Find(ctx, account, p.ID.String())
	if err != nil { // nothing was opened: whoever tries next need not wait
		err = errors.Join(err, s.unclaim(ctx, t, p.ID))
	} else if !found {
		remote, err = provider.Create(ctx, account, s.order(t, p))
	}
	switch {
	case errors.Is(err, ErrRefused):
		s.Log.Error("provider refused a payment", "commune", t.Slug(), "payment", p.ID, "error", err)
		return p, account, errors.Join(ErrAway, s.close(ctx, t, p.ID))
	case err != nil:
		return p, account, s.away(t, p, err)
	}
	err = s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		if _, err := setRef(tx, p.ID, remote.Ref); err != nil {
			return err
		}
		p, err = byID(tx, p.ID, false)
		return err
	})
	return p, account, err
}

// unclaim gives up the right to open a payment.
func (s *Service) unclaim(ctx context.Context, t tenancy.Tenant, id uuid.UUID) error {
	return s.DB.In(context.WithoutCancel(ctx), t, func(tx *tenancy.Tx) error { return release(tx, id) })
}

func (s *Service) order(t tenancy.Tenant, p Payment) Order {
	back := s.URL(t, returnPath(p.ID))
	return Order{Reference: p.ID.String(), CaseRef: p.CaseRef, Lines: p.Lines, SuccessURL: back, FailedURL: back, Language: p.Lang}
}

// claimOrWait lets one request at a time talk to the provider about opening a
// payment; others wait a moment for its result.
func (s *Service) claimOrWait(ctx context.Context, t tenancy.Tenant, p Payment) (bool, Payment, error) {
	waited := time.After(patience)
	for {
		mine := false
		err := s.DB.In(ctx, t, func(tx *tenancy.Tx) (err error) {
			if mine, err = claim(tx, p.ID, s.Clock.Now()); err != nil || mine {
				return err
			}
			p, err = byID(tx, p.ID, false)
			return err
		})
		if err != nil || mine || p.ProviderRef != "" || p.State != Starting {
			return mine, p, err
		}
		select {
		case <-waited:
			return false, p, ErrAway
		case <-ctx.Done():
			return false, p, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// close fails a payment that the provider does not want.
func (s *Service) close(ctx context.Context, t tenancy.Tenant, id uuid.UUID) error {
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update payments set state = 'failed', closed_at = $2, provider_state = 'refused' where id = $1 and state = 'starting'", id, s.Clock.Now())
		return err
	})
}

// away logs why and tells the person that trying again is safe.
func (s *Service) away(t tenancy.Tenant, p Payment, cause error) error {
	s.Log.Warn("payment provider away", "commune", t.Slug(), "payment", p.ID, "error", cause)
	return ErrAway.Wrap(cause)
}

func (s *Service) accountOf(ctx context.Context, t tenancy.Tenant, provider string) (a Account, err error) {
	if s.Providers[provider] == nil {
		return a, fmt.Errorf("payments: provider %q is not configured", provider)
	}
	err = s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		a, err = s.account(tx, provider)
		return err
	})
	return a, err
}

func returnPath(id uuid.UUID) string { return "/area/pagamenti/" + id.String() + "/esito" }

func isUnique(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}
