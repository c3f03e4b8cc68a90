// Package kms is the master key that wraps all other keys: held by this process
// (from a file or the environment), or by a key management service that never
// gives it out. It knows nothing of what the wrapped keys are for.
//
// A [Master] is a tink AEAD with a name. The name is kept beside whatever it
// wrapped, so that a [Chain] finds the right one of several while a master key is
// being replaced, and so that a wrong one can be told from a damaged ciphertext.
package kms

import (
	"context"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/tink"
)

var (
	// ErrUnavailable means that the service did not answer, or not as one; trying
	// again later may help.
	ErrUnavailable = errors.New("kms: the key service does not answer")
	// ErrRefused means that the service does not let us use the key: token, policy
	// or name of the key are wrong.
	ErrRefused = errors.New("kms: the key service refuses")
	// ErrOpen means that a ciphertext is damaged, was made for another place, or
	// with another master key.
	ErrOpen = errors.New("kms: cannot be opened with this master key")
	// ErrOtherKey means that a ciphertext was wrapped by a master key that is not
	// among ours.
	ErrOtherKey = errors.New("kms: wrapped by another master key")
)

// Master wraps and unwraps keys. Implementations are safe for concurrent use; their
// errors are ErrUnavailable, ErrRefused and ErrOpen.
type Master interface {
	tink.AEADWithContext
	// Name tells master keys apart and holds nothing secret.
	Name() string
}

// Chain is the master key in use and those before it, which only unwrap.
type Chain struct {
	current Master
	before  []Master
}

// NewChain makes a chain; the first wraps.
func NewChain(current Master, before ...Master) *Chain { return &Chain{current, before} }

// Current is the master key that wraps.
func (c *Chain) Current() Master { return c.current }

// Named finds the master key of a name. Errors: ErrOtherKey.
func (c *Chain) Named(name string) (Master, error) {
	for _, m := range append([]Master{c.current}, c.before...) {
		if m != nil && m.Name() == name {
			return m, nil
		}
	}
	return nil, fmt.Errorf("%w (%s)", ErrOtherKey, name)
}

// Check wraps and unwraps something, to see whether the master key in use works.
func (c *Chain) Check(ctx context.Context) error {
	sealed, err := c.current.EncryptWithContext(ctx, []byte("check"), []byte("check"))
	if err != nil {
		return err
	}
	_, err = c.current.DecryptWithContext(ctx, sealed, []byte("check"))
	return err
}
