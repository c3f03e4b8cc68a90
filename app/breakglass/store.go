package breakglass

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// columns of a grant; a grant whose time is over has ended, whether or not
// somebody has written that down yet.
const columns = `id, staff_id, staff_name, staff_email, reason, wished_scope, wished_object, wished_hours, asked_at,
	case when state = 'granted' and granted_until <= now() then 'ended' else state end,
	scope, object, decided_by, decided_at, granted_until, answer, closed_by, closed_at`

func scan(row pgx.CollectableRow) (g Grant, err error) {
	err = row.Scan(&g.ID, &g.StaffID, &g.StaffName, &g.StaffEmail, &g.Wish.Reason, &g.Wish.Scope, &g.Wish.Object, &g.Wish.Hours, &g.AskedAt,
		&g.State, &g.Scope, &g.Object, &g.DecidedBy, &g.DecidedAt, &g.Until, &g.Answer, &g.ClosedBy, &g.ClosedAt)
	return g, err
}

// byID reads one request; lock keeps two decisions apart. Errors: ErrNotFound.
func byID(tx *tenancy.Tx, id uuid.UUID, lock bool) (Grant, error) {
	sql := "select " + columns + " from access_grants where id = $1"
	if lock {
		sql += " for update"
	}
	rows, err := tx.Query(sql, id)
	if err != nil {
		return Grant{}, err
	}
	g, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return g, ErrNotFound
	}
	return g, err
}

// recent lists the newest requests of the commune.
func recent(tx *tenancy.Tx, limit int) ([]Grant, error) {
	rows, err := tx.Query("select "+columns+" from access_grants order by asked_at desc limit $1", limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// live lists the grants that hold now.
func live(tx *tenancy.Tx) ([]Grant, error) {
	rows, err := tx.Query("select " + columns + " from access_grants where state = 'granted' and granted_until > now() order by granted_until")
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// deliver writes a request into the commune; fresh is false when it was there.
func deliver(tx *tenancy.Tx, g Grant) (fresh bool, err error) {
	n, err := tx.Exec(`insert into access_grants (id, staff_id, staff_name, staff_email, reason, wished_scope, wished_object, wished_hours)
		values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing`,
		g.ID, g.StaffID, g.StaffName, g.StaffEmail, g.Wish.Reason, string(g.Wish.Scope), g.Wish.Object, g.Wish.Hours)
	return n == 1, err
}

// requestsTo lists what the entity asked of a commune, newest first.
func requestsTo(ctx context.Context, db *tenancy.DB, slug string, limit int) (list []Grant, err error) {
	err = db.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query(`select id, staff_id, staff_name, staff_email, reason, scope, object, hours, asked_at
			from access_requests where slug = $1 order by asked_at desc limit $2`, slug, limit)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (g Grant, err error) {
			err = row.Scan(&g.ID, &g.StaffID, &g.StaffName, &g.StaffEmail, &g.Wish.Reason, &g.Wish.Scope, &g.Wish.Object, &g.Wish.Hours, &g.AskedAt)
			g.State = Undelivered
			return g, err
		})
		return err
	})
	return list, err
}
