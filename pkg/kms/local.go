package kms

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// Local is a master key in this process's memory: AES-256-GCM under a key derived
// (HKDF-SHA-256, RFC 5869) from the 32 bytes that were configured.
type Local struct {
	aead *subtle.AESGCM
	name string
}

// NewLocal derives a master key from 32 secret bytes.
func NewLocal(secret []byte) (*Local, error) {
	if len(secret) != 32 {
		return nil, errors.New("kms: the master key must be 32 bytes")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "sportello master key v1", 32)
	if err != nil {
		return nil, err
	}
	// The name is derived apart from the key: it tells nothing of it.
	mark, err := hkdf.Key(sha256.New, secret, nil, "sportello master key name v1", 6)
	if err != nil {
		return nil, err
	}
	aead, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, err
	}
	return &Local{aead, "local:" + hex.EncodeToString(mark)}, nil
}

// Name is "local:" and twelve hex digits.
func (l *Local) Name() string { return l.name }

// EncryptWithContext wraps; ctx is not used.
func (l *Local) EncryptWithContext(_ context.Context, plain, associated []byte) ([]byte, error) {
	return l.aead.Encrypt(plain, associated)
}

// DecryptWithContext unwraps. Errors: ErrOpen.
func (l *Local) DecryptWithContext(_ context.Context, sealed, associated []byte) ([]byte, error) {
	plain, err := l.aead.Decrypt(sealed, associated)
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}
