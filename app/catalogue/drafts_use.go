package catalogue

import (
	"fmt"
	"strings"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// RemovedField is a field that goes while open drafts have answered it.
type RemovedField struct {
	ID, Label string
	Drafts    int
}

// removedFields are the fields of one definition that another has not, or has with
// another kind, and that open drafts have answered.
func removedFields(tx *tenancy.Tx, id string, from, to Tree) ([]RemovedField, error) {
	before, after := fieldsOf(from), fieldsOf(to)
	var gone []RemovedField
	for _, f := range before {
		kind, stays := "", false
		for _, g := range after {
			if g.id == f.id {
				kind, stays = g.kind, true
			}
		}
		if !stays || kind != f.kind {
			gone = append(gone, RemovedField{ID: f.id, Label: f.label})
		}
	}
	if len(gone) == 0 {
		return nil, nil
	}
	out := gone[:0]
	for _, f := range gone {
		if err := tx.QueryRow(`select count(*) from drafts d where service_id = $1 and submitted_at is null
			and (d.answers ? $2 or exists (select from uploads u where u.draft_id = d.id and u.field = $2))`, id, f.ID).Scan(&f.Drafts); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		if f.Drafts > 0 {
			out = append(out, f)
		}
	}
	return out, nil
}

type fieldOf struct{ id, kind, label string }

// fieldsOf lists the fields of a definition's form, those in groups included.
func fieldsOf(t Tree) []fieldOf {
	var out []fieldOf
	var walk func(value any)
	walk = func(value any) {
		list, _ := value.([]any)
		for _, item := range list {
			m, ok := item.(map[string]any)
			if !ok {
				continue
			}
			id, _ := m["id"].(string)
			if kind, ok := m["kind"].(string); ok && id != "" {
				out = append(out, fieldOf{id, kind, textIn("it", m["label"])})
			}
			walk(m["fields"])
		}
	}
	form, _ := t["form"].(map[string]any)
	walk(form["steps"])
	return out
}

// draftsUse is the refusal with what goes and how many drafts have it.
func draftsUse(gone []RemovedField) error {
	drafts, labels := 0, make([]string, len(gone))
	for i, f := range gone {
		drafts = max(drafts, f.Drafts)
		labels[i] = "«" + f.Label + "»"
	}
	return ErrDraftsUse.With("drafts", drafts).With("fields", strings.Join(labels, ", "))
}
