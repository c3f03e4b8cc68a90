package costs

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Agreement is a key with its history: from which month, who set it, why.
type Agreement struct {
	Key
	ID        uuid.UUID
	From      time.Time // first day of a month
	Reason    string
	By        string
	DecidedAt time.Time
}

// Closing is when and by whom a month was closed.
type Closing struct {
	ID      uuid.UUID
	Month   time.Time
	Version int
	Total   money.CHF
	Reason  string
	By      string
	At      time.Time
}

const keyColumns = "id, valid_from, total, fixed, inhabitants, use, weights::text, reason, decided_by, decided_at"

func scanKey(row pgx.Row) (a Agreement, err error) {
	var weights string
	if err = row.Scan(&a.ID, &a.From, &a.Total, &a.Fixed, &a.Inhabitants, &a.Use, &weights, &a.Reason, &a.By, &a.DecidedAt); err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(weights), &a.Weights)
}

// keys lists the agreements, the newest first.
func keys(tx *tenancy.PlatformTx) ([]Agreement, error) {
	rows, err := tx.Query("select " + keyColumns + " from cost_keys order by valid_from desc, decided_at desc, id desc limit 200")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Agreement
	for rows.Next() {
		a, err := scanKey(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// keyOf is the agreement for a month; nil when there is none yet.
func keyOf(tx *tenancy.PlatformTx, month time.Time) (*Agreement, error) {
	return oneKey(tx.QueryRow("select "+keyColumns+" from cost_keys where valid_from <= $1 order by valid_from desc, decided_at desc, id desc limit 1", month))
}

func keyByID(tx *tenancy.PlatformTx, id uuid.UUID) (*Agreement, error) {
	return oneKey(tx.QueryRow("select "+keyColumns+" from cost_keys where id = $1", id))
}

func oneKey(row pgx.Row) (*Agreement, error) {
	a, err := scanKey(row)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return &a, err
}

func insertKey(tx *tenancy.PlatformTx, a Agreement) error {
	weights, err := json.Marshal(a.Weights)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into cost_keys (id, valid_from, total, fixed, inhabitants, use, weights, reason, decided_by, decided_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, a.ID, a.From, int64(a.Total), a.Fixed, a.Inhabitants, a.Use, string(weights), a.Reason, a.By, a.DecidedAt)
	return err
}

// parties are the communes that share a month: those opened before its end
// that are not archived, and those that used something in it.
func parties(tx *tenancy.PlatformTx, month time.Time) ([]Party, time.Time, error) {
	used, last, err := meters.Month(tx, month)
	if err != nil {
		return nil, last, err
	}
	rows, err := tx.Query(`select slug, name, inhabitants, state in ('active', 'suspended') and created_at < $1 from communes order by slug`, month.AddDate(0, 1, 0))
	if err != nil {
		return nil, last, err
	}
	defer rows.Close()
	var out []Party
	for rows.Next() {
		var p Party
		var shares bool
		if err := rows.Scan(&p.Slug, &p.Name, &p.Inhabitants, &shares); err != nil {
			return nil, last, err
		}
		if p.Used = used[p.Slug]; shares || p.Used != nil {
			out = append(out, p)
		}
	}
	return out, last, rows.Err()
}

const closingColumns = "id, month, version, total, reason, closed_by, closed_at, key_id"

// closings lists the versions of a month, the newest first, each with its key.
func closings(tx *tenancy.PlatformTx, month time.Time) ([]Closing, []uuid.UUID, error) {
	rows, err := tx.Query("select "+closingColumns+" from cost_statements where month = $1 order by version desc", month)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var out []Closing
	var keyIDs []uuid.UUID
	for rows.Next() {
		var c Closing
		var key uuid.UUID
		if err := rows.Scan(&c.ID, &c.Month, &c.Version, &c.Total, &c.Reason, &c.By, &c.At, &key); err != nil {
			return nil, nil, err
		}
		out, keyIDs = append(out, c), append(keyIDs, key)
	}
	return out, keyIDs, rows.Err()
}

// closedMonths tells which months are closed, with the total of their newest
// version, from first on.
func closedMonths(tx *tenancy.PlatformTx, first time.Time) (map[time.Time]money.CHF, error) {
	rows, err := tx.Query("select distinct on (month) month, total from cost_statements where month >= $1 order by month, version desc", first)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[time.Time]money.CHF{}
	for rows.Next() {
		var m time.Time
		var total money.CHF
		if err := rows.Scan(&m, &total); err != nil {
			return nil, err
		}
		out[m.UTC()] = total
	}
	return out, rows.Err()
}

func lines(tx *tenancy.PlatformTx, statement uuid.UUID) ([]Share, error) {
	rows, err := tx.Query("select slug, name, inhabitants, fixed, by_inhabitants, by_use, used::text from cost_lines where statement_id = $1", statement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Share
	for rows.Next() {
		var s Share
		var used string
		if err := rows.Scan(&s.Slug, &s.Name, &s.Inhabitants, &s.Fixed, &s.ByInhabitants, &s.ByUse, &used); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(used), &s.Used); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Share) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slug, b.Slug)) })
	return out, rows.Err()
}

// insertClosing freezes a month. Two people who close it at the same moment
// meet at the unique (month, version): ErrClosed for the second.
func insertClosing(tx *tenancy.PlatformTx, c Closing, key uuid.UUID, shares []Share) error {
	n, err := tx.Exec(`insert into cost_statements (id, month, version, key_id, total, reason, closed_by, closed_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (month, version) do nothing`, c.ID, c.Month, c.Version, key, int64(c.Total), c.Reason, c.By, c.At)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrClosed
	}
	for _, s := range shares {
		used, err := json.Marshal(s.Used)
		if err != nil {
			return err
		}
		tx.Queue(`insert into cost_lines (statement_id, slug, name, inhabitants, fixed, by_inhabitants, by_use, amount, used)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, c.ID, s.Slug, s.Name, s.Inhabitants, int64(s.Fixed), int64(s.ByInhabitants), int64(s.ByUse), int64(s.Amount()), string(used))
	}
	return nil
}

// firstMonth is the month of the oldest reading or key; now where there is
// neither.
func firstMonth(tx *tenancy.PlatformTx, now time.Time) (time.Time, error) {
	var first *time.Time
	if err := tx.QueryRow("select least((select min(day) from readings), (select min(valid_from) from cost_keys))").Scan(&first); err != nil {
		return now, err
	}
	if first == nil {
		return now, nil
	}
	return monthOf(*first), nil
}

func monthOf(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, time.UTC)
}
