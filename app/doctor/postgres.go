package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/migrations"
)

// clusters are the PostgreSQL servers of the settings, the directory's first.
func (x *exam) clusters() []place {
	out := []place{{cluster: tenancy.MainCluster, url: x.Config.Database.URL}}
	more, err := x.Config.Database.ClusterURLs()
	if err != nil {
		return out // refused when the settings were read
	}
	for _, name := range slices.Sorted(maps.Keys(more)) {
		out = append(out, place{cluster: name, url: more[name]})
	}
	return out
}

// connect speaks in a way that a pooler in transaction mode understands too.
func connect(ctx context.Context, address string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fails("its address is none; correct it in the settings")
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	cfg.ConnectTimeout = checkTimeout - time.Second
	return pgx.ConnectConfig(ctx, cfg)
}

// setting is the variable that says where a cluster is.
func setting(p place) string {
	if p.cluster == tenancy.MainCluster {
		return "SPORTELLO_DATABASE_URL"
	}
	return "SPORTELLO_DATABASE_CLUSTERS"
}

// explainPostgres says why a server does not take us.
func explainPostgres(p place, err error) string {
	who, database := "the login", "the database"
	if u, perr := url.Parse(p.url); perr == nil {
		who, database = "the login "+u.User.Username(), "the database "+strings.TrimPrefix(u.Path, "/")
	}
	var pg *pgconn.PgError
	var dns *net.DNSError
	if errors.As(err, &pg) {
		switch pg.Code {
		case "28P01": // invalid_password
			return fmt.Sprintf("cluster %s refuses the password of %s; correct it in %s", p.cluster, who, setting(p))
		case "28000": // invalid_authorization
			return fmt.Sprintf("cluster %s does not let %s in; run `sportello migrate up`, which creates it, or allow it in pg_hba.conf", p.cluster, who)
		case "3D000": // invalid_catalog_name
			return fmt.Sprintf("cluster %s has no %s; create it, then run `sportello migrate up`, or correct %s", p.cluster, strings.TrimPrefix(database, "the "), setting(p))
		case "53300": // too_many_connections
			return fmt.Sprintf("cluster %s has no connection left; raise max_connections or lower SPORTELLO_DATABASE_CONNECTIONS", p.cluster)
		case "53100": // disk_full
			return fmt.Sprintf("the disk of cluster %s is full and nothing can be submitted; free space there, everything goes on by itself", p.cluster)
		case "57P03": // cannot_connect_now
			return fmt.Sprintf("cluster %s is starting or mending itself; wait a minute, and if that lasts look into its log and whether its disk is full", p.cluster)
		case "25006": // read_only_sql_transaction
			return fmt.Sprintf("cluster %s takes no writes: it is a standby; let %s name the primary", p.cluster, setting(p))
		}
		return fmt.Sprintf("cluster %s refuses us (SQLSTATE %s); look into its log", p.cluster, pg.Code)
	}
	if errors.As(err, &dns) {
		return fmt.Sprintf("the host of cluster %s is not known to the resolver; correct %s", p.cluster, setting(p))
	}
	return fmt.Sprintf("cluster %s is not reached; start PostgreSQL (its log says why it ended: is its disk full?), look at the network, or correct %s", p.cluster, setting(p))
}

func postgresVersion(ctx context.Context, x *exam, p place) error {
	var number int
	if err := p.conn.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&number); err != nil {
		return err
	}
	if major := number / 10000; major < x.Need.PostgreSQL {
		return fails("cluster %s runs PostgreSQL %d, and this needs %d or newer; upgrade it", p.cluster, major, x.Need.PostgreSQL)
	}
	return nil
}

// runtimeRights: what faces the web can create nothing.
func runtimeRights(ctx context.Context, _ *exam, p place) error {
	var who string
	var create, super, roles bool
	if err := p.conn.QueryRow(ctx, `select current_user, has_database_privilege(current_database(), 'create'), rolsuper, rolcreaterole
		from pg_roles where rolname = current_user`).Scan(&who, &create, &super, &roles); err != nil {
		return err
	}
	switch {
	case super:
		return fails("the runtime login %s of cluster %s is a superuser; give another login in %s", who, p.cluster, setting(p))
	case create:
		return fails("the runtime login %s may create schemas on cluster %s; run `revoke create on database … from %s` as the database's owner", who, p.cluster, who)
	case roles:
		return fails("the runtime login %s may create roles on cluster %s; run `alter role %s nocreaterole` as the superuser", who, p.cluster, who)
	}
	return nil
}

