package postfinance

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/sportello-ticino/sportello/app/payments"
)

// signatureHeader is the form of X-Signature, as the SDK reads it.
var signatureHeader = regexp.MustCompile(`^algorithm=([a-zA-Z0-9]+),\skeyId=([a-z0-9\-]+),\s{1}signature=([a-zA-Z0-9+/=]+)$`)

const (
	maxKeys   = 32               // the service uses one at a time
	missPause = 30 * time.Second // before a key that did not exist is asked for again
	maxMisses = 8                // questions for such keys within that pause
)

type notice struct {
	EntityID                    int64  `json:"entityId"`
	EventID                     int64  `json:"eventId"`
	ListenerEntityTechnicalName string `json:"listenerEntityTechnicalName"`
	SpaceID                     int64  `json:"spaceId"`
	State                       string `json:"state"`
}

// ReadNotice implements payments.Provider: the signature is checked over the
// raw body, and the notice must be about the account's own space.
func (p *Provider) ReadNotice(ctx context.Context, a payments.Account, header func(string) string, body []byte) (payments.Notice, error) {
	m := signatureHeader.FindStringSubmatch(header("X-Signature"))
	if m == nil || m[1] != "SHA256withECDSA" {
		return payments.Notice{}, fmt.Errorf("%w: no signature of a known kind", payments.ErrForged)
	}
	key, err := p.keys.get(ctx, a, m[2])
	if err != nil {
		return payments.Notice{}, err
	}
	if !verify(key, body, m[3]) {
		return payments.Notice{}, fmt.Errorf("%w: signature does not match", payments.ErrForged)
	}
	var n notice
	if err := json.Unmarshal(body, &n); err != nil || n.SpaceID != a.SpaceID {
		return payments.Notice{}, fmt.Errorf("%w: not about this account's space", payments.ErrForged)
	}
	out := payments.Notice{Event: strconv.FormatInt(n.EventID, 10), State: n.State}
	if n.ListenerEntityTechnicalName == "Transaction" {
		out.Ref = strconv.FormatInt(n.EntityID, 10)
	}
	return out, nil
}

func verify(key *ecdsa.PublicKey, body []byte, signature string) bool {
	der, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	digest := sha256.Sum256(body)
	return ecdsa.VerifyASN1(key, digest[:], der)
}

// parseKey reads a base64 SubjectPublicKeyInfo on an elliptic curve.
func parseKey(spki string) (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(spki)
	if err != nil {
		return nil, fmt.Errorf("postfinance: webhook key: %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("postfinance: webhook key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("postfinance: webhook key of kind %T", parsed)
	}
	return key, nil
}

// keyring remembers the service's keys by id. An id that the service does not
// know is asked for once in a while only, so that forged webhooks do not turn
// into a flood of questions.
type keyring struct {
	c      *client
	mu     sync.Mutex
	keys   map[string]*ecdsa.PublicKey
	missed map[string]time.Time
}

func newKeyring(c *client) *keyring {
	return &keyring{c: c, keys: map[string]*ecdsa.PublicKey{}, missed: map[string]time.Time{}}
}

func (k *keyring) get(ctx context.Context, a payments.Account, id string) (*ecdsa.PublicKey, error) {
	if key, done, err := k.remembered(id); done {
		return key, err
	}
	spki, err := k.c.text(ctx, a, "/webhooks/encryption-keys/"+id)
	var key *ecdsa.PublicKey
	if err == nil {
		key, err = parseKey(spki)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if errors.Is(err, payments.ErrUnavailable) {
		return nil, err // the webhook is repeated later
	}
	if err != nil {
		k.missed[id] = k.c.now()
		return nil, fmt.Errorf("%w: unknown key", payments.ErrForged)
	}
	if len(k.keys) >= maxKeys {
		clear(k.keys)
	}
	k.keys[id] = key
	return key, nil
}

// remembered answers without a question: a known key, or a refusal.
func (k *keyring) remembered(id string) (key *ecdsa.PublicKey, done bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, known := k.keys[id]; known {
		return key, true, nil
	}
	for other, at := range k.missed {
		if k.c.now().Sub(at) >= missPause {
			delete(k.missed, other)
		}
	}
	if _, missed := k.missed[id]; missed {
		return nil, true, fmt.Errorf("%w: unknown key", payments.ErrForged)
	}
	if len(k.missed) >= maxMisses {
		return nil, true, fmt.Errorf("%w: too many webhooks with unknown keys", payments.ErrUnavailable)
	}
	return nil, false, nil
}
