package quotas

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// grantsOf are the quotas of communes that differ from the default, by commune and
// kind. One commune, or with "" all of them.
func grantsOf(tx *tenancy.PlatformTx, slug string) (map[string]map[string]int64, error) {
	rows, err := tx.Query("select slug, kind, n from quotas where n is not null and ($1 = '' or slug = $1)", slug)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]map[string]int64{}
	for rows.Next() {
		var commune, kind string
		var n int64
		if err := rows.Scan(&commune, &kind, &n); err != nil {
			return nil, err
		}
		if out[commune] == nil {
			out[commune] = map[string]int64{}
		}
		out[commune][kind] = n
	}
	return out, rows.Err()
}

// grant sets a quota; nil is the default again.
func grant(tx *tenancy.PlatformTx, slug, kind string, n *int64, by string, at time.Time) {
	tx.Queue(`insert into quotas (slug, kind, n, set_by, set_at) values ($1, $2, $3, $4, $5)
		on conflict (slug, kind) do update set n = excluded.n, set_by = excluded.set_by, set_at = excluded.set_at`, slug, kind, n, by, at)
}

// callsOn is how many calls of a day have been written down.
func callsOn(tx *tenancy.PlatformTx, slug string, day time.Time) (n int64, err error) {
	err = tx.QueryRow("select coalesce((select n from api_calls where slug = $1 and day = $2), 0)", slug, day).Scan(&n)
	return n, err
}

// levels are a commune's readings of storage since a day, in order.
func levels(tx *tenancy.PlatformTx, slug string, since time.Time) ([]level, error) {
	rows, err := tx.Query("select day, value from readings where slug = $1 and meter = 'storage' and day >= $2 order by day", slug, since)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[level])
}

// keep writes down how a commune stands.
func keep(tx *tenancy.PlatformTx, slug string, list []Use, now time.Time) {
	for _, u := range list {
		tx.Queue(`insert into quota_use (slug, kind, period, used, quota, waiting, at) values ($1, $2, $3, $4, $5, $6, $7)
			on conflict (slug, kind) do update set period = excluded.period, used = excluded.used, quota = excluded.quota, waiting = excluded.waiting, at = excluded.at`,
			slug, u.Kind, period(u.Kind, now), u.Used, u.Quota, u.Waiting, now)
	}
}

// kept is how communes stood when they were last looked at, by commune: one, or
// with "" all that are not archived. What is from a period that is over is left
// out, but for storage.
func kept(tx *tenancy.PlatformTx, slug string, now time.Time) (map[string][]Use, error) {
	rows, err := tx.Query(`select u.slug, u.kind, u.period, u.used, u.quota, u.waiting from quota_use u join communes c on c.slug = u.slug
		where c.state <> 'archived' and ($1 = '' or u.slug = $1) order by u.slug, u.kind`, slug)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]Use{}
	for rows.Next() {
		var commune, of string
		var u Use
		if err := rows.Scan(&commune, &u.Kind, &of, &u.Used, &u.Quota, &u.Waiting); err != nil {
			return nil, err
		}
		if u.Kind == Storage || of == period(u.Kind, now) {
			out[commune] = append(out[commune], u)
		}
	}
	return out, rows.Err()
}

// noticed notes that a threshold was told; false when it had been.
func noticed(tx *tenancy.Tx, kind, of string, threshold int, now time.Time) (bool, error) {
	n, err := tx.Exec("insert into quota_notices (kind, period, threshold, at) values ($1, $2, $3, $4) on conflict do nothing", kind, of, threshold, now)
	return n == 1, err
}
