package catalogue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Edit is what administrators have changed of a service and not yet published.
type Edit struct {
	Service    string
	Base       Tree // the definition in force when it was begun
	Changes    Tree // over Base
	Revision   int64
	Authors    []string // accounts that changed something
	ProposedBy string   // who asks a second person; "" while it is worked on
	Note       string   // why, as the proposal says
	UpdatedBy  string
	UpdatedAt  time.Time
}

// Pending is the definition the edit leads to.
func (e Edit) Pending() Tree { return Merge(e.Base, e.Changes) }

// Workbench is a service of the console: what is in force and what is about to
// be.
type Workbench struct {
	Entry
	InForce Tree
	Edit    *Edit // nil: nothing is about to change
	Pending Tree  // InForce where there is no edit
	// Next is the pending definition compiled; nil where Problems says why not.
	Next     *Service
	Problems Mistakes
	// Moved is what changed in force since the edit was begun, Clashes what the
	// edit changes too.
	Moved, Clashes []Change
	TwoPersons     bool
	Postcodes      []string
	engine         *rules.Engine
}

// Stale reports whether the definition under the edit has moved.
func (w Workbench) Stale() bool { return len(w.Moved) > 0 }

// Differences are what publishing the edit would change.
func (w Workbench) Differences() []Change { return Compare(w.InForce, w.Pending) }

// Set is one value somebody entered on a page.
type Set struct {
	Path  []string
	Value any // JSON value; nil takes it away
	// Read is the Fingerprint of the value the page showed: a value that was not
	// touched is left as it is now, and one that somebody else changed meanwhile
	// is not overwritten.
	Read string
}

// Fingerprint stands for a value on a page.
func Fingerprint(value any) string {
	data, err := json.Marshal(likeOnPage(value))
	if err != nil {
		return "" // plain data always marshals; nothing equals it
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// likeOnPage makes one form of what a page cannot tell apart: spaces around a
// text, and two ways to write one in Italian alone.
func likeOnPage(value any) any {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = likeOnPage(item)
		}
		return out
	case map[string]any:
		if words, only := v["it"].(string); only && len(v) == 1 {
			return strings.TrimSpace(words)
		}
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = likeOnPage(item)
		}
		return out
	}
	return value
}

// Edits are the services of the commune with something about to change: service
// → edit.
func (m *Module) Edits(ctx context.Context, by identity.Actor) (map[string]*Edit, error) {
	out := map[string]*Edit{}
	err := m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select " + editColumns + " from service_edits")
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scanEdit(rows.Scan)
			if err != nil {
				return fmt.Errorf("catalogue: %w", err)
			}
			out[e.Service] = e
		}
		return rows.Err()
	})
	return out, err
}

// Workbench is a service with what is about to change; ErrNotOffered when the
// commune's folder does not offer it.
func (m *Module) Workbench(ctx context.Context, by identity.Actor, id string) (Workbench, error) {
	var w Workbench
	err := m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := seenRow(tx, id)
		if err != nil {
			return err
		}
		e, err := findEdit(tx, id, false)
		if err != nil {
			return err
		}
		w, err = m.workbench(tx, r, e)
		return err
	})
	return w, err
}

func (m *Module) workbench(tx *tenancy.Tx, r row, e *Edit) (Workbench, error) {
	face, err := site.Load(tx)
	if err != nil {
		return Workbench{}, err
	}
	engine, err := m.Engine(face.Calendar)
	if err != nil {
		return Workbench{}, err
	}
	entry, err := m.entry(engine, r)
	if err != nil {
		return Workbench{}, err
	}
	w := Workbench{Entry: entry, InForce: r.merged(), Edit: e, engine: engine}
	for _, place := range face.Places {
		w.Postcodes = append(w.Postcodes, place.Postcode)
	}
	if w.TwoPersons, err = twoPersons(tx); err != nil {
		return Workbench{}, err
	}
	w.Pending, w.Next = w.InForce, entry.Service
	if e == nil {
		return w, nil
	}
	w.Pending, w.Next = e.Pending().With(w.InForce["paused"], "paused"), nil // a pause stands beside any edit
	w.Moved = apart(Compare(e.Base, w.InForce))
	if w.Stale() {
		w.Clashes = clashes(w.Moved, Compare(e.Base, w.Pending))
	}
	def, err := definition.Decode(w.Pending)
	if err == nil {
		w.Next, err = definition.Compile(def, engine)
	}
	if w.Problems = MistakesOf(err); err != nil && w.Problems == nil {
		w.Problems = Mistakes{{What: err.Error()}}
	}
	if w.Next != nil {
		w.Next.Published = entry.Published
		w.Next.FeeConfirmed = entry.FeeConfirmed && w.Next.Fee.Hash() == entry.Fee.Hash()
	}
	return w, nil
}

