package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// StaffAdmin is the role that looks after the staff itself.
const StaffAdmin = "entity-admin"

// StaffRoles are what a member of the entity's staff can be.
var StaffRoles = []string{"entity-operator", StaffAdmin, "entity-auditor", "entity-finance"}

// inviteLasts is how long the link of an invitation works.
const inviteLasts = 72 * time.Hour

// What can go wrong with the staff.
var (
	ErrOwnAccount = problem.Forbidden("staff.own-account", "staff.error.own")      // nobody changes oneself
	ErrLastAdmin  = problem.Conflict("staff.last-admin", "staff.error.last-admin") // somebody must be able to let people in
	ErrKnown      = problem.Conflict("staff.known", "staff.error.known")           // the address is taken
	ErrStaffInput = problem.Invalid("staff.input", "staff.error.input")            // name, address or roles
	ErrNoInvite   = problem.NotFound("staff.no-invite", "staff.error.no-invite")   // used, expired or none of ours
	ErrNewSecret  = problem.Invalid("staff.password", "staff.error.password")      // shorter than twelve characters
	errNoMember   = problem.NotFound("staff.unknown", "errors.404.text")
)

// Member is a member as the staff's page shows them.
type Member struct {
	ID       uuid.UUID
	Email    string
	Name     string
	Roles    []string
	Enrolled bool // has a password and a second factor
	Disabled bool
	Since    time.Time
}

// Members lists the staff by name, disabled ones last.
func (s *Staff) Members(ctx context.Context) (out []Member, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(`select id, email, name, roles, coalesce(length(totp_secret), 0) > 0, disabled_at is not null, created_at
			from staff order by disabled_at is not null, name, email limit 500`)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Member])
		return err
	})
	return out, err
}

// change runs fn under a lock that makes changes of the staff wait for each
// other, for somebody who is an enabled administrator at that moment, on a
// member who is somebody else; afterwards an administrator must be left.
func (s *Staff) change(ctx context.Context, by Actor, id uuid.UUID, action string, details map[string]any, fn func(tx *tenancy.PlatformTx) (int64, error)) error {
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if err := s.mayChange(tx, by); err != nil {
			return err
		}
		if id == by.account {
			return ErrOwnAccount
		}
		n, err := fn(tx)
		if err != nil {
			return err
		}
		if n == 0 {
			return errNoMember
		}
		var left int
		if err := tx.QueryRow("select count(*) from staff where disabled_at is null and $1 = any(roles) and length(totp_secret) > 0", StaffAdmin).Scan(&left); err != nil {
			return err
		}
		if left == 0 {
			return ErrLastAdmin
		}
		return Note(tx, by, action, "staff:"+id.String(), details)
	})
}

func (s *Staff) mayChange(tx *tenancy.PlatformTx, by Actor) error {
	if _, err := tx.Exec("select pg_advisory_xact_lock(hashtext('sportello staff'))"); err != nil {
		return err
	}
	var admin bool
	if err := tx.QueryRow("select exists (select from staff where id = $1 and disabled_at is null and $2 = any(roles))", by.account, StaffAdmin).Scan(&admin); err != nil {
		return err
	}
	if !admin {
		return ErrOwnAccount
	}
	return nil
}

// SetRoles gives a member other roles. Errors: ErrOwnAccount, ErrLastAdmin,
// ErrStaffInput.
func (s *Staff) SetRoles(ctx context.Context, by Actor, id uuid.UUID, roles []string) error {
	if !knownRoles(roles) {
		return ErrStaffInput
	}
	return s.change(ctx, by, id, "staff.roles", map[string]any{"roles": strings.Join(roles, " ")}, func(tx *tenancy.PlatformTx) (int64, error) {
		return tx.Exec("update staff set roles = $2 where id = $1", id, roles)
	})
}

// SetDisabled closes or opens a member's access; a session ends at once.
func (s *Staff) SetDisabled(ctx context.Context, by Actor, id uuid.UUID, disabled bool) error {
	action := "staff.enabled"
	if disabled {
		action = "staff.disabled"
	}
	return s.change(ctx, by, id, action, nil, func(tx *tenancy.PlatformTx) (int64, error) {
		return tx.Exec("update staff set disabled_at = case when $2 then now() end where id = $1", id, disabled)
	})
}

// Invite adds a member and returns the secret of the link by which they choose
// a password and set up the second factor. It is shown once and kept hashed.
func (s *Staff) Invite(ctx context.Context, by Actor, name, email string, roles []string) (token string, err error) {
	email, ok := NormalEmail(email)
	if name = strings.TrimSpace(name); !ok || len([]rune(name)) < 3 || len([]rune(name)) > 100 || !knownRoles(roles) {
		return "", ErrStaffInput
	}
	id := uuid.Must(uuid.NewV7())
	return token, s.change(ctx, by, id, "staff.invited", map[string]any{"roles": strings.Join(roles, " ")}, func(tx *tenancy.PlatformTx) (int64, error) {
		n, err := tx.Exec("insert into staff (id, email, name, password_hash, roles) values ($1, $2, $3, '', $4) on conflict (email) do nothing", id, email, name, roles)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			return 0, ErrKnown
		}
		token, err = s.invite(tx, id, email)
		return 1, err
	})
}

