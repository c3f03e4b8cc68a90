package breakglass

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/pkg/problem"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// MaxHours is how long a grant may last.
const MaxHours = 8

// The problems of this package.
var (
	ErrNotFound = problem.NotFound("breakglass.not-found", "errors.404.text")
	ErrState    = problem.Conflict("breakglass.state", "access.error.state")
	ErrSelf     = problem.Forbidden("breakglass.self", "access.error.self")
	ErrWish     = problem.Invalid("breakglass.wish", "error.form")
)

// State is where a request stands.
type State string

// The states. Undelivered exists on the entity's side alone.
const (
	Asked       State = "asked"
	Granted     State = "granted"
	Refused     State = "refused"
	Revoked     State = "revoked"
	Ended       State = "ended"
	Undelivered State = "undelivered"
)

// Wish is what somebody of the entity wants to read, and for how long.
type Wish struct {
	Reason string
	Scope  identity.Scope
	Object string // a case's reference, an office's key, "" for the configuration
	Hours  int
}

// Grant is a request and what became of it.
type Grant struct {
	ID         uuid.UUID
	StaffID    uuid.UUID
	StaffName  string
	StaffEmail string
	Wish       Wish
	AskedAt    time.Time
	State      State
	Scope      identity.Scope // granted; "" before
	Object     string
	DecidedBy  string
	DecidedAt  *time.Time
	Until      *time.Time
	Answer     string
	ClosedBy   string
	ClosedAt   *time.Time
}

// Live reports whether the grant holds; now is only for what is shown, the
// database's clock decides.
func (g Grant) Live(now time.Time) bool {
	return g.State == Granted && g.Until != nil && now.Before(*g.Until)
}

// ref is how a guest under this grant is called on the audit.
func (g Grant) ref() string { return "staff:" + g.StaffID.String() + "/grant:" + g.ID.String() }

// check cleans a wish and says what is wrong with each field. Whether a case
// exists is not said: the entity must not learn it by asking.
func (w *Wish) check(offices []string) map[string]string {
	wrong := map[string]string{}
	w.Reason = strings.TrimSpace(w.Reason)
	if n := utf8.RuneCountInString(w.Reason); n < 10 || n > 1000 {
		wrong["reason"] = "access.error.reason"
	}
	if w.Hours < 1 || w.Hours > MaxHours {
		wrong["hours"] = "access.error.hours"
	}
	switch w.Scope {
	case identity.ScopeCase:
		ref, err := swiss.ParseCaseRef(w.Object)
		if err != nil {
			wrong["ref"] = "access.error.ref"
		}
		w.Object = string(ref)
	case identity.ScopeOffice:
		known := false
		for _, o := range offices {
			known = known || o == w.Object
		}
		if !known {
			wrong["office"] = "access.error.office"
		}
	case identity.ScopeConfiguration:
		w.Object = ""
	default:
		wrong["scope"] = "access.error.scope"
	}
	return wrong
}

// within reports whether a decision gives no more than was wished for; officeOf
// is the office of a case, "" where there is no such case.
func (w Wish) within(asked Wish, officeOf func(ref string) (string, error)) (wrong map[string]string, err error) {
	wrong = map[string]string{}
	if w.Hours < 1 || w.Hours > min(asked.Hours, MaxHours) {
		wrong["hours"] = "access.error.fewer-hours"
	}
	switch {
	case w.Scope == asked.Scope && w.Object == asked.Object:
		if w.Scope == identity.ScopeCase {
			if office, err := officeOf(w.Object); err != nil {
				return nil, err
			} else if office == "" {
				wrong["ref"] = "access.error.no-case"
			}
		}
	case w.Scope == identity.ScopeCase && asked.Scope == identity.ScopeOffice:
		ref, perr := swiss.ParseCaseRef(w.Object)
		if perr != nil {
			wrong["ref"] = "access.error.ref"
			return wrong, nil //nolint:nilerr // told beside the field
		}
		if office, err := officeOf(string(ref)); err != nil {
			return nil, err
		} else if office != asked.Object {
			wrong["ref"] = "access.error.no-case"
		}
	default:
		wrong["scope"] = "access.error.wider"
	}
	return wrong, nil
}
