package domains

import (
	"time"

	"github.com/google/uuid"
)

// State is where a request stands.
type State string

// The states.
const (
	Waiting State = "waiting" // asked, not proved
	Live    State = "live"    // proved: the commune answers there
	Removed State = "removed" // taken away by somebody
	Expired State = "expired" // not proved in time
	Taken   State = "taken"   // another commune proved it first
	Off     State = "off"     // its proof was gone for too long
)

// The times of a domain's life.
const (
	proveWithin = 14 * 24 * time.Hour // an unproved request
	offAfter    = 30 * 24 * time.Hour // a proof that is gone
	warnFirst   = 24 * time.Hour      // when the administrators hear of it
	warnAgain   = 23 * 24 * time.Hour // and again, a week before the end
	shownAfter  = 30 * 24 * time.Hour // how long an ended request stays on the page
	mostWaiting = 5                   // per commune
	mostLive    = 10
)

// Domain is a host that a commune has asked for.
type Domain struct {
	ID           uuid.UUID
	Slug, Host   string
	Token        string
	State        State
	AskedBy      string
	AskedAt      time.Time
	ExpiresAt    time.Time
	ProvedAt     *time.Time
	CheckedAt    *time.Time
	Proof        bool   // the TXT record is there
	Points       bool   // its address is ours
	Finding      string // what is wrong, domains.finding.<Finding>; "" is nothing
	Seen         string // what the DNS said instead
	FailingSince *time.Time
	Warned       int
	EndedAt      *time.Time

	Main   bool // the commune's main address
	Well   bool // the last check was good: records, address, certificate
	Folder bool // stands in the commune's folder: nobody asked for it here
	// Certificate until when, as last seen; nil when none was seen, and why.
	Certificate *time.Time
	Refused     string
}

// RecordName is where the proof must stand.
func (d Domain) RecordName() string { return "_sportello." + d.Host }

// Record is the text of the proof. It names nothing but the token: whoever reads
// the zone learns nothing else.
func (d Domain) Record() string { return "sportello=" + d.Token }

// OffAt is when a failing domain is switched off.
func (d Domain) OffAt() time.Time {
	if d.FailingSince == nil {
		return time.Time{}
	}
	return d.FailingSince.Add(offAfter)
}

// again is when to look next: often at first, for somebody waits; what works is
// looked at every hour.
func (d Domain) again(now time.Time) time.Time {
	switch age := now.Sub(d.AskedAt); {
	case d.State == Live && d.FailingSince == nil:
		return now.Add(time.Hour)
	case d.State == Live:
		return now.Add(10 * time.Minute)
	case age < time.Hour:
		return now.Add(time.Minute)
	case age < 24*time.Hour:
		return now.Add(10 * time.Minute)
	}
	return now.Add(time.Hour)
}
