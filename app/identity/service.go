package identity

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/problem"
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
}

// Service is everything people do with their own account.
type Service struct {
	Deps
	passwords *Passwords
	holdings  *tenancy.Cached[map[uuid.UUID][]Holding]
}

// New makes the service.
func New(d Deps) (*Service, error) {
	p, err := NewPasswords()
	if err != nil {
		return nil, err
	}
	return &Service{Deps: d, passwords: p, holdings: tenancy.NewCached(d.DB, rolesTopic, loadHoldings)}, nil
}

// Registration is what the registration page asks for.
type Registration struct{ Name, Email, Password, Lang string }

// confirmFor is how long the link in the mail works.
const confirmFor = 24 * time.Hour

// Register creates an account at level 0 and mails a confirmation link. For an
// address that is already known it answers the same and mails that the account
// exists: the page never tells who is registered. Errors: problem.Invalid with
// Fields.
func (s *Service) Register(ctx context.Context, t tenancy.Tenant, r Registration) error {
	fields := map[string]string{}
	first, last, _ := strings.Cut(strings.Join(strings.Fields(r.Name), " "), " ")
	email, ok := NormalEmail(r.Email)
	if !ok {
		fields["email"] = "signin.error.email"
	}
	if last == "" || len(r.Name) > 200 {
		fields["name"] = "signin.error.name"
	}
	if key := CheckPassword(r.Password); key != "" {
		fields["password"] = key
	}
	if len(fields) > 0 {
		return &problem.Error{Kind: problem.KindInvalid, Code: "identity.register", Key: "error.form", Fields: fields}
	}
	hash, err := s.passwords.Hash(ctx, r.Password)
	if err != nil {
		return err
	}
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		known, err := AccountByEmail(tx, email)
		if err != nil {
			return err
		}
		if known != nil && known.ConfirmedAt != nil {
			return s.Mailer.SendTemplate(tx, email, "account-exists", known.Lang,
				map[string]string{"name": known.FullName(), "link": s.URL(t, "/accedi")}, "exists:"+known.ID.String()+":"+s.Clock.Now().Format("2006010215"))
		}
		a := known
		if a == nil {
			a = &Account{ID: uuid.Must(uuid.NewV7()), Email: email, Lang: r.Lang, CreatedAt: s.Clock.Now()}
		}
		a.FirstName, a.LastName, a.PasswordHash = first, last, hash
		if err := SaveAccount(tx, a); err != nil {
			return err
		}
		token, err := s.issueToken(tx, a.ID, "confirm", confirmFor)
		if err != nil {
			return err
		}
		if err := s.Audit(tx, Visitor(t), "identity.register", "account:"+a.ID.String(), nil); err != nil {
			return err
		}
		return s.Mailer.SendTemplate(tx, email, "confirm-account", a.Lang,
			map[string]string{"name": a.FullName(), "link": s.URL(t, "/conferma/"+token)}, "confirm:"+a.ID.String()+":"+token[:8])
	})
}

func (s *Service) issueToken(tx *tenancy.Tx, account uuid.UUID, kind string, lives time.Duration) (string, error) {
	token, err := newToken()
	if err != nil {
		return "", err
	}
	_, err = tx.Exec("insert into account_tokens (hash, account_id, kind, expires_at) values ($1, $2, $3, $4)",
		hashToken(token), account, kind, s.Clock.Now().Add(lives))
	return token, err
}

// Confirm raises the account behind a mailed token to level 1. The token works
// once and for a day. Errors: ErrNoToken.
func (s *Service) Confirm(ctx context.Context, t tenancy.Tenant, token string) error {
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		var id uuid.UUID
		n, err := tx.Exec("update account_tokens set used_at = $2 where hash = $1 and kind = 'confirm' and used_at is null and expires_at > $2",
			hashToken(token), s.Clock.Now())
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNoToken
		}
		if err := tx.QueryRow("select account_id from account_tokens where hash = $1", hashToken(token)).Scan(&id); err != nil {
			return err
		}
		if _, err := tx.Exec("update accounts set confirmed_at = coalesce(confirmed_at, $2), level = greatest(level, 1) where id = $1", id, s.Clock.Now()); err != nil {
			return err
		}
		return s.Audit(tx, Visitor(t), "identity.confirm", "account:"+id.String(), nil)
	})
}

// SignIn checks address and password and starts a session; it returns the
// cookie's token. Errors: ErrSignIn, the same for every reason.
func (s *Service) SignIn(ctx context.Context, t tenancy.Tenant, email, password string) (string, error) {
	email, _ = NormalEmail(email)
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
		return Visitor(t), "", false
	}
	held, err := s.holdings.Get(ctx, t)
	if err != nil {
		return Visitor(t), "", true
	}
	return Actor{kind: person, tenant: t, account: v.Account, name: v.Name, email: v.Email,
		level: v.Level, held: held[v.Account]}, v.Lang, false
}

// AccountOf reads the actor's own account.
func (s *Service) AccountOf(ctx context.Context, by Actor) (*Account, error) {
	var a *Account
	err := s.DB.Read(ctx, by.tenant, func(tx *tenancy.Tx) error {
		var err error
		a, err = AccountByID(tx, by.account)
		return err
	})
	return a, err
}

// HashPassword is for provisioning: the first administrator, demo people.
func (s *Service) HashPassword(ctx context.Context, password string) (string, error) {
	return s.passwords.Hash(ctx, password)
}
