package audit

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// ActionGuestRead is what a guest of the entity has seen where no module has
// written a finer line: the object is "page:" and the address.
const ActionGuestRead = "access.read"

// Read runs a reading of personal data and puts it on the audit. fn says what
// was read; an empty object means that nobody else's data was, and leaves no
// line. An official's line costs no round trip of its own: it travels with the
// commit of the reading. A guest reads in a transaction that PostgreSQL keeps
// read-only, and the line is committed right after it. In both cases: no line,
// no answer. Errors: fn's, and the database's.
func Read(ctx context.Context, db *tenancy.DB, by identity.Actor, action string,
	fn func(tx *tenancy.Tx) (object string, details map[string]any, err error)) error {
	if !by.IsGuest() {
		return db.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
			object, details, err := fn(tx)
			if err != nil || object == "" {
				return err
			}
			return Record(tx, by, action, object, details)
		})
	}
	var object string
	var details map[string]any
	if err := db.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) (err error) {
		object, details, err = fn(tx)
		return err
	}); err != nil || object == "" {
		return err
	}
	return db.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		tx.AfterCommit(by.Witness)
		return Record(tx, by, action, object, details)
	})
}

// Opening is one time that somebody of the commune, or of the entity as a
// guest, has read what is kept about a person.
type Opening struct {
	At     time.Time
	Who    string
	Guest  bool // one of the entity's people, let in by an administrator
	Action string
	Object string
}

// Openings lists who has read the given objects ("case:LUG-…", "document:…"),
// newest first, at most limit. Whoever calls it answers for whose they are.
func Openings(tx *tenancy.Tx, objects []string, limit int) ([]Opening, error) {
	rows, err := tx.Query(`select at, actor, actor_id like 'staff:%', action, object from audit
		where object = any($1) and action = any($2) order by id desc limit $3`, objects, readings, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Opening])
}

// readings are the actions that only read.
var readings = []string{"cases.read", "cases.read-file", "documents.opened"}

// ByActors lists the newest lines of actors (identity.Actor.Ref), leaving out
// one action, at most limit in all.
func ByActors(tx *tenancy.Tx, refs []string, without string, limit int) ([]Line, error) {
	return read(tx, `select id, at, actor_id, actor, action, object, details from audit
		where actor_id = any($1) and action <> $2 order by id desc limit $3`, refs, without, limit)
}

// CountByActors is how many lines each of the actors has, without one action.
func CountByActors(tx *tenancy.Tx, refs []string, without string) (map[string]int64, error) {
	rows, err := tx.Query("select actor_id, count(*) from audit where actor_id = any($1) and action <> $2 group by actor_id", refs, without)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var ref string
		var n int64
		if err := rows.Scan(&ref, &n); err != nil {
			return nil, err
		}
		out[ref] = n
	}
	return out, rows.Err()
}

// LastAnchored is when the chain's head was last kept outside the commune's
// schema, as the commune's own audit has it; the zero time for never.
func LastAnchored(tx *tenancy.Tx) (at time.Time, err error) {
	err = tx.QueryRow("select at from audit where action = $1 order by id desc limit 1", ActionAnchored).Scan(&at)
	if errors.Is(err, pgx.ErrNoRows) {
		return at, nil
	}
	return at, err
}
