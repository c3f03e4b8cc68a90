package cases

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

const confirmationColumns = "id, case_id, item, state, account_id, asked_at, expires_at, answered_at"

func confirmationCase(tx *tenancy.Tx, hash []byte) (id uuid.UUID, err error) {
	err = tx.QueryRow("select case_id from case_confirmations where token_hash = $1", hash).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoConfirmation
	}
	return id, err
}

func confirmationByToken(tx *tenancy.Tx, hash []byte) (r confirmation, err error) {
	rows, err := tx.Query("select "+confirmationColumns+" from case_confirmations where token_hash = $1", hash)
	if err != nil {
		return r, err
	}
	r, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[confirmation])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNoConfirmation
	}
	return r, err
}

// waitedFor are the persons a case still waits for, and until when.
func waitedFor(tx *tenancy.Tx, c Case) ([]Asking, error) {
	if c.State != AwaitingConfirmation {
		return nil, nil
	}
	def, err := definition(tx, c)
	if err != nil || def.Confirmation == nil {
		return nil, err
	}
	all, err := named(*def.Confirmation, c.Answers)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query("select "+confirmationColumns+" from case_confirmations where case_id = $1 and state = 'waiting' order by item", c.ID)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[confirmation])
	var out []Asking
	for _, r := range list {
		if r.Item < len(all) {
			out = append(out, Asking{Name: all[r.Item].name(), Until: r.ExpiresAt, State: r.State, Open: true})
		}
	}
	return out, err
}

// FollowUp reminds the persons of a commune who have not answered, once, and ends
// the cases nobody confirmed in time. It may run at any time.
func (s *Service) FollowUp(ctx context.Context, t tenancy.Tenant) error {
	var late, remind []uuid.UUID
	err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		now := s.Clock.Now()
		ids := func(into *[]uuid.UUID, sql string) error {
			rows, err := tx.Query(sql, now, remindAtOnce)
			if err == nil {
				*into, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			}
			return err
		}
		if err := ids(&late, `select distinct x.case_id from case_confirmations x join cases c on c.id = x.case_id
			where x.state = 'waiting' and x.expires_at < $1 and c.state = 'awaiting_confirmation' limit $2`); err != nil {
			return fmt.Errorf("cases: %w", err)
		}
		return ids(&remind, `select x.id from case_confirmations x join cases c on c.id = x.case_id join case_definitions d on d.hash = c.definition_hash
			where x.state = 'waiting' and x.expires_at >= $1 and x.reminded_at is null and c.state = 'awaiting_confirmation'
			and x.asked_at < $1 - make_interval(days => nullif((d.definition #>> '{confirmation,remind}')::int, 0)) order by x.asked_at limit $2`)
	})
	for _, id := range late {
		err = errors.Join(err, s.DB.In(ctx, t, func(tx *tenancy.Tx) error { return s.lapseUnconfirmed(tx, id) }))
	}
	for _, id := range remind {
		err = errors.Join(err, s.DB.In(ctx, t, func(tx *tenancy.Tx) error { return s.remindOther(tx, id) }))
	}
	return err
}

// lapseUnconfirmed ends a case whose confirmation did not come in time.
func (s *Service) lapseUnconfirmed(tx *tenancy.Tx, id uuid.UUID) error {
	c, err := byID(tx, id, true)
	if err != nil || c.State != AwaitingConfirmation {
		return err
	}
	if err := s.note(tx, identity.System(tx.Tenant()), c, "confirm-lapsed", "", nil); err != nil {
		return err
	}
	return s.unconfirmed(tx, c)
}

// remindOther writes again to a person who has not answered. The earlier link ends
// with it: its token is not known any more.
func (s *Service) remindOther(tx *tenancy.Tx, id uuid.UUID) error {
	var caseID uuid.UUID
	if err := tx.QueryRow("select case_id from case_confirmations where id = $1", id).Scan(&caseID); err != nil {
		return err
	}
	c, err := byID(tx, caseID, true)
	if err != nil || c.State != AwaitingConfirmation {
		return err
	}
	def, err := definition(tx, c)
	if err != nil || def.Confirmation == nil {
		return err
	}
	all, err := named(*def.Confirmation, c.Answers)
	if err != nil {
		return err
	}
	token, hash := newToken()
	rows, err := tx.Query("update case_confirmations set token_hash = $2, reminded_at = $3 where id = $1 and state = 'waiting' and reminded_at is null returning "+confirmationColumns, id, hash, s.Clock.Now())
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[confirmation])
	if err != nil || len(list) == 0 || list[0].Item >= len(all) {
		return err
	}
	return s.invite(tx, c, all[list[0].Item], notifications.ConfirmReminder, token, list[0].ExpiresAt)
}
