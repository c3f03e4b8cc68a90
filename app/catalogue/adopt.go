package catalogue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Where a commune's service comes from.
const (
	originFolder  = "folder"  // its folder lists it
	originAdopted = "adopted" // taken over on the console
	originOwn     = "own"     // not of the shared catalogue
)

// Conflict is a part that the shared catalogue and the commune have both changed.
type Conflict struct {
	Key    string // of the form's fields
	Trail  []string
	Ours   any
	Theirs any
}

// Typed says whether another value can be typed in its place, and which kind.
func (c Conflict) Typed() bool {
	switch c.Ours.(type) {
	case string, float64:
		return true
	}
	_, text := c.Theirs.(string)
	return text && c.Ours == nil
}

// Update is a newer shared version beside what the commune has.
type Update struct {
	Service   *Service
	From      *int
	To        SharedVersion
	State     string // of the row: sent back with the decision
	Conflicts []Conflict
	// Base, Now and Theirs are the version the commune stands on, what is in force
	// and the new version.
	Base, Now, Theirs Tree
	// Removed are fields that open drafts have answered and the new version has not.
	Removed []RemovedField
	Refused bool
}

// state identifies what a decision was made about: the row and the new version.
func (r row) state(to SharedVersion) (string, error) {
	data, err := json.Marshal([]any{r.Definition, r.Overlay, r.Console, r.BaseVersion, to.Version})
	if err != nil {
		return "", fmt.Errorf("catalogue: %w", err)
	}
	return overlay.Sum(data), nil
}

// Waiting lists the newer versions that wait for the commune's decision, and those
// it has refused and nothing newer came since.
func (m *Module) Waiting(ctx context.Context, by identity.Actor) ([]Update, error) {
	shared, err := m.SharedTrees(ctx)
	if err != nil {
		return nil, err
	}
	var out []Update
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		engine, err := m.engineOf(tx)
		if err != nil {
			return err
		}
		rows, err := allRows(tx)
		if err != nil {
			return err
		}
		for _, r := range rows {
			newest, known := shared[r.ID]
			refused := known && r.Offered && r.RefusedVersion == newest.Version
			if !known || !refused && !r.waits(newest) {
				continue
			}
			u, err := m.update(r, newest, engine)
			if err != nil {
				return err
			}
			u.Refused = refused
			out = append(out, u)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Update) int { return definition.ByTheme(a.Service, b.Service) })
	return out, err
}

// Update is the newer version of one service. Errors: ErrNotOffered; ErrNoUpdate
// when the service stands on the newest.
func (m *Module) Update(ctx context.Context, by identity.Actor, id string) (u Update, err error) {
	newest, _, err := m.SharedTree(ctx, id, 0)
	if errors.Is(err, ErrNotShared) {
		err = ErrNoUpdate
	}
	if err != nil {
		return u, err
	}
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := readRow(tx, id)
		if err != nil {
			return err
		}
		if r.BaseVersion != nil && *r.BaseVersion >= newest.Version {
			return ErrNoUpdate
		}
		engine, err := m.engineOf(tx)
		if err != nil {
			return err
		}
		if u, err = m.update(r, newest, engine); err != nil {
			return err
		}
		u.Refused = r.RefusedVersion == newest.Version
		u.Removed, err = removedFields(tx, id, u.Now, u.Theirs)
		return err
	})
	return u, err
}

func (m *Module) update(r row, to SharedVersion, engine *rules.Engine) (u Update, err error) {
	if u.Service, err = compileRow(r, engine); err != nil {
		return u, err
	}
	l := r.layers()
	u.From, u.To, u.Base, u.Now, u.Theirs = r.BaseVersion, to, r.Definition, l.InForce(), to.tree
	for _, c := range l.Conflicts(to.tree) {
		u.Conflicts = append(u.Conflicts, Conflict{Key: c.Trail.String(), Trail: c.Trail, Ours: c.Ours, Theirs: c.Theirs})
	}
	u.State, err = r.state(to)
	return u, err
}

// readRow is lockRow for readers.
func readRow(tx *tenancy.Tx, id string) (row, error) {
	r, err := scanRow(tx.QueryRow("select "+columns+" from services where id = $1 and offered", id).Scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, ErrNotOffered
	}
	if err != nil {
		return r, fmt.Errorf("catalogue: %w", err)
	}
	return r, nil
}

// Decision is what a commune says to a newer version.
type Decision struct {
	State   string                // of the Update it saw
	Choices map[string]Resolution // by Conflict.Key
	// KeepDrafts lets open drafts go on with their version although fields go that
	// they have answered.
	KeepDrafts bool
	// ConfirmFee says that the fee of the new version is the commune's own.
	ConfirmFee bool
}

// Accept moves a service onto the newest shared version, in one transaction with
// the note of what was before. Errors: ErrNoUpdate; ErrMoved when service or
// catalogue are no longer what the decision is about; ErrUndecided; ErrDraftsUse;
// ErrExamplesFail, whose parameter problems says which.
func (m *Module) Accept(ctx context.Context, by identity.Actor, id string, d Decision) error {
	newest, _, err := m.SharedTree(ctx, id, 0)
	if errors.Is(err, ErrNotShared) {
		return ErrNoUpdate
	}
	if err != nil {
		return err
	}
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := lockRow(tx, id)
		if err != nil {
			return err
		}
		state, err := r.state(newest)
		switch {
		case err != nil:
			return err
		case r.BaseVersion != nil && *r.BaseVersion >= newest.Version:
			return ErrNoUpdate
		case d.State != state:
			return ErrMoved
		}
		return m.accept(ctx, tx, by, r, newest, "accepted", d)
	})
}