// poolerSetting: a pooler tells the client a process id of its own making.
func poolerSetting(ctx context.Context, x *exam, p place) error {
	var backend uint32
	if err := p.conn.QueryRow(ctx, "select pg_backend_pid()").Scan(&backend); err != nil {
		return err
	}
	between := backend != p.conn.PgConn().PID()
	switch set := x.Config.Database.Pooler == tenancy.PoolerTransaction; {
	case between && !set:
		return fails("a pooler stands before cluster %s, and prepared statements will fail; set SPORTELLO_DATABASE_POOLER to transaction", p.cluster)
	case !between && set:
		return warns("SPORTELLO_DATABASE_POOLER is set and no pooler stands before cluster %s; leave it empty to have prepared statements", p.cluster)
	}
	return nil
}

func extensions(ctx context.Context, _ *exam, p place) error {
	var missing []string
	if err := p.conn.QueryRow(ctx, `select coalesce(array_agg(e order by e), '{}') from unnest(array['pg_trgm', 'unaccent']) e
		where not exists (select from pg_extension x join pg_namespace n on n.oid = x.extnamespace where x.extname = e and n.nspname = 'ext')`).Scan(&missing); err != nil {
		return err
	}
	if len(missing) > 0 {
		return fails("cluster %s lacks the extension %s in schema ext, and searches fail; run `create extension %s with schema ext` as the database's owner",
			p.cluster, strings.Join(missing, " and "), missing[0])
	}
	return nil
}

// ownerShare is what migrations, provisioning and a person with psql may need at
// the same time.
const ownerShare = 10

// connections compares what the processes may open with what the server allows.
func connections(ctx context.Context, x *exam, p place) error {
	if x.Config.Database.Pooler != "" {
		return errNothing // the pooler bounds them
	}
	own, shared, err := x.logins(ctx, p.cluster)
	if err != nil {
		return err
	}
	var allowed int
	if err := p.conn.QueryRow(ctx, "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int").Scan(&allowed); err != nil {
		return err
	}
	d := x.Config.Database
	of := tenancy.Options{PoolSize: d.PoolSize, Connections: d.Connections, PlatformPoolSize: d.PlatformPoolSize}.Opens(own, shared)
	if need := x.Need.Processes*of + ownerShare; need > allowed {
		return fails("%d processes may open %d connections each to cluster %s, with %d for the owner that makes %d, and it allows %d; set max_connections to %d, or lower SPORTELLO_DATABASE_CONNECTIONS",
			x.Need.Processes, of, p.cluster, ownerShare, need, allowed, (need/10+1)*10)
	}
	return nil
}

// logins counts the communes of a cluster with a login of their own, and the
// logins that communes share.
func (x *exam) logins(ctx context.Context, cluster string) (own, shared int, err error) {
	err = x.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow(`select count(*) filter (where shard = 0), count(distinct login_name) filter (where shard > 0)
			from communes where cluster = $1 and state <> 'archived'`, cluster).Scan(&own, &shared)
	})
	return own, shared, err
}

// Clocks that differ by less than this do no harm: terms are days.
const (
	skewSeen = 2 * time.Second
	skewHarm = 30 * time.Second
)

func clockSkew(ctx context.Context, x *exam, p place) error {
	before := x.Clock.Now()
	var there time.Time
	if err := p.conn.QueryRow(ctx, "select clock_timestamp()").Scan(&there); err != nil {
		return err
	}
	middle := before.Add(x.Clock.Now().Sub(before) / 2)
	skew := there.Sub(middle).Round(time.Second)
	switch {
	case skew.Abs() >= skewHarm:
		return fails("the clock of cluster %s differs from this machine's by %s, and sessions and terms end at the wrong moment; let both follow a time server", p.cluster, skew)
	case skew.Abs() >= skewSeen:
		return warns("the clock of cluster %s differs from this machine's by %s; let both follow a time server", p.cluster, skew)
	}
	return nil
}

