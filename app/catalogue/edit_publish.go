package catalogue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// twoPersons reports whether the commune wants a second person for each
// publication.
func twoPersons(tx *tenancy.Tx) (bool, error) {
	var two bool
	err := tx.QueryRow("select two_persons from catalogue_habits where one").Scan(&two)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("catalogue: %w", err)
	}
	return two, nil
}

// TwoPersons reports whether the commune wants a second administrator to
// approve each publication.
func (m *Module) TwoPersons(ctx context.Context, by identity.Actor) (two bool, err error) {
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) (err error) {
		two, err = twoPersons(tx)
		return err
	})
	return two, err
}

// SetTwoPersons asks for a second administrator from now on, or no more.
func (m *Module) SetTwoPersons(ctx context.Context, by identity.Actor, two bool) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		before, err := twoPersons(tx)
		if err != nil || before == two {
			return err
		}
		if _, err := tx.Exec(`insert into catalogue_habits (one, two_persons, changed_by, changed_at) values (true, $1, $2, $3)
			on conflict (one) do update set two_persons = excluded.two_persons, changed_by = excluded.changed_by, changed_at = excluded.changed_at`,
			two, by.Name(), m.Clock.Now()); err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		return audit.Record(tx, by, "catalogue.two-persons", "services", map[string]any{"on": two})
	})
}

// ready locks an edit and sees to it that it is what somebody looked at and can
// be published. Errors: ErrNoEdit, ErrEditMoved, ErrEditWrong, ErrExamples.
func (m *Module) ready(ctx context.Context, tx *tenancy.Tx, id string, revision int64) (row, *Edit, Workbench, error) {
	r, e, err := m.lockEdit(tx, id)
	if err != nil {
		return r, nil, Workbench{}, err
	}
	if e.Revision == 0 {
		return r, nil, Workbench{}, ErrNoEdit
	}
	w, err := m.workbench(tx, r, e)
	if err != nil {
		return r, e, w, err
	}
	switch {
	case e.Revision != revision || w.Stale():
		return r, e, w, ErrEditMoved.With("by", e.UpdatedBy)
	case w.Next == nil:
		return r, e, w, ErrEditWrong
	}
	if err := w.Next.RunExamples(ctx, w.engine, w.Postcodes); err != nil {
		return r, e, w, ErrExamples.With("count", len(MistakesOf(err)))
	}
	return r, e, w, nil
}

const maxNote = 1000

// ProposeEdit asks a second person to publish an edit, with a note why.
func (m *Module) ProposeEdit(ctx context.Context, by identity.Actor, id string, revision int64, note string) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		_, e, _, err := m.ready(ctx, tx, id, revision)
		if err != nil {
			return err
		}
		if note = strings.TrimSpace(note); note == "" || len(note) > maxNote {
			return ErrNote
		}
		e.ProposedBy, e.Note = by.Name(), note
		if err := saveEdit(tx, e); err != nil {
			return err
		}
		return audit.Record(tx, by, "catalogue.propose", "service:"+id, map[string]any{"note": note})
	})
}

// PublishEdit brings an edit into force: revision is the one that was looked at.
// Where the commune wants two persons it must have been proposed, and by must
// not have changed anything of it. keepDrafts lets fields go that open drafts have
// answered: they go on with the version they began with. Errors: those of ready,
// ErrNotProposed, ErrOwnEdit, ErrDraftsUse.
func (m *Module) PublishEdit(ctx context.Context, by identity.Actor, id string, revision int64, note string, keepDrafts bool) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, e, w, err := m.ready(ctx, tx, id, revision)
		if err != nil {
			return err
		}
		if note = strings.TrimSpace(note); len(note) > maxNote {
			return ErrNote
		}
		if w.TwoPersons {
			switch {
			case slices.Contains(e.Authors, by.AccountID().String()):
				return ErrOwnEdit
			case e.ProposedBy == "":
				return ErrNotProposed
			}
		}
		if !keepDrafts {
			if err := noDraftUses(tx, id, r.merged(), w.Pending); err != nil {
				return err
			}
		}
		return m.intoForce(tx, by, r, e, w, note)
	})
}

// intoForce is the one way by which an edit changes a service in force.
func (m *Module) intoForce(tx *tenancy.Tx, by identity.Actor, r row, e *Edit, w Workbench, note string) error {
	before := r.merged()
	console, ok := overlay.Diff(r.folder(), w.Pending)
	if !ok {
		return ErrNotAnOverlay
	}
	r.Console = console
	if w.Next.Fee.Hash() != w.Entry.Fee.Hash() && len(w.Next.Fee.Lines) > 0 {
		m.confirm(&r, by, w.Next) // whoever enters a fee confirms it
	}
	r.Kind, r.Version = string(w.Next.Kind), w.Next.Version
	r.UpdatedBy, r.UpdatedAt = by.Name(), m.Clock.Now()
	if err := saveRow(tx, r); err != nil {
		return err
	}
	if err := deleteEdit(tx, e.Service); err != nil {
		return err
	}
	told := details(Compare(before, w.Pending))
	if e.ProposedBy != "" {
		told["proposed"], told["why"] = e.ProposedBy, e.Note
	}
	if note != "" {
		told["note"] = note
	}
	return audit.Record(tx, by, "catalogue.publish", "service:"+e.Service, told)
}

// Pause says to people why a service cannot be asked for now, at once and beside
// any edit: the card stays, nobody can begin. Empty words open it again.
func (m *Module) Pause(ctx context.Context, by identity.Actor, id string, words i18n.Text) error {
	if len(words) > 0 && words.Empty() {
		return ErrNote
	}
	return m.change(ctx, by, id, "pause", func(tx *tenancy.Tx, r *row) (map[string]any, error) {
		was := r.merged().Get("paused")
		var value any
		if len(words) > 0 {
			text := map[string]any{}
			for lang, w := range words {
				text[lang] = w
			}
			value = text
		}
		console, ok := overlay.Diff(r.folder(), r.merged().With(value, "paused"))
		if !ok {
			return nil, ErrNotAnOverlay
		}
		r.Console = console
		if _, err := m.compile(tx, *r); err != nil {
			return nil, err
		}
		return map[string]any{"paused": overlay.Brief(was) + " → " + overlay.Brief(value)}, nil
	})
}
