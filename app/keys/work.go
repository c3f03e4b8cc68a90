package keys

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/blob"
)

// Work is something of every commune that is sealed. A pass seals what is not and
// brings what is under an older key under the newest, in short transactions; it may
// be interrupted anywhere and run again. A dry pass only counts.
type Work interface {
	// What names it: "cases", "accounts.avs".
	What() string
	// Pass goes through all of it.
	Pass(ctx context.Context, env Env, dry bool) (Count, error)
}

// Env is where a pass runs.
type Env struct {
	DB     *tenancy.DB
	Tenant tenancy.Tenant
	Keys   *Commune
}

// Count is what a pass found, before it changed anything.
type Count struct {
	Sealed int // under the newest key
	Old    int // under an older key
	Plain  int // not sealed
}

func (c *Count) add(o Count) {
	c.Sealed, c.Old, c.Plain = c.Sealed+o.Sealed, c.Old+o.Old, c.Plain+o.Plain
}

// Left is how much a pass has to do.
func (c Count) Left() int { return c.Old + c.Plain }

// page is how many rows one transaction takes.
const page = 100

// Rows is a table with sealed columns.
type Rows struct {
	Table string
	ID    string   // its key
	Type  string   // of the key, in SQL
	Bytes []string // columns that are sealed whole
	JSON  []string // columns of JSON in which texts are sealed
	Text  []string // columns of text that are sealed where they hold an AVS number
	By    string   // the column that Place is told; "" is ID
	// Fixed says that nobody may change a row, not even to seal it anew: what was
	// written stays under the key of its day, which stays in the keyset.
	Fixed bool
	Place func(t tenancy.Tenant, id string) string
}

// Bound is the column whose value says where a row's texts are bound to.
func (w Rows) Bound() string {
	if w.By != "" {
		return w.By
	}
	return w.ID
}

// What is the table's name.
func (w Rows) What() string { return w.Table }

// Pass implements Work.
func (w Rows) Pass(ctx context.Context, env Env, dry bool) (total Count, err error) {
	if w.Fixed {
		return total, nil
	}
	first := map[string]string{"uuid": "00000000-0000-0000-0000-000000000000", "bigint": "0", "text": ""}[w.Type]
	for last, more := first, true; more; {
		if err := ctx.Err(); err != nil {
			return total, err
		}
		var here Count
		err := env.DB.In(ctx, env.Tenant, func(tx *tenancy.Tx) (err error) {
			here = Count{}
			last, more, err = w.page(tx, env, last, dry, &here)
			return err
		})
		total.add(here)
		if err != nil {
			return total, fmt.Errorf("%s: %w", w.Table, err)
		}
	}
	return total, nil
}

func (w Rows) page(tx *tenancy.Tx, env Env, after string, dry bool, count *Count) (last string, more bool, err error) {
	columns := append([]string{}, w.Bytes...)
	var some []string
	for _, c := range w.Bytes {
		some = append(some, c+" is not null")
	}
	for _, c := range w.JSON { // the others have nothing to seal
		columns = append(columns, c+"::text")
		some = append(some, c+"::text like '%756%'", c+"::text like '%"+sealedMark+"%'")
	}
	for _, c := range w.Text {
		columns = append(columns, c)
		some = append(some, c+" like '%756%'", c+" like '"+sealedMark+"%'")
	}
	query := fmt.Sprintf("select %[1]s::text, %[7]s::text, %[2]s from %[3]s where %[1]s > $1::text::%[4]s and (%[5]s) order by %[1]s limit %[6]d",
		w.ID, strings.Join(columns, ", "), w.Table, w.Type, strings.Join(some, " or "), page, w.Bound())
	if !dry {
		query += " for update"
	}
	rows, err := tx.Query(query, after)
	if err != nil {
		return "", false, err
	}
	found, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (out sealedRow, err error) {
		out.bytes, out.json, out.text = make([][]byte, len(w.Bytes)), make([]*string, len(w.JSON)), make([]*string, len(w.Text))
		into := []any{&out.id, &out.bound}
		for i := range out.bytes {
			into = append(into, &out.bytes[i])
		}
		for i := range out.json {
			into = append(into, &out.json[i])
		}
		for i := range out.text {
			into = append(into, &out.text[i])
		}
		return out, r.Scan(into...)
	})
	if err != nil {
		return "", false, err
	}
	for _, r := range found {
		last = r.id
		set, args, err := w.reseal(env, r, count)
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", r.id, err)
		}
		if !dry && len(set) > 0 {
			tx.Queue(fmt.Sprintf("update %s set %s where %s = $1::text::%s", w.Table, strings.Join(set, ", "), w.ID, w.Type), args...)
		}
	}
	return last, len(found) == page, nil
}

type sealedRow struct {
	id, bound string
	bytes     [][]byte
	json      []*string
	text      []*string
}

