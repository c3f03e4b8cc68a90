package catalogue

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Step is something a shared version has done to a service of the commune.
type Step struct {
	ID       int64
	Service  string
	Kind     string // accepted, by-itself, refused, adopted, undone
	From, To *int
	Why      string
	Choices  []string
	By       string
	At       time.Time
	Undoes   *int64
	Undone   bool
}

// keepStep notes what is about to happen to a row, and the row as it is in the
// table now: undoing copies it back, byte for byte.
func keepStep(tx *tenancy.Tx, before row, s Step, afterHash string) error {
	if s.Choices == nil {
		s.Choices = []string{}
	}
	choices, err := json.Marshal(s.Choices)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	n, err := tx.Exec(`insert into service_steps (service_id, kind, from_version, to_version, undoes, why, choices, done_by, done_at, after_hash,
			before_version, before_kind, before_definition, before_overlay, before_console, before_folder, before_origin, before_base, before_fee, before_fee_by, before_fee_at)
		select id, $2, $3, $4, $5, $6, $7, $8, $9, $10,
			version, kind, definition, overlay, console, folder, origin, base_version, fee_confirmed, fee_confirmed_by, fee_confirmed_at
		from services where id = $1`, before.ID, s.Kind, s.From, s.To, s.Undoes, s.Why, string(choices), s.By, s.At, afterHash)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	if n != 1 {
		return ErrNotOffered
	}
	return nil
}

// Steps lists what shared versions have done to a service, the newest first.
func (m *Module) Steps(ctx context.Context, by identity.Actor, id string) (out []Step, err error) {
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		out, err = steps(tx, id, 50)
		return err
	})
	return out, err
}

func steps(tx *tenancy.Tx, id string, limit int) ([]Step, error) {
	rows, err := tx.Query(`select id, service_id, kind, from_version, to_version, why, choices::text, done_by, done_at, undoes,
		exists (select from service_steps u where u.undoes = s.id) from service_steps s where service_id = $1 order by id desc limit $2`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Step, err error) {
		var choices string
		if err = row.Scan(&s.ID, &s.Service, &s.Kind, &s.From, &s.To, &s.Why, &choices, &s.By, &s.At, &s.Undoes, &s.Undone); err != nil {
			return s, err
		}
		return s, json.Unmarshal([]byte(choices), &s.Choices)
	})
}
