package catalogue

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// RemovedField is a field that goes while open drafts have answered it.
type RemovedField struct {
	ID     string
	Group  string // the repeated group it is a part of; "" for a field of its own
	Label  string
	Drafts int
	trail  overlay.Trail
}

// goneFields are the fields of one definition that another has not, or has with
// another kind or in another group. A group that goes is told once, not part by part.
func goneFields(from, to Tree) []RemovedField {
	after := fieldsOf(to)
	var gone []RemovedField
	for _, f := range fieldsOf(from) {
		stays := slices.ContainsFunc(after, func(g fieldOf) bool { return g.id == f.id && g.group == f.group && g.kind == f.kind })
		told := f.group != "" && slices.ContainsFunc(gone, func(g RemovedField) bool { return g.Group == "" && g.ID == f.group })
		if !stays && !told {
			gone = append(gone, RemovedField{ID: f.id, Group: f.group, Label: f.label, trail: f.trail})
		}
	}
	return gone
}

// removedFields are the fields that go from one definition to another and that open
// drafts of a service have answered.
func removedFields(tx *tenancy.Tx, id string, from, to Tree) ([]RemovedField, error) {
	var out []RemovedField
	for _, f := range goneFields(from, to) {
		sql := `select count(*) from drafts d where service_id = $1 and submitted_at is null
			and (d.answers ? $2 or exists (select from uploads u where u.draft_id = d.id and u.field = $2))`
		args := []any{id, f.ID}
		if f.Group != "" {
			sql = `select count(*) from drafts d where service_id = $1 and submitted_at is null and exists (
				select from jsonb_array_elements(case jsonb_typeof(d.answers -> $3) when 'array' then d.answers -> $3 else '[]' end) item
				where jsonb_typeof(item) = 'object' and item ? $2)`
			args = append(args, f.Group)
		}
		if err := tx.QueryRow(sql, args...).Scan(&f.Drafts); err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		if f.Drafts > 0 {
			out = append(out, f)
		}
	}
	return out, nil
}

// noDraftUses refuses with ErrDraftsUse where open drafts have answered a field that
// would go.
func noDraftUses(tx *tenancy.Tx, id string, from, to Tree) error {
	gone, err := removedFields(tx, id, from, to)
	if err != nil || len(gone) == 0 {
		return err
	}
	return draftsUse(gone)
}

type fieldOf struct {
	id, group, kind, label string
	trail                  overlay.Trail
}

// fieldsOf lists the fields of a definition's form, parts of groups after their
// group.
func fieldsOf(t Tree) []fieldOf {
	var out []fieldOf
	var walk func(value any, group string, at overlay.Trail)
	walk = func(value any, group string, at overlay.Trail) {
		list, _ := value.([]any)
		for _, item := range list {
			m, ok := item.(map[string]any)
			if !ok {
				continue
			}
			id, _ := m["id"].(string)
			here := at.Below(id)
			if kind, ok := m["kind"].(string); ok && id != "" {
				out = append(out, fieldOf{id, group, kind, textIn("it", m["label"]), here})
				walk(m["fields"], id, here.Below("fields"))
				continue
			}
			walk(m["fields"], "", here.Below("fields"))
		}
	}
	form, _ := t["form"].(map[string]any)
	walk(form["steps"], "", overlay.Trail{"form", "steps"})
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

// filesUse is the refusal for who writes files: each field with its line and what
// to do.
func filesUse(f Folder, id string, gone []RemovedField) error {
	var out Mistakes
	for _, g := range gone {
		out = append(out, &Mistake{Path: g.trail, What: fmt.Sprintf("the field goes, and %d open drafts have answered it", g.Drafts),
			Do: "wait until they are sent or have expired, or apply with --keep-drafts: they go on with the version they began with"})
	}
	return definition.Locate(f.Root, f.Dir, id, out)
}

// DraftsUsing are the fields that publishing an edit would take away and that open
// drafts have answered.
func (m *Module) DraftsUsing(ctx context.Context, by identity.Actor, w Workbench) (out []RemovedField, err error) {
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		out, err = removedFields(tx, w.ID, w.InForce, w.Pending)
		return err
	})
	return out, err
}

// DraftsThere is how many open drafts of a commune have answered a field.
type DraftsThere struct {
	Slug string
	RemovedField
}

// DraftsElsewhere are the fields that one version of a shared service has and the
// next has not, with the communes in which open drafts have answered them: counts,
// never answers.
func (m *Module) DraftsElsewhere(ctx context.Context, id string, from, to Tree) ([]DraftsThere, error) {
	if len(from) == 0 || len(goneFields(from, to)) == 0 {
		return nil, nil
	}
	all, err := m.DB.Directory().All(ctx)
	if err != nil {
		return nil, err
	}
	var out []DraftsThere
	for _, t := range all {
		if err := m.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
			gone, err := removedFields(tx, id, from, to)
			for _, f := range gone {
				out = append(out, DraftsThere{t.Slug(), f})
			}
			return err
		}); err != nil {
			return nil, err
		}
	}
	return out, nil
}