// reseal says what must be written of a row, and counts.
func (w Rows) reseal(env Env, r sealedRow, count *Count) (set []string, args []any, err error) {
	primary, err := env.Keys.Primary()
	if err != nil {
		return nil, nil, err
	}
	args = []any{r.id}
	place := w.Place(env.Tenant, r.bound)
	for i, sealed := range r.bytes {
		id, ok := KeyID(sealed)
		if len(sealed) == 0 {
			continue
		}
		if ok && id == primary {
			if _, err := env.Keys.Open(sealed, place); err == nil {
				count.Sealed++
				continue
			}
		}
		plain, err := env.Keys.Open(sealed, place) // also the form before there were keys of communes
		if err != nil {
			return nil, nil, err
		}
		again, err := env.Keys.Seal(plain, place)
		if err != nil {
			return nil, nil, err
		}
		count.Old++
		args = append(args, again)
		set = append(set, fmt.Sprintf("%s = $%d", w.Bytes[i], len(args)))
	}
	for i, doc := range r.json {
		if doc == nil {
			continue
		}
		out, plain, old, err := env.Keys.resealJSON([]byte(*doc), place)
		if err != nil {
			return nil, nil, err
		}
		count.Plain, count.Old = count.Plain+plain, count.Old+old
		if plain+old == 0 {
			count.Sealed++
			continue
		}
		args = append(args, string(out))
		set = append(set, fmt.Sprintf("%s = $%d::text::jsonb", w.JSON[i], len(args)))
	}
	for i, text := range r.text {
		if text == nil {
			continue
		}
		again, was, err := env.Keys.resealText(*text, place, primary)
		if err != nil {
			return nil, nil, err
		}
		switch was {
		case nothingToSeal:
			continue
		case wasNew:
			count.Sealed++
			continue
		case wasOld:
			count.Old++
		case wasPlain:
			count.Plain++
		}
		args = append(args, again)
		set = append(set, fmt.Sprintf("%s = $%d", w.Text[i], len(args)))
	}
	return set, args, nil
}

// Moved is a column of plain values that moves to where it is sealed. Move seals
// one value and empties the column.
type Moved struct {
	Name, Table, Column, ID string
	Move                    func(tx *tenancy.Tx, id, value string) error
}

// What is the column's name.
func (m Moved) What() string { return m.Name }

// Pass implements Work.
func (m Moved) Pass(ctx context.Context, env Env, dry bool) (total Count, err error) {
	if dry {
		err := env.DB.Read(ctx, env.Tenant, func(tx *tenancy.Tx) error {
			return tx.QueryRow(fmt.Sprintf("select count(*) from %s where %s is not null", m.Table, m.Column)).Scan(&total.Plain)
		})
		return total, err
	}
	for more := true; more; {
		moved := 0
		err := env.DB.In(ctx, env.Tenant, func(tx *tenancy.Tx) error {
			moved = 0
			rows, err := tx.Query(fmt.Sprintf("select %s::text, %s from %s where %s is not null limit %d for update", m.ID, m.Column, m.Table, m.Column, page))
			if err != nil {
				return err
			}
			type value struct{ ID, Value string }
			found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[value])
			if err != nil {
				return err
			}
			for _, v := range found {
				if err := m.Move(tx, v.ID, v.Value); err != nil {
					return err
				}
				moved++
			}
			return nil
		})
		if err != nil {
			return total, fmt.Errorf("%s: %w", m.Name, err)
		}
		total.Plain += moved
		more = moved == page
	}
	return total, nil
}

// Files are the files that a table's rows name. The row stays locked while its file
// is written again: who deletes it waits, and deletes the new one.
type Files struct {
	Table, ID, Column string
	Bucket            *blob.Bucket
}

// What is "files of" the table.
func (f Files) What() string { return "files of " + f.Table }

// Pass implements Work.
func (f Files) Pass(ctx context.Context, env Env, dry bool) (total Count, err error) {
	for last, more := "00000000-0000-0000-0000-000000000000", true; more; {
		type file struct{ ID, Key string }
		var found []file
		err := env.DB.Read(ctx, env.Tenant, func(tx *tenancy.Tx) error {
			rows, err := tx.Query(fmt.Sprintf("select %[1]s::text, %[2]s from %[3]s where %[1]s > $1::text::uuid and %[2]s <> '' order by %[1]s limit %[4]d",
				f.ID, f.Column, f.Table, page), last)
			if err != nil {
				return err
			}
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[file])
			return err
		})
		if err != nil {
			return total, fmt.Errorf("%s: %w", f.What(), err)
		}
		for _, one := range found {
			if err := f.one(ctx, env, one.ID, one.Key, dry, &total); err != nil {
				return total, fmt.Errorf("%s: %s: %w", f.What(), one.Key, err)
			}
			last = one.ID
		}
		more = len(found) == page
	}
	return total, nil
}

func (f Files) one(ctx context.Context, env Env, id, key string, dry bool, count *Count) error {
	scope := f.Bucket.For(env.Tenant.Slug())
	head, err := scope.Head(ctx, key, prefixSize+1)
	if errors.Is(err, blob.ErrNotFound) { // deleted since, or lost: not ours to say
		return nil
	}
	if err != nil {
		return err
	}
	primary, err := env.Keys.Primary()
	if err != nil {
		return err
	}
	switch made, ok := KeyID(head); {
	case ok && made == primary:
		count.Sealed++
		return nil
	case ok:
		count.Old++
	default:
		count.Plain++
	}
	if dry {
		return nil
	}
	return env.DB.In(ctx, env.Tenant, func(tx *tenancy.Tx) error {
		n, err := tx.Exec(fmt.Sprintf("select from %s where %s = $1::text::uuid for key share", f.Table, f.ID), id)
		if err != nil || n == 0 {
			return err
		}
		if err := scope.Reseal(ctx, key); err != nil && !errors.Is(err, blob.ErrNotFound) {
			return err
		}
		return nil
	})
}
