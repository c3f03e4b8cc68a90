package life

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// table is one table as it is in a schema.
type table struct {
	tenancy.Table
	columns []string // without generated ones
	types   []string // PostgreSQL's names, as the columns
	key     []string
	serial  string // identity column, "" when there is none
}

func quoted(names []string) string {
	return `"` + strings.Join(names, `", "`) + `"`
}

// describe reads the tables of a schema, in the order of tables.yaml. What the
// migration runner keeps for itself is left out: it is made by migrating.
func describe(ctx context.Context, conn *pgx.Conn, schema string) ([]table, error) {
	declared, err := tenancy.Tables()
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, `select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attidentity <> '',
		coalesce(a.attnum = any(k.conkey), false)
		from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
		left join pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
		where c.relnamespace = $1::regnamespace and c.relkind = 'r' order by c.relname, a.attnum`, schema)
	if err != nil {
		return nil, err
	}
	found := map[string]*table{}
	var name, column, kind string
	var identity, key bool
	if _, err := pgx.ForEachRow(rows, []any{&name, &column, &kind, &identity, &key}, func() error {
		t := found[name]
		if t == nil {
			t = &table{}
			found[name] = t
		}
		t.columns, t.types = append(t.columns, column), append(t.types, kind)
		if identity {
			t.serial = column
		}
		if key {
			t.key = append(t.key, column)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	var out []table
	for _, d := range declared {
		t := found[d.Name]
		delete(found, d.Name)
		if t == nil || d.Name == "schema_versions" || d.Name == "insert_only_tables" {
			continue // an older schema has fewer tables
		}
		t.Table = d
		if len(t.key) == 0 {
			return nil, fmt.Errorf("table %s has no primary key: it cannot be moved", d.Name)
		}
		out = append(out, *t)
	}
	for name := range found {
		return nil, fmt.Errorf("table %s is not in tables.yaml", name)
	}
	return out, nil
}

// stream copies rows from one connection to another; query is what is read, into
// what receives it ("t_x.cases (id, …)").
func stream(ctx context.Context, from *pgx.Conn, query string, to *pgx.Conn, into string) (int64, error) {
	r, w := io.Pipe()
	var rerr error
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, rerr = from.PgConn().CopyTo(ctx, w, "copy ("+query+") to stdout (format binary)")
		_ = w.CloseWithError(rerr)
	}()
	tag, err := to.PgConn().CopyFrom(ctx, r, "copy "+into+" from stdin (format binary)")
	_ = r.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	<-done
	if rerr != nil && !errors.Is(rerr, io.ErrClosedPipe) {
		return 0, rerr
	}
	return tag.RowsAffected(), err
}

// fill copies a whole table.
func (t table) fill(ctx context.Context, from *pgx.Conn, fromSchema string, to *pgx.Conn, toSchema string) (int64, error) {
	columns := quoted(t.columns)
	return stream(ctx, from, "select "+columns+" from "+fromSchema+"."+t.Name, to, toSchema+"."+t.Name+" ("+columns+")")
}

// sum says what a table holds: how many rows, and a sum over all of them that does
// not depend on their order.
type sum struct {
	Rows int64  `json:"rows"`
	Hash string `json:"hash"`
}

func (t table) sum(ctx context.Context, conn *pgx.Conn, schema string) (s sum, err error) {
	err = conn.QueryRow(ctx, "select count(*), coalesce(sum(hashtextextended(row("+quoted(t.columns)+")::text, 0)::numeric), 0)::text from "+schema+"."+t.Name).
		Scan(&s.Rows, &s.Hash)
	return s, err
}

// sameText makes values print alike on both sides.
const sameText = "set timezone = 'UTC'; set datestyle = 'ISO'; set intervalstyle = 'iso_8601'; set extra_float_digits = 1; set bytea_output = 'hex'; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0"

// triggers turns the triggers of the tables off or on: rows that are copied have
// been through them already.
func triggers(ctx context.Context, conn *pgx.Conn, schema string, all []table, how string) error {
	for _, t := range all {
		if _, err := conn.Exec(ctx, "alter table "+schema+"."+t.Name+" "+how+" trigger user"); err != nil {
			return err
		}
	}
	return nil
}

// setSerials lets identity columns go on where the copied rows end, or at the
// source's counter where that is further.
func setSerials(ctx context.Context, from *pgx.Conn, fromSchema string, to *pgx.Conn, toSchema string, all []table) error {
	for _, t := range all {
		if t.serial == "" {
			continue
		}
		var last int64
		var called bool
		if from != nil {
			var sequence string
			if err := from.QueryRow(ctx, "select pg_get_serial_sequence($1, $2)", fromSchema+"."+t.Name, t.serial).Scan(&sequence); err != nil {
				return err
			}
			if err := from.QueryRow(ctx, "select last_value, is_called from "+sequence).Scan(&last, &called); err != nil {
				return err
			}
		}
		if _, err := to.Exec(ctx, fmt.Sprintf(`select setval(pg_get_serial_sequence($1, $2),
			greatest($3::bigint, (select coalesce(max(%q), 0) from %s.%s), 1), $4 or exists (select from %[2]s.%[3]s))`, t.serial, toSchema, t.Name),
			toSchema+"."+t.Name, t.serial, last, called); err != nil {
			return err
		}
	}
	return nil
}
