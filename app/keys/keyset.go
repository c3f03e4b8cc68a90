package keys

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/streamingaead"

	"github.com/sportello-ticino/sportello/pkg/kms"
)

// Purpose is what a keyset is for.
type Purpose string

// The purposes.
const (
	Data   Purpose = "data"
	Index  Purpose = "index"
	Stream Purpose = "stream"
	Login  Purpose = "login" // of the deployment: 32 bytes, no keyset
)

// templates are the kinds of keys. Data keys take random nonces of 192 bits: one
// key may seal without counting.
var templates = map[Purpose]func() *tinkpb.KeyTemplate{
	Data:   aead.XAES256GCM192BitNonceKeyTemplate,
	Index:  prf.HMACSHA256PRFKeyTemplate,
	Stream: streamingaead.AES256GCMHKDF1MBKeyTemplate,
}

// purposesOf are the keysets of a commune, or of the deployment ("").
func purposesOf(slug string) []Purpose {
	if slug == "" {
		return []Purpose{Data, Login}
	}
	return []Purpose{Data, Index, Stream}
}

// place binds a wrapped keyset to its row: one that is copied to another commune
// does not unwrap.
func place(slug string, p Purpose) []byte {
	return []byte("sportello keyset " + slug + "/" + string(p))
}

// Version is one key of a keyset, as everybody may know it.
type Version struct {
	ID      uint32    `json:"id"`
	MadeAt  time.Time `json:"made_at"`
	Primary bool      `json:"primary,omitempty"`
}

// row is a keyset as the platform schema keeps it.
type row struct {
	Slug      string
	Purpose   Purpose
	Wrapped   []byte
	Master    string
	Versions  []Version
	Rev       int64
	OnlySeal  bool
	Destroyed bool
}

const rowColumns = `slug, purpose, coalesce(wrapped, ''), master, versions::text, rev, sealed_since is not null, destroyed_at is not null`

func scanRow(scan func(...any) error) (r row, err error) {
	var versions string
	if err := scan(&r.Slug, &r.Purpose, &r.Wrapped, &r.Master, &versions, &r.Rev, &r.OnlySeal, &r.Destroyed); err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(versions), &r.Versions)
}

// pending is the newest key that does not seal yet; 0 when there is none.
func (r row) pending() uint32 {
	if n := len(r.Versions); n > 0 && !r.Versions[n-1].Primary {
		return r.Versions[n-1].ID
	}
	return 0
}

// unwrap opens the keyset with whichever master key wrapped it.
func (r row) unwrap(ctx context.Context, masters *kms.Chain) (*keyset.Handle, error) {
	if r.Destroyed {
		return nil, ErrDestroyed
	}
	m, err := masters.Named(r.Master)
	if err != nil {
		return nil, err
	}
	told := &listener{Master: m}
	h, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(r.Wrapped)), told, place(r.Slug, r.Purpose))
	if told.err != nil {
		return nil, told.err
	}
	return h, err
}

// listener remembers what a master key said: tink tells it as text only, and a key
// service that is away is not a wrong key.
type listener struct {
	kms.Master
	err error
}

func (l *listener) DecryptWithContext(ctx context.Context, sealed, associated []byte) ([]byte, error) {
	plain, err := l.Master.DecryptWithContext(ctx, sealed, associated)
	l.err = err
	return plain, err
}

// wrap closes a keyset under the master key in use.
func (r *row) wrap(ctx context.Context, h *keyset.Handle, masters *kms.Chain) error {
	var b bytes.Buffer
	if err := h.WriteWithContext(ctx, keyset.NewBinaryWriter(&b), masters.Current(), place(r.Slug, r.Purpose)); err != nil {
		return err
	}
	r.Wrapped, r.Master = b.Bytes(), masters.Current().Name()
	return nil
}

// prefixSize is how many bytes tink puts before a ciphertext: a mark and the key's id.
const prefixSize = 5

// KeyID reads which key sealed a ciphertext; false when it is none of tink's.
func KeyID(sealed []byte) (uint32, bool) {
	if len(sealed) <= prefixSize || sealed[0] != 1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(sealed[1:prefixSize]), true
}

// Hex is a key's id as people and file attributes show it.
func Hex(id uint32) string { return fmt.Sprintf("%08x", id) }
