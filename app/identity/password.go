package identity

import (
	"context"
	"runtime"

	"github.com/alexedwards/argon2id"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

// passwordParams cost about 35 ms and 19 MiB a sign-in (OWASP's first choice
// for argon2id).
var passwordParams = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// Passwords hashes and compares, at most one per core at a time: a burst of
// sign-ins must not take the machine's memory.
type Passwords struct {
	slots chan struct{}
	decoy string
}

// NewPasswords makes the bounded hasher.
func NewPasswords() (*Passwords, error) {
	decoy, err := argon2id.CreateHash("nobody has this password", passwordParams)
	return &Passwords{slots: make(chan struct{}, runtime.GOMAXPROCS(0)), decoy: decoy}, err
}

func (p *Passwords) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return problem.Unavailable("identity.busy", "error.busy").Wrap(ctx.Err())
	}
}

// Hash returns the encoded argon2id hash.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer func() { <-p.slots }()
	return argon2id.CreateHash(password, passwordParams)
}

// Matches compares. With an empty hash it compares with a decoy and says no,
// so that an unknown address takes as long as a wrong password.
func (p *Passwords) Matches(ctx context.Context, password, hash string) (bool, error) {
	if err := p.enter(ctx); err != nil {
		return false, err
	}
	defer func() { <-p.slots }()
	if hash == "" {
		_, err := argon2id.ComparePasswordAndHash(password, p.decoy)
		return false, err
	}
	return argon2id.ComparePasswordAndHash(password, hash)
}
