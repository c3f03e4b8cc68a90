package identity

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// RoleAdmin is the role of a commune's own administrators.
const RoleAdmin = "commune-admin"

// InvitedFor is how long an invitation's link works.
const InvitedFor = 14 * 24 * time.Hour

// ErrAdministered says that the commune is in its own hands: it has cases, or an
// administrator who has accepted. From then on nobody of the entity may name one.
var ErrAdministered = problem.Conflict("identity.administered", "invite.error.administered")

// Invitee is who shall be a commune's first administrator.
type Invitee struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Check returns the text key of what is wrong with each field, and normalises both.
func (i *Invitee) Check() map[string]string {
	wrong := map[string]string{}
	i.Name = strings.Join(strings.Fields(i.Name), " ")
	if !strings.Contains(i.Name, " ") || len(i.Name) > 200 {
		wrong["admin_name"] = "signin.error.name"
	}
	email, ok := NormalEmail(i.Email)
	if i.Email = email; !ok {
		wrong["admin_email"] = "signin.error.email"
	}
	return wrong
}

// Administered reports whether a commune has an administrator who can sign in.
func Administered(tx *tenancy.Tx) (is bool, err error) {
	err = tx.QueryRow(`select exists (select from role_holders h join accounts a on a.id = h.account_id
		where h.role = $1 and a.confirmed_at is not null)`, RoleAdmin).Scan(&is)
	return is, err
}

// InviteFirst names a commune's first administrator and mails the link at which
// the password is chosen and the role begins. It counts only until one has
// accepted; who was named before and has not accepted gives way. With again unset, the same person who
// was invited already is left alone. Errors: ErrAdministered; a malformed Invitee.
func (s *Service) InviteFirst(tx *tenancy.Tx, i Invitee, again bool) error {
	if len(i.Check()) > 0 {
		return problem.Invalid("identity.invite", "error.form")
	}
	if _, err := tx.Exec("select pg_advisory_xact_lock(hashtextextended($1, 0))", "first administrator "+tx.Tenant().Slug()); err != nil {
		return err
	}
	switch is, err := Administered(tx); {
	case err != nil:
		return err
	case is:
		return ErrAdministered
	}
	a, err := AccountByEmail(tx, i.Email)
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	if a != nil && !again {
		var waits bool
		if err := tx.QueryRow("select exists (select from account_tokens where account_id = $1 and kind = 'invite' and used_at is null and expires_at > $2)", a.ID, now).Scan(&waits); err != nil || waits {
			return err
		}
	}
	if a == nil {
		first, last, _ := strings.Cut(i.Name, " ")
		a = &Account{ID: uuid.Must(uuid.NewV7()), Email: i.Email, FirstName: first, LastName: last, Lang: "it", CreatedAt: now}
		if err := SaveAccount(tx, a); err != nil {
			return err
		}
	}
	tx.Queue(`delete from accounts where confirmed_at is null and id <> $1 and id in (
		select account_id from account_tokens where kind = 'invite' and used_at is null)`, a.ID)
	tx.Queue("delete from account_tokens where kind = 'invite' and used_at is null")
	token, err := newToken()
	if err != nil {
		return err
	}
	tx.Queue("insert into account_tokens (hash, account_id, kind, expires_at) values ($1, $2, 'invite', $3)", hashToken(token), a.ID, now.Add(InvitedFor))
	if err := s.Audit(tx, System(tx.Tenant()), "identity.invite", "account:"+a.ID.String(), map[string]any{"role": RoleAdmin}); err != nil {
		return err
	}
	return s.Mailer.SendTemplate(tx, a.Email, "invite-admin", a.Lang,
		map[string]string{"name": a.FullName(), "link": s.URL(tx.Tenant(), "/invito/"+token)}, "invite:"+a.ID.String()+":"+token[:8])
}

// Invited is the name behind an invitation's link, and whether it makes the
// commune's first administrator. Errors: ErrNoToken.
func (s *Service) Invited(ctx context.Context, t tenancy.Tenant, token string) (name string, first bool, err error) {
	err = s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		err := tx.QueryRow(`select a.first_name || ' ' || a.last_name, k.holdings = '[]' from account_tokens k join accounts a on a.id = k.account_id
			where k.hash = $1 and k.kind = 'invite' and k.used_at is null and k.expires_at > $2 and a.disabled_at is null`, hashToken(token), s.Clock.Now()).Scan(&name, &first)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNoToken
		}
		return err
	})
	return name, first, err
}

// Accept chooses the password at an invitation's link: reading the mail proves
// the address, and account and roles count from then on. The link works once. Errors:
// ErrNoToken; problem.Invalid with the field "password"; ErrTooMany.
func (s *Service) Accept(ctx context.Context, t tenancy.Tenant, token, password string) error {
	if err := s.Sessions.guess(ctx, tenantScope(t), guessConfirm, token, passwordsMax); err != nil {
		return err
	}
	if key := CheckPassword(password); key != "" {
		return problem.Invalid("identity.accept", "error.form").WithField("password", key)
	}
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		now := s.Clock.Now()
		var id uuid.UUID
		var held []Holding
		err := tx.QueryRow(`update account_tokens set used_at = $2 where hash = $1 and kind = 'invite' and used_at is null and expires_at > $2 returning account_id, holdings`,
			hashToken(token), now).Scan(&id, &held)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNoToken
		}
		if err != nil {
			return err
		}
		// One at a time: of two who were invited one after the other, one is first.
		if _, err := tx.Exec("select pg_advisory_xact_lock(hashtextextended($1, 0))", "first administrator "+t.Slug()); err != nil {
			return err
		}
		if _, err := tx.Exec(`update accounts set password_hash = $2, confirmed_at = coalesce(confirmed_at, $3), level = greatest(level, 1), standing_at = $3
			where id = $1 and disabled_at is null`, id, hash, now); err != nil {
			return err
		}
		if len(held) == 0 { // the first administrator's
			switch is, err := Administered(tx); {
			case err != nil:
				return err
			case !is:
				held = []Holding{{RoleAdmin, WholeCommune}}
			}
		}
		if err := hold(tx, id, held); err != nil {
			return err
		}
		tx.Queue("update account_tokens set used_at = $2, password_hash = '' where account_id = $1 and used_at is null", id, now)
		return s.Audit(tx, Visitor(t), "identity.accept", "account:"+id.String(), nil)
	})
}
