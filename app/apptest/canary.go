package apptest

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed canary.txt
var canaryFile string

// Canary is a word that stands in a commune's data and nowhere else: in what it
// publishes, and in what its people wrote or are called.
type Canary struct{ Public, People string }

// CanaryOf is the canary of a commune.
func CanaryOf(slug string) Canary {
	return Canary{Public: "zqxpub" + slug[:3] + "kw", People: "zqxpeo" + slug[:3] + "kw"}
}

// canaryRules are the lines of canary.txt.
type canaryRules struct {
	out            map[string]string // "table.column", "*.column" or "table"
	public, titles map[string]bool
}

func readCanaryRules() canaryRules {
	r := canaryRules{out: map[string]string{}, public: map[string]bool{}, titles: map[string]bool{}}
	for _, line := range strings.Split(canaryFile, "\n") {
		f := strings.Fields(line)
		switch {
		case len(f) < 2 || f[0][0] == '#':
		case f[0] == "public":
			r.public[f[1]] = true
		case f[0] == "titles":
			r.titles[f[1]] = true
		default:
			r.out[f[0]] = strings.Join(f[1:], " ")
		}
	}
	return r
}

func (r canaryRules) leftOut(table, column string) bool {
	return r.out[table] != "" || r.out[table+"."+column] != "" || r.out["*."+column] != ""
}

// column is one column of a commune's schema, as PostgreSQL describes it.
type column struct {
	Table, Name, Type string
	Null, Default     bool
	Key, Checked      bool   // part of a primary key; named by a check
	Foreign           string // "table.column" it refers to
	Check             string // definition of the check
}

const describeColumns = `
select c.relname::text, a.attname::text, format_type(a.atttypid, null), not a.attnotnull,
       a.atthasdef or a.attidentity <> '',
       exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'p' and a.attnum = any (k.conkey)),
       exists (select from pg_constraint k where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey)),
       coalesce((select t.relname || '.' || ta.attname from pg_constraint k join pg_class t on t.oid = k.confrelid
         join pg_attribute ta on ta.attrelid = t.oid and ta.attnum = k.confkey[array_position(k.conkey, a.attnum)]
         where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any (k.conkey) limit 1), ''),
       coalesce((select pg_get_constraintdef(k.oid) from pg_constraint k where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey) limit 1), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by c.oid, a.attnum`

