package identity

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Account is a person (or a firm's person) known to one commune.
type Account struct {
	ID           uuid.UUID `gorm:"primaryKey"`
	Email        string
	PasswordHash string
	FirstName    string
	LastName     string
	Firm         string
	Phone        string
	AVS          *string `gorm:"-"` // of OwnAccount and SaveAccount; kept sealed
	Level        int
	Lang         string
	ConfirmedAt  *time.Time
	DisabledAt   *time.Time
	CreatedAt    time.Time
}

// FullName is first and last name as people write them.
func (a Account) FullName() string { return strings.TrimSpace(a.FirstName + " " + a.LastName) }

// The problems of this package.
var (
	ErrSignIn  = problem.Invalid("identity.sign-in", "signin.error.wrong")
	ErrNoToken = problem.NotFound("identity.token", "signin.error.token")
	ErrTooMany = problem.TooMany("identity.too-many", "error.toomany")
)

// NormalEmail is the form an address is stored and compared in; ok is false
// when it is none.
func NormalEmail(s string) (string, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 || !strings.Contains(s[strings.LastIndex(s, "@")+1:], ".") {
		return s, false
	}
	return s, true
}

// minPassword follows NIST SP 800-63B: length, not composition.
const (
	minPassword = 12
	maxPassword = 128
)

// CheckPassword returns the text key of what is wrong, or "".
func CheckPassword(p string) string {
	switch n := utf8.RuneCountInString(p); {
	case n < minPassword:
		return "signin.error.password-short"
	case n > maxPassword:
		return "signin.error.password-long"
	}
	return ""
}

// AccountByID reads an account; nil when there is none.
func AccountByID(tx *tenancy.Tx, id uuid.UUID) (*Account, error) {
	return first(tx, "id = ?", id)
}

// Holders lists who holds a role for the whole commune, at most fifty, as far
// as a mail to them needs: id, name, address, language.
func Holders(tx *tenancy.Tx, role string) ([]Account, error) {
	rows, err := tx.Query(`select distinct a.id, a.email, a.first_name, a.last_name, a.lang from accounts a
		join role_holders h on h.account_id = a.id
		where h.role = $1 and h.office = '' and a.disabled_at is null and a.confirmed_at is not null order by a.email limit 50`, role)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Account, err error) {
		err = row.Scan(&a.ID, &a.Email, &a.FirstName, &a.LastName, &a.Lang)
		return a, err
	})
}

// Recipients reads some accounts as far as a mail to them needs, by their id;
// those that were disabled or never confirmed are left out.
func Recipients(tx *tenancy.Tx, ids []uuid.UUID) (map[uuid.UUID]Account, error) {
	rows, err := tx.Query(`select id, email, first_name, last_name, lang from accounts
		where id = any($1) and disabled_at is null and confirmed_at is not null`, ids)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[uuid.UUID]Account{}
	for rows.Next() {
		var a Account
		if err := rows.Scan(&a.ID, &a.Email, &a.FirstName, &a.LastName, &a.Lang); err != nil {
			return nil, err
		}
		out[a.ID] = a
	}
	return out, rows.Err()
}

// OwnAccount reads the actor's account in a transaction of its own; nil when
// there is none.
func OwnAccount(ctx context.Context, db *tenancy.DB, by Actor) (*Account, error) {
	var found []ownRow
	var reads tenancy.Reads
	number, from := "a.avs, null::bytea", ""
	if by.Tenant().Sealed() {
		number, from = "a.avs, n.avs_sealed", " left join account_avs n on n.account_id = a.id"
	}
	tenancy.Collect(&reads, &found, scanOwn, `select a.id, a.email, a.password_hash, a.first_name, a.last_name, a.firm, a.phone,
		a.level, a.lang, a.confirmed_at, a.disabled_at, a.created_at, `+number+` from accounts a`+from+` where a.id = $1`, by.AccountID())
	if err := db.ReadTogether(ctx, by.Tenant(), &reads); err != nil || len(found) == 0 {
		return nil, err
	}
	a := found[0].Account
	if sealed := found[0].sealed; sealed != nil {
		k, err := db.Keys(ctx, by.Tenant())
		if err != nil {
			return nil, err
		}
		plain, err := k.Open(sealed, avsPlace(a.ID))
		if err != nil {
			return nil, fmt.Errorf("identity: number of account %s: %w", a.ID, err)
		}
		number := string(plain)
		a.AVS = &number
	}
	return &a, nil
}

type ownRow struct {
	Account
	sealed []byte
}

func scanOwn(row pgx.CollectableRow) (o ownRow, err error) {
	a := &o.Account
	err = row.Scan(&a.ID, &a.Email, &a.PasswordHash, &a.FirstName, &a.LastName, &a.Firm, &a.Phone,
		&a.Level, &a.Lang, &a.ConfirmedAt, &a.DisabledAt, &a.CreatedAt, &a.AVS, &o.sealed)
	return o, err
}

// AccountByEmail reads an account by its normalised address; nil when none.
func AccountByEmail(tx *tenancy.Tx, email string) (*Account, error) {
	return first(tx, "email = ?", email)
}

func first(tx *tenancy.Tx, where string, args ...any) (*Account, error) {
	var a Account
	err := tx.DB().Where(where, args...).Take(&a).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return &a, err
}

// SaveAccount creates or replaces an account by its id; an AVS that is nil leaves
// the number that is there.
func SaveAccount(tx *tenancy.Tx, a *Account) error {
	if err := tx.DB().Save(a).Error; err != nil || a.AVS == nil {
		return err
	}
	return setAVS(tx, a.ID, *a.AVS)
}

// Hold gives an account a role for an office ("" = the whole commune).
func Hold(tx *tenancy.Tx, account uuid.UUID, role, office string) error {
	if _, err := tx.Exec("insert into role_holders (account_id, role, office) values ($1, $2, $3) on conflict do nothing", account, role, office); err != nil {
		return err
	}
	return tx.Bump(rolesTopic)
}

const rolesTopic = "roles"

// roll is what sessions are held against at every request: who holds what, for
// all officials of the commune, and whose standing changed while a session may
// have been open.
type roll struct {
	held     map[uuid.UUID][]Holding
	standing map[uuid.UUID]standing
}

type standing struct {
	level    int
	disabled bool
}

func loadRoll(tx *tenancy.Tx) (roll, error) {
	out := roll{map[uuid.UUID][]Holding{}, map[uuid.UUID]standing{}}
	rows, err := tx.Query("select account_id, role, office from role_holders order by account_id, role, office")
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		var h Holding
		if err := rows.Scan(&id, &h.Role, &h.Office); err != nil {
			return out, err
		}
		out.held[id] = append(out.held[id], h)
	}
	if err := rows.Err(); err != nil {
		return out, err
	}
	rows, err = tx.Query("select id, level, disabled_at is not null from accounts where standing_at > now() - make_interval(secs => $1)", sessionMax.Seconds())
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var id uuid.UUID
		var st standing
		if err := rows.Scan(&id, &st.level, &st.disabled); err != nil {
			return out, err
		}
		out.standing[id] = st
	}
	return out, rows.Err()
}
