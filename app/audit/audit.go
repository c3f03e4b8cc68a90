// Package audit answers "what happened": one line per thing done, in the same
// transaction as the thing itself.
//
// The commune's role may add lines and read them, never change or delete one
// (the grant, not this package, sees to that). A background job links the
// lines into a chain: each link is sha256 over the previous link and the line,
// so that an edited, dropped or reordered line shows. Linking afterwards keeps
// writers of one commune from waiting for each other.
package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/auditchain"
)

// Record adds one line: who did which action to which object. details are
// small facts, never contents of forms or documents.
func Record(tx *tenancy.Tx, by identity.Actor, action, object string, details map[string]any) error {
	return RecordAs(tx, by.Ref(), by.Name(), action, object, details)
}

// RecordAs is Record for what somebody did elsewhere, in the platform's schema,
// and an errand brings here: ref and name are that actor's.
func RecordAs(tx *tenancy.Tx, ref, name, action, object string, details map[string]any) error {
	text := []byte("{}")
	if len(details) > 0 {
		var err error
		if text, err = json.Marshal(details); err != nil {
			return fmt.Errorf("audit: details of %s: %w", action, err)
		}
	}
	tx.Queue(`insert into audit (at, actor_id, actor, action, object, details)
		values (date_trunc('microseconds', clock_timestamp()), $1, $2, $3, $4, $5)`,
		ref, name, action, object, string(text))
	return nil
}

// Line is one thing that happened.
type Line struct {
	ID      int64
	At      time.Time
	ActorID string
	Actor   string
	Action  string
	Object  string
	Details string
}

// hash links a line to what came before it: the rule is auditchain's.
func (l Line) hash(previous []byte) []byte {
	return auditchain.Line{ID: l.ID, At: l.At, ActorID: l.ActorID, Actor: l.Actor, Action: l.Action, Object: l.Object, Details: l.Details}.Sum(previous)
}

// lateness is how far behind the newest linked line an unlinked one may lie:
// ids are given when a line is written, transactions commit in another order.
const lateness = auditchain.Lateness

const chainBatch = 500

// Chain links up to 500 lines that are not linked yet and returns how many it
// linked. One linker works per commune at a time; others return at once.
func Chain(tx *tenancy.Tx) (int, error) {
	var free bool
	if err := tx.QueryRow("select pg_try_advisory_xact_lock(hashtextextended('audit chain ' || current_schema(), 0))").Scan(&free); err != nil || !free {
		return 0, err
	}
	var seq, newest int64
	var previous []byte
	err := tx.QueryRow("select seq, hash from audit_chain order by seq desc limit 1").Scan(&seq, &previous)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, err
	}
	if err := tx.QueryRow("select coalesce(max(audit_id), 0) from audit_chain").Scan(&newest); err != nil {
		return 0, err
	}
	lines, err := read(tx, `select a.id, a.at, a.actor_id, a.actor, a.action, a.object, a.details from audit a
		where a.id > $1 and not exists (select from audit_chain c where c.audit_id = a.id)
		order by a.id limit $2`, newest-lateness, chainBatch)
	if err != nil {
		return 0, err
	}
	batch := &pgx.Batch{}
	for _, l := range lines {
		seq++
		previous = l.hash(previous)
		batch.Queue("insert into audit_chain (seq, audit_id, hash) values ($1, $2, $3)", seq, l.ID, previous)
	}
	if len(lines) == 0 {
		return 0, nil
	}
	return len(lines), tx.Batch(batch).Close()
}

// Broken describes the first place where the chain does not hold.
type Broken struct {
	Seq     int64
	AuditID int64
	Why     string
}

// Verify walks the whole chain and returns how many links hold, and the first
// that does not (nil when all do).
func Verify(tx *tenancy.Tx) (int64, *Broken, error) { return verify(tx, 0, nil) }

// VerifyLast walks the newest n links only, taking the one before them on
// trust: quick enough for a page.
func VerifyLast(tx *tenancy.Tx, n int64) (int64, *Broken, error) {
	var after int64
	var previous []byte
	err := tx.QueryRow("select seq, hash from audit_chain where seq <= (select coalesce(max(seq), 0) from audit_chain) - $1 order by seq desc limit 1", n).Scan(&after, &previous)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, nil, err
	}
	return verify(tx, after, previous)
}

func verify(tx *tenancy.Tx, after int64, previous []byte) (int64, *Broken, error) {
	var ok int64
	for {
		rows, err := tx.Query(`select c.seq, c.hash, c.audit_id, a.id is not null,
			coalesce(a.at, 'epoch'), coalesce(a.actor_id, ''), coalesce(a.actor, ''), coalesce(a.action, ''),
			coalesce(a.object, ''), coalesce(a.details, '')
			from audit_chain c left join audit a on a.id = c.audit_id
			where c.seq > $1 order by c.seq limit 2000`, after)
		if err != nil {
			return ok, nil, err
		}
		n := 0
		for rows.Next() {
			var seq int64
			var hash []byte
			var there bool
			var l Line
			if err := rows.Scan(&seq, &hash, &l.ID, &there, &l.At, &l.ActorID, &l.Actor, &l.Action, &l.Object, &l.Details); err != nil {
				rows.Close()
				return ok, nil, err
			}
			n++
			broken := &Broken{Seq: seq, AuditID: l.ID}
			switch {
			case seq != after+1:
				broken.Why = "a link is missing before this one"
			case !there:
				broken.Why = "the line was deleted"
			case string(hash) != string(l.hash(previous)):
				broken.Why = "the line was changed or moved"
			default:
				broken = nil
			}
			if broken != nil {
				rows.Close()
				return ok, broken, nil
			}
			previous, after, ok = hash, seq, ok+1
		}
		if err := rows.Err(); err != nil {
			return ok, nil, err
		}
		if n == 0 {
			return ok, nil, nil
		}
	}
}

// Filter narrows a search; zero fields do not.
type Filter struct {
	Actor, Action, Object string
	From, To              time.Time
	Before                Cursor
	Limit                 int
}

// Cursor is the last line of a page: the next one begins behind it.
type Cursor struct {
	At time.Time
	ID int64
}

// Search lists lines, newest first, at most Limit (default 50, most 5000) behind
// Before. Only what is asked for stands in the query, so that its index is used.
func Search(tx *tenancy.Tx, f Filter) ([]Line, error) {
	sql, args := f.query()
	return read(tx, sql, args...)
}

func (f Filter) query() (string, []any) {
	if f.Limit <= 0 || f.Limit > 5000 {
		f.Limit = 50
	}
	where, args := "true", []any(nil)
	and := func(asked bool, condition string, value any) {
		if asked {
			args = append(args, value)
			where += fmt.Sprintf(" and "+condition, len(args))
		}
	}
	if f.Before.ID > 0 {
		args = append(args, f.Before.At, f.Before.ID)
		where += " and (at, id) < ($1, $2)"
	}
	and(!f.From.IsZero(), "at >= $%d", f.From)
	and(!f.To.IsZero(), "at < $%d", f.To)
	and(f.Actor != "", "actor ilike '%%' || $%d || '%%'", literal.Replace(f.Actor))
	and(f.Action != "", "action like $%d || '%%'", literal.Replace(f.Action))
	and(f.Object != "", "object = $%d", f.Object)
	return "select id, at, actor_id, actor, action, object, details from audit where " + where +
		" order by at desc, id desc limit " + strconv.Itoa(f.Limit), args
}

// literal takes the meaning from the signs that like knows.
var literal = strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)

func read(tx *tenancy.Tx, sql string, args ...any) ([]Line, error) {
	rows, err := tx.Query(sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Line])
}
