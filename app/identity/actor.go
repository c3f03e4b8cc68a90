package identity

import (
	"slices"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Trust levels, as stored from the first day (eCH-0170 and AGOV's
// 100–600 map onto them).
const (
	LevelAnonymous    = 0
	LevelSelfDeclared = 1 // e-mail confirmed (AGOV 100)
	LevelAddress      = 2 // address confirmed by letter (AGOV 200)
	LevelVerified     = 3 // person checked (AGOV 300)
	LevelHigh         = 4 // AGOV 400–600 or e-ID
)

// kind says what sort of actor this is.
type kind uint8

const (
	anonymous kind = iota
	person
	system
	staff
	guest    // of the entity, let in by the commune
	stranger // of the entity, not let in
)

// Actor is who does something: every use case begins with one. A person's
// actor belongs to exactly one commune; the entity's staff belong to none.
type Actor struct {
	kind    kind
	tenant  tenancy.Tenant
	account uuid.UUID
	name    string
	email   string
	level   int
	held    []Holding
	roles   []string // of the entity's staff
	guest   *Guest
}

// Holding is a role somebody holds, for one office or ("" ) the whole commune.
type Holding struct {
	Role   string `json:"role"`
	Office string `json:"office"`
}

// Visitor is somebody who has not signed in.
func Visitor(t tenancy.Tenant) Actor { return Actor{tenant: t} }

// System is the actor of background jobs in one commune.
func System(t tenancy.Tenant) Actor {
	return Actor{kind: system, tenant: t, name: "sistema", level: LevelHigh}
}

// Person is the actor of a signed-in account.
func Person(t tenancy.Tenant, a Account, held []Holding) Actor {
	return Actor{kind: person, tenant: t, account: a.ID, name: a.FullName(), email: a.Email, level: a.Level, held: held}
}

// Tenant is the commune the actor belongs to; the zero Tenant for staff.
func (a Actor) Tenant() tenancy.Tenant { return a.tenant }

// AccountID is the person's account, uuid.Nil for visitors and the system.
func (a Actor) AccountID() uuid.UUID { return a.account }

// Name is what people see in a history ("Anna Bernasconi").
func (a Actor) Name() string { return a.name }

// Email is the confirmed address of the account.
func (a Actor) Email() string { return a.email }

// Level is the trust level of the sign-in, 0 to 4.
func (a Actor) Level() int { return a.level }

// Anonymous reports whether nobody has signed in.
func (a Actor) Anonymous() bool { return a.kind == anonymous }

// IsSystem reports whether a background job acts.
func (a Actor) IsSystem() bool { return a.kind == system }

// IsStaff reports whether one of the entity's people acts.
func (a Actor) IsStaff() bool { return a.kind == staff }

// Roles are the names of the roles held; every signed-in person is a citizen.
func (a Actor) Roles() []string {
	switch a.kind {
	case staff:
		return a.roles
	case anonymous:
		return []string{"visitor"}
	case system:
		return []string{"system"}
	case stranger:
		return []string{"stranger"}
	case guest:
		return []string{"guest-" + string(a.guest.Scope)}
	}
	out := []string{"citizen"}
	for _, h := range a.held {
		if !slices.Contains(out, h.Role) {
			out = append(out, h.Role)
		}
	}
	return out
}

// deskRoles are the roles that work on cases. An administrator of the whole
// commune works on none.
var deskRoles = []string{"official", "office-head", "counter-clerk"}

// Offices are the offices whose cases the actor works on; "" means all of the
// commune.
func (a Actor) Offices() []string {
	var out []string
	for _, h := range a.held {
		if slices.Contains(deskRoles, h.Role) && !slices.Contains(out, h.Office) {
			out = append(out, h.Office)
		}
	}
	return out
}

// Official reports whether the actor holds any role of the commune's staff.
func (a Actor) Official() bool { return len(a.held) > 0 }

// WorksFor reports whether the actor works on the cases of an office.
func (a Actor) WorksFor(office string) bool {
	for _, o := range a.Offices() {
		if o == "" || o == office {
			return true
		}
	}
	return false
}

// Ref is the actor's reference for logs and audit: never a name.
func (a Actor) Ref() string {
	switch a.kind {
	case system:
		return "system"
	case anonymous:
		return "visitor"
	case staff:
		return "staff:" + a.account.String()
	case stranger:
		return "stranger"
	case guest:
		return "staff:" + a.guest.StaffID.String() + "/grant:" + a.guest.Grant.String()
	}
	return "account:" + a.account.String()
}
