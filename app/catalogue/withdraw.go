package catalogue

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Withdrawal says that a shared version turned out wrong: it is offered to nobody
// any more, and stays in the changelog.
type Withdrawal struct {
	Why, By string
	At      time.Time
}

// Withdraw takes a published version back. Communes that stand on it read why and
// may return to the version before; all others stand on, or wait for, the newest
// that is left. Errors: ErrNotShared, ErrWhy, ErrWithdrawn.
func (m *Module) Withdraw(ctx context.Context, by identity.Actor, id string, version int, why string) error {
	why = strings.TrimSpace(why)
	if n := len([]rune(why)); n < 3 || n > maxWhy {
		return ErrWhy
	}
	all, err := m.DB.Directory().All(ctx)
	if err != nil {
		return err
	}
	return m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		if _, err := sharedAt(tx, id, max(version, 1)); err != nil {
			return err
		}
		n, err := tx.Exec(`insert into shared_withdrawals (service_id, version, why, withdrawn_by, withdrawn_at) values ($1, $2, $3, $4, $5) on conflict do nothing`,
			id, version, why, by.Name(), m.Clock.Now())
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		if n == 0 {
			return ErrWithdrawn
		}
		for _, t := range all {
			if err := m.Outbox.Errand(tx, t, errandShared, published{Services: []string{id}}); err != nil {
				return err
			}
		}
		return identity.Note(tx, by, "catalogue.withdrawn", "service:"+id, map[string]any{"version": version, "why": why})
	})
}

// Fallen is a service of a commune that stands on a version that was withdrawn.
type Fallen struct {
	Service *Service
	Version int
	Withdrawal
	// Back reports whether the acceptance of the version can be undone; a service
	// that was taken over with it can only be switched off.
	Back bool
}

// Fallen are the services of the actor's commune that stand on a withdrawn version.
func (m *Module) Fallen(ctx context.Context, by identity.Actor) ([]Fallen, error) {
	gone, err := m.withdrawals(ctx)
	if err != nil || len(gone) == 0 {
		return nil, err
	}
	var out []Fallen
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
			if !r.Offered || r.BaseVersion == nil {
				continue
			}
			w, fallen := gone[versionKey{r.ID, *r.BaseVersion}]
			if !fallen {
				continue
			}
			f := Fallen{Version: *r.BaseVersion, Withdrawal: w}
			if f.Service, err = compileRow(r, engine); err != nil {
				return err
			}
			if err := tx.QueryRow(`select coalesce((select to_version = $2 from service_steps s where service_id = $1 and kind in ('accepted', 'by-itself')
				and not exists (select from service_steps u where u.undoes = s.id) order by id desc limit 1), false)`, r.ID, f.Version).Scan(&f.Back); err != nil {
				return err
			}
			out = append(out, f)
		}
		return nil
	})
	return out, err
}

type versionKey struct {
	service string
	version int
}

// withdrawals are all versions that were withdrawn: a few in a catalogue's life.
func (m *Module) withdrawals(ctx context.Context) (map[versionKey]Withdrawal, error) {
	out := map[versionKey]Withdrawal{}
	err := m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select service_id, version, why, withdrawn_by, withdrawn_at from shared_withdrawals")
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		var k versionKey
		var w Withdrawal
		_, err = pgx.ForEachRow(rows, []any{&k.service, &k.version, &w.Why, &w.By, &w.At}, func() error {
			out[k] = w
			return nil
		})
		return err
	})
	return out, err
}

// lastVersion is the highest number a service ever had in the shared catalogue,
// withdrawn or not; 0 where it never had one.
func lastVersion(tx *tenancy.PlatformTx, id string) (n int, err error) {
	err = tx.QueryRow("select coalesce(max(version), 0) from shared_services where service_id = $1", id).Scan(&n)
	return n, err
}