// roomOnDisk writes some megabytes to a temporary table and takes them back.
func roomOnDisk(ctx context.Context, _ *exam, p place) error {
	tx, err := p.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	_, err = tx.Exec(ctx, `create temporary table doctor_room on commit drop as
		select repeat(md5(i::text), 60) as filler from generate_series(1, 3000) i`)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" { // it may not: then it cannot tell
		return errNothing
	}
	return err
}

// platformSchema compares what was applied with what this binary brings.
func platformSchema(ctx context.Context, _ *exam, p place) error {
	var fsys fs.FS = migrations.Platform
	dir := "platform"
	if p.cluster != tenancy.MainCluster {
		fsys, dir = migrations.Cluster, "cluster"
	}
	wanted, err := tenancy.ReadMigrations(fsys, dir)
	if err != nil {
		return err
	}
	applied := map[int64]string{}
	rows, err := p.conn.Query(ctx, "select version, checksum from platform.schema_versions")
	if err != nil {
		return err
	}
	if err := read(rows, applied); err != nil {
		return fails("cluster %s has no schema of the platform; run `sportello migrate up`", p.cluster)
	}
	return compare(wanted, applied, "the platform on cluster "+p.cluster)
}

func read(rows pgx.Rows, into map[int64]string) error {
	var version int64
	var sum string
	_, err := pgx.ForEachRow(rows, []any{&version, &sum}, func() error { into[version] = sum; return nil })
	return err
}

// compare holds a schema's versions against this binary's.
func compare(wanted []tenancy.Migration, applied map[int64]string, what string) error {
	var newest int64
	missing := 0
	for _, m := range wanted {
		newest = max(newest, m.Version)
		switch sum, ok := applied[m.Version]; {
		case !ok:
			missing++
		case sum != m.Checksum:
			return fails("the migration %s was edited after it had been applied to %s; run the release that applied it, and put the change into a new file", m.Name, what)
		}
	}
	if missing > 0 {
		return fails("%s lacks %d migrations of this release; run `sportello migrate up`", what, missing)
	}
	for version := range applied {
		if version > newest {
			return warns("%s has migrations that this release does not know; finish the change to the newer release", what)
		}
	}
	return nil
}

// hintsLate is how old a hint may grow: the relay reads them every 400 ms.
const hintsLate = time.Minute

func hintBacklog(ctx context.Context, _ *exam, p place) error {
	var n int
	if err := p.conn.QueryRow(ctx, fmt.Sprintf("select count(*) from platform.outbox_hints where at < clock_timestamp() - interval '%d seconds'", int(hintsLate.Seconds()))).Scan(&n); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "42P01" {
			return errNothing // no platform yet: told above
		}
		return err
	}
	if n > 0 {
		return fails("%d hints of the outbox on cluster %s are older than a minute, so no worker relays; start `sportello worker`, with a setting for this cluster", n, p.cluster)
	}
	return nil
}

// ownerAnswers looks only where this process has the owner's credential.
func ownerAnswers(ctx context.Context, x *exam, p place) error {
	address := x.Config.Database.OwnerURL
	if p.cluster != tenancy.MainCluster {
		more, err := x.Config.Database.OwnerClusterURLs()
		if err != nil || x.Config.Database.OwnerURL == "" {
			return errNothing //nolint:nilerr // refused when the settings were read
		}
		if address = more[p.cluster]; address == "" {
			return fails("the owner's address of cluster %s is missing, and its communes cannot be migrated; add it to SPORTELLO_OWNER_DATABASE_CLUSTERS", p.cluster)
		}
	}
	if address == "" {
		return errNothing
	}
	conn, err := connect(ctx, address)
	if err != nil {
		return trouble{Failure, strings.NewReplacer("SPORTELLO_DATABASE", "SPORTELLO_OWNER_DATABASE").Replace(explainPostgres(place{cluster: p.cluster, url: address}, err))}
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var create bool
	if err := conn.QueryRow(ctx, "select has_database_privilege(current_database(), 'create')").Scan(&create); err != nil {
		return err
	}
	if !create {
		return fails("the owner of cluster %s may not create schemas, and no commune can be opened; run `grant create on database … to` it as the superuser", p.cluster)
	}
	return nil
}
