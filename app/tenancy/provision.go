package tenancy

import (
	"context"
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
	sharedLogin  = "l_shared_"
)

// Commune is what the directory must know to open one.
type Commune struct {
	Slug, Name, RefPrefix string
	BFS, Inhabitants      int
	Hosts                 []string
	Cluster               string // where a new commune's data shall lie; "" is the directory's cluster
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

// Provision opens a commune on its cluster: login, role, schema, tables; and its
// entry in the directory. It can be interrupted and run again. The commune stays
// in the state "provisioning" until Activate.
func (o *Owner) Provision(ctx context.Context, c Commune, report func(string)) error {
	if err := c.Validate(); err != nil {
		return err
	}
	dir, err := o.connect(ctx)
	if err != nil {
		return err
	}
	defer dir.Close(context.WithoutCancel(ctx))
	var known string
	switch err := dir.QueryRow(ctx, "select cluster from platform.communes where slug = $1", c.Slug).Scan(&known); {
	case err == nil:
		c.Cluster = known // where it is now; `tenant move` is what changes that
	case !errors.Is(err, pgx.ErrNoRows):
		return err
	case c.Cluster == "":
		c.Cluster = MainCluster
	}
	conn, err := o.Connect(ctx, c.Cluster)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	p, err := o.place(ctx, dir, c.Slug, c.Cluster)
	if err != nil {
		return err
	}
	if err := o.prepare(ctx, dir, conn, p); err != nil {
		return err
	}
	if report != nil {
		report("schema " + p.Schema)
	}
	if _, err := dir.Exec(ctx, `insert into platform.communes
		(slug, name, ref_prefix, bfs_number, inhabitants, cluster, shard, schema_name, role_name, login_name)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (slug) do update set name = excluded.name, bfs_number = excluded.bfs_number,
			inhabitants = excluded.inhabitants, updated_at = now()`,
		c.Slug, c.Name, c.RefPrefix, c.BFS, c.Inhabitants, c.Cluster, p.Shard, p.Schema, p.Role, p.Login); err != nil {
		return err
	}
	for _, h := range c.Hosts {
		var holder string
		if err := dir.QueryRow(ctx, `with added as (
				insert into platform.hosts (host, slug, main) values (lower($1), $2, not exists (select from platform.hosts where slug = $2))
				on conflict (host) do nothing returning slug)
			select slug from added union all select slug from platform.hosts where host = lower($1) limit 1`, h, c.Slug).Scan(&holder); err != nil {
			return err
		}
		if holder != c.Slug {
			return fmt.Errorf("tenancy: host %s belongs to %s", h, holder)
		}
	}
	return o.migrateTenant(ctx, dir, conn, c.Slug, p, report)
}

// Place is where a commune's data lies.
type Place struct {
	Cluster             string
	Schema, Role, Login string
	Shard               int
}

// place is where a commune of that name lies, or would lie, on a cluster.
func (o *Owner) place(ctx context.Context, dir *pgx.Conn, slug, cluster string) (Place, error) {
	n, ok := o.nodes[cluster]
	if !ok {
		return Place{}, fmt.Errorf("tenancy: cluster %q is not configured", cluster)
	}
	p := Place{Cluster: cluster, Schema: "t_" + slug, Role: n.prefix() + "t_" + slug}
	err := dir.QueryRow(ctx, "select login_name, shard, schema_name, role_name from platform.communes where slug = $1 and cluster = $2", slug, cluster).
		Scan(&p.Login, &p.Shard, &p.Schema, &p.Role)
	if err == nil || !errors.Is(err, pgx.ErrNoRows) {
		return p, err // it keeps the login it has
	}
	var own int
	if err := dir.QueryRow(ctx, "select count(*) from platform.communes where shard = 0 and cluster = $1", cluster).Scan(&own); err != nil {
		return Place{}, err
	}
	most := o.OwnLogins
	if most == 0 {
		most = ownLogins
	}
	if own < most {
		p.Login = n.prefix() + "l_" + slug
		return p, nil
	}
	h := fnv.New32a()
	h.Write([]byte(slug))
	p.Shard = int(h.Sum32()%sharedLogins) + 1
	p.Login = fmt.Sprintf("%s%s%d", n.prefix(), sharedLogin, p.Shard)
	return p, nil
}

// prepare makes login, role and empty schema.
func (o *Owner) prepare(ctx context.Context, dir, conn *pgx.Conn, p Place) error {
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_roles where rolname = $1)", p.Role).Scan(&exists); err != nil {
		return err
	}
	if !exists {
		if _, err := conn.Exec(ctx, "create role "+p.Role+" nologin noinherit"); err != nil {
			return err
		}
	}
	password, err := o.loginPassword(ctx, dir, p.Login)
	if err != nil {
		return err
	}
	if err := ensureLogin(ctx, conn, p.Login, password); err != nil {
		return err
	}
	_, err = conn.Exec(ctx, strings.Join([]string{
		fmt.Sprintf("grant %s to %s", p.Role, p.Login),
		"create schema if not exists " + p.Schema,
		fmt.Sprintf("grant usage on schema %s, ext, platform to %s", p.Schema, p.Role),
	}, ";"))
	return err
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

// WantedVersion is the newest tenant migration this binary knows.
func WantedVersion() (int64, error) {
	all, err := ReadMigrations(migrations.Tenant, "tenant")
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].Version, nil
}
