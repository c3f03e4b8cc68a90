package app

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Status is how one commune stands, for `sportello tenant status`.
type Status struct {
	Slug          string        `json:"slug"`
	Name          string        `json:"name"`
	State         tenancy.State `json:"state"`
	Reason        string        `json:"reason,omitempty"`
	ReadOnlySince *time.Time    `json:"read_only_since,omitempty"`
	Cluster       string        `json:"cluster"`
	Schema        int64         `json:"schema_version"`
	Wanted        int64         `json:"schema_wanted"`
	Hosts         []string      `json:"hosts"`
	Opened        time.Time     `json:"opened"`
	Errors        int64         `json:"errors_last_day"`
	Jobs          JobCounts     `json:"jobs"`
	Grants        int           `json:"grants_in_force"`
	Key           *KeyStatus    `json:"key,omitempty"`
	Backup        *LastBackup   `json:"backup,omitempty"`
}

// JobCounts are a commune's jobs: due and not done, given up, and since when the
// oldest is due.
type JobCounts struct {
	Waiting int        `json:"waiting"`
	GivenUp int        `json:"given_up"`
	Oldest  *time.Time `json:"oldest,omitempty"`
}

// KeyStatus is the key that seals a commune's data.
type KeyStatus struct {
	Master    string    `json:"master_key"`
	MadeAt    time.Time `json:"made_at"`
	ChangedAt time.Time `json:"changed_at"`
	Destroyed bool      `json:"destroyed"`
}

// LastBackup is a commune's newest backup, or the newest of everything.
type LastBackup struct {
	At    time.Time `json:"at"`
	Kind  string    `json:"kind"`
	State string    `json:"state"`
}

// StatusOf looks at one commune. Errors: tenancy.ErrUnknown; that the commune's
// own database does not answer, with what the directory knows filled in.
func (a *App) StatusOf(ctx context.Context, slug string) (Status, error) {
	t, err := a.DB.Directory().BySlug(ctx, slug)
	if err != nil {
		return Status{}, err
	}
	s := Status{Slug: t.Slug(), Name: t.Name(), Cluster: t.Cluster(), Schema: t.SchemaVersion(), Opened: t.CreatedAt(),
		Hosts: append([]string{t.Slug() + "." + a.DB.Directory().Base()}, t.Hosts()...)}
	s.State, s.Reason = t.State()
	if since := t.ReadOnlySince(); !since.IsZero() {
		s.ReadOnlySince = &since
	}
	if s.Wanted, err = tenancy.WantedVersion(); err != nil {
		return s, err
	}
	if err := a.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error { return s.platform(tx, a.Clock.Now()) }); err != nil {
		return s, err
	}
	return s, a.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		if err := tx.QueryRow(`select count(*) filter (where gave_up_at is null and run_after <= now()), count(*) filter (where gave_up_at is not null),
			min(run_after) filter (where gave_up_at is null and run_after <= now()) from outbox where done_at is null`).Scan(&s.Jobs.Waiting, &s.Jobs.GivenUp, &s.Jobs.Oldest); err != nil {
			return err
		}
		return tx.QueryRow("select count(*) from access_grants where state = 'granted' and granted_until > $1", a.Clock.Now()).Scan(&s.Grants)
	})
}

// platform reads what stands outside the commune's schema.
func (s *Status) platform(tx *tenancy.PlatformTx, now time.Time) error {
	failed, err := meters.LastDay(tx, now)
	if err != nil {
		return err
	}
	s.Errors = failed[s.Slug]
	var k KeyStatus
	switch err := tx.QueryRow("select master, made_at, changed_at, destroyed_at is not null from keysets where slug = $1 and purpose = 'data'", s.Slug).Scan(
		&k.Master, &k.MadeAt, &k.ChangedAt, &k.Destroyed); {
	case err == nil:
		s.Key = &k
	case !errors.Is(err, pgx.ErrNoRows):
		return err
	}
	var b LastBackup
	switch err := tx.QueryRow("select at, kind, state from backups where slug in ('', $1) and kind in ('commune', 'whole') order by at desc limit 1", s.Slug).Scan(&b.At, &b.Kind, &b.State); {
	case err == nil:
		s.Backup = &b
	case !errors.Is(err, pgx.ErrNoRows):
		return err
	}
	return nil
}
