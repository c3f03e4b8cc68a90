package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"
)

// Cipher is a scope's key. Context binds a ciphertext to its place.
type Cipher interface {
	Seal(plain []byte, context string) ([]byte, error)
	Open(sealed []byte, context string) ([]byte, error)
	// OnlySealed tells that the scope holds nothing unsealed any more.
	OnlySealed() bool
}

// ErrSealed means that a file is sealed and this process has no keys.
var ErrSealed = errors.New("blob: the file is sealed, and no keys were given")

// magic begins every sealed file. No type of file that is taken begins so.
var magic = []byte("SPBLOB1\x00")

// UseKeys seals every file put from now on; it is called once, before the first
// door is opened. keys answers a scope's key, or nil to leave its files as they are.
func (b *Bucket) UseKeys(keys func(ctx context.Context, scope string) (Cipher, error)) { b.keys = keys }

func (s Scope) cipher(ctx context.Context) (Cipher, error) {
	if s.keys == nil {
		return nil, nil //nolint:nilnil // without keys files are kept as they are
	}
	return s.keys(ctx, s.name)
}

// place is what a sealed file is bound to.
func place(path string) string { return "blob/" + path }

// close makes what is stored of a file's content, and what stands beside it. A
// sealed file has no hash of its content beside it: that would tell who has the
// same file.
func (s Scope) close(ctx context.Context, path string, data []byte, hash string) ([]byte, map[string]string, error) {
	c, err := s.cipher(ctx)
	if err != nil {
		return nil, nil, err
	}
	if c == nil {
		return data, map[string]string{hashName: hash}, nil
	}
	sealed, err := c.Seal(data, place(path))
	if err != nil {
		return nil, nil, err
	}
	return append(bytes.Clone(magic), sealed...), map[string]string{"sealed": "1"}, nil
}

// open undoes close, or compares the hash of a file that was not sealed.
func (s Scope) open(ctx context.Context, path string, stored []byte, hash string) ([]byte, error) {
	c, err := s.cipher(ctx)
	if err != nil {
		return nil, fmt.Errorf("blob: %s: %w", path, err)
	}
	sealed, ok := bytes.CutPrefix(stored, magic)
	switch {
	case ok && c == nil:
		return nil, fmt.Errorf("%w: %s", ErrSealed, path)
	case ok:
		data, err := c.Open(sealed, place(path))
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrChanged, path, err)
		}
		return data, nil
	case c != nil && c.OnlySealed():
		return nil, fmt.Errorf("%w: %s is not sealed", ErrChanged, path)
	}
	if sum := sha256.Sum256(stored); hex.EncodeToString(sum[:]) != hash {
		return nil, fmt.Errorf("%w: %s", ErrChanged, path)
	}
	return stored, nil
}

// Head is the first bytes of a file's ciphertext, by which its key is known; nil
// for a file that is not sealed. Errors: ErrNotFound.
func (s Scope) Head(ctx context.Context, key string, n int) ([]byte, error) {
	path, err := s.path(key)
	if err != nil {
		return nil, err
	}
	r, err := s.bucket.NewRangeReader(ctx, path, 0, int64(len(magic)+n), nil)
	if err != nil {
		return nil, convert(path, err)
	}
	defer r.Close()
	head, err := io.ReadAll(r)
	if err != nil {
		return nil, convert(path, err)
	}
	rest, ok := bytes.CutPrefix(head, magic)
	if !ok {
		return nil, nil
	}
	return rest, nil
}

// Reseal writes a file again under the scope's newest key. Whoever calls it sees to
// it that the file is not deleted meanwhile. Errors: as Get and Put.
func (s Scope) Reseal(ctx context.Context, key string) error {
	data, o, err := s.Get(ctx, key)
	if err != nil {
		return err
	}
	_, err = s.Put(ctx, key, o.ContentType, data)
	return err
}

// Each calls f with the key of every file of the scope. Errors: f's, which end it.
func (s Scope) Each(ctx context.Context, f func(key string) error) error {
	if _, err := s.path("x"); err != nil {
		return err
	}
	list := s.bucket.List(&blob.ListOptions{Prefix: s.name + "/"})
	for {
		o, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("blob: list %s: %w", s.name, err)
		}
		if err := f(o.Key[len(s.name)+1:]); err != nil {
			return err
		}
	}
}
