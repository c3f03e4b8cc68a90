package tenancy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/migrations"
)

// ownLogins is how many communes get a login and a pool of their own; beyond
// that they share sharedLogins of them (measured in tenancy.md).
const (
	ownLogins    = 32
	sharedLogins = 8
)

// Commune is what the directory must know to open one.
type Commune struct {
	Slug, Name, RefPrefix string
	BFS, Inhabitants      int
	Hosts                 []string
}

var slugPattern = regexp.MustCompile(`^[a-z][a-z0-9]{1,39}$`)

// reservedSlugs are subdomains that can never be a commune.
var reservedSlugs = map[string]bool{"ente": true, "www": true, "api": true, "mail": true, "admin": true, "static": true}

// Validate says what is wrong with a commune's directory entry.
func (c Commune) Validate() error {
	switch {
	case !slugPattern.MatchString(c.Slug):
		return errors.New("the short name must be 2 to 40 lower-case letters or digits, beginning with a letter")
	case reservedSlugs[c.Slug]:
		return fmt.Errorf("the short name %q is reserved", c.Slug)
	case strings.TrimSpace(c.Name) == "":
		return errors.New("the name is missing")
	case !regexp.MustCompile(`^[A-Z]{3}$`).MatchString(c.RefPrefix):
		return errors.New("the reference prefix must be three capital letters")
	}
	return nil
}

// Owner holds the credential that may create schemas and roles. It lives in
// `migrate`, in `tenant` and in the provisioning worker only.
type Owner struct {
	cfg       *pgx.ConnConfig
	platform  *pgx.ConnConfig
	masterKey []byte
	keys      KeyMaker
}

// NewOwner prepares the owner's access; platformURL names the runtime login,
// which Migrate creates when it is missing.
func NewOwner(ownerURL, platformURL string, masterKey []byte) (*Owner, error) {
	cfg, err := pgx.ParseConfig(ownerURL)
	if err != nil {
		return nil, fmt.Errorf("tenancy: owner's database address: %w", err)
	}
	p, err := pgx.ParseConfig(platformURL)
	if err != nil {
		return nil, fmt.Errorf("tenancy: database address: %w", err)
	}
	if p.User == cfg.User {
		return nil, errors.New("tenancy: the runtime login and the owner must be two different roles")
	}
	if !identifier.MatchString(p.User) {
		return nil, fmt.Errorf("tenancy: the runtime login's name %q must be lower-case letters, digits and underscores", p.User)
	}
	if cfg.RuntimeParams == nil {
		cfg.RuntimeParams = map[string]string{}
	}
	cfg.RuntimeParams["application_name"] = "sportello-owner"
	return &Owner{cfg: cfg, platform: p, masterKey: masterKey}, nil
}

// connect opens one connection that other sessions' locks cannot hold forever.
func (o *Owner) connect(ctx context.Context) (*pgx.Conn, error) {
	return pgx.ConnectConfig(ctx, o.cfg)
}

// prefix makes role names of this database its own: roles belong to the
// cluster, schemas to a database.
func (o *Owner) prefix() string {
	sum := sha256.Sum256([]byte(o.cfg.Database))
	return "s" + hex.EncodeToString(sum[:3]) + "_"
}

// MigratePlatform brings the directory's schema up to date and makes sure the
// runtime login exists with exactly the rights it needs.
func (o *Owner) MigratePlatform(ctx context.Context, report func(string)) error {
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "create schema if not exists platform"); err != nil {
		return err
	}
	all, err := ReadMigrations(migrations.Platform, "platform")
	if err != nil {
		return err
	}
	if _, err := migrate(ctx, conn, target{schema: "platform"}, all, report); err != nil {
		return err
	}
	if err := ensureLogin(ctx, conn, o.platform.User, o.platform.Password); err != nil {
		return err
	}
	u := o.platform.User
	grants := []string{
		"revoke create on schema public from public",
		"grant usage on schema platform, ext to " + u,
		"grant select on all tables in schema platform to " + u,
	}
	for _, m := range all {
		for _, g := range m.Grants {
			if g.To == "runtime" {
				grants = append(grants, g.on(u))
			}
		}
	}
	if _, err := conn.Exec(ctx, strings.Join(grants, ";")); err != nil {
		return err
	}
	return o.makeKeys(ctx, conn, "")
}

// communeGrants are what a commune's role may do on the platform's tables.
func communeGrants(role string) ([]string, error) {
	all, err := ReadMigrations(migrations.Platform, "platform")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, m := range all {
		for _, g := range m.Grants {
			if g.To == "communes" {
				out = append(out, g.on(role))
			}
		}
	}
	return out, nil
}

// ensureLogin creates a login or gives it the password we know. NOINHERIT:
// a login is nobody until it takes a role.
func ensureLogin(ctx context.Context, conn *pgx.Conn, name, password string) error {
	if !identifier.MatchString(name) {
		return fmt.Errorf("login name %q is impossible", name)
	}
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", name).Scan(&exists); err != nil {
		return err
	}
	verb := "create"
	if exists {
		verb = "alter"
	}
	// The password is ours (hex) or the operator's: quote it as a literal.
	_, err := conn.Exec(ctx, fmt.Sprintf("%s role %s login noinherit nocreatedb nocreaterole password '%s'",
		verb, name, strings.ReplaceAll(password, "'", "''")))
	return err
}

