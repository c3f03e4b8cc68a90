package auditchain

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/jackc/pgx/v5"
)

// VerifyFile reads an exported audit, one line of JSON per line.
func VerifyFile(r io.Reader, anchors []Anchor) (Report, error) {
	v := NewVerifier(anchors)
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), 16<<20)
	for n := 1; lines.Scan(); n++ {
		var l Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return Report{}, fmt.Errorf("line %d: %w", n, err)
		}
		v.Add(l)
	}
	return v.End(), lines.Err()
}

// VerifyDatabase reads the audit in a schema, in one read-only snapshot. A
// login that may read the tables audit and audit_chain there is enough.
func VerifyDatabase(ctx context.Context, conn *pgx.Conn, schema string, anchors []Anchor) (Report, error) {
	v := NewVerifier(anchors)
	err := Read(ctx, conn, schema, func(l Line) error { v.Add(l); return nil })
	return v.End(), err
}

// Export writes the audit in a schema as lines of JSON; the snapshot is one.
func Export(ctx context.Context, conn *pgx.Conn, schema string, w io.Writer) (lines int64, err error) {
	out := bufio.NewWriterSize(w, 256<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := Read(ctx, conn, schema, func(l Line) error {
		if l.Missing { // the gap shows by itself
			return nil
		}
		lines++
		return enc.Encode(l)
	}); err != nil {
		return lines, err
	}
	return lines, out.Flush()
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Read gives every line to each: the linked ones in the order of the chain,
// then those without a link.
func Read(ctx context.Context, conn *pgx.Conn, schema string, each func(Line) error) error {
	if !schemaName.MatchString(schema) {
		return errors.New("auditchain: that is no name of a schema")
	}
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	s := pgx.Identifier{schema}.Sanitize()
	for _, sql := range []string{
		`select c.seq, c.audit_id, c.hash, a.id is null, coalesce(a.at, 'epoch'), coalesce(a.actor_id, ''), coalesce(a.actor, ''),
			coalesce(a.action, ''), coalesce(a.object, ''), coalesce(a.details, '')
			from ` + s + `.audit_chain c left join ` + s + `.audit a on a.id = c.audit_id order by c.seq`,
		`select 0::bigint, a.id, ''::bytea, false, a.at, a.actor_id, a.actor, a.action, a.object, a.details
			from ` + s + `.audit a where not exists (select from ` + s + `.audit_chain c where c.audit_id = a.id) order by a.id`,
	} {
		rows, err := tx.Query(ctx, sql)
		if err != nil {
			return err
		}
		var l Line
		if _, err := pgx.ForEachRow(rows, []any{&l.Seq, &l.ID, &l.Hash, &l.Missing, &l.At, &l.ActorID, &l.Actor, &l.Action, &l.Object, &l.Details},
			func() error { return each(l) }); err != nil {
			return err
		}
	}
	return nil
}
