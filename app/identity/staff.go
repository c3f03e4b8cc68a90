package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// StaffMember is one of the shared entity's own people.
type StaffMember struct {
	ID           uuid.UUID
	Email        string
	Name         string
	PasswordHash string
	Roles        []string
	TOTPSecret   []byte // sealed; empty until the second factor is set up
	TOTPLastStep int64
}

// Sealer encrypts small secrets that are kept in a database; context binds
// the ciphertext to its place.
type Sealer interface {
	Seal(plain []byte, context string) ([]byte, error)
	Open(sealed []byte, context string) ([]byte, error)
}

// ErrCode says that the six digits were wrong, too old, or used before.
var ErrCode = problem.Invalid("identity.totp", "signin.error.code")

// Staff is the sign-in of the entity's people: password, then TOTP (RFC 6238).
type Staff struct {
	DB       *tenancy.DB
	Sessions *Sessions
	Sealer   Sealer
	pw       *Passwords
	Now      func() time.Time
}

// NewStaff makes the service.
func NewStaff(db *tenancy.DB, sessions *Sessions, sealer Sealer, now func() time.Time) (*Staff, error) {
	pw, err := NewPasswords()
	return &Staff{DB: db, Sessions: sessions, Sealer: sealer, pw: pw, Now: now}, err
}

// Create adds a member with a known second factor; it is used by
// `sportello user create` and by the demo.
func (s *Staff) Create(ctx context.Context, name, email, password, totpSecret string, roles []string) (uuid.UUID, error) {
	email, ok := NormalEmail(email)
	if !ok {
		return uuid.Nil, errors.New("identity: not an e-mail address")
	}
	hash, err := s.pw.Hash(ctx, password)
	if err != nil {
		return uuid.Nil, err
	}
	id := uuid.Must(uuid.NewV7())
	sealed, err := s.Sealer.Seal([]byte(totpSecret), "staff-totp:"+email)
	if err != nil {
		return uuid.Nil, err
	}
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec(`insert into staff (id, email, name, password_hash, roles, totp_secret) values ($1, $2, $3, $4, $5, $6)
			on conflict (email) do update set name = excluded.name, password_hash = excluded.password_hash,
				roles = excluded.roles, totp_secret = excluded.totp_secret`, id, email, name, hash, roles, sealed)
		return err
	})
	return id, err
}

// Reseal brings the second factors of all staff under the deployment's newest key.
func (s *Staff) Reseal(ctx context.Context) error {
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select email, totp_secret from staff where totp_secret is not null for update")
		if err != nil {
			return err
		}
		type factor struct {
			Email  string
			Sealed []byte
		}
		all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[factor])
		if err != nil {
			return err
		}
		for _, f := range all {
			plain, err := s.Sealer.Open(f.Sealed, "staff-totp:"+f.Email)
			if err != nil {
				return fmt.Errorf("identity: second factor of a member: %w", err)
			}
			sealed, err := s.Sealer.Seal(plain, "staff-totp:"+f.Email)
			if err != nil {
				return err
			}
			if _, err := tx.Exec("update staff set totp_secret = $2 where email = $1", f.Email, sealed); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Staff) find(ctx context.Context, column string, value any) (*StaffMember, error) {
	var m StaffMember
	err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select id, email, name, password_hash, roles, coalesce(totp_secret, ''), totp_last_step from staff where "+column+" = $1 and disabled_at is null", value).
			Scan(&m.ID, &m.Email, &m.Name, &m.PasswordHash, &m.Roles, &m.TOTPSecret, &m.TOTPLastStep)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &m, err
}

// Find returns a member by address, nil when there is none.
func (s *Staff) Find(ctx context.Context, email string) (*StaffMember, error) {
	return s.find(ctx, "email", email)
}

// Password is the first step: it starts a session that can do nothing but
// give the second factor. Errors: ErrSignIn, ErrTooMany.
func (s *Staff) Password(ctx context.Context, email, password string) (token string, err error) {
	email, _ = NormalEmail(email)
	if err := s.Sessions.guess(ctx, staffScope, guessPassword, email, passwordsMax); err != nil {
		return "", err
	}
	m, err := s.Find(ctx, email)
	if err != nil {
		return "", err
	}
	hash := ""
	if m != nil && len(m.TOTPSecret) > 0 {
		hash = m.PasswordHash
	}
	ok, err := s.pw.Matches(ctx, password, hash)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", ErrSignIn
	}
	s.Sessions.guessed(ctx, staffScope, guessPassword, email)
	return s.Sessions.start(ctx, staffScope, Session{Account: m.ID, Name: m.Name, Email: m.Email, PendingTOTP: true})
}

