package catalogue

import (
	"context"
	"fmt"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Export writes a service as a file: the whole definition that is in force, or
// only what differs from the shared catalogue. What is read from it writes the
// same bytes.
func (m *Module) Export(ctx context.Context, t tenancy.Tenant, id string, overlay bool) ([]byte, error) {
	var r row
	err := m.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		r, err = seenRow(tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	if !overlay {
		return WriteDefinition(r.merged())
	}
	own, err := r.own()
	if err != nil {
		return nil, err
	}
	return WriteOverlays(map[string]Tree{id: own})
}

// own is all that differs from the shared definition, by folder and by console.
func (r row) own() (Tree, error) {
	own, ok := overlay.Diff(r.Definition, r.merged())
	if !ok {
		return nil, fmt.Errorf("service %s: %w", r.ID, ErrNotAnOverlay)
	}
	return own, nil
}

// Imported is what taking a file in would change.
type Imported struct {
	Workbench          // with the file's definition as pending
	Changes   []Change // from what is in force
}

// ReadFile reads a file for a service and says what it would change; nothing is
// kept. Errors: Mistakes with their lines, ErrNotAnOverlay.
func (m *Module) ReadFile(ctx context.Context, by identity.Actor, id, file string, data []byte) (Imported, error) {
	var out Imported
	err := m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := seenRow(tx, id)
		if err != nil {
			return err
		}
		now, err := m.workbench(tx, r, nil)
		if err != nil {
			return err
		}
		target, err := now.ReadImport(file, data, r.Definition)
		if err != nil {
			return err
		}
		changes, ok := overlay.Diff(now.InForce, target)
		if !ok {
			return ErrNotAnOverlay
		}
		out.Workbench, err = m.workbench(tx, r, &Edit{Service: id, Base: now.InForce, Changes: changes})
		out.Changes = out.Differences()
		return err
	})
	return out, err
}

// TakeFile makes a file the pending edit of a service. What was about to change
// before is replaced by it.
func (m *Module) TakeFile(ctx context.Context, by identity.Actor, id, file string, data []byte) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, e, err := m.lockEdit(tx, id)
		if err != nil {
			return err
		}
		w := Workbench{Entry: Entry{Service: &Service{Definition: Definition{ID: id}}}}
		target, err := w.ReadImport(file, data, r.Definition)
		if err != nil {
			return err
		}
		before := e.Pending()
		e.Base = r.merged()
		return m.keepEdit(tx, by, e, before, target)
	})
}