// apart leaves out what is switched at once, beside any edit.
func apart(changes []Change) []Change {
	return slices.DeleteFunc(changes, func(c Change) bool { return c.Path == "paused" || len(c.Path) > 7 && c.Path[:7] == "paused." })
}

// clashes are the changes to parts that both sides changed, and differently.
func clashes(theirs, ours []Change) []Change {
	var out []Change
	for _, o := range ours {
		for _, t := range theirs {
			if within(o.Path, t.Path) || within(t.Path, o.Path) {
				if o.Path != t.Path || Fingerprint(o.New) != Fingerprint(t.New) {
					out = append(out, Change{Path: o.Path, Old: t.New, New: o.New})
				}
				break
			}
		}
	}
	return out
}

func within(path, other string) bool {
	return path == other || len(path) > len(other) && path[:len(other)+1] == other+"."
}

// Clash says that somebody else changed a value after the page was opened.
type Clash struct {
	Set
	Now any // what it is now
	By  string
}

// Amend enters values into the edit of a service, beginning one where there is
// none. Where somebody else changed one of them meanwhile nothing is saved and
// the clashes are returned. Whatever is entered is kept, also what cannot be
// published as it is. by must be an administrator of the commune.
func (m *Module) Amend(ctx context.Context, by identity.Actor, id string, values []Set) ([]Clash, error) {
	var clash []Clash
	err := m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, e, err := m.lockEdit(tx, id)
		if err != nil {
			return err
		}
		before := e.Pending()
		pending := before
		for _, v := range values {
			now := pending.Get(v.Path...)
			switch {
			case v.Read != "" && Fingerprint(v.Value) == v.Read, Fingerprint(v.Value) == Fingerprint(now):
			case v.Read != "" && Fingerprint(now) != v.Read:
				who := e.UpdatedBy
				if who == "" {
					who = r.UpdatedBy
				}
				clash = append(clash, Clash{v, now, who})
			default:
				pending = pending.With(v.Value, v.Path...)
			}
		}
		if len(clash) > 0 {
			return nil
		}
		return m.keepEdit(tx, by, e, before, pending)
	})
	return clash, err
}

// DropEdit forgets what was about to change.
func (m *Module) DropEdit(ctx context.Context, by identity.Actor, id string) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		_, e, err := m.lockEdit(tx, id)
		if err != nil || e.Revision == 0 {
			return err
		}
		if err := deleteEdit(tx, id); err != nil {
			return err
		}
		return audit.Record(tx, by, "catalogue.drop", "service:"+id, details(Compare(e.Base, e.Pending())))
	})
}

// RebaseEdit lays the changes over what is in force now: what the edit did not
// touch follows, what both touched stays as the edit has it.
func (m *Module) RebaseEdit(ctx context.Context, by identity.Actor, id string) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, e, err := m.lockEdit(tx, id)
		if err != nil || e.Revision == 0 {
			return err
		}
		before := e.Pending()
		e.Base = r.merged()
		pending := Merge(e.Base, e.Changes)
		overlay, ok := overlay.Diff(e.Base, pending)
		if !ok {
			return ErrNotAnOverlay
		}
		e.Changes, e.ProposedBy, e.Note = overlay, "", ""
		e.Revision++
		e.UpdatedBy, e.UpdatedAt = by.Name(), m.Clock.Now()
		if len(overlay) == 0 {
			err = deleteEdit(tx, id)
		} else {
			err = saveEdit(tx, e)
		}
		if err != nil {
			return err
		}
		return audit.Record(tx, by, "catalogue.rebase", "service:"+id, details(Compare(before, pending)))
	})
}
