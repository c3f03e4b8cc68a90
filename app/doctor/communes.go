package doctor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/migrations"
)

func communeAnswers(ctx context.Context, x *exam, p place) error {
	return x.DB.Read(ctx, p.commune, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("select 1 from settings limit 1")
		return err
	})
}

func explainCommune(p place, err error) string {
	slug := p.commune.Slug()
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "28P01", "28000":
			return fmt.Sprintf("the login of %s is refused; give the master key the commune was opened with, or run `sportello tenant apply %s` to set its password again", slug, slug)
		case "3F000", "42P01":
			return fmt.Sprintf("the schema of %s is not there; restore it (`sportello tenant backups %s`) or run `sportello tenant apply %s`", slug, slug, slug)
		case "42501":
			return fmt.Sprintf("the role of %s may not read its own tables; run `sportello tenant apply %s`", slug, slug)
		}
		return explainPostgres(p, err)
	}
	return fmt.Sprintf("%s cannot be read on cluster %s; look at what is told of that cluster above", slug, p.commune.Cluster())
}

func communeSchema(ctx context.Context, x *exam, p place) error {
	slug := p.commune.Slug()
	wanted, err := tenancy.ReadMigrations(migrations.Tenant, "tenant")
	if err != nil {
		return err
	}
	applied := map[int64]string{}
	if err := x.DB.Read(ctx, p.commune, func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select version, checksum from schema_versions")
		if err != nil {
			return err
		}
		return read(rows, applied)
	}); err != nil {
		return err
	}
	var failed string
	if err := x.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select migration_error from communes where slug = $1", slug).Scan(&failed)
	}); err != nil {
		return err
	}
	if failed != "" {
		return fails("the last migration of %s failed (%s); mend the cause and run `sportello migrate up`", slug, failed)
	}
	return compare(wanted, applied, slug)
}

// holdMost is how long a move or a restore keeps a commune from writing.
const holdMost = 5 * time.Minute

func readOnly(_ context.Context, x *exam, p place) error {
	since := p.commune.ReadOnlySince()
	if since.IsZero() {
		return nil
	}
	if lasts := x.Clock.Now().Sub(since).Round(time.Minute); lasts > holdMost {
		return fails("%s takes no writes since %s ago: a move or a restore was interrupted; run the same command again", p.commune.Slug(), lasts)
	}
	return warns("%s takes no writes for a moment, because it is being moved or restored; ask again in a minute", p.commune.Slug())
}

func communeKeys(ctx context.Context, x *exam, p place) error {
	if !p.commune.Sealed() {
		return errNothing
	}
	_, err := x.Keys.For(ctx, p.commune)
	return err
}

// sealEnds is how long before its end a seal is warned of: buying one takes weeks.
const sealEnds = 45 * 24 * time.Hour

func communeSeal(ctx context.Context, x *exam, p place) error {
	slug := p.commune.Slug()
	var until time.Time
	err := x.DB.Read(ctx, p.commune, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select not_after from seal_keys where in_use").Scan(&until)
	})
	left := until.Sub(x.Clock.Now())
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return warns("%s has no electronic seal, and its papers wait; run `sportello tenant seal %s` with the file it bought", slug, slug)
	case err != nil:
		return err
	case left < 0:
		return fails("the seal of %s ended on %s, and its papers wait; run `sportello tenant seal %s` with a new one", slug, until.Format(time.DateOnly), slug)
	case left < sealEnds:
		return warns("the seal of %s ends on %s; buy a new one and run `sportello tenant seal %s`", slug, until.Format(time.DateOnly), slug)
	}
	return nil
}

// jobsLate is how long a job that is due may wait; givenUpSeen is how far back
// those that were given up are told.
const (
	jobsLate    = 10 * time.Minute
	givenUpSeen = 14 * 24 * time.Hour
)