// Code is the second step: six digits, accepted once and for at most thirty
// seconds around their time. It returns a new token. Errors: ErrCode,
// ErrTooMany: a right password does not buy a new set of tries.
func (s *Staff) Code(ctx context.Context, pending, code string) (token string, err error) {
	v, err := s.Sessions.get(ctx, staffScope, pending)
	if err != nil {
		return "", err
	}
	if v == nil || !v.PendingTOTP {
		return "", ErrSignIn
	}
	m, err := s.find(ctx, "id", v.Account)
	if err != nil {
		return "", err
	}
	if m == nil || len(m.TOTPSecret) == 0 {
		return "", ErrSignIn
	}
	if err := s.Sessions.guess(ctx, staffScope, guessCode, m.ID.String(), codesMax); err != nil {
		return "", err
	}
	secret, err := s.Sealer.Open(m.TOTPSecret, "staff-totp:"+m.Email)
	if err != nil {
		return "", err
	}
	step, ok := matchingStep(string(secret), code, s.Now())
	if !ok {
		return "", ErrCode
	}
	// A code works once: the step must rise, decided by the database.
	var fresh int64
	if err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		var err error
		fresh, err = tx.Exec("update staff set totp_last_step = $2 where id = $1 and totp_last_step < $2", m.ID, step)
		return err
	}); err != nil {
		return "", err
	}
	if fresh == 0 {
		return "", ErrCode
	}
	s.Sessions.guessed(ctx, staffScope, guessCode, m.ID.String())
	if err := s.Sessions.end(ctx, staffScope, pending); err != nil {
		return "", err
	}
	return s.Begin(ctx, *m)
}

// Begin starts a full session for a member whose factors have been proved.
func (s *Staff) Begin(ctx context.Context, m StaffMember) (string, error) {
	token, err := s.Sessions.start(ctx, staffScope, Session{Account: m.ID, Name: m.Name, Email: m.Email, Level: LevelHigh})
	if err != nil {
		return "", err
	}
	return token, s.Record(ctx, Actor{kind: staff, account: m.ID, name: m.Name}, "identity.sign-in", "", "{}")
}

// Record writes a line on the platform's audit.
func (s *Staff) Record(ctx context.Context, by Actor, action, object, details string) error {
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec("insert into audit (actor, action, object, details) values ($1, $2, $3, $4)", by.name+" ("+by.Ref()+")", action, object, details)
		return err
	})
}

// matchingStep finds the thirty-second step a code belongs to, one step of
// clock drift allowed on either side.
func matchingStep(secret, code string, now time.Time) (int64, bool) {
	opts := totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1}
	for _, drift := range []time.Duration{0, -30 * time.Second, 30 * time.Second} {
		at := now.Add(drift)
		if ok, err := totp.ValidateCustom(code, secret, at, opts); err == nil && ok {
			return at.Unix() / 30, true
		}
	}
	return 0, false
}

// Actor finds who stands behind a cookie on the entity's host; pending tells
// that only the second factor is missing.
func (s *Staff) Actor(ctx context.Context, token string) (actor Actor, pending bool, err error) {
	v, err := s.Sessions.get(ctx, staffScope, token)
	if err != nil || v == nil {
		return Actor{}, false, err
	}
	if v.PendingTOTP {
		return Actor{}, true, nil
	}
	// What was taken from them since they signed in counts at once; few people
	// are asked about, so the database is asked each time.
	m, err := s.find(ctx, "id", v.Account)
	if err != nil || m == nil || len(m.TOTPSecret) == 0 { // a second factor that was taken away ends the session
		return Actor{}, false, err
	}
	return Actor{kind: staff, account: m.ID, name: m.Name, email: m.Email, level: v.Level, roles: m.Roles}, false, nil
}

// Member is the actor of a member who is not disabled, with the roles held now;
// ok is false when there is none.
func (s *Staff) Member(ctx context.Context, id uuid.UUID) (by Actor, ok bool, err error) {
	m, err := s.find(ctx, "id", id)
	if err != nil || m == nil {
		return Actor{}, false, err
	}
	return Actor{kind: staff, account: m.ID, name: m.Name, email: m.Email, roles: m.Roles}, true, nil
}

// SignOut ends a staff session.
func (s *Staff) SignOut(ctx context.Context, token string) error {
	return s.Sessions.end(ctx, staffScope, token)
}
