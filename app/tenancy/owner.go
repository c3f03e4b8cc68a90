package tenancy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sportello-ticino/sportello/migrations"
)

// Owner holds the credential that may create schemas and roles, on every
// cluster. It lives in `migrate`, in `tenant` and in the provisioning worker only.
type Owner struct {
	// OwnLogins is how many communes of a cluster get a login of their own
	// (default 32); those beyond share eight.
	OwnLogins int

	// Migrations are a commune's; nil stands for those in the binary.
	Migrations []Migration

	nodes     map[string]node
	masterKey []byte
	keys      KeyMaker
}

// node is one cluster as the owner reaches it.
type node struct {
	owner   *pgx.ConnConfig
	runtime *pgx.ConnConfig // the login that reads the directory, or the hints
}

// NewOwner prepares the owner's access; platformURL names the runtime login,
// which MigratePlatform creates when it is missing.
func NewOwner(ownerURL, platformURL string, masterKey []byte) (*Owner, error) {
	o := &Owner{nodes: map[string]node{}, masterKey: masterKey}
	return o, o.add(MainCluster, ownerURL, platformURL)
}

// AddCluster makes a further PostgreSQL cluster known.
func (o *Owner) AddCluster(name, ownerURL, runtimeURL string) error {
	if _, err := clusterConfig(name, runtimeURL); err != nil {
		return err
	}
	return o.add(name, ownerURL, runtimeURL)
}

func (o *Owner) add(name, ownerURL, runtimeURL string) error {
	cfg, err := pgx.ParseConfig(ownerURL)
	if err != nil {
		return fmt.Errorf("tenancy: owner's database address (cluster %s): %w", name, err)
	}
	p, err := pgx.ParseConfig(runtimeURL)
	if err != nil {
		return fmt.Errorf("tenancy: database address (cluster %s): %w", name, err)
	}
	if p.User == cfg.User {
		return errors.New("tenancy: the runtime login and the owner must be two different roles")
	}
	if !identifier.MatchString(p.User) {
		return fmt.Errorf("tenancy: the runtime login's name %q must be lower-case letters, digits and underscores", p.User)
	}
	if cfg.RuntimeParams == nil {
		cfg.RuntimeParams = map[string]string{}
	}
	cfg.RuntimeParams["application_name"] = "sportello-owner"
	o.nodes[name] = node{cfg, p}
	return nil
}

// tenantMigrations are what a commune's schema must have had applied.
func (o *Owner) tenantMigrations() ([]Migration, error) {
	if o.Migrations != nil {
		return o.Migrations, nil
	}
	return ReadMigrations(migrations.Tenant, "tenant")
}

// Clusters are the names of the clusters the owner reaches, the directory's first.
func (o *Owner) Clusters() []string {
	out := slices.Sorted(maps.Keys(o.nodes))
	slices.SortStableFunc(out, func(a, b string) int {
		if a == MainCluster {
			return -1
		}
		if b == MainCluster {
			return 1
		}
		return strings.Compare(a, b)
	})
	return out
}

// connect opens a connection to the cluster of the directory.
func (o *Owner) connect(ctx context.Context) (*pgx.Conn, error) { return o.Connect(ctx, MainCluster) }

// Connect opens a connection with the owner's rights on one cluster; the caller
// closes it. Errors: an unknown cluster; whatever PostgreSQL says.
func (o *Owner) Connect(ctx context.Context, cluster string) (*pgx.Conn, error) {
	n, ok := o.nodes[cluster]
	if !ok {
		return nil, fmt.Errorf("tenancy: the owner's address of cluster %q is not configured (SPORTELLO_OWNER_DATABASE_CLUSTERS)", cluster)
	}
	return pgx.ConnectConfig(ctx, n.owner)
}

// prefix makes role names of a database its own: roles belong to the cluster,
// schemas to a database.
func (n node) prefix() string {
	sum := sha256.Sum256([]byte(n.owner.Database))
	return "s" + hex.EncodeToString(sum[:3]) + "_"
}

// MigratePlatform brings the directory's schema up to date, and what the further
// clusters have of it, and makes sure the runtime logins exist with exactly the
// rights they need.
func (o *Owner) MigratePlatform(ctx context.Context, report func(string)) error {
	for _, name := range o.Clusters() {
		fsys, dir := clusterMigrations(name)
		if err := o.migrateNode(ctx, name, fsys, dir, report); err != nil {
			return fmt.Errorf("cluster %s: %w", name, err)
		}
	}
	return o.Outside(ctx, func(conn *pgx.Conn) error { return o.makeKeys(ctx, conn, "") })
}

func clusterMigrations(name string) (fs.FS, string) {
	if name == MainCluster {
		return migrations.Platform, "platform"
	}
	return migrations.Cluster, "cluster"
}

func (o *Owner) migrateNode(ctx context.Context, name string, fsys fs.FS, dir string, report func(string)) error {
	conn, err := o.Connect(ctx, name)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "create schema if not exists platform"); err != nil {
		return err
	}
	all, err := ReadMigrations(fsys, dir)
	if err != nil {
		return err
	}
	if _, err := migrate(ctx, conn, target{schema: "platform"}, all, report); err != nil {
		return err
	}
	login := o.nodes[name].runtime
	if err := ensureLogin(ctx, conn, login.User, login.Password); err != nil {
		return err
	}
	grants := []string{
		"revoke create on schema public from public",
		"grant usage on schema platform, ext to " + login.User,
		"grant select on all tables in schema platform to " + login.User,
	}
	_, err = conn.Exec(ctx, strings.Join(append(grants, grantsTo(all, "runtime", login.User)...), ";"))
	return err
}

// grantsTo are the statements for one kind of receiver.
func grantsTo(all []Migration, to, role string) []string {
	var out []string
	for _, m := range all {
		for _, g := range m.Grants {
			if g.To == to {
				out = append(out, g.on(role))
			}
		}
	}
	return out
}

// grantPlatform gives a commune's role what it may do on the platform's tables of
// its cluster, where it may not yet: every grant on a table that all communes
// share makes all their sessions read it anew.
func grantPlatform(ctx context.Context, conn asker, p Place) error {
	fsys, dir := clusterMigrations(p.Cluster)
	all, err := ReadMigrations(fsys, dir)
	if err != nil {
		return err
	}
	for _, m := range all {
		for _, g := range m.Grants {
			if g.To != "communes" {
				continue
			}
			has, err := g.held(ctx, conn, p.Role)
			if err != nil {
				return err
			}
			if has {
				continue
			}
			if _, err := conn.Exec(ctx, g.on(p.Role)); err != nil {
				return err
			}
		}
	}
	return nil
}

// asker is a connection or a transaction.
type asker interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}
