package tenancy

import (
	"strings"
	"time"
)

// State is where a commune stands in its life.
type State string

// The states of a commune, as the platform schema stores them.
const (
	Provisioning State = "provisioning"
	Active       State = "active"
	Suspended    State = "suspended"
	Archived     State = "archived"
)

// Tenant is one commune. It has no exported field and only the directory makes
// one; the zero value is refused by every door.
type Tenant struct{ e *entry }

// entry is the directory's knowledge of a commune, immutable once read.
type entry struct {
	slug, name, refPrefix     string
	bfs, inhabitants          int
	state                     State
	stateReason               string
	cluster, database         string
	schema, role, login       string
	schemaVersion             int64
	createdAt                 time.Time
	readOnlySince             time.Time // zero where writing is allowed
	placedAt                  time.Time // when its data came to where it lies
	shared                    bool      // its login and pool serve other communes too
	hosts                     []string
	main                      string // of hosts; "" where none is, or its last check failed
	beginWrite, beginReadOnly string
}

// Valid reports whether t was handed out by the directory.
func (t Tenant) Valid() bool { return t.e != nil }

// Slug is the commune's short name in addresses, queues and logs ("lugano").
func (t Tenant) Slug() string { return t.must().slug }

// Name is what people call the commune ("Lugano").
func (t Tenant) Name() string { return t.must().name }

// RefPrefix begins the references of its cases ("LUG").
func (t Tenant) RefPrefix() string { return t.must().refPrefix }

// BFS is the commune's number at the Federal Statistical Office.
func (t Tenant) BFS() int { return t.must().bfs }

// Inhabitants is the number the entity shares costs by.
func (t Tenant) Inhabitants() int { return t.must().inhabitants }

// State is where the commune stands, and why in the operator's words.
func (t Tenant) State() (State, string) { e := t.must(); return e.state, e.stateReason }

// SchemaVersion is the newest migration the directory knows to be applied.
func (t Tenant) SchemaVersion() int64 { return t.must().schemaVersion }

// Cluster is the name of the PostgreSQL cluster that holds the commune's data.
func (t Tenant) Cluster() string { return t.must().cluster }

// ReadOnlySince is when writing was stopped for a moment, because the commune is
// being moved or restored; zero otherwise.
func (t Tenant) ReadOnlySince() time.Time { return t.must().readOnlySince }

// CreatedAt is when the commune was opened.
func (t Tenant) CreatedAt() time.Time { return t.must().createdAt }

// Hosts are the domains of its own, beside <slug>.<base>.
func (t Tenant) Hosts() []string { return append([]string(nil), t.must().hosts...) }

// MainHost is the own domain that is the commune's main address, "" when none is
// or when its last check failed. Directory.HostOf is what links lead to.
func (t Tenant) MainHost() string { return t.must().main }

// String names the commune in logs; it never panics.
func (t Tenant) String() string {
	if t.e == nil {
		return "no-commune"
	}
	return t.e.slug
}

func (t Tenant) must() *entry {
	if t.e == nil {
		panic("tenancy: the zero Tenant names no commune")
	}
	return t.e
}

// Key names something of this commune in a store that all communes share
// (Redis): the commune comes first and cannot be left out.
func (t Tenant) Key(parts ...string) string {
	return "t:" + t.must().slug + ":" + strings.Join(parts, ":")
}
