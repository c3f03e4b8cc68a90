package life

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// ErrActive says that a commune must be suspended before it is archived.
var ErrActive = errors.New("life: a commune is suspended before it is archived")

// Archive ends a commune: its keys are destroyed first, and with them every
// backup, file and sealed column there is anywhere; then its schema, role, login,
// files and sessions are removed. The directory keeps its name, the entity's
// audit and its anchors stay. It cannot be undone. Whoever wants to keep the data
// exports before. Interrupted, it is run again and ends what it began.
func (l *Life) Archive(ctx context.Context, slug, reason string, say Progress) error {
	t, err := l.tenant(ctx, slug)
	switch {
	case errors.Is(err, tenancy.ErrUnknown):
		return nil // done already
	case err != nil:
		return err
	}
	if state, _ := t.State(); state != tenancy.Suspended {
		return ErrActive
	}
	say(10, "keys", "")
	if err := l.KeysOwner.Destroy(ctx, slug); err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	say(40, "files", "")
	files := 0
	scope := l.Blobs.For(slug)
	if err := scope.Each(ctx, func(key string) error {
		files++
		return scope.Delete(ctx, key)
	}); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	say(60, "sessions", fmt.Sprint(files))
	if err := forget(ctx, l.Redis, t.Key("*")); err != nil {
		return fmt.Errorf("sessions: %w", err)
	}
	say(70, "schema", "")
	if err := l.Owner.Archive(ctx, slug, reason); err != nil {
		return err
	}
	l.DB.Directory().Forget()
	return nil
}

// forget removes what Redis holds under a pattern.
func forget(ctx context.Context, rdb redis.UniversalClient, pattern string) error {
	keys := rdb.Scan(ctx, 0, pattern, 500).Iterator()
	for keys.Next(ctx) {
		if err := rdb.Del(ctx, keys.Val()).Err(); err != nil {
			return err
		}
	}
	return keys.Err()
}
