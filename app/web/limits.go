package web

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"golang.org/x/time/rate"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

// limiter counts per visitor and commune in Redis, and in this process alone
// while Redis is away: a limit that vanished with Redis would be none.
type limiter struct {
	shared *redis_rate.Limiter

	mu    sync.Mutex
	local map[string]*rate.Limiter
}

func newLimiter(rdb redis.UniversalClient) *limiter {
	return &limiter{shared: redis_rate.NewLimiter(rdb), local: map[string]*rate.Limiter{}}
}

func (l *limiter) allow(ctx context.Context, r *Request, limit Limit) error {
	scope := "entity"
	if r.tenant.Valid() {
		scope = r.tenant.Key()
	}
	key := scope + "limit:" + limit.Name + ":" + network(r.ClientIP())
	res, err := l.shared.Allow(ctx, key, redis_rate.Limit{Rate: limit.Max, Burst: limit.Max, Period: limit.Per})
	if err == nil {
		if res.Allowed == 0 {
			limited.WithLabelValues(r.commune(), limit.Name).Inc()
			return tooMany(res.RetryAfter)
		}
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.local) > 10_000 {
		clear(l.local)
	}
	lim := l.local[key]
	if lim == nil {
		lim = rate.NewLimiter(rate.Every(limit.Per/time.Duration(limit.Max)), limit.Max)
		l.local[key] = lim
	}
	if !lim.Allow() {
		limited.WithLabelValues(r.commune(), limit.Name).Inc()
		return tooMany(limit.Per)
	}
	return nil
}

// network is who counts as one visitor: an IPv4 address, or the /64 network of
// an IPv6 address, in which one line has as many addresses as it likes.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Unmap().Is4() {
		return ip
	}
	return netip.PrefixFrom(addr.WithZone(""), 64).Masked().String()
}

func tooMany(wait time.Duration) error {
	return problem.TooMany("web.too-many", "errors.429.text").WithRetry(wait)
}
