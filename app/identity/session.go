package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// How long a session lives without a request, and at most.
const (
	sessionIdle = 45 * time.Minute
	sessionMax  = 10 * time.Hour
)

// Session is what Redis keeps of a sign-in. The cookie holds a random token;
// Redis holds its hash, under the commune's (or the entity's) own prefix, so
// that a session of one commune is none on another's host.
type Session struct {
	Account   uuid.UUID `json:"account"`
	Name      string    `json:"name"`
	Email     string    `json:"email"`
	Level     int       `json:"level"`
	Lang      string    `json:"lang,omitempty"`
	StartedAt time.Time `json:"started_at"`
	// PendingTOTP: the password was right, the second factor is still missing.
	PendingTOTP bool `json:"pending_totp,omitempty"`
	// Grant is set on a guest's session: Account is then a member of the
	// entity's staff and no account of the commune.
	Grant uuid.UUID `json:"grant,omitzero"`

	key string
}

// Sessions keeps sessions in Redis.
type Sessions struct {
	rdb   redis.UniversalClient
	clock clock.Clock
}

// NewSessions uses rdb.
func NewSessions(rdb redis.UniversalClient, c clock.Clock) *Sessions {
	return &Sessions{rdb: rdb, clock: c}
}

// staffScope is where the entity's sessions lie, beside the communes'.
const staffScope = "entity:session:"

func tenantScope(t tenancy.Tenant) string { return t.Key("session") + ":" }

func newToken() (string, error) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b), nil
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func (s *Sessions) start(ctx context.Context, scope string, v Session) (token string, err error) {
	if token, err = newToken(); err != nil {
		return "", err
	}
	v.StartedAt = s.clock.Now()
	body, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	key := scope + hex.EncodeToString(hashToken(token))
	index := scope + "of:" + v.Account.String()
	pipe := s.rdb.TxPipeline()
	pipe.Set(ctx, key, body, sessionIdle)
	pipe.SAdd(ctx, index, key)
	pipe.Expire(ctx, index, sessionMax)
	if _, err := pipe.Exec(ctx); err != nil {
		return "", ErrAway.Wrap(fmt.Errorf("identity: start session: %w", err))
	}
	return token, nil
}

// get returns nil without an error when there is no such session.
func (s *Sessions) get(ctx context.Context, scope, token string) (*Session, error) {
	if token == "" || len(token) > 100 {
		return nil, nil
	}
	key := scope + hex.EncodeToString(hashToken(token))
	// GETEX keeps an active session alive in the same round trip.
	body, err := s.rdb.GetEx(ctx, key, sessionIdle).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("identity: read session: %w", err)
	}
	v := &Session{key: key}
	if err := json.Unmarshal(body, v); err != nil {
		return nil, fmt.Errorf("identity: session: %w", err)
	}
	if s.clock.Now().Sub(v.StartedAt) > sessionMax {
		return nil, s.rdb.Del(ctx, key).Err()
	}
	return v, nil
}

// staffHolds reports whether a token is a session of the entity's staff.
func (s *Sessions) staffHolds(ctx context.Context, token string) (bool, error) {
	n, err := s.rdb.Exists(ctx, staffScope+hex.EncodeToString(hashToken(token))).Result()
	return n > 0, err
}

func (s *Sessions) end(ctx context.Context, scope, token string) error {
	return s.rdb.Del(ctx, scope+hex.EncodeToString(hashToken(token))).Err()
}

// EndAll ends every session of an account of t: after a new password, or when
// the account is disabled.
func (s *Sessions) EndAll(ctx context.Context, t tenancy.Tenant, account uuid.UUID) error {
	index := tenantScope(t) + "of:" + account.String()
	keys, err := s.rdb.SMembers(ctx, index).Result()
	if err != nil {
		return err
	}
	return s.rdb.Del(ctx, append(keys, index)...).Err()
}
