package catalogue

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

const editColumns = "service_id, base, changes, revision, authors, proposed_by, note, updated_by, updated_at"

func scanEdit(scan func(...any) error) (*Edit, error) {
	var e Edit
	var base, changes []byte
	if err := scan(&e.Service, &base, &changes, &e.Revision, &e.Authors, &e.ProposedBy, &e.Note, &e.UpdatedBy, &e.UpdatedAt); err != nil {
		return nil, err
	}
	var err error
	if e.Base, err = overlay.Parse(base); err != nil {
		return nil, err
	}
	e.Changes, err = overlay.Parse(changes)
	return &e, err
}

// findEdit reads the edit of a service; nil where there is none. lock keeps
// others from changing it until the end of the transaction.
func findEdit(tx *tenancy.Tx, id string, lock bool) (*Edit, error) {
	query := "select " + editColumns + " from service_edits where service_id = $1"
	if lock {
		query += " for update"
	}
	e, err := scanEdit(tx.QueryRow(query, id).Scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return e, nil
}

func saveEdit(tx *tenancy.Tx, e *Edit) error {
	base, err := json.Marshal(e.Base)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	changes, err := json.Marshal(e.Changes)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	_, err = tx.Exec(`insert into service_edits (`+editColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (service_id) do update set base = excluded.base, changes = excluded.changes, revision = excluded.revision,
			authors = excluded.authors, proposed_by = excluded.proposed_by, note = excluded.note,
			updated_by = excluded.updated_by, updated_at = excluded.updated_at`,
		e.Service, string(base), string(changes), e.Revision, e.Authors, e.ProposedBy, e.Note, e.UpdatedBy, e.UpdatedAt)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	return nil
}

func deleteEdit(tx *tenancy.Tx, id string) error {
	if _, err := tx.Exec("delete from service_edits where service_id = $1", id); err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	return nil
}

// seenRow is lockRow for somebody who only looks.
func seenRow(tx *tenancy.Tx, id string) (row, error) {
	r, err := scanRow(tx.QueryRow("select "+columns+" from services where id = $1 and offered", id).Scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, ErrNotOffered
	}
	if err != nil {
		return r, fmt.Errorf("catalogue: %w", err)
	}
	return r, nil
}

// lockEdit locks the service and its edit; a new one where there is none.
func (m *Module) lockEdit(tx *tenancy.Tx, id string) (row, *Edit, error) {
	r, err := lockRow(tx, id)
	if err != nil {
		return r, nil, err
	}
	e, err := findEdit(tx, id, true)
	if err != nil {
		return r, nil, err
	}
	if e == nil {
		e = &Edit{Service: id, Base: r.merged(), Changes: Tree{}}
	}
	return r, e, nil
}

// keepEdit saves what an edit leads to now; one that changes nothing any more is
// forgotten.
func (m *Module) keepEdit(tx *tenancy.Tx, by identity.Actor, e *Edit, before, pending Tree) error {
	changes := Compare(before, pending)
	if len(changes) == 0 {
		return nil
	}
	overlay, ok := overlay.Diff(e.Base, pending)
	if !ok {
		return ErrNotAnOverlay
	}
	if len(overlay) == 0 {
		if err := deleteEdit(tx, e.Service); err != nil {
			return err
		}
		return audit.Record(tx, by, "catalogue.drop", "service:"+e.Service, nil)
	}
	e.Changes = overlay
	e.Revision++
	e.ProposedBy, e.Note = "", "" // who approves must see all of it
	if author := by.AccountID().String(); !slices.Contains(e.Authors, author) {
		e.Authors = append(e.Authors, author)
	}
	e.UpdatedBy, e.UpdatedAt = by.Name(), m.Clock.Now()
	if err := saveEdit(tx, e); err != nil {
		return err
	}
	return audit.Record(tx, by, "catalogue.edit", "service:"+e.Service, details(changes))
}

const mostDetails = 20

// details are changes for the audit: "fee › amounts › base › chf: 10 → 12".
func details(changes []Change) map[string]any {
	lines := make([]string, 0, mostDetails+1)
	for i, c := range changes {
		if i == mostDetails {
			lines = append(lines, fmt.Sprintf("+ %d", len(changes)-mostDetails))
			break
		}
		lines = append(lines, strings.ReplaceAll(c.Path, ".", " › ")+": "+overlay.Brief(c.Old)+" → "+overlay.Brief(c.New))
	}
	return map[string]any{"changes": strings.Join(lines, "; ")}
}
