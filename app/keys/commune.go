package keys

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/streamingaead"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// opened are the primitives of one commune at one revision.
type opened struct {
	revs     map[Purpose]int64
	aead     tink.AEAD
	index    prf.PRF
	stream   tink.StreamingAEAD
	primary  uint32
	known    map[uint32]bool
	login    []byte
	onlySeal bool
}

// Commune is the keys of one commune (or of the deployment). It is safe for
// concurrent use, and may be kept: a change reaches it.
type Commune struct {
	ring *Ring
	slug string
	now  atomic.Pointer[opened] // nil once destroyed
}

func (o *opened) take(p Purpose, h *keyset.Handle) (err error) {
	switch p {
	case Data:
		o.primary, o.known = h.KeysetInfo().GetPrimaryKeyId(), map[uint32]bool{}
		for _, k := range h.KeysetInfo().GetKeyInfo() {
			o.known[k.GetKeyId()] = true
		}
		o.aead, err = aead.New(h)
	case Index:
		var set *prf.Set
		if set, err = prf.NewPRFSet(h); err == nil {
			o.index = set.PRFs[set.PrimaryID]
		}
	case Stream:
		o.stream, err = streamingaead.New(h)
	}
	return err
}

func (c *Commune) current() (*opened, error) {
	if o := c.now.Load(); o != nil {
		return o, nil
	}
	return nil, ErrDestroyed
}

// Seal encrypts under the commune's newest key; context says where the ciphertext
// will stand. Errors: ErrDestroyed.
func (c *Commune) Seal(plain []byte, context string) ([]byte, error) {
	o, err := c.current()
	if err != nil {
		return nil, err
	}
	return o.aead.Encrypt(plain, []byte(context))
}

// Open decrypts what Seal made with the same context, or what pkg/secret made
// before there were keys of communes. Errors: ErrOpen, ErrDestroyed.
func (c *Commune) Open(sealed []byte, place string) ([]byte, error) {
	o, err := c.current()
	if err != nil {
		return nil, err
	}
	if plain, err := o.aead.Decrypt(sealed, []byte(place)); err == nil {
		return plain, nil
	}
	if plain, ok := c.ring.openLegacy(sealed, place); ok {
		return plain, nil
	}
	// A key that another process took into use while this one could not ask.
	if id, ok := KeyID(sealed); ok && !o.known[id] {
		if err := c.ring.check(context.Background()); err == nil {
			if o, err = c.current(); err != nil {
				return nil, err
			}
			if plain, err := o.aead.Decrypt(sealed, []byte(place)); err == nil {
				return plain, nil
			}
		}
	}
	return nil, ErrOpen
}

// indexSize is the length of a keyed hash in bytes.
const indexSize = 32

// Index is a keyed hash of a value, 32 bytes. Its key is not the one that seals
// and does not rotate with it. Errors: ErrDestroyed.
func (c *Commune) Index(value, context string) ([]byte, error) {
	o, err := c.current()
	if err != nil {
		return nil, err
	}
	if o.index == nil {
		return nil, errors.New("keys: the deployment itself has no index")
	}
	if strings.Contains(context, "\x00") {
		return nil, errors.New("keys: a context holds no zero byte")
	}
	return o.index.ComputePRF([]byte(context+"\x00"+value), indexSize)
}

// Primary is the id of the key that seals now.
func (c *Commune) Primary() (uint32, error) {
	o, err := c.current()
	if err != nil {
		return 0, err
	}
	return o.primary, nil
}

// OnlySealed tells that nothing unsealed is left in the commune's files: one that
// turns up was put there by somebody else.
func (c *Commune) OnlySealed() bool {
	o := c.now.Load()
	return o != nil && o.onlySeal
}

// EncryptingWriter seals a stream of any length, such as a backup, into w; context
// names what it is and must be given again to read it. Close ends the stream and
// not w. Errors: ErrDestroyed.
func (c *Commune) EncryptingWriter(w io.Writer, context string) (io.WriteCloser, error) {
	o, err := c.current()
	if err != nil {
		return nil, err
	}
	return o.stream.NewEncryptingWriter(w, []byte(context))
}

// DecryptingReader opens what EncryptingWriter made with the same context. A
// stream that was cut, changed or made elsewhere is an error while reading, and
// nothing of the damaged part is given out. Errors: ErrDestroyed.
func (c *Commune) DecryptingReader(r io.Reader, context string) (io.Reader, error) {
	o, err := c.current()
	if err != nil {
		return nil, err
	}
	return o.stream.NewDecryptingReader(r, []byte(context))
}