func communeJobs(ctx context.Context, x *exam, p place) error {
	slug := p.commune.Slug()
	var late, given int
	var kind, gaveKind string
	if err := x.DB.Read(ctx, p.commune, func(tx *tenancy.Tx) error {
		if err := tx.QueryRow(`select count(*), coalesce(min(kind), '') from outbox where done_at is null and gave_up_at is null
			and run_after < now() - make_interval(secs => $1)`, jobsLate.Seconds()).Scan(&late, &kind); err != nil {
			return err
		}
		return tx.QueryRow(`select count(*), coalesce(min(kind), '') from outbox where done_at is null
			and gave_up_at > now() - make_interval(secs => $1)`, givenUpSeen.Seconds()).Scan(&given, &gaveKind)
	}); err != nil {
		return err
	}
	switch {
	case late > 0:
		return fails("%d jobs of %s wait since more than ten minutes (%s); start `sportello worker`, or read last_error in the commune's outbox", late, slug, kind)
	case given > 0:
		return fails("%d jobs of %s were given up (%s); read last_error in the commune's outbox, mend the cause and let them run again", given, slug, gaveKind)
	}
	return nil
}

// anchorLate is a day that ended, and time for the worker to notice.
const anchorLate = 50 * time.Hour

func communeAnchor(ctx context.Context, x *exam, p place) error {
	slug := p.commune.Slug()
	var first, last *time.Time
	if err := x.DB.Read(ctx, p.commune, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select min(at) from audit").Scan(&first)
	}); err != nil {
		return err
	}
	if err := x.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select max(at) from audit_anchors where slug = $1", slug).Scan(&last)
	}); err != nil {
		return err
	}
	since := first
	if last != nil {
		since = last
	}
	if since == nil || x.Clock.Now().Sub(*since) < anchorLate {
		return nil
	}
	if last == nil {
		return fails("the audit of %s was never anchored; start `sportello worker`, or run `sportello audit anchor %s`", slug, slug)
	}
	return fails("the audit of %s was last anchored on %s; start `sportello worker`, or run `sportello audit anchor %s`", slug, last.Format(time.DateOnly), slug)
}

// A backup is a day old, and room for the work itself; after a week it is none.
const (
	backupLate = 26 * time.Hour
	backupNone = 7 * 24 * time.Hour
)

func communeBackup(ctx context.Context, x *exam, p place) error {
	slug := p.commune.Slug()
	var at time.Time
	var state string
	err := x.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow(`select at, state from backups where kind in ('commune', 'whole') and slug in ('', $1) order by at desc limit 1`, slug).Scan(&at, &state)
	})
	age := x.Clock.Now().Sub(at)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		if x.Config.Demo {
			return errNothing
		}
		return warns("%s was never backed up; run `sportello tenant backup %s` every night", slug, slug)
	case err != nil:
		return err
	case state == "failed":
		return fails("the last backup of %s failed on %s; read the worker's log, then run `sportello tenant backup %s`", slug, at.Format(time.DateOnly), slug)
	case age > backupNone:
		return fails("the last backup of %s is of %s; run `sportello tenant backup %s`, and every night", slug, at.Format(time.DateOnly), slug)
	case age > backupLate:
		return warns("the last backup of %s is of %s; run `sportello tenant backup %s`, and every night", slug, at.Format(time.DateOnly), slug)
	}
	return nil
}

// domainEnds is how long before its end a certificate should have been renewed.
const domainEnds = 21 * 24 * time.Hour

func communeDomains(ctx context.Context, x *exam, p place) error {
	hosts := p.commune.Hosts()
	if len(hosts) == 0 {
		return errNothing
	}
	type seen struct {
		Host    string
		Until   *time.Time
		Message string
	}
	var list []seen
	if err := x.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select host, not_after, message from certificates where host = any($1) order by not_after nulls first", hosts)
		if err != nil {
			return err
		}
		list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[seen])
		return err
	}); err != nil {
		return err
	}
	var worst error
	for _, c := range list {
		switch {
		case c.Until == nil:
			return fails("%s of %s gave no certificate when last asked (%s); let it point at the proxy, which then gets one", c.Host, p.commune.Slug(), c.Message)
		case c.Until.Before(x.Clock.Now()):
			return fails("the certificate of %s (%s) ended on %s; look why the proxy does not renew it", c.Host, p.commune.Slug(), c.Until.Format(time.DateOnly))
		case c.Until.Sub(x.Clock.Now()) < domainEnds:
			worst = warns("the certificate of %s (%s) ends on %s and should have been renewed; look into the proxy's log", c.Host, p.commune.Slug(), c.Until.Format(time.DateOnly))
		}
	}
	return worst
}
