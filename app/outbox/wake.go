package outbox

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// wakeChannel tells relays that a commune has committed outbox rows. A hint.
const wakeChannel = "outbox:wake"

// wakePause is how long one word about a commune stands for those that follow.
const wakePause = 20 * time.Millisecond

// waker tells the relays which communes have written: at once, and then at most
// once in a pause, with a last word at its end. Nobody waits for it, and a Redis
// that is away costs nothing.
type waker struct {
	rdb redis.UniversalClient

	mu      sync.Mutex
	resting map[string]bool // communes that were named a moment ago → named again since
}

func (w *waker) up(slug string) {
	if w.rdb == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, resting := w.resting[slug]; resting {
		w.resting[slug] = true
		return
	}
	w.resting[slug] = false
	go w.say(slug)
}

func (w *waker) say(slug string) {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	_ = w.rdb.Publish(ctx, wakeChannel, slug).Err()
	time.AfterFunc(wakePause, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		again := w.resting[slug]
		if again {
			w.resting[slug] = false
			go w.say(slug)
			return
		}
		delete(w.resting, slug)
	})
}