// Reset takes password and second factor from a member who lost them, ends
// their access at once, and returns the secret of a new link.
func (s *Staff) Reset(ctx context.Context, by Actor, id uuid.UUID) (token string, err error) {
	return token, s.change(ctx, by, id, "staff.reset", nil, func(tx *tenancy.PlatformTx) (int64, error) {
		var email string
		err := tx.QueryRow("update staff set password_hash = '', totp_secret = null, totp_last_step = 0 where id = $1 returning email", id).Scan(&email)
		if errors.Is(err, pgx.ErrNoRows) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		token, err = s.invite(tx, id, email)
		return 1, err
	})
}

// invite makes a link and ends the older ones of the same member.
func (s *Staff) invite(tx *tenancy.PlatformTx, id uuid.UUID, email string) (string, error) {
	var random [32]byte
	_, _ = rand.Read(random[:])
	token := base64.RawURLEncoding.EncodeToString(random[:])
	key, err := totp.Generate(totp.GenerateOpts{Issuer: totpIssuer, AccountName: email})
	if err != nil {
		return "", err
	}
	sealed, err := s.Sealer.Seal([]byte(key.Secret()), "staff-invite:"+email)
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256([]byte(token))
	if _, err := tx.Exec("update staff_invites set used_at = $2 where staff_id = $1 and used_at is null", id, s.Now()); err != nil {
		return "", err
	}
	_, err = tx.Exec("insert into staff_invites (hash, staff_id, secret, invited_at, expires_at) values ($1, $2, $3, $4, $5)", hash[:], id, sealed, s.Now(), s.Now().Add(inviteLasts))
	return token, err
}

// totpIssuer is what an authenticator calls the account.
const totpIssuer = "Sportello"

// Enrolment is what the page behind the link shows.
type Enrolment struct {
	Name, Email string
	Secret      string // base 32, to type by hand
	URL         string // otpauth://, as a QR code
	member      uuid.UUID
}

// Enrolment reads a link. Errors: ErrNoInvite.
func (s *Staff) Enrolment(ctx context.Context, token string) (e Enrolment, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		e, err = s.enrolment(tx, token, "")
		return err
	})
	return e, err
}

func (s *Staff) enrolment(tx *tenancy.PlatformTx, token, locking string) (e Enrolment, err error) {
	hash := sha256.Sum256([]byte(token))
	var sealed []byte
	err = tx.QueryRow(`select m.id, m.name, m.email, i.secret from staff_invites i join staff m on m.id = i.staff_id
		where i.hash = $1 and i.used_at is null and i.expires_at > $2 and m.disabled_at is null `+locking, hash[:], s.Now()).Scan(&e.member, &e.Name, &e.Email, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return e, ErrNoInvite
	}
	if err != nil {
		return e, err
	}
	plain, err := s.Sealer.Open(sealed, "staff-invite:"+e.Email)
	if err != nil {
		return e, err
	}
	e.Secret = string(plain)
	e.URL = "otpauth://totp/" + totpIssuer + ":" + e.Email + "?secret=" + e.Secret + "&issuer=" + totpIssuer
	return e, nil
}

// Enrol ends an invitation: the password is set, and the code proves that the
// second factor works. Errors: ErrNoInvite, ErrNewSecret, ErrCode, ErrTooMany.
func (s *Staff) Enrol(ctx context.Context, token, password, code string) error {
	if n := len([]rune(password)); n < 12 || n > 200 {
		return ErrNewSecret
	}
	e, err := s.Enrolment(ctx, token)
	if err != nil {
		return err
	}
	if err := s.Sessions.guess(ctx, staffScope, guessCode, e.member.String(), codesMax); err != nil {
		return err
	}
	step, ok := matchingStep(e.Secret, code, s.Now())
	if !ok {
		return ErrCode
	}
	hash, err := s.pw.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		again, err := s.enrolment(tx, token, "for update")
		if err != nil {
			return err
		}
		sealed, err := s.Sealer.Seal([]byte(again.Secret), "staff-totp:"+again.Email)
		if err != nil {
			return err
		}
		if _, err := tx.Exec("update staff set password_hash = $2, totp_secret = $3, totp_last_step = $4 where id = $1", again.member, hash, sealed, step); err != nil {
			return err
		}
		used := sha256.Sum256([]byte(token))
		if _, err := tx.Exec("update staff_invites set used_at = $2 where hash = $1", used[:], s.Now()); err != nil {
			return err
		}
		return Note(tx, Actor{kind: staff, account: again.member, name: again.Name}, "staff.enrolled", "staff:"+again.member.String(), nil)
	})
}

func knownRoles(roles []string) bool {
	for _, r := range roles {
		if !slices.Contains(StaffRoles, r) {
			return false
		}
	}
	return len(roles) > 0
}
