package identity

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

// How often in guessTime one account's secrets may be tried, wherever the tries
// come from. A limit per address alone does not hold somebody who has many.
// Known and unknown accounts count alike, so that counting tells nothing.
const (
	guessTime    = 15 * time.Minute
	passwordsMax = 10
	codesMax     = 5 // of a million
)

// What is guessed.
const (
	guessPassword = "password"
	guessCode     = "code"
	guessConfirm  = "confirm"
)

// guess counts one try before it is made, so that many at the same time count as
// many. Errors: ErrTooMany; ErrAway without Redis.
func (s *Sessions) guess(ctx context.Context, scope, what, who string, most int64) error {
	key := guessKey(scope, what, who)
	pipe := s.rdb.TxPipeline()
	pipe.SetNX(ctx, key, 0, guessTime)
	tries := pipe.Incr(ctx, key)
	left := pipe.TTL(ctx, key)
	if _, err := pipe.Exec(ctx); err != nil {
		return ErrAway.Wrap(err)
	}
	if tries.Val() > most {
		return ErrTooMany.WithRetry(max(left.Val(), time.Second))
	}
	return nil
}

// guessed forgets the tries: the last was right. Without Redis they are
// forgotten by themselves.
func (s *Sessions) guessed(ctx context.Context, scope, what, who string) {
	_ = s.rdb.Del(ctx, guessKey(scope, what, who)).Err()
}

func guessKey(scope, what, who string) string {
	return scope + "tries:" + what + ":" + hex.EncodeToString(hashToken(who))
}

// ErrAway says that nobody can sign in for now: sessions lie in Redis.
var ErrAway = problem.Unavailable("identity.away", "errors.503.text").WithRetry(10 * time.Second)