// Provision opens a commune: login, role, schema, tables, directory entry. It
// can be interrupted and run again. The commune stays in the state
// "provisioning" until Activate.
func (o *Owner) Provision(ctx context.Context, c Commune, report func(string)) error {
	if err := c.Validate(); err != nil {
		return err
	}
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	schema, role := "t_"+c.Slug, o.prefix()+"t_"+c.Slug
	login, shard, err := o.chooseLogin(ctx, conn, c.Slug)
	if err != nil {
		return err
	}
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", role).Scan(&exists); err != nil {
		return err
	}
	if !exists {
		if _, err := conn.Exec(ctx, "create role "+role+" nologin noinherit"); err != nil {
			return err
		}
	}
	password, err := o.loginPassword(ctx, conn, login)
	if err != nil {
		return err
	}
	if err := ensureLogin(ctx, conn, login, password); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, strings.Join([]string{
		fmt.Sprintf("grant %s to %s", role, login),
		"create schema if not exists " + schema,
		fmt.Sprintf("grant usage on schema %s, ext, platform to %s", schema, role),
	}, ";")); err != nil {
		return err
	}
	if report != nil {
		report("schema " + schema)
	}
	if _, err := conn.Exec(ctx, `insert into platform.communes
		(slug, name, ref_prefix, bfs_number, inhabitants, shard, schema_name, role_name, login_name)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (slug) do update set name = excluded.name, bfs_number = excluded.bfs_number,
			inhabitants = excluded.inhabitants, updated_at = now()`,
		c.Slug, c.Name, c.RefPrefix, c.BFS, c.Inhabitants, shard, schema, role, login); err != nil {
		return err
	}
	for _, h := range c.Hosts {
		if _, err := conn.Exec(ctx, "insert into platform.hosts (host, slug) values (lower($1), $2) on conflict (host) do nothing", h, c.Slug); err != nil {
			return err
		}
	}
	_, err = o.migrateTenant(ctx, conn, c.Slug, target{schema: schema, role: role}, report)
	return err
}

// chooseLogin keeps the login a commune already has; a new one gets its own
// while there are few communes, and a shared one beyond that.
func (o *Owner) chooseLogin(ctx context.Context, conn *pgx.Conn, slug string) (login string, shard int, err error) {
	err = conn.QueryRow(ctx, "select login_name, shard from platform.communes where slug = $1", slug).Scan(&login, &shard)
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return login, shard, err
	}
	var n int
	if err := conn.QueryRow(ctx, "select count(*) from platform.communes where shard = 0").Scan(&n); err != nil {
		return "", 0, err
	}
	if n < ownLogins {
		return o.prefix() + "l_" + slug, 0, nil
	}
	h := fnv.New32a()
	h.Write([]byte(slug))
	shard = int(h.Sum32()%sharedLogins) + 1
	return fmt.Sprintf("%sl_shared_%d", o.prefix(), shard), shard, nil
}

func (o *Owner) migrateTenant(ctx context.Context, conn *pgx.Conn, slug string, to target, report func(string)) (int64, error) {
	all, err := ReadMigrations(migrations.Tenant, "tenant")
	if err != nil {
		return 0, err
	}
	// Before the tables: once they are there, what goes into them is sealed.
	if err := o.makeKeys(ctx, conn, slug); err != nil {
		return 0, fmt.Errorf("keys of %s: %w", slug, err)
	}
	v, err := migrate(ctx, conn, to, all, report)
	if err != nil {
		return v, err
	}
	// Platform tables that are younger than the commune are granted here too.
	grants, err := communeGrants(to.role)
	if err != nil {
		return v, err
	}
	if _, err := conn.Exec(ctx, strings.Join(grants, ";")); err != nil {
		return v, err
	}
	_, err = conn.Exec(ctx, "update platform.communes set schema_version = $2, updated_at = now() where slug = $1 and schema_version <> $2", slug, v)
	return v, err
}

// SetState moves a commune through its life; reason is for people.
func (o *Owner) SetState(ctx context.Context, slug string, s State, reason string) error {
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	tag, err := conn.Exec(ctx, "update platform.communes set state = $2, state_reason = $3, updated_at = now() where slug = $1", slug, string(s), reason)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrUnknown
	}
	return err
}

// MigrateTenants brings every commune's schema up to date, one after the
// other in the order of their names: the first is the canary, and an error
// there stops the rest.
func (o *Owner) MigrateTenants(ctx context.Context, report func(string)) error {
	conn, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, "select slug, schema_name, role_name from platform.communes where state <> 'archived' order by slug")
	if err != nil {
		return err
	}
	type commune struct{ Slug, SchemaName, RoleName string }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[commune])
	if err != nil {
		return err
	}
	for _, c := range all {
		if _, err := o.migrateTenant(ctx, conn, c.Slug, target{schema: c.SchemaName, role: c.RoleName}, report); err != nil {
			return err
		}
	}
	return nil
}

// WantedVersion is the newest tenant migration this binary knows.
func WantedVersion() (int64, error) {
	all, err := ReadMigrations(migrations.Tenant, "tenant")
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].Version, nil
}
