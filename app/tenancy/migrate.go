package tenancy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Migration is one SQL file in goose's format.
type Migration struct {
	Version    int64
	Name, SQL  string
	Checksum   string
	InsertOnly []string // tables on which the commune's role may only INSERT and SELECT
	Grants     []Grant  // of a platform migration: what the runtime logins may do
}

// Grant is a line of a platform migration that says who may do what on one of
// its tables: "-- +sportello grant insert, update (state) on jobs to runtime".
// The runtime login may read every table of the platform without such a line;
// a commune's role may touch none without one.
type Grant struct {
	Privileges string
	Table      string
	To         string // "runtime" (the platform login) or "communes" (every commune's role)
}

// on is the statement that gives it to a role.
func (g Grant) on(role string) string {
	return fmt.Sprintf("grant %s on platform.%s to %s", g.Privileges, g.Table, role)
}

// held reports whether a role has all of the grant.
func (g Grant) held(ctx context.Context, conn asker, role string) (bool, error) {
	for _, m := range privilege.FindAllStringSubmatch(g.Privileges, -1) {
		query, args := "select has_table_privilege($1::name, $2::text, $3::text)", []any{role, "platform." + g.Table, m[1]}
		if m[2] != "" {
			query = "select bool_and(has_column_privilege($1::name, $2::text, c, $3::text)) from unnest($4::text[]) as c"
			args = append(args, strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' }))
		}
		var has bool
		if err := conn.QueryRow(ctx, query, args...).Scan(&has); err != nil || !has {
			return false, err
		}
	}
	return true, nil
}

var (
	makes          = regexp.MustCompile(`(?i)\bcreate\b[^;]*\b(table|sequence|view)\b|\bidentity\b`) // what the commune's role must be given
	privilege      = regexp.MustCompile(`([a-z]+)(?: \(([a-z_, ]+)\))?`)
	migrationFile  = regexp.MustCompile(`^(\d{12})_[a-z0-9_]+\.sql$`)
	insertOnlyLine = regexp.MustCompile(`(?m)^-- \+sportello insert-only ([a-z_]+)$`)
	grantLine      = regexp.MustCompile(`(?m)^-- \+sportello grant ([a-z, ()_]+) on ([a-z_]+) to (runtime|communes)$`)
	identifier     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
)

// ErrDrift says that a file was changed after it had been applied.
var ErrDrift = errors.New("migration was edited after it was applied")

// ReadMigrations reads every file of dir in fsys, oldest first.
func ReadMigrations(fsys fs.FS, dir string) ([]Migration, error) {
	files, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	var out []Migration
	seen := map[int64]string{}
	for _, f := range files {
		m := migrationFile.FindStringSubmatch(f.Name())
		if m == nil {
			return nil, fmt.Errorf("migration %s: the name must be twelve digits, an underscore and words", f.Name())
		}
		raw, err := fs.ReadFile(fsys, path.Join(dir, f.Name()))
		if err != nil {
			return nil, err
		}
		version, _ := strconv.ParseInt(m[1], 10, 64)
		if other, dup := seen[version]; dup {
			return nil, fmt.Errorf("migrations %s and %s have the same number", other, f.Name())
		}
		seen[version] = f.Name()
		up, err := upSection(string(raw))
		if err != nil {
			return nil, fmt.Errorf("migration %s: %w", f.Name(), err)
		}
		sum := sha256.Sum256(raw)
		mig := Migration{Version: version, Name: f.Name(), SQL: up, Checksum: hex.EncodeToString(sum[:])}
		for _, t := range insertOnlyLine.FindAllStringSubmatch(string(raw), -1) {
			mig.InsertOnly = append(mig.InsertOnly, t[1])
		}
		for _, g := range grantLine.FindAllStringSubmatch(string(raw), -1) {
			mig.Grants = append(mig.Grants, Grant{g[1], g[2], g[3]})
		}
		if n := strings.Count(string(raw), "-- +sportello "); n != len(mig.InsertOnly)+len(mig.Grants) {
			return nil, fmt.Errorf("migration %s: a line that begins with \"-- +sportello\" is not understood", f.Name())
		}
		out = append(out, mig)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Version < out[j].Version })
	return out, nil
}

