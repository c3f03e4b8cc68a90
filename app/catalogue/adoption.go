package catalogue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Adoptable is a shared service that a commune does not offer yet.
type Adoptable struct {
	SharedVersion
	Preview  *Service // as it would be here
	Offering int      // communes that offer it
}

// Adoptable lists the shared services that the commune does not offer, by theme
// and title. One that does not compile here is left out.
func (m *Module) Adoptable(ctx context.Context, by identity.Actor) ([]Adoptable, error) {
	shared, err := m.SharedTrees(ctx)
	if err != nil {
		return nil, err
	}
	offering, err := m.offering(ctx)
	if err != nil {
		return nil, err
	}
	var out []Adoptable
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		engine, err := m.engineOf(tx)
		if err != nil {
			return err
		}
		rows, err := allRows(tx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.Offered {
				delete(shared, r.ID)
			}
		}
		for id, v := range shared {
			service, err := compileRow(row{ID: id, Definition: v.tree}, engine)
			if err != nil {
				continue
			}
			out = append(out, Adoptable{v, service, offering[id]})
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Adoptable) int { return definition.ByTheme(a.Preview, b.Preview) })
	return out, err
}

// offering counts the communes that offer each shared service.
func (m *Module) offering(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select service_id, count(*) from service_standings group by service_id")
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var n int
			if err := rows.Scan(&id, &n); err != nil {
				return err
			}
			out[id] = n
		}
		return rows.Err()
	})
	return out, err
}

// Adopt takes a shared service over as it is. It is not published: fee and words
// are looked at first. Errors: ErrNotShared; ErrOffered when it is offered already.
func (m *Module) Adopt(ctx context.Context, by identity.Actor, id string) error {
	newest, _, err := m.SharedTree(ctx, id, 0)
	if err != nil {
		return err
	}
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := scanRow(tx.QueryRow("select "+columns+" from services where id = $1 for update", id).Scan)
		isNew := errors.Is(err, pgx.ErrNoRows)
		if err != nil && !isNew {
			return fmt.Errorf("catalogue: %w", err)
		}
		if r.Offered {
			return ErrOffered
		}
		// What the commune once said of it is kept in its steps and begins afresh.
		r = row{ID: id, Definition: newest.tree, Overlay: Tree{}, Console: Tree{}, Offered: true, PublishedOrigin: "console", Origin: originAdopted,
			BaseVersion: &newest.Version, UpdatedBy: by.Name(), UpdatedAt: m.Clock.Now(), why: newest.Why}
		service, err := m.examined(ctx, tx, r)
		if err != nil {
			return err
		}
		r.Version, r.Kind = service.Version, string(service.Kind)
		step := Step{Kind: "adopted", To: &newest.Version, By: by.Name(), At: r.UpdatedAt}
		if !isNew {
			if err := keepStep(tx, r, step, service.Hash); err != nil {
				return err
			}
		}
		if err := saveRow(tx, r); err != nil {
			return err
		}
		if isNew {
			if err := keepStep(tx, r, step, service.Hash); err != nil {
				return err
			}
		}
		if err := m.recount(tx); err != nil {
			return err
		}
		return audit.Record(tx, by, "catalogue.adopted", "service:"+id, map[string]any{"version": newest.Version})
	})
}
