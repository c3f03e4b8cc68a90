package app

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/life"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/takeover"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Life moves, backs up, restores, exports and archives communes; it needs the
// owner's credential.
func (a *App) Life() (*life.Life, error) {
	keysOwner, owner, err := KeysOwner(a.Config)
	if err != nil {
		return nil, err
	}
	return a.lifeOf(owner, keysOwner), nil
}

func (a *App) lifeOf(owner *tenancy.Owner, keysOwner *keys.Owner) *life.Life {
	return life.New(life.Deps{Owner: owner, KeysOwner: keysOwner, DB: a.DB, Keys: a.Keys, Sealed: a.sealedWorks(), Blobs: a.blobs, Redis: a.Redis,
		Dir: filepath.Join(a.Config.Server.Data, "backups"), Clock: a.Clock, Log: a.Log})
}

// Takeover brings people and running cases of another desk in.
func (a *App) Takeover() *takeover.Service {
	return &takeover.Service{DB: a.DB, Cases: a.Cases.Service, Outbox: a.Outbox, Files: a.blobs, Clock: a.Clock}
}

// lifeWorks are the jobs that the entity's and the communes' consoles ask for.
func lifeWorks(l *life.Life) map[string]operator.Work {
	// work adapts one of them: p is what the console wrote.
	work := func(do func(ctx context.Context, slug string, p operator.LifePayload, say life.Progress) error) operator.Work {
		return func(ctx context.Context, slug string, payload json.RawMessage, say func(int, string, string)) error {
			var p operator.LifePayload
			if err := json.Unmarshal(payload, &p); err != nil {
				return err
			}
			return do(ctx, slug, p, say)
		}
	}
	return map[string]operator.Work{
		operator.KindBackup: work(func(ctx context.Context, slug string, _ operator.LifePayload, say life.Progress) error {
			_, err := l.Backup(ctx, slug, say)
			return err
		}),
		operator.KindRestore: work(func(ctx context.Context, slug string, p operator.LifePayload, say life.Progress) error {
			_, err := l.Restore(ctx, slug, p.Backup, say)
			return err
		}),
		operator.KindMove: work(func(ctx context.Context, slug string, p operator.LifePayload, say life.Progress) error {
			m, err := l.Move(ctx, slug, p.Cluster, say)
			if err == nil {
				say(99, "done", fmt.Sprintf("%s → %s", m.From, m.To))
			}
			return err
		}),
		operator.KindArchive: work(func(ctx context.Context, slug string, p operator.LifePayload, say life.Progress) error {
			return l.Archive(ctx, slug, p.Reason, say)
		}),
		operator.KindImport: work(func(ctx context.Context, slug string, p operator.LifePayload, say life.Progress) error {
			in, err := l.ImportFromStore(ctx, slug, p.File, say)
			if err == nil {
				say(99, "imported", fmt.Sprint(in.Rows))
			}
			return err
		}),
		operator.KindExport: work(func(ctx context.Context, slug string, _ operator.LifePayload, say life.Progress) error {
			return l.ExportForCommune(ctx, slug, say)
		}),
	}
}