// upSection returns what stands between "-- +goose Up" and "-- +goose Down".
func upSection(s string) (string, error) {
	_, up, ok := strings.Cut(s, "-- +goose Up\n")
	if !ok {
		return "", errors.New(`no line "-- +goose Up"`)
	}
	up, _, _ = strings.Cut(up, "-- +goose Down")
	return up, nil
}

// target is one schema to bring up to date.
type target struct {
	schema, role string // role is "" for the platform schema
}

// migrate applies to one schema what it lacks and returns the newest version: to
// an empty one all at once, to another each version in its own transaction,
// always under an advisory lock. report may be nil. Errors: ErrDrift; whatever PostgreSQL says.
func migrate(ctx context.Context, conn *pgx.Conn, to target, all []Migration, report func(string)) (int64, error) {
	if !identifier.MatchString(to.schema) {
		return 0, fmt.Errorf("schema name %q is impossible", to.schema)
	}
	known, err := appliedTo(ctx, conn, to.schema)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", to.schema, err)
	}
	if len(known) == 0 && len(all) > 0 {
		begun, err := migrateFresh(ctx, conn, to, all)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", to.schema, err)
		}
		if !begun {
			if report != nil {
				report(fmt.Sprintf("%s: %d migrations at once", to.schema, len(all)))
			}
			return all[len(all)-1].Version, nil
		}
		if known, err = appliedTo(ctx, conn, to.schema); err != nil { // another run was quicker
			return 0, fmt.Errorf("%s: %w", to.schema, err)
		}
	}
	var newest int64
	for _, m := range all {
		if sum, ok := known[m.Version]; ok {
			if sum != m.Checksum {
				return newest, fmt.Errorf("%s in %s: %w", m.Name, to.schema, ErrDrift)
			}
			newest = m.Version
			continue
		}
		applied, err := migrateOne(ctx, conn, to, m)
		if err != nil {
			return newest, fmt.Errorf("%s in %s: %w", m.Name, to.schema, err)
		}
		if applied && report != nil {
			report(to.schema + " " + m.Name)
		}
		newest = m.Version
	}
	return newest, nil
}

// appliedTo reads which versions a schema has, with their checksums.
func appliedTo(ctx context.Context, conn *pgx.Conn, schema string) (map[int64]string, error) {
	out := map[int64]string{}
	var begun bool
	if err := conn.QueryRow(ctx, "select to_regclass($1) is not null", schema+".schema_versions").Scan(&begun); err != nil || !begun {
		return out, err
	}
	rows, err := conn.Query(ctx, "select version, checksum from "+schema+".schema_versions")
	if err != nil {
		return nil, err
	}
	var version int64
	var sum string
	_, err = pgx.ForEachRow(rows, []any{&version, &sum}, func() error { out[version] = sum; return nil })
	return out, err
}

// lockSchema begins a transaction that changes one schema; one runs at a time.
func lockSchema(ctx context.Context, conn *pgx.Conn, to target) (pgx.Tx, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: "begin; set local lock_timeout = '5s'; set local search_path = " + to.schema + ", ext"})
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended('sportello migrate ' || $1, 0))", to.schema); err != nil {
		return nil, errors.Join(err, tx.Rollback(context.WithoutCancel(ctx)))
	}
	return tx, nil
}

const versionsTable = `create table if not exists schema_versions (
	version bigint primary key, name text not null, checksum text not null,
	applied_at timestamptz not null default now())`

