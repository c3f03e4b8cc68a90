// Package breakglass lets a named member of the shared entity read in a commune
// for a few hours, when an administrator of that commune says so.
//
// The entity's people hold no role in any commune. Whoever must look at a case
// to find a fault asks on the entity's console, with a reason and what they
// want to see; the commune's administrators read it on their console (and by
// mail) and grant all of it or less, or refuse. While it lasts it stands on top
// of every page of the commune's console and of the entity's page of that
// commune; it is revoked with one press, and ends by itself after at most
// eight hours, by the database's clock.
//
// The way in is a link on the entity's console: for one commune, one grant and
// one member, once, within a minute. It starts a session whose actor is a guest
// (identity.Guest): nobody of the commune, with a role that only reads. Scope
// is enforced by the queries of cases and documents, reading by read-only
// transactions, and what was shown is on the commune's audit before a byte of
// it leaves (web.witness, audit.Read). Every request reads the grant again.
//
// The commune's row is the truth. The entity keeps what it asked (platform
// access_requests, written first, delivered again when the commune was away)
// and a copy of what became of it (access_events, by the outbox); it asks a
// commune for the state of its own requests, and for nothing else.
//
// Life of a grant: asked → granted → ended or revoked; asked → refused.
package breakglass
