package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Scope is what a guest may read.
type Scope string

// The scopes of a grant.
const (
	ScopeCase          Scope = "case"          // one case, named by its reference
	ScopeOffice        Scope = "office"        // the cases of one office
	ScopeConfiguration Scope = "configuration" // the console's pages, nothing of people
)

// Scopes lists them in the order people choose from.
var Scopes = []Scope{ScopeCase, ScopeOffice, ScopeConfiguration}

// Guest is a member of the entity's staff whom a commune's administrator has
// let in: to read, within a scope, until a moment (app/breakglass). A guest is
// no person of the commune and holds no role there.
type Guest struct {
	Grant   uuid.UUID
	StaffID uuid.UUID
	Name    string
	Scope   Scope
	Object  string // the case's reference or the office's key; "" for the configuration
	Reason  string
	Until   time.Time

	witnessed *atomic.Bool
}

// Guests says whether a grant still holds; app/breakglass does.
type Guests interface {
	// Standing reads the grant as it is now: granted to that member, not
	// revoked, not over by the database's clock, the member not disabled.
	Standing(ctx context.Context, t tenancy.Tenant, grant, staffID uuid.UUID) (Guest, bool, error)
}

// AsGuest is the actor of a guest during one request.
func AsGuest(t tenancy.Tenant, g Guest) Actor {
	g.witnessed = &atomic.Bool{}
	return Actor{kind: guest, tenant: t, name: g.Name, guest: &g}
}

// Stranger is one of the entity's people on a commune's host without a grant
// that holds: for them nothing of the commune exists.
func Stranger(t tenancy.Tenant) Actor { return Actor{kind: stranger, tenant: t} }

// Guest is the grant under which the actor reads; ok is false for everybody
// who is no guest.
func (a Actor) Guest() (g Guest, ok bool) {
	if a.guest == nil {
		return Guest{}, false
	}
	return *a.guest, true
}

// IsGuest reports whether the actor is a guest.
func (a Actor) IsGuest() bool { return a.kind == guest }

// IsStranger reports whether the actor is one of the entity's people without a
// grant.
func (a Actor) IsStranger() bool { return a.kind == stranger }

// Witness notes that this request's reading stands on the commune's audit.
func (a Actor) Witness() {
	if a.guest != nil {
		a.guest.witnessed.Store(true)
	}
}

// Witnessed reports whether it does.
func (a Actor) Witnessed() bool { return a.guest != nil && a.guest.witnessed.Load() }

// Sees reports whether the actor may read a case: an official one of the own
// offices, a guest what the grant names.
func (a Actor) Sees(office, ref string) bool {
	if a.guest == nil {
		return a.WorksFor(office)
	}
	switch a.guest.Scope {
	case ScopeCase:
		return ref != "" && a.guest.Object == ref
	case ScopeOffice:
		return office != "" && a.guest.Object == office
	}
	return false
}

// ErrHandOver says that a hand-over link is used, too old or nobody's.
var ErrHandOver = problem.NotFound("identity.hand-over", "errors.404.text")

// handOverFor is how long a link from the entity's console to a commune's host
// works.
const handOverFor = time.Minute

type handOver struct {
	Grant uuid.UUID `json:"grant"`
	Staff uuid.UUID `json:"staff"`
}

func handOverKey(t tenancy.Tenant, token string) string {
	sum := sha256.Sum256([]byte(token))
	return t.Key("hand-over") + ":" + hex.EncodeToString(sum[:])
}

// HandOver makes the link's token: for this commune's host, this grant and
// this member, to be used once within a minute.
func (s *Sessions) HandOver(ctx context.Context, t tenancy.Tenant, grant, staffID uuid.UUID) (string, error) {
	token, err := newToken()
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(handOver{grant, staffID})
	if err != nil {
		return "", err
	}
	if err := s.rdb.Set(ctx, handOverKey(t, token), body, handOverFor).Err(); err != nil {
		return "", ErrAway.Wrap(err)
	}
	return token, nil
}

// EnterAsGuest uses a hand-over token up and starts a guest's session. The
// session is worth what the grant is worth at each request. Errors:
// ErrHandOver, also when the grant no longer holds; ErrAway without Redis.
func (s *Service) EnterAsGuest(ctx context.Context, t tenancy.Tenant, token string) (session string, by Actor, err error) {
	if token == "" || len(token) > 100 {
		return "", Actor{}, ErrHandOver
	}
	body, err := s.Sessions.rdb.GetDel(ctx, handOverKey(t, token)).Bytes()
	if errors.Is(err, redis.Nil) {
		return "", Actor{}, ErrHandOver
	}
	if err != nil {
		return "", Actor{}, ErrAway.Wrap(err)
	}
	var h handOver
	if err := json.Unmarshal(body, &h); err != nil {
		return "", Actor{}, err
	}
	g, ok, err := s.standing(ctx, t, h.Grant, h.Staff)
	if err != nil {
		return "", Actor{}, err
	}
	if !ok {
		return "", Actor{}, ErrHandOver
	}
	session, err = s.Sessions.start(ctx, tenantScope(t), Session{Account: h.Staff, Grant: h.Grant, Name: g.Name})
	return session, AsGuest(t, g), err
}

func (s *Service) standing(ctx context.Context, t tenancy.Tenant, grant, staffID uuid.UUID) (Guest, bool, error) {
	if s.Guests == nil {
		return Guest{}, false, nil
	}
	return s.Guests.Standing(ctx, t, grant, staffID)
}

// guestActor is who stands behind a guest's session at this very request.
func (s *Service) guestActor(ctx context.Context, t tenancy.Tenant, v *Session) (actor Actor, degraded bool) {
	g, ok, err := s.standing(ctx, t, v.Grant, v.Account)
	switch {
	case err != nil:
		return Visitor(t), true
	case !ok:
		return Stranger(t), false
	}
	return AsGuest(t, g), false
}
