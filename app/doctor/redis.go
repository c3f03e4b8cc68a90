package doctor

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

func redisAnswers(ctx context.Context, x *exam, _ place) error {
	if err := x.Redis.Ping(ctx).Err(); err != nil {
		return err
	}
	info, err := x.Redis.Info(ctx, "server").Result()
	if err != nil {
		return nil //nolint:nilerr // a managed server may keep it to itself
	}
	version := field(info, "redis_version")
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < x.Need.Redis {
		return fails("Redis %s is too old for the job queue; install version %d or newer", version, x.Need.Redis)
	}
	return nil
}

func explainRedis(_ place, err error) string {
	switch {
	case redis.HasErrorPrefix(err, "NOAUTH"), redis.HasErrorPrefix(err, "WRONGPASS"):
		return "Redis refuses the password; correct it in SPORTELLO_REDIS_URL"
	case redis.HasErrorPrefix(err, "LOADING"):
		return "Redis is still reading its data; ask again in a minute"
	case redis.HasErrorPrefix(err, "MISCONF"):
		return "Redis cannot save to its disk and refuses writes; free space there"
	case errors.Is(err, context.DeadlineExceeded):
		return "Redis does not answer in time, so nobody can sign in; look at its load and at the network"
	}
	return "Redis is not reached at SPORTELLO_REDIS_URL, so nobody can sign in; start it or correct the address"
}

// redisMemory: keys that are thrown away when memory is short are sessions and
// jobs.
func redisMemory(ctx context.Context, x *exam, _ place) error {
	info, err := x.Redis.Info(ctx, "memory").Result()
	policy := field(info, "maxmemory_policy")
	if err != nil || policy == "" {
		return errNothing // told above, or a server that does not say
	}
	used, most := number(info, "used_memory"), number(info, "maxmemory")
	switch {
	case policy != "noeviction" && most > 0:
		return fails("Redis throws keys away when its memory is full (%s), and people are signed out; set maxmemory-policy noeviction", policy)
	case most > 0 && used > most/10*9:
		return fails("Redis uses %d of %d MB and will refuse writes; raise maxmemory", used>>20, most>>20)
	case policy != "noeviction":
		return warns("Redis would throw keys away once a maxmemory is set (%s); set maxmemory-policy noeviction", policy)
	}
	return nil
}

// field is one line of what INFO answers.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if v, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func number(info, name string) int64 {
	n, _ := strconv.ParseInt(field(info, name), 10, 64) // absent is 0
	return n
}
