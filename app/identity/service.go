package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// Mailer sends a commune's mail; app/notifications is one.
type Mailer interface {
	SendTemplate(tx *tenancy.Tx, to, template, lang string, params map[string]string, key string) error
}

// Auditor writes the audit line of a step (app/audit.Record).
type Auditor func(tx *tenancy.Tx, by Actor, action, object string, details map[string]any) error

// Deps is what the service needs.
type Deps struct {
	DB       *tenancy.DB
	Sessions *Sessions
	Mailer   Mailer
	Audit    Auditor
	Clock    clock.Clock
	// URL makes an absolute address on a commune's desk.
	URL func(t tenancy.Tenant, path string) string
	// Guests knows the grants of break-glass accesses; nil lets nobody in.
	Guests Guests
}

// Service is everything people do with their own account.
type Service struct {
	Deps
	passwords *Passwords
	roll      *tenancy.Cached[roll]
}

// New makes the service.
func New(d Deps) (*Service, error) {
	p, err := NewPasswords()
	if err != nil {
		return nil, err
	}
	return &Service{Deps: d, passwords: p, roll: tenancy.NewCached(d.DB, rolesTopic, loadRoll)}, nil
}

// SignIn checks address and password and starts a session; it returns the
// cookie's token. Errors: ErrSignIn, the same for every reason; ErrTooMany.
func (s *Service) SignIn(ctx context.Context, t tenancy.Tenant, email, password string) (string, error) {
	email, _ = NormalEmail(email)
	if err := s.Sessions.guess(ctx, tenantScope(t), guessPassword, email, passwordsMax); err != nil {
		return "", err
	}
	var a *Account
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		var err error
		a, err = AccountByEmail(tx, email)
		return err
	})
	if err != nil {
		return "", err
	}
	hash := ""
	if a != nil && a.ConfirmedAt != nil && a.DisabledAt == nil {
		hash = a.PasswordHash
	}
	ok, err := s.passwords.Matches(ctx, password, hash)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", ErrSignIn
	}
	s.Sessions.guessed(ctx, tenantScope(t), guessPassword, email)
	return s.Begin(ctx, t, *a, "password")
}

// Begin starts a session for an account whose identity has been proved by
// `by` (a password, a persona of the demo) and notes it on the audit.
func (s *Service) Begin(ctx context.Context, t tenancy.Tenant, a Account, how string) (string, error) {
	token, err := s.Sessions.start(ctx, tenantScope(t), Session{Account: a.ID, Name: a.FullName(), Email: a.Email, Level: a.Level, Lang: a.Lang})
	if err != nil {
		return "", err
	}
	return token, s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		return s.Audit(tx, Person(t, a, nil), "identity.sign-in", "account:"+a.ID.String(), map[string]any{"how": how})
	})
}

// SignOut ends the session behind a token.
func (s *Service) SignOut(ctx context.Context, t tenancy.Tenant, token string) error {
	return s.Sessions.end(ctx, tenantScope(t), token)
}

// Actor finds who stands behind a session cookie on a commune's host. With
// Redis away everybody is a visitor and degraded is true.
func (s *Service) Actor(ctx context.Context, t tenancy.Tenant, token string) (actor Actor, lang string, degraded bool) {
	v, err := s.Sessions.get(ctx, tenantScope(t), token)
	if err != nil {
		return Visitor(t), "", true
	}
	if v == nil {
		// One of the entity's people with the entity's cookie is nobody here,
		// and is told nothing. Asked only for a token that is unknown here.
		if theirs, err := s.Sessions.staffHolds(ctx, token); err != nil {
			return Visitor(t), "", true
		} else if theirs {
			return Stranger(t), "", false
		}
		return Visitor(t), "", false
	}
	if v.Grant != uuid.Nil {
		actor, degraded = s.guestActor(ctx, t, v)
		return actor, "", degraded
	}
	known, err := s.roll.Get(ctx, t)
	if err != nil {
		return Visitor(t), "", true
	}
	level := v.Level
	if now, changed := known.standing[v.Account]; changed {
		if now.disabled {
			return Visitor(t), "", false
		}
		level = now.level
	}
	return Actor{kind: person, tenant: t, account: v.Account, name: v.Name, email: v.Email,
		level: level, held: known.held[v.Account]}, v.Lang, false
}

// AccountOf reads the actor's own account.
func (s *Service) AccountOf(ctx context.Context, by Actor) (*Account, error) {
	return OwnAccount(ctx, s.DB, by)
}

// HashPassword is for provisioning: the first administrator, demo people.
func (s *Service) HashPassword(ctx context.Context, password string) (string, error) {
	return s.passwords.Hash(ctx, password)
}