func (m *Module) accept(ctx context.Context, tx *tenancy.Tx, by identity.Actor, r row, to SharedVersion, kind string, d Decision) error {
	after, err := r.layers().Accept(to.tree, d.Choices)
	if errors.Is(err, overlay.ErrUndecided) {
		return ErrUndecided
	}
	if err != nil {
		return err
	}
	if len(r.Definition) == 0 { // it was the commune's own: only what differs stays its own
		if slim, ok := after.OntoShared(to.tree); ok && overlay.Same(slim.InForce(), after.InForce()) {
			after = slim
		}
	}
	if !d.KeepDrafts {
		if err := noDraftUses(tx, r.ID, r.merged(), after.InForce()); err != nil {
			return err
		}
	}
	before, from := r, r.BaseVersion
	if r.Folder == nil && r.ofFolder() && !overlay.Same(after.Overlay, r.Overlay) {
		r.Folder = r.Overlay
	}
	if r.Origin == originOwn {
		r.Origin = originAdopted
	}
	r.Definition, r.Overlay, r.Console, r.BaseVersion = after.Definition, after.Overlay, after.Console, &to.Version
	r.RefusedVersion, r.RefusedWhy, r.RefusedBy, r.RefusedAt = 0, "", "", nil
	r.UpdatedBy, r.UpdatedAt, r.why = by.Name(), m.Clock.Now(), to.Why
	service, err := m.examined(ctx, tx, r)
	if err != nil {
		return err
	}
	r.Version, r.Kind = service.Version, string(service.Kind)
	if d.ConfirmFee {
		m.confirm(&r, by, service)
	}
	step := Step{Kind: kind, From: from, To: &to.Version, Why: to.Why, By: by.Name(), At: r.UpdatedAt, Choices: told(d.Choices)}
	if err := keepStep(tx, before, step, service.Hash); err != nil {
		return err
	}
	if err := saveRow(tx, r); err != nil {
		return err
	}
	if err := m.recount(tx); err != nil {
		return err
	}
	return audit.Record(tx, by, "catalogue."+kind, "service:"+r.ID, map[string]any{"version": to.Version, "conflicts": len(d.Choices)})
}

// told is a decision's choices as the step keeps them: which part, which side.
func told(choices map[string]Resolution) []string {
	out := make([]string, 0, len(choices))
	for key, c := range choices {
		out = append(out, strings.ReplaceAll(key, "\x1f", ".")+": "+string(c.Choice))
	}
	slices.Sort(out)
	return out
}

// examined compiles a row as it would be and runs its examples. ErrExamplesFail
// says what does not hold.
func (m *Module) examined(ctx context.Context, tx *tenancy.Tx, r row) (*Service, error) {
	face, err := site.Load(tx)
	if err != nil {
		return nil, err
	}
	engine, err := m.Engine(face.Calendar)
	if err != nil {
		return nil, err
	}
	service, err := compileRow(r, engine)
	if err != nil {
		return nil, ErrExamplesFail.With("problems", strings.Split(err.Error(), "\n"))
	}
	var postcodes []string
	for _, p := range face.Places {
		postcodes = append(postcodes, p.Postcode)
	}
	if err := service.RunExamples(ctx, engine, postcodes); err != nil {
		return nil, ErrExamplesFail.With("problems", strings.Split(err.Error(), "\n"))
	}
	return service, nil
}

// Refuse says no to the newest version: the service stays as it is until a newer
// one comes. The reason can be read by the entity. Errors: ErrNoUpdate, ErrMoved,
// ErrWhy.
func (m *Module) Refuse(ctx context.Context, by identity.Actor, id, state, why string) error {
	why = strings.TrimSpace(why)
	if n := len([]rune(why)); n < 3 || n > maxWhy {
		return ErrWhy
	}
	newest, _, err := m.SharedTree(ctx, id, 0)
	if errors.Is(err, ErrNotShared) {
		return ErrNoUpdate
	}
	if err != nil {
		return err
	}
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := lockRow(tx, id)
		if err != nil {
			return err
		}
		now, err := r.state(newest)
		switch {
		case err != nil:
			return err
		case r.BaseVersion != nil && *r.BaseVersion >= newest.Version:
			return ErrNoUpdate
		case state != now:
			return ErrMoved
		}
		at := m.Clock.Now()
		if err := keepStep(tx, r, Step{Kind: "refused", From: r.BaseVersion, To: &newest.Version, Why: why, By: by.Name(), At: at}, ""); err != nil {
			return err
		}
		r.RefusedVersion, r.RefusedWhy, r.RefusedBy, r.RefusedAt = newest.Version, why, by.Name(), &at
		if err := saveRow(tx, r); err != nil {
			return err
		}
		if err := m.recount(tx); err != nil {
			return err
		}
		return audit.Record(tx, by, "catalogue.refused", "service:"+id, map[string]any{"version": newest.Version, "why": why})
	})
}
