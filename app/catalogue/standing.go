package catalogue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// jobStanding counts again how far a commune is from the shared catalogue.
const jobStanding = "catalogue.standing"

// Standing is on which version of a shared service a commune stands and how far it
// has drifted: versions and counts, never what lies in a case.
type Standing struct {
	Slug, Service, Title string
	Base                 *int // nil: the commune's own service
	Published            bool
	Drift                int  // parts in which it differs from the version it stands on
	Waiting              *int // the newer version it has not decided about
	Conflicts            int  // of that
	RefusedVersion       int
	RefusedWhy           string
	At                   time.Time
}

// Jobs registers the work that happens by itself.
func (m *Module) Jobs(r *outbox.Registry) {
	r.Every("catalogue.missing", 24*time.Hour, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.forgetMissing(ctx, t) })
	r.Errand(errandShared, m.lookAtShared)
	r.Errand(errandNoted, m.note)
	r.HandleOutside(jobAccept, m.acceptByItself)
	r.HandleOutside(jobStanding, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.Count(ctx, t) })
	r.Every("catalogue.count", time.Hour, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.Count(ctx, t) })
	r.Every("catalogue.forget-versions", 24*time.Hour, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error {
		_, err := m.forgetVersions(ctx, t)
		return err
	})
}

// lookAtShared is what a commune does when something was published: it counts how
// it stands, and accepts by itself what it lets happen by itself.
func (m *Module) lookAtShared(_ context.Context, tx *tenancy.Tx, e outbox.Errand) error {
	var p published
	if err := e.Decode(&p); err != nil {
		return err
	}
	return m.Outbox.Add(tx, jobAccept, p)
}

// Count writes how the commune stands to the platform's schema. It may run twice.
func (m *Module) Count(ctx context.Context, t tenancy.Tenant) error {
	shared, err := m.SharedTrees(ctx)
	if err != nil {
		return err
	}
	var rows []row
	if err := m.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		rows, err = allRows(tx)
		return err
	}); err != nil {
		return err
	}
	now := m.Clock.Now()
	return m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		seen := []string{}
		for _, r := range rows {
			if !r.Offered {
				continue
			}
			s := standing(t.Slug(), r, shared[r.ID])
			seen = append(seen, r.ID)
			tx.Queue(`insert into service_standings (slug, service_id, title, base_version, published, drift, waiting, conflicts, refused_version, refused_why, counted_at)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
				on conflict (slug, service_id) do update set title = excluded.title, base_version = excluded.base_version, published = excluded.published,
					drift = excluded.drift, waiting = excluded.waiting, conflicts = excluded.conflicts, refused_version = excluded.refused_version,
					refused_why = excluded.refused_why, counted_at = excluded.counted_at where service_standings.counted_at <= excluded.counted_at`,
				s.Slug, s.Service, s.Title, s.Base, s.Published, s.Drift, s.Waiting, s.Conflicts, s.RefusedVersion, s.RefusedWhy, now)
		}
		_, err := tx.Exec("delete from service_standings where slug = $1 and not service_id = any ($2)", t.Slug(), seen)
		return err
	})
}

func standing(slug string, r row, newest SharedVersion) Standing {
	s := Standing{Slug: slug, Service: r.ID, Title: textIn(i18n.Reference, r.merged()["title"]), Base: r.BaseVersion, Published: r.Published && r.Offered,
		RefusedVersion: r.RefusedVersion, RefusedWhy: r.RefusedWhy}
	if r.BaseVersion != nil {
		for _, d := range overlay.Deltas(r.Definition, r.merged()) {
			if !silent(d) {
				s.Drift++
			}
		}
	}
	if r.waits(newest) {
		s.Waiting, s.Conflicts = &newest.Version, len(r.layers().Conflicts(newest.tree))
	}
	return s
}

func (r row) layers() overlay.Layers {
	return overlay.Layers{Definition: r.Definition, Overlay: r.Overlay, Console: r.Console}
}

// waits reports whether a newer shared version waits for the commune's decision.
func (r row) waits(newest SharedVersion) bool {
	return newest.tree != nil && r.Offered && newest.Version > r.RefusedVersion && (r.BaseVersion == nil || *r.BaseVersion < newest.Version)
}

// recount lets the worker write how the commune stands, after a change that is
// committed with tx.
func (m *Module) recount(tx *tenancy.Tx) error {
	if m.Outbox == nil {
		return nil
	}
	return m.Outbox.Add(tx, jobStanding, struct{}{})
}

// Standings lists how all communes stand, by service and commune.
func (m *Module) Standings(ctx context.Context) (out []Standing, err error) {
	err = m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(`select slug, service_id, title, base_version, published, drift, waiting, conflicts, refused_version, refused_why, counted_at
			from service_standings order by title, service_id, slug`)
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Standing])
		return err
	})
	return out, err
}

// Shared lists the newest version of every service of the shared catalogue.
func (m *Module) Shared(ctx context.Context) (out []SharedVersion, err error) {
	err = m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		out, err = latestShared(tx)
		return err
	})
	return out, err
}

// History lists the versions of a shared service, the newest first. ErrNotShared
// when there are none.
func (m *Module) History(ctx context.Context, id string) (out []SharedVersion, err error) {
	err = m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		out, err = sharedHistory(tx, id)
		return err
	})
	if err == nil && len(out) == 0 {
		err = ErrNotShared
	}
	return out, err
}

// SharedTree is the definition of one version, the newest where version is 0.
func (m *Module) SharedTree(ctx context.Context, id string, version int) (v SharedVersion, tree Tree, err error) {
	err = m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		v, err = sharedAt(tx, id, version)
		return err
	})
	return v, v.tree, err
}

// WaitingCount is how many newer versions wait for a commune's decision, as it was
// last counted.
func (m *Module) WaitingCount(ctx context.Context, t tenancy.Tenant) (n int, err error) {
	err = m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select count(*) from service_standings where slug = $1 and waiting is not null", t.Slug()).Scan(&n)
	})
	return n, err
}

// errSettled means that there is nothing to decide any more.
var errSettled = errors.New("catalogue: nothing waits")

// WouldConflict names the parts in which a commune's service would be in conflict
// with a definition, in the language of ctx; offered is false where the commune
// does not offer it.
func (m *Module) WouldConflict(ctx context.Context, t tenancy.Tenant, id string, theirs Tree) (names []string, offered bool, err error) {
	err = m.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		r, err := readRow(tx, id)
		if errors.Is(err, ErrNotOffered) {
			return nil
		}
		if err != nil {
			return err
		}
		offered = true
		for _, c := range r.layers().Conflicts(theirs) {
			names = append(names, nameOf(ctx, c.Trail, r.merged(), theirs))
		}
		return nil
	})
	return names, offered, err
}
