package catalogue

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Undo is what undoing an acceptance would do.
type Undo struct {
	Step    Step
	Service *Service
	State   string
	// Now and Then are the definitions in force now and after undoing; After is what
	// was accepted: what Now has beyond it would be lost.
	Now, Then, After Tree
	// Removed are fields that open drafts have answered and that would go.
	Removed []RemovedField
}

// Lost reports whether the console has changed the service since: that would be
// lost.
func (u Undo) Lost() bool { return len(u.After) > 0 && !overlay.Same(u.After, u.Now) }

// lastAccepted is the newest acceptance of a service that is not undone.
func lastAccepted(tx *tenancy.Tx, id string) (s Step, err error) {
	err = tx.QueryRow(`select id, service_id, kind, from_version, to_version, why, done_by, done_at from service_steps s
		where service_id = $1 and kind in ('accepted', 'by-itself') and not exists (select from service_steps u where u.undoes = s.id)
		order by id desc limit 1`, id).Scan(&s.ID, &s.Service, &s.Kind, &s.From, &s.To, &s.Why, &s.By, &s.At)
	if errors.Is(err, pgx.ErrNoRows) {
		return s, ErrNothingToUndo
	}
	return s, err
}

// before reads the row as it was before a step.
func before(tx *tenancy.Tx, now row, step int64) (row, string, error) {
	r, hash := now, ""
	var shared, local, console, folder []byte
	err := tx.QueryRow(`select before_definition, before_overlay, before_console, before_folder, before_version, before_kind, before_origin, before_base,
			before_fee, before_fee_by, before_fee_at, after_hash from service_steps where id = $1`, step).
		Scan(&shared, &local, &console, &folder, &r.Version, &r.Kind, &r.Origin, &r.BaseVersion, &r.FeeConfirmed, &r.FeeConfirmedBy, &r.FeeConfirmedAt, &hash)
	if err != nil {
		return r, "", fmt.Errorf("catalogue: %w", err)
	}
	r.Folder = nil
	for _, part := range []struct {
		data []byte
		into *Tree
	}{{shared, &r.Definition}, {local, &r.Overlay}, {console, &r.Console}, {folder, &r.Folder}} {
		if part.data == nil {
			continue
		}
		if *part.into, err = overlay.Parse(part.data); err != nil {
			return r, "", err
		}
	}
	return r, hash, nil
}

// LookAtUndo says what undoing the last acceptance of a service would change.
// Errors: ErrNotOffered, ErrNothingToUndo.
func (m *Module) LookAtUndo(ctx context.Context, by identity.Actor, id string) (u Undo, err error) {
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := readRow(tx, id)
		if err != nil {
			return err
		}
		if u.Step, err = lastAccepted(tx, id); err != nil {
			return err
		}
		old, hash, err := before(tx, r, u.Step.ID)
		if err != nil {
			return err
		}
		engine, err := m.engineOf(tx)
		if err != nil {
			return err
		}
		if u.Service, err = compileRow(r, engine); err != nil {
			return err
		}
		u.Now, u.Then = r.merged(), old.merged()
		if hash != u.Service.Hash {
			accepted, err := readVersion(tx, engine, id, hash)
			if err != nil && !errors.Is(err, errNoVersion) {
				return err
			}
			if accepted != nil {
				u.After = accepted.Tree
			}
		}
		if u.Removed, err = removedFields(tx, id, u.Now, u.Then); err != nil {
			return err
		}
		u.State, err = r.state(SharedVersion{Version: int(u.Step.ID)})
		return err
	})
	return u, err
}

// Undo brings a service back to what it was before its last acceptance, byte for
// byte: all layers, the version it stood on, the confirmation of its fee. The
// version that was undone counts as refused: it does not wait again. Errors:
// ErrNothingToUndo; ErrMoved; ErrDraftsUse.
func (m *Module) Undo(ctx context.Context, by identity.Actor, id, state string, keepDrafts bool) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := lockRow(tx, id)
		if err != nil {
			return err
		}
		step, err := lastAccepted(tx, id)
		if err != nil {
			return err
		}
		now, err := r.state(SharedVersion{Version: int(step.ID)})
		if err != nil {
			return err
		}
		if now != state {
			return ErrMoved
		}
		old, _, err := before(tx, r, step.ID)
		if err != nil {
			return err
		}
		if !keepDrafts {
			if err := noDraftUses(tx, id, r.merged(), old.merged()); err != nil {
				return err
			}
		}
		at := m.Clock.Now()
		if err := keepStep(tx, r, Step{Kind: "undone", From: step.To, To: step.From, Undoes: &step.ID, By: by.Name(), At: at}, ""); err != nil {
			return err
		}
		// Copied inside the database: no value passes through us.
		refused := 0
		if step.To != nil {
			refused = *step.To
		}
		if _, err := tx.Exec(`update services set definition = s.before_definition, overlay = s.before_overlay, console = s.before_console, folder = s.before_folder,
				version = s.before_version, kind = s.before_kind, origin = s.before_origin, base_version = s.before_base,
				fee_confirmed = s.before_fee, fee_confirmed_by = s.before_fee_by, fee_confirmed_at = s.before_fee_at,
				refused_version = $2, refused_why = '', refused_by = $3, refused_at = $4, updated_by = $3, updated_at = $4
			from service_steps s where s.id = $1 and services.id = s.service_id`, step.ID, refused, by.Name(), at); err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		old.UpdatedBy, old.UpdatedAt = by.Name(), at
		if err := keepVersion(tx, old); err != nil {
			return err
		}
		if err := tx.Bump(Topic); err != nil {
			return err
		}
		if err := m.recount(tx); err != nil {
			return err
		}
		return audit.Record(tx, by, "catalogue.undone", "service:"+id, map[string]any{"version": refused})
	})
}
