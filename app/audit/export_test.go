package audit

import (
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Explain is how PostgreSQL would run a search.
func Explain(tx *tenancy.Tx, f Filter, plan *[]string) error {
	sql, args := f.query()
	rows, err := tx.Query("explain "+sql, args...)
	if err != nil {
		return err
	}
	*plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
	return err
}
