package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/pkg/devstack"
)

// statement is one that the page sent: with parameters it was prepared, without
// it may hold several commands.
type statement struct {
	SQL      string
	Prepared bool
	Args     []any // strings and nil, in PostgreSQL's text form
}

// transaction is what one connection did between BEGIN and COMMIT.
type transaction []statement

func (t transaction) shape() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.SQL)
		b.WriteByte(0)
	}
	return b.String()
}

// recorder reads statements from the log of a private server.
type recorder struct {
	conn *pgx.Conn
	log  string
}

func newRecorder(ctx context.Context, pg *devstack.Postgres) (*recorder, error) {
	conn, err := pgx.Connect(ctx, pg.URL(devstack.Admin, devstack.Database))
	if err != nil {
		return nil, err
	}
	return &recorder{conn: conn, log: filepath.Join(pg.Dir(), "postgres.log")}, nil
}

// record does f while everything is logged and returns the transactions of all
// accounts but the recorder's own.
func (r *recorder) record(ctx context.Context, f func() error) ([]transaction, error) {
	if err := r.logging(ctx, "all"); err != nil {
		return nil, err
	}
	info, err := os.Stat(r.log)
	if err != nil {
		return nil, err
	}
	err = errors.Join(f(), r.logging(context.WithoutCancel(ctx), "none"))
	if err != nil {
		return nil, err
	}
	file, err := os.Open(r.log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.NewSectionReader(file, info.Size(), 1<<30))
	if err != nil {
		return nil, err
	}
	return parseLog(string(text)), nil
}

// logging switches the log of statements, and waits until every backend knows.
func (r *recorder) logging(ctx context.Context, what string) error {
	for _, sql := range []string{"ALTER SYSTEM SET log_statement = '" + what + "'", "SELECT pg_reload_conf()"} {
		if _, err := r.conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	time.Sleep(300 * time.Millisecond)
	return nil
}

// page records one request: of several, the one with the fewest statements,
// because caches are refreshed now and then. What also happens while nothing is
// asked for (relays, heartbeats) is left out.
func (r *recorder) page(ctx context.Context, ask func() error) ([]transaction, error) {
	idle := map[string]bool{}
	background, err := r.record(ctx, func() error { time.Sleep(2500 * time.Millisecond); return nil })
	if err != nil {
		return nil, err
	}
	for _, t := range background {
		idle[t.shape()] = true
	}
	var best []transaction
	fewest := -1
	for range 5 {
		all, err := r.record(ctx, ask)
		if err != nil {
			return nil, err
		}
		var own []transaction
		n := 0
		for _, t := range all {
			if !idle[t.shape()] {
				own = append(own, t)
				n += len(t)
			}
		}
		if fewest < 0 || n < fewest {
			best, fewest = own, n
		}
	}
	return best, nil
}

var (
	linePrefix = regexp.MustCompile(`^\d{4}-\d\d-\d\d [\d:.]+ UTC \[(\d+)\] (\S*)@(\S*) (LOG|DETAIL):  `)
	execute    = regexp.MustCompile(`^execute [^:]+: `)
	parameter  = regexp.MustCompile(`\$\d+ = (NULL|'(?:[^']|'')*')`)
)

// parseLog groups the statements of a log by connection and transaction.
func parseLog(text string) []transaction {
	open := map[string]transaction{}
	var done []transaction
	flush := func(pid string) {
		if t := open[pid]; len(t) > 0 {
			done = append(done, t)
		}
		delete(open, pid)
	}
	for _, entry := range entries(text) {
		m := linePrefix.FindStringSubmatch(entry)
		if m == nil || m[2] == devstack.Admin {
			continue
		}
		pid, body := m[1], strings.ReplaceAll(entry[len(m[0]):], "\n\t", "\n")
		list := open[pid]
		switch {
		case m[4] == "DETAIL":
			if _, params, ok := strings.Cut(body, "arameters: "); ok && len(list) > 0 {
				list[len(list)-1].Args = parseArgs(params)
			}
		case strings.HasPrefix(body, "statement: "):
			open[pid] = append(list, statement{SQL: strings.TrimPrefix(body, "statement: ")})
		case execute.MatchString(body):
			open[pid] = append(list, statement{SQL: body[len(execute.FindString(body)):], Prepared: true})
		default:
			continue
		}
		if m[4] == "LOG" {
			if last := strings.ToLower(open[pid][len(open[pid])-1].SQL); strings.HasPrefix(last, "commit") || strings.HasPrefix(last, "rollback") {
				flush(pid)
			}
		}
	}
	for pid := range open {
		flush(pid)
	}
	for i := range done {
		done[i] = done[i].begun()
	}
	return done
}

// begun makes one statement of a transaction's begin and what sets its role and
// path, where the product sent them as two in one piece: no floor needs a round
// trip more for it.
func (t transaction) begun() transaction {
	if len(t) < 2 || !t[0].Prepared || !strings.HasPrefix(t[0].SQL, "begin") || !strings.HasPrefix(t[1].SQL, "select set_config(") {
		return t
	}
	return append(transaction{{SQL: t[0].SQL + "; " + inline(t[1])}}, t[2:]...)
}

// inline writes a statement's parameters into its text.
func inline(s statement) string {
	sql := s.SQL
	for i := len(s.Args); i > 0; i-- { // from the end: $1 is part of $10
		value := "NULL"
		if text, ok := s.Args[i-1].(string); ok {
			value = "E'" + literal.Replace(text) + "'"
		}
		sql = strings.ReplaceAll(sql, fmt.Sprintf("$%d", i), value)
	}
	return sql
}

// entries splits a log: a line that begins with a tab goes on with the one before.
func entries(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "\t") && len(list) > 0 {
			list[len(list)-1] += "\n" + line
			continue
		}
		list = append(list, line)
	}
	return list
}

