// Package domains gives a commune an address of its own: sportello.commune.ch
// beside <slug>.<base>.
//
// It owns requests for a domain, their proof, what the checks of it found, and
// the certificates seen there; which host answers for which commune is the
// directory's (platform.hosts), which this package writes. It asks the DNS and
// looks at certificates; it gets none: the proxy does, at the first visit of a
// host that /known-host knows.
//
// Life: waiting (asked; expires after 14 days) → live (the TXT record and the
// address were both there) → main or not, as the commune likes → removed, or off
// when the proof has been gone for 30 days. A request that somebody else proved
// first ends as taken. A token proves one host for one commune; an unproved
// request keeps nobody from asking for the same host.
//
// Every step is on the commune's audit, by an errand of the outbox, and on the
// entity's when the commune's own people did not do it.
package domains
