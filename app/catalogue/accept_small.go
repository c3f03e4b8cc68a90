package catalogue

import (
	"context"
	"errors"
	"log/slog"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// jobAccept accepts what a commune lets happen by itself, and counts.
const jobAccept = "catalogue.accept-small"

// AcceptsSmall reports whether the commune lets small changes without conflicts
// happen by themselves.
func (m *Module) AcceptsSmall(ctx context.Context, by identity.Actor) (yes bool, err error) {
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		yes, err = acceptsSmall(tx)
		return err
	})
	return yes, err
}

func acceptsSmall(tx *tenancy.Tx) (yes bool, err error) {
	err = tx.QueryRow("select coalesce((select accept_small from update_settings), false)").Scan(&yes)
	return yes, err
}

// AcceptSmall sets whether small changes without conflicts happen by themselves.
func (m *Module) AcceptSmall(ctx context.Context, by identity.Actor, yes bool) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		if _, err := tx.Exec(`insert into update_settings (accept_small, set_by, set_at) values ($1, $2, $3)
			on conflict (one) do update set accept_small = excluded.accept_small, set_by = excluded.set_by, set_at = excluded.set_at`, yes, by.Name(), m.Clock.Now()); err != nil {
			return err
		}
		if yes && m.Outbox != nil {
			if err := m.Outbox.Add(tx, jobAccept, published{}); err != nil {
				return err
			}
		}
		return audit.Record(tx, by, "catalogue.accept-small", "catalogue:updates", map[string]any{"on": yes})
	})
}

// acceptByItself accepts small versions without conflicts where the commune lets
// that happen, and counts. One that cannot be accepted waits for a person.
func (m *Module) acceptByItself(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error {
	shared, err := m.SharedTrees(ctx)
	if err != nil {
		return err
	}
	var ids []string
	if err := m.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		yes, err := acceptsSmall(tx)
		if err != nil || !yes {
			return err
		}
		rows, err := allRows(tx)
		for _, r := range rows {
			if newest := shared[r.ID]; r.waits(newest) && r.BaseVersion != nil {
				ids = append(ids, r.ID)
			}
		}
		return err
	}); err != nil {
		return err
	}
	by := identity.System(t)
	for _, id := range ids {
		err := m.acceptSmall(ctx, by, shared[id])
		if err != nil && !errors.Is(err, errSettled) {
			slog.WarnContext(ctx, "small version waits for a person", "commune", t.Slug(), "service", id, "error", err.Error())
		}
	}
	return m.Count(ctx, t)
}

func (m *Module) acceptSmall(ctx context.Context, by identity.Actor, to SharedVersion) error {
	between, err := m.versionsBetween(ctx, to)
	if err != nil {
		return err
	}
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := lockRow(tx, to.Service)
		if err != nil {
			return err
		}
		if !r.waits(to) || r.BaseVersion == nil || len(r.layers().Conflicts(to.tree)) > 0 {
			return errSettled
		}
		for _, v := range between {
			if v.Version > *r.BaseVersion && v.Size != Small {
				return errSettled
			}
		}
		for _, d := range overlay.Deltas(r.Definition, to.tree) {
			if !small(d) && !silent(d) {
				return errSettled
			}
		}
		return m.accept(ctx, tx, by, r, to, "by-itself", Decision{})
	})
}

// versionsBetween are the versions of a service: all that lie on the way must be
// small for it to be taken by itself.
func (m *Module) versionsBetween(ctx context.Context, to SharedVersion) ([]SharedVersion, error) {
	list, err := m.History(ctx, to.Service)
	if errors.Is(err, ErrNotShared) {
		return nil, errSettled
	}
	return list, err
}