// migrateFresh gives an empty schema all it lacks in one transaction and one
// round trip: one commit to wait for and one set of grants instead of one for
// each version. begun tells, without having done anything, that somebody else
// has begun since.
func migrateFresh(ctx context.Context, conn *pgx.Conn, to target, all []Migration) (begun bool, err error) {
	tx, err := lockSchema(ctx, conn, to)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	// Not to_regclass: what this session remembers may be from before it had the lock.
	if err := tx.QueryRow(ctx, "select exists (select from pg_class where relnamespace = $1::text::regnamespace and relname = 'schema_versions')", to.schema).Scan(&begun); err != nil || begun {
		return begun, err
	}
	script := []string{versionsTable}
	var insertOnly []string
	for _, m := range all {
		// Names and checksums are digits, letters and underscores: ReadMigrations saw to it.
		script = append(script, m.SQL, fmt.Sprintf("insert into schema_versions (version, name, checksum) values (%d, '%s', '%s')", m.Version, m.Name, m.Checksum))
		insertOnly = append(insertOnly, m.InsertOnly...)
	}
	if to.role != "" {
		script = append(script, insertOnlyTable)
		for _, t := range insertOnly {
			script = append(script, fmt.Sprintf("insert into insert_only_tables values ('%s') on conflict do nothing", t))
		}
		script = append(script, tenantGrants(to, insertOnly)...)
	}
	if _, err := tx.Exec(ctx, strings.Join(script, "\n;\n")); err != nil {
		return false, err
	}
	return false, tx.Commit(ctx)
}

func migrateOne(ctx context.Context, conn *pgx.Conn, to target, m Migration) (applied bool, err error) {
	tx, err := lockSchema(ctx, conn, to)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, versionsTable); err != nil {
		return false, err
	}
	var sum string
	switch err := tx.QueryRow(ctx, "select checksum from schema_versions where version = $1", m.Version).Scan(&sum); {
	case err == nil && sum != m.Checksum:
		return false, ErrDrift
	case err == nil:
		return false, nil
	case !errors.Is(err, pgx.ErrNoRows):
		return false, err
	}
	if _, err := tx.Exec(ctx, m.SQL); err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, "insert into schema_versions (version, name, checksum) values ($1, $2, $3)", m.Version, m.Name, m.Checksum); err != nil {
		return false, err
	}
	if to.role != "" && (makes.MatchString(m.SQL) || len(m.InsertOnly) > 0) {
		if err := grantTenant(ctx, tx, to, m.InsertOnly); err != nil {
			return false, err
		}
	}
	return true, tx.Commit(ctx)
}

const insertOnlyTable = "create table if not exists insert_only_tables (name text primary key)"

// grantTenant gives the commune's role DML on its tables, and less where a
// migration says so. Run after every migration that makes any, so that they join.
func grantTenant(ctx context.Context, tx pgx.Tx, to target, insertOnly []string) error {
	// Every insert-only table ever declared, not only this migration's: the
	// blanket grant would otherwise give back what an older one took.
	if _, err := tx.Exec(ctx, insertOnlyTable); err != nil {
		return err
	}
	for _, t := range insertOnly {
		if _, err := tx.Exec(ctx, "insert into insert_only_tables values ($1) on conflict do nothing", t); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, "select name from insert_only_tables")
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, t := range names {
		if !identifier.MatchString(t) {
			return fmt.Errorf("table name %q is impossible", t)
		}
	}
	_, err = tx.Exec(ctx, strings.Join(tenantGrants(to, names), ";"))
	return err
}

// tenantGrants are the statements that give a commune's role what it may do.
func tenantGrants(to target, insertOnly []string) []string {
	out := []string{
		fmt.Sprintf("grant select, insert, update, delete on all tables in schema %s to %s", to.schema, to.role),
		fmt.Sprintf("grant usage on all sequences in schema %s to %s", to.schema, to.role),
		fmt.Sprintf("revoke insert, update, delete on schema_versions from %s", to.role),
	}
	for _, t := range append(slices.Clone(insertOnly), "insert_only_tables") {
		out = append(out, fmt.Sprintf("revoke update, delete, truncate on %s from %s", t, to.role))
	}
	return append(out, fmt.Sprintf("revoke insert on insert_only_tables from %s", to.role))
}
