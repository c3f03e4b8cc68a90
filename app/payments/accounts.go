package payments

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// AccountInput is what an administrator enters. An empty Secret keeps the one
// that is there.
type AccountInput struct {
	SpaceID int64
	UserID  int64
	Secret  string // base64, as the provider shows it once
}

// AccountView is what a console may show of an account.
type AccountView struct {
	Provider  string
	SpaceID   int64
	UserID    int64
	HasSecret bool
}

func place(t tenancy.Tenant, provider string) string {
	return "payments/" + t.Slug() + "/" + provider
}

// account reads the commune's account and opens its secret.
func (s *Service) account(tx *tenancy.Tx, provider string) (Account, error) {
	a := Account{Provider: provider}
	var sealed []byte
	err := tx.QueryRow("select space_id, user_id, secret from payment_accounts where provider = $1", provider).Scan(&a.SpaceID, &a.UserID, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return a, ErrNoAccount
	}
	if err != nil {
		return a, err
	}
	k, err := tx.Keys()
	if err != nil {
		return a, fmt.Errorf("payments: account of %s: %w", tx.Tenant().Slug(), err)
	}
	plain, err := k.Open(sealed, place(tx.Tenant(), provider))
	if err != nil {
		return a, fmt.Errorf("payments: account of %s: %w", tx.Tenant().Slug(), err)
	}
	a.Secret = string(plain)
	return a, nil
}

// ReadAccount tells an administrator what is entered; never the secret.
func (s *Service) ReadAccount(ctx context.Context, by identity.Actor) (AccountView, error) {
	v := AccountView{Provider: s.Provider}
	err := s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		err := tx.QueryRow("select space_id, user_id, length(secret) > 0 from payment_accounts where provider = $1", s.Provider).
			Scan(&v.SpaceID, &v.UserID, &v.HasSecret)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return v, err
}

// SetAccount keeps the commune's account. Errors: ErrAccount with Fields.
func (s *Service) SetAccount(ctx context.Context, by identity.Actor, in AccountInput) error {
	return s.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error { return s.SetAccountTx(tx, by, in) })
}

// SetAccountTx is SetAccount as a step of a larger transaction.
func (s *Service) SetAccountTx(tx *tenancy.Tx, by identity.Actor, in AccountInput) error {
	in.Secret = strings.TrimSpace(in.Secret)
	bad := ErrAccount
	if in.SpaceID <= 0 {
		bad = bad.WithField("space_id", "payments.error.number")
	}
	if in.UserID <= 0 {
		bad = bad.WithField("user_id", "payments.error.number")
	}
	if key, err := base64.StdEncoding.DecodeString(in.Secret); err != nil || (in.Secret != "" && len(key) < 16) {
		bad = bad.WithField("secret", "payments.error.secret")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	now := s.Clock.Now()
	if in.Secret == "" {
		n, err := tx.Exec("update payment_accounts set space_id = $2, user_id = $3, updated_at = $4 where provider = $1", s.Provider, in.SpaceID, in.UserID, now)
		if err != nil {
			return err
		}
		if n == 0 {
			return bad.WithField("secret", "payments.error.secret")
		}
	} else {
		k, err := tx.Keys()
		if err != nil {
			return fmt.Errorf("payments: seal secret: %w", err)
		}
		sealed, err := k.Seal([]byte(in.Secret), place(tx.Tenant(), s.Provider))
		if err != nil {
			return fmt.Errorf("payments: seal secret: %w", err)
		}
		if _, err := tx.Exec(`insert into payment_accounts (provider, space_id, user_id, secret, updated_at) values ($1, $2, $3, $4, $5)
			on conflict (provider) do update set space_id = excluded.space_id, user_id = excluded.user_id, secret = excluded.secret, updated_at = excluded.updated_at`,
			s.Provider, in.SpaceID, in.UserID, sealed, now); err != nil {
			return err
		}
	}
	return audit.Record(tx, by, "payments.account-changed", "payment-account:"+s.Provider, map[string]any{"space": in.SpaceID, "user": in.UserID, "secret": in.Secret != ""})
}
