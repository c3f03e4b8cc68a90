package catalogue

import (
	"context"
	"slices"

	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// List is the console's list of services.
type List struct {
	Entries    []Entry
	Edited     map[string]bool // services with something about to change
	TwoPersons bool
}

// List is what the commune offers, which of it is about to change, and by which
// rule it is published.
func (m *Module) List(ctx context.Context, by identity.Actor) (List, error) {
	out := List{Edited: map[string]bool{}}
	err := m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		engine, err := m.engineOf(tx)
		if err != nil {
			return err
		}
		rows, err := tx.Query("select " + columns + `, exists (select from service_edits e where e.service_id = services.id),
			coalesce((select two_persons from catalogue_habits), false) from services where offered order by id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var edited bool
			r, err := scanRow(func(into ...any) error { return rows.Scan(append(into, &edited, &out.TwoPersons)...) })
			if err != nil {
				return err
			}
			entry, err := m.entry(engine, r)
			if err != nil {
				return err
			}
			out.Entries = append(out.Entries, entry)
			out.Edited[r.ID] = edited
		}
		return rows.Err()
	})
	slices.SortFunc(out.Entries, func(a, b Entry) int { return definition.ByTheme(a.Service, b.Service) })
	return out, err
}

// Translated counts the texts of the pending definition that have words in lang,
// and all of them.
func (w Workbench) Translated(lang string) (done, all int) {
	var walk func(value any, s *source.Shape)
	walk = func(value any, s *source.Shape) {
		if s == nil || value == nil || s.Name == "Example" {
			return
		}
		switch v := value.(type) {
		case string:
			if s.Form == source.Words {
				all++
			}
		case map[string]any:
			if s.Form == source.Words {
				all++
				if text, ok := v[lang].(string); ok && text != "" {
					done++
				}
				return
			}
			for key, inner := range v {
				walk(inner, s.Inside(key))
			}
		case []any:
			for _, item := range v {
				walk(item, s.Item)
			}
		}
	}
	walk(map[string]any(w.Pending), definition.Shape())
	if lang == i18n.Reference {
		return all, all
	}
	return done, all
}