// SeedCanary writes a commune's canary into every column of text and JSON of
// every table it has, behind the product's back. With fill a table without rows
// is given one. What the product keeps in memory is stale afterwards, and all
// communes stand at the same revisions: what is kept under a revision alone,
// without its commune, is then mistaken for the neighbour's, and found.
func (e *Env) SeedCanary(t testing.TB, slug string, fill bool) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, e.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	s := seeder{t: t, ctx: ctx, rules: readCanaryRules(), canary: CanaryOf(slug)}
	schema := "t_" + slug
	rows, err := conn.Query(ctx, describeColumns, schema)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	if err != nil {
		t.Fatal(err)
	}
	byTable := map[string][]column{}
	var tables []string
	for _, c := range columns {
		if byTable[c.Table] == nil {
			tables = append(tables, c.Table)
		}
		byTable[c.Table] = append(byTable[c.Table], c)
	}
	seed := func(tx pgx.Tx) error {
		s.tx = tx
		if _, err := tx.Exec(ctx, "set local search_path = "+schema+", ext; set local lock_timeout = '10s'"); err != nil {
			return err
		}
		for _, name := range tables {
			if s.rules.out[name] != "" {
				continue
			}
			if err := s.table(name, byTable[name], fill); err != nil {
				return fmt.Errorf("table %s cannot take the canary; canary.txt says how to leave a column out: %w", name, err)
			}
		}
		_, err := tx.Exec(ctx, "insert into revisions (topic) values ('site'), ('catalogue'), ('roles'), ('seal') on conflict do nothing; update revisions set rev = (rev / 1000 + 1) * 1000")
		return err
	}
	// A worker that is at work on the same tables may be waiting for what this
	// holds, and the other way round: then it is begun anew.
	for tries := 5; ; tries-- {
		err := pgx.BeginFunc(ctx, conn, seed)
		var pg *pgconn.PgError
		if tries > 1 && errors.As(err, &pg) && pg.Code == "40P01" { // deadlock_detected
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
}

type seeder struct {
	t      testing.TB
	ctx    context.Context
	tx     pgx.Tx
	rules  canaryRules
	canary Canary
}

func (s *seeder) word(table string) string {
	if s.rules.public[table] {
		return s.canary.Public
	}
	return s.canary.People
}

func (s *seeder) table(name string, columns []column, fill bool) error {
	if _, err := s.tx.Exec(s.ctx, "alter table "+name+" disable trigger user"); err != nil {
		return err
	}
	if fill {
		var any bool
		if err := s.tx.QueryRow(s.ctx, "select exists (select from "+name+")").Scan(&any); err != nil {
			return err
		}
		if !any {
			if err := s.insert(name, columns); err != nil {
				return err
			}
		}
	}
	for _, c := range columns {
		if s.rules.leftOut(name, c.Name) || c.Key || c.Foreign != "" || c.Checked {
			continue
		}
		var err error
		switch c.Type {
		case "text", "character varying":
			_, err = s.tx.Exec(s.ctx, fmt.Sprintf("update %s set %s = coalesce(nullif(%[2]s, '') || ' ', '') || $1 where strpos(coalesce(%[2]s, ''), $1) = 0", name, c.Name), s.word(name))
		case "text[]":
			_, err = s.tx.Exec(s.ctx, fmt.Sprintf("update %s set %s = %[2]s || $1::text where not coalesce($1 = any (%[2]s), false)", name, c.Name), s.word(name))
		case "jsonb", "json":
			err = s.json(name, c.Name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	_, err := s.tx.Exec(s.ctx, "alter table "+name+" enable trigger user")
	return err
}

// json puts the canary into the texts of a JSON value, and beside them.
func (s *seeder) json(table, column string) error {
	rows, err := s.tx.Query(s.ctx, fmt.Sprintf("select ctid::text, %s::text from %s where strpos(coalesce(%[1]s::text, ''), $1) = 0 and %[1]s is not null", column, table), s.word(table))
	if err != nil {
		return err
	}
	type row struct{ At, Value string }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return err
	}
	for _, r := range all {
		var v any
		if err := json.Unmarshal([]byte(r.Value), &v); err != nil {
			return err
		}
		v = s.texts(v, s.word(table), s.rules.titles[table], false)
		if m, ok := v.(map[string]any); ok && !s.rules.titles[table] && m["it"] == nil { // a text by language has no other keys
			m["zz"] = s.word(table)
		}
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if _, err := s.tx.Exec(s.ctx, fmt.Sprintf("update %s set %s = $2 where ctid = $1::tid", table, column), r.At, string(b)); err != nil {
			return err
		}
	}
	return nil
}

// texts adds the word to every text of more than one word; with titlesOnly to
// those that stand under a language.
func (s *seeder) texts(v any, word string, titlesOnly, underLanguage bool) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			v[k] = s.texts(x, word, titlesOnly, k == "it" || k == "de" || k == "fr" || k == "en")
		}
	case []any:
		for i, x := range v {
			v[i] = s.texts(x, word, titlesOnly, underLanguage)
		}
	case string:
		switch {
		case !underLanguage && (titlesOnly || !strings.Contains(v, " ")):
		case strings.HasPrefix(v, "<svg"):
			return strings.Replace(v, "</svg>", "<title>"+word+"</title></svg>", 1)
		default:
			return v + " " + word
		}
	}
	return v
}

// insert gives an empty table one row: what it refers to, the first word its
// check allows, the canary for text, something for the rest.
func (s *seeder) insert(name string, columns []column) error {
	var names, values []string
	for _, c := range columns {
		if c.Default && !strings.HasPrefix(c.Type, "text") && c.Type != "jsonb" {
			continue
		}
		if c.Default && (c.Checked || s.rules.leftOut(name, c.Name)) {
			continue
		}
		var value string
		switch {
		case c.Foreign != "":
			table, column, _ := strings.Cut(c.Foreign, ".")
			value = "(select " + column + " from " + table + " limit 1)"
		case c.Checked && strings.Contains(c.Check, "ARRAY['"):
			_, rest, _ := strings.Cut(c.Check, "ARRAY['")
			word, _, _ := strings.Cut(rest, "'")
			value = "'" + word + "'"
		case c.Null && c.Type != "text" && c.Type != "jsonb":
			continue
		case c.Type == "text" || c.Type == "character varying":
			value = "'" + s.word(name) + "'"
		case c.Type == "text[]":
			value = "array['" + s.word(name) + "']"
		case c.Type == "jsonb" || c.Type == "json":
			value = `'{"zz": "` + s.word(name) + `"}'`
		case c.Type == "uuid":
			value = "gen_random_uuid()"
		case c.Type == "bytea":
			value = "'\\x00'"
		case c.Type == "boolean":
			value = "false"
		case strings.HasPrefix(c.Type, "timestamp") || c.Type == "date":
			value = "now()"
		default:
			value = "1"
		}
		names, values = append(names, c.Name), append(values, value)
	}
	_, err := s.tx.Exec(s.ctx, "insert into "+name+" ("+strings.Join(names, ", ")+") values ("+strings.Join(values, ", ")+")")
	return err
}

// CanaryExceptions lists what canary.txt leaves out, sorted, with the reasons.
func CanaryExceptions() (out []string) {
	for what, why := range readCanaryRules().out {
		out = append(out, what+": "+why)
	}
	sort.Strings(out)
	return out
}
