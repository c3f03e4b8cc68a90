package life

import (
	"context"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/clock"
)

// Deps is what the life of a commune needs.
type Deps struct {
	Owner     *tenancy.Owner
	KeysOwner *keys.Owner // destroys the keys of a commune that is archived
	DB        *tenancy.DB
	Keys      *keys.Ring
	Sealed    []keys.Work // which columns are sealed, so that an export opens them
	Blobs     *blob.Bucket
	Redis     redis.UniversalClient
	Dir       string // where backups and exports are written, below it a folder per commune
	Clock     clock.Clock
	Log       *slog.Logger
}

// Life does the long work on a commune.
type Life struct{ Deps }

// New makes a Life.
func New(d Deps) *Life { return &Life{d} }

// Progress is told each step: how far (percent), a text key below
// operator.step, and a note (a figure, a name).
type Progress func(percent int, step, note string)

// tenant finds a commune anew: the directory may have changed a moment ago.
func (l *Life) tenant(ctx context.Context, slug string) (tenancy.Tenant, error) {
	l.DB.Directory().Forget()
	return l.DB.Directory().BySlug(ctx, slug)
}