func parseArgs(params string) []any {
	var args []any
	for _, m := range parameter.FindAllStringSubmatch(params, -1) {
		if m[1] == "NULL" {
			args = append(args, nil)
			continue
		}
		args = append(args, strings.ReplaceAll(m[1][1:len(m[1])-1], "''", "'"))
	}
	return args
}

// literal writes a text for E'…'. pgbench takes :name for a variable even in
// quotes, and a line break or semicolon would end its statement.
var literal = strings.NewReplacer("'", "''", `\`, `\\`, ":", `\x3A`, ";", `\x3B`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// script writes the transactions for pgbench: parameters stand in the text, for
// pgbench's variables know no types.
func script(list []transaction) string {
	var b strings.Builder
	for _, t := range list {
		for _, s := range t {
			b.WriteString(lines(inline(s)))
		}
	}
	return b.String()
}

// lines puts each command on a line of its own.
func lines(sql string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(sql, ";") {
		if part = strings.Join(strings.Fields(part), " "); part != "" {
			b.WriteString(part + ";\n")
		}
	}
	return b.String()
}

// scriptFor is script for statements with markers: the first line takes the next
// of bench.people and makes one variable of each value that names them.
func scriptFor(list []transaction) string {
	var chosen, body strings.Builder
	names := map[string]string{}
	for _, t := range list {
		for _, s := range t {
			sql := s.SQL
			for i := len(s.Args); i > 0; i-- {
				text, ok := s.Args[i-1].(string)
				value := "NULL"
				switch {
				case ok && strings.ContainsRune(text, '{') && marked(text):
					if names[text] == "" {
						names[text] = fmt.Sprintf("v%d", len(names))
						expression := "E'" + literal.Replace(text) + "'"
						for _, m := range markers {
							expression = "replace(" + expression + ", '" + m + "', p." + strings.Trim(m, "{}") + ")"
						}
						fmt.Fprintf(&chosen, "%s as %s, ", expression, names[text])
					}
					value = ":" + names[text]
				case ok:
					value = "E'" + literal.Replace(text) + "'"
				}
				sql = strings.ReplaceAll(sql, fmt.Sprintf("$%d", i), value)
			}
			body.WriteString(lines(sql))
		}
	}
	return "select " + chosen.String() + `p.n as turn from (select *, gen_random_uuid()::text as "case", 'BENCH-' || n || '-' || gen_random_uuid() as ref` +
		" from bench.people where n = (select nextval('bench.turn'))) p \\gset\n" + body.String()
}

func marked(text string) bool {
	for _, m := range markers {
		if strings.Contains(text, m) {
			return true
		}
	}
	return false
}
