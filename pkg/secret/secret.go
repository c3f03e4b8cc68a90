// Package secret encrypts small secrets that are kept in a database: payment
// keys, second factors.
//
// AES-256-GCM under a key derived (HKDF-SHA-256, RFC 5869) from the master key
// and the purpose; the context is authenticated, so that a ciphertext copied
// to another row, commune or column does not open.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
)

// ErrOpen says that a ciphertext is damaged, was made with another key, or
// stands in a place it was not made for.
var ErrOpen = errors.New("secret: cannot be opened here")

const version = 1

// Box seals and opens. It is safe for concurrent use.
type Box struct{ aead cipher.AEAD }

// New makes a box for one purpose ("payments", "staff"); masterKey has 32 bytes.
func New(masterKey []byte, purpose string) (*Box, error) {
	if len(masterKey) != 32 {
		return nil, errors.New("secret: the master key must be 32 bytes")
	}
	key, err := hkdf.Key(sha256.New, masterKey, nil, "sportello secret v1 "+purpose, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &Box{aead}, err
}

// Seal encrypts; context says where the ciphertext will stand.
func (b *Box) Seal(plain []byte, context string) ([]byte, error) {
	out := make([]byte, 1+b.aead.NonceSize(), 1+b.aead.NonceSize()+len(plain)+b.aead.Overhead())
	out[0] = version
	if _, err := rand.Read(out[1:]); err != nil {
		return nil, err
	}
	return b.aead.Seal(out, out[1:1+b.aead.NonceSize()], plain, []byte(context)), nil
}

// Open decrypts what Seal made with the same context. Errors: ErrOpen.
func (b *Box) Open(sealed []byte, context string) ([]byte, error) {
	n := 1 + b.aead.NonceSize()
	if len(sealed) < n || sealed[0] != version {
		return nil, ErrOpen
	}
	plain, err := b.aead.Open(nil, sealed[1:n], sealed[n:], []byte(context))
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}
