package keys

import (
	"errors"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

var (
	// ErrNone means that a commune has no keys: `sportello migrate up` makes them.
	ErrNone = errors.New("keys: the commune has no keys")
	// ErrDestroyed means that a commune's keys were destroyed: what they sealed can
	// never be read again.
	ErrDestroyed = errors.New("keys: the commune's keys were destroyed")
	// ErrOpen means that a ciphertext is damaged, was made with a key that the
	// commune does not have, or stands in a place it was not made for.
	ErrOpen = errors.New("keys: cannot be opened here")
)

// away is what a person reads while a key cannot be had.
func away(cause error) error { return problem.Unavailable("keys.away", "error.busy").Wrap(cause) }
