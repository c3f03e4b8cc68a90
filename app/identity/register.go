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

// Registration is what the registration page asks for.
type Registration struct{ Name, Email, Password, Lang string }

const (
	// confirmFor is how long the link in the mail works.
	confirmFor = 24 * time.Hour
	// mailsPerHour is how many such links one address gets: whoever registers
	// with somebody else's address again and again floods nobody.
	mailsPerHour = 3
)

// ErrPassword says that the password given at the mail's link is not the one of
// that registration.
var ErrPassword = problem.Invalid("identity.confirm", "confirm.error")

// Register creates an account at level 0 and mails a confirmation link. Name and
// password wait at the link: they count once Confirm was given that password.
// For an address that is already known it answers the same and mails that the
// account exists: the page never tells who is registered. Errors:
// problem.Invalid with Fields.
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
		// One at a time for an address: two clicks make one account.
		if _, err := tx.Exec("select pg_advisory_xact_lock(hashtextextended($1, 0))", "register "+t.Slug()+" "+email); err != nil {
			return err
		}
		a, err := AccountByEmail(tx, email)
		if err != nil {
			return err
		}
		if a != nil && a.ConfirmedAt != nil {
			return s.Mailer.SendTemplate(tx, email, "account-exists", a.Lang,
				map[string]string{"name": a.FullName(), "link": s.URL(t, "/accedi")}, "exists:"+a.ID.String()+":"+s.Clock.Now().Format("2006010215"))
		}
		if a == nil {
			a = &Account{ID: uuid.Must(uuid.NewV7()), Email: email, FirstName: first, LastName: last, Lang: r.Lang, CreatedAt: s.Clock.Now()}
			if err := SaveAccount(tx, a); err != nil {
				return err
			}
		}
		return s.mailLink(tx, *a, first, last, hash)
	})
}

// mailLink issues a link for one registration and mails it, unless the address
// has had enough of them lately.
func (s *Service) mailLink(tx *tenancy.Tx, a Account, first, last, hash string) error {
	now := s.Clock.Now()
	var lately int
	if err := tx.QueryRow("select count(*) from account_tokens where account_id = $1 and kind = 'confirm' and expires_at > $2",
		a.ID, now.Add(confirmFor-time.Hour)).Scan(&lately); err != nil {
		return err
	}
	if lately >= mailsPerHour {
		return nil
	}
	token, err := newToken()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into account_tokens (hash, account_id, kind, expires_at, first_name, last_name, password_hash)
		values ($1, $2, 'confirm', $3, $4, $5, $6)`, hashToken(token), a.ID, now.Add(confirmFor), first, last, hash); err != nil {
		return err
	}
	if err := s.Audit(tx, Visitor(tx.Tenant()), "identity.register", "account:"+a.ID.String(), nil); err != nil {
		return err
	}
	return s.Mailer.SendTemplate(tx, a.Email, "confirm-account", a.Lang,
		map[string]string{"name": first + " " + last, "link": s.URL(tx.Tenant(), "/conferma/"+token)}, "confirm:"+a.ID.String()+":"+token[:8])
}

// link is a registration that waits for its confirmation.
type link struct {
	account           uuid.UUID
	first, last, hash string
}

func findLink(tx *tenancy.Tx, token string, now time.Time) (l link, err error) {
	err = tx.QueryRow(`select account_id, first_name, last_name, password_hash from account_tokens
		where hash = $1 and kind = 'confirm' and used_at is null and expires_at > $2`, hashToken(token), now).
		Scan(&l.account, &l.first, &l.last, &l.hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return l, ErrNoToken
	}
	return l, err
}

// Awaits reports whether a mailed link waits for its confirmation. Looking does
// nothing: mail programs look at every link. Errors: ErrNoToken.
func (s *Service) Awaits(ctx context.Context, t tenancy.Tenant, token string) error {
	return s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		_, err := findLink(tx, token, s.Clock.Now())
		return err
	})
}

// Confirm raises the account behind a mailed link to level 1, with the name and
// password of that registration. Reading the mail is not enough: who confirms
// must know the password, so that nobody owns an account by registering with
// somebody else's address. The link works once and for a day, and the other
// links of the account end with it. Errors: ErrNoToken, ErrPassword, ErrTooMany.
func (s *Service) Confirm(ctx context.Context, t tenancy.Tenant, token, password string) error {
	if err := s.Sessions.guess(ctx, tenantScope(t), guessConfirm, token, passwordsMax); err != nil {
		return err
	}
	var l link
	if err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		l, err = findLink(tx, token, s.Clock.Now())
		return err
	}); err != nil {
		return err
	}
	switch ok, err := s.passwords.Matches(ctx, password, l.hash); {
	case err != nil:
		return err
	case !ok:
		return ErrPassword
	}
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		now := s.Clock.Now()
		// The account's row is the lock: of two links at once one is first.
		n, err := tx.Exec(`update accounts set first_name = $2, last_name = $3, password_hash = $4, confirmed_at = $5, level = greatest(level, 1)
			where id = $1 and confirmed_at is null`, l.account, l.first, l.last, l.hash, now)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNoToken
		}
		if _, err := tx.Exec("update account_tokens set used_at = $2, password_hash = '' where account_id = $1 and kind = 'confirm' and used_at is null", l.account, now); err != nil {
			return err
		}
		return s.Audit(tx, Visitor(t), "identity.confirm", "account:"+l.account.String(), nil)
	})
}
