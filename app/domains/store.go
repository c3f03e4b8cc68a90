package domains

import (
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

const columns = `d.id, d.slug, d.host, d.token, d.state, d.asked_by, d.asked_at, d.expires_at, d.proved_at, d.checked_at, d.proof, d.points,
	d.finding, d.seen, d.failing_since, d.warned, d.ended_at, coalesce(h.main, false), coalesce(h.well, false), c.not_after, coalesce(c.message, '')`

const from = ` from domains d left join hosts h on d.state = 'live' and h.host = d.host and h.slug = d.slug
	left join certificates c on d.state = 'live' and c.host = d.host and c.slug = d.slug `

func scan(row pgx.CollectableRow) (d Domain, err error) {
	err = row.Scan(&d.ID, &d.Slug, &d.Host, &d.Token, &d.State, &d.AskedBy, &d.AskedAt, &d.ExpiresAt, &d.ProvedAt, &d.CheckedAt, &d.Proof, &d.Points,
		&d.Finding, &d.Seen, &d.FailingSince, &d.Warned, &d.EndedAt, &d.Main, &d.Well, &d.Certificate, &d.Refused)
	return d, err
}

// query reads requests of one commune: its Tenant's, never a word of the address.
func query(tx *tenancy.PlatformTx, t tenancy.Tenant, where string, args ...any) ([]Domain, error) {
	rows, err := tx.Query("select "+columns+from+"where d.slug = $1 and "+where, append([]any{t.Slug()}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scan)
}

// current is the commune's waiting or live request for a host.
func current(tx *tenancy.PlatformTx, t tenancy.Tenant, host, locking string) (Domain, error) {
	found, err := query(tx, t, "d.host = $2 and d.state in ('waiting', 'live') "+locking, host)
	if err != nil {
		return Domain{}, err
	}
	if len(found) == 0 {
		return Domain{}, ErrNotFound
	}
	return found[0], nil
}

// fromFolder are hosts of a commune that nobody asked for here.
func fromFolder(tx *tenancy.PlatformTx, t tenancy.Tenant) ([]Domain, error) {
	rows, err := tx.Query(`select h.host, h.main, h.well, c.not_after, coalesce(c.message, ''), c.checked_at from hosts h
		left join certificates c on c.host = h.host and c.slug = h.slug
		where h.slug = $1 and not exists (select from domains d where d.slug = h.slug and d.host = h.host and d.state = 'live') order by h.host`, t.Slug())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Domain, error) {
		d := Domain{Slug: t.Slug(), State: Live, Folder: true, Proof: true, Points: true}
		return d, row.Scan(&d.Host, &d.Main, &d.Well, &d.Certificate, &d.Refused, &d.CheckedAt)
	})
}

// holder is the commune whose host is this one, above it or below it; "" when
// there is none. Among several a foreign one is named.
func holder(tx *tenancy.PlatformTx, t tenancy.Tenant, host string) (slug string, err error) {
	err = tx.QueryRow(`select slug from hosts where host = $1 or right($1, length(host) + 1) = '.' || host or right(host, length($1) + 1) = '.' || $1
		order by (slug = $2), host limit 1`, host, t.Slug()).Scan(&slug)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return slug, err
}

func insert(tx *tenancy.PlatformTx, d Domain) error {
	_, err := tx.Exec(`insert into domains (id, slug, host, token, state, asked_by, asked_at, expires_at, next_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $7)`,
		d.ID, d.Slug, d.Host, d.Token, string(d.State), d.AskedBy, d.AskedAt, d.ExpiresAt)
	return err
}

// save writes what a check changed.
func save(tx *tenancy.PlatformTx, d Domain, next time.Time) error {
	_, err := tx.Exec(`update domains set state = $2, proved_at = $3, checked_at = $4, next_at = $5, proof = $6, points = $7, finding = $8, seen = $9,
		failing_since = $10, warned = $11, ended_at = $12 where id = $1`,
		d.ID, string(d.State), d.ProvedAt, d.CheckedAt, next, d.Proof, d.Points, d.Finding, d.Seen, d.FailingSince, d.Warned, d.EndedAt)
	return err
}

func due(tx *tenancy.PlatformTx, t tenancy.Tenant, now time.Time) (ids []Domain, err error) {
	return query(tx, t, "d.state in ('waiting', 'live') and d.next_at <= $2 order by d.next_at limit 20", now)
}

func end(tx *tenancy.PlatformTx, id uuid.UUID, s State, now time.Time) error {
	_, err := tx.Exec("update domains set state = $2, ended_at = $3 where id = $1", id, string(s), now)
	return err
}

// unhost takes a host out of the directory, and forgets its certificate.
func unhost(tx *tenancy.PlatformTx, t tenancy.Tenant, host string) error {
	if _, err := tx.Exec("delete from hosts where host = $1 and slug = $2", host, t.Slug()); err != nil {
		return err
	}
	_, err := tx.Exec("delete from certificates where host = $1 and slug = $2", host, t.Slug())
	return err
}

// well notes whether links may lead to a host; nothing is written where nothing
// changes, for every change makes all processes read the directory again.
func well(tx *tenancy.PlatformTx, t tenancy.Tenant, host string, is bool) error {
	// Asked first: the trigger fires for a statement that changes no row as well. A
	// host whose proof went meanwhile is not made well by a look from before.
	var differs bool
	if err := tx.QueryRow(`select exists (select from hosts where host = $1 and slug = $2 and well <> $3)
		and not ($3 and exists (select from domains where host = $1 and slug = $2 and state = 'live' and not (proof and points)))`,
		host, t.Slug(), is).Scan(&differs); err != nil || !differs {
		return err
	}
	_, err := tx.Exec("update hosts set well = $3 where host = $1 and slug = $2", host, t.Slug(), is)
	return err
}

// soon has a live host that is not well looked at again within a minute.
func soon(tx *tenancy.PlatformTx, t tenancy.Tenant, host string, now time.Time) error {
	_, err := tx.Exec("update domains set next_at = least(next_at, $3) where host = $1 and slug = $2 and state = 'live'", host, t.Slug(), now.Add(time.Minute))
	return err
}

func keepCertificate(tx *tenancy.PlatformTx, t tenancy.Tenant, host string, until *time.Time, message string, now time.Time) error {
	_, err := tx.Exec(`insert into certificates (host, slug, not_after, checked_at, message) values ($1, $2, $3, $4, $5)
		on conflict (host) do update set slug = excluded.slug, not_after = excluded.not_after, checked_at = excluded.checked_at, message = excluded.message`,
		host, t.Slug(), until, now, message)
	return err
}
