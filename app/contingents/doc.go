// Package contingents counts what runs out: the places of a quota (Ticino:
// contingente) and the money of a grant's budget (credito).
//
// It owns the pots of each service with what is taken of them, and the claims of
// cases: held, waiting in the order they came, released. How much a pot holds is
// the service's definition (package catalogue), so that a commune that adds
// places sees the queue move. It knows a case by its identifier alone.
//
// Life cycle of a claim: taken when a request is submitted (held, or waiting
// where the service has a queue, or ErrNothingLeft), held later when something
// is given back or the pot grows, released when the case is refused or
// withdrawn. Two people never get the last place: whoever takes locks the pot's
// row. Locks are taken in one order, the case first and then its pot.
package contingents
