package catalogue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
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

// jobAccept accepts what a commune lets happen by itself, and counts.
const jobAccept = "catalogue.accept-small"

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

// RemovedField is a field that goes while open drafts have answered it.
type RemovedField struct {
	ID, Label string
	Drafts    int
}

// state identifies what a decision was made about: the row and the new version.
func (r row) state(to SharedVersion) (string, error) {
	data, err := json.Marshal([]any{r.Definition, r.Overlay, r.Console, r.BaseVersion, to.Version})
	if err != nil {
		return "", fmt.Errorf("catalogue: %w", err)
	}
	return shortSum(data), nil
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
	slices.SortFunc(out, func(a, b Update) int { return byTheme(a.Service, b.Service) })
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
	u.From, u.To, u.Base, u.Now, u.Theirs = r.BaseVersion, to, r.Definition, l.inForce(), to.tree
	for _, c := range l.conflicts(to.tree) {
		u.Conflicts = append(u.Conflicts, Conflict{Key: c.trail.String(), Trail: c.trail, Ours: c.ours, Theirs: c.theirs})
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

// Resolution is the choice for one conflict.
type Resolution struct {
	Choice Choice
	Value  any // for Another
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
	choices := make(map[string]resolution, len(d.Choices))
	for key, c := range d.Choices {
		choices[key] = resolution(c)
	}
	after, err := r.layers().accept(to.tree, choices)
	if err != nil {
		return err
	}
	if len(r.Definition) == 0 { // it was the commune's own: only what differs stays its own
		if slim, ok := after.ontoShared(to.tree); ok && same(slim.inForce(), after.inForce()) {
			after = slim
		}
	}
	if !d.KeepDrafts {
		gone, err := removedFields(tx, r.ID, r.merged(), after.inForce())
		if err != nil {
			return err
		}
		if len(gone) > 0 {
			return draftsUse(gone)
		}
	}
	before, from := r, r.BaseVersion
	if r.Folder == nil && r.ofFolder() && !same(after.Overlay, r.Overlay) {
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

// AcceptsSmall reports whether the commune lets small changes without conflicts
// happen by themselves.
func (m *Module) AcceptsSmall(ctx context.Context, by identity.Actor) (yes bool, err error) {
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		yes, err = acceptsSmall(tx)
		return err
	})
	return yes, err
}

func acceptsSmall(tx *tenancy.Tx) (yes bool, err error) {
	err = tx.QueryRow("select coalesce((select accept_small from update_settings), false)").Scan(&yes)
	return yes, err
}

// AcceptSmall sets whether small changes without conflicts happen by themselves.
func (m *Module) AcceptSmall(ctx context.Context, by identity.Actor, yes bool) error {
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		if _, err := tx.Exec(`insert into update_settings (accept_small, set_by, set_at) values ($1, $2, $3)
			on conflict (one) do update set accept_small = excluded.accept_small, set_by = excluded.set_by, set_at = excluded.set_at`, yes, by.Name(), m.Clock.Now()); err != nil {
			return err
		}
		if yes && m.Outbox != nil {
			if err := m.Outbox.Add(tx, jobAccept, published{}); err != nil {
				return err
			}
		}
		return audit.Record(tx, by, "catalogue.accept-small", "catalogue:updates", map[string]any{"on": yes})
	})
}

// acceptByItself accepts small versions without conflicts where the commune lets
// that happen, and counts. One that cannot be accepted waits for a person.
func (m *Module) acceptByItself(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error {
	shared, err := m.SharedTrees(ctx)
	if err != nil {
		return err
	}
	var ids []string
	if err := m.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		yes, err := acceptsSmall(tx)
		if err != nil || !yes {
			return err
		}
		rows, err := allRows(tx)
		for _, r := range rows {
			if newest := shared[r.ID]; r.waits(newest) && r.BaseVersion != nil {
				ids = append(ids, r.ID)
			}
		}
		return err
	}); err != nil {
		return err
	}
	by := identity.System(t)
	for _, id := range ids {
		err := m.acceptSmall(ctx, by, shared[id])
		if err != nil && !errors.Is(err, errSettled) {
			slog.WarnContext(ctx, "small version waits for a person", "commune", t.Slug(), "service", id, "error", err.Error())
		}
	}
	return m.Count(ctx, t)
}

func (m *Module) acceptSmall(ctx context.Context, by identity.Actor, to SharedVersion) error {
	between, err := m.versionsBetween(ctx, to)
	if err != nil {
		return err
	}
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := lockRow(tx, to.Service)
		if err != nil {
			return err
		}
		if !r.waits(to) || r.BaseVersion == nil || len(r.layers().conflicts(to.tree)) > 0 {
			return errSettled
		}
		for _, v := range between {
			if v.Version > *r.BaseVersion && v.Size != Small {
				return errSettled
			}
		}
		for _, d := range deltas(r.Definition, to.tree) {
			if !d.small() && !d.silent() {
				return errSettled
			}
		}
		return m.accept(ctx, tx, by, r, to, "by-itself", Decision{})
	})
}

// versionsBetween are the versions of a service: all that lie on the way must be
// small for it to be taken by itself.
func (m *Module) versionsBetween(ctx context.Context, to SharedVersion) ([]SharedVersion, error) {
	list, err := m.History(ctx, to.Service)
	if errors.Is(err, ErrNotShared) {
		return nil, errSettled
	}
	return list, err
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

// Step is something a shared version has done to a service of the commune.
type Step struct {
	ID       int64
	Service  string
	Kind     string // accepted, by-itself, refused, adopted, undone
	From, To *int
	Why      string
	Choices  []string
	By       string
	At       time.Time
	Undoes   *int64
	Undone   bool
}

// keepStep notes what is about to happen to a row, and the row as it is in the
// table now: undoing copies it back, byte for byte.
func keepStep(tx *tenancy.Tx, before row, s Step, afterHash string) error {
	if s.Choices == nil {
		s.Choices = []string{}
	}
	choices, err := json.Marshal(s.Choices)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	n, err := tx.Exec(`insert into service_steps (service_id, kind, from_version, to_version, undoes, why, choices, done_by, done_at, after_hash,
			before_version, before_kind, before_definition, before_overlay, before_console, before_folder, before_origin, before_base, before_fee, before_fee_by, before_fee_at)
		select id, $2, $3, $4, $5, $6, $7, $8, $9, $10,
			version, kind, definition, overlay, console, folder, origin, base_version, fee_confirmed, fee_confirmed_by, fee_confirmed_at
		from services where id = $1`, before.ID, s.Kind, s.From, s.To, s.Undoes, s.Why, string(choices), s.By, s.At, afterHash)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	if n != 1 {
		return ErrNotOffered
	}
	return nil
}

// Steps lists what shared versions have done to a service, the newest first.
func (m *Module) Steps(ctx context.Context, by identity.Actor, id string) (out []Step, err error) {
	err = m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		out, err = steps(tx, id, 50)
		return err
	})
	return out, err
}

func steps(tx *tenancy.Tx, id string, limit int) ([]Step, error) {
	rows, err := tx.Query(`select id, service_id, kind, from_version, to_version, why, choices::text, done_by, done_at, undoes,
		exists (select from service_steps u where u.undoes = s.id) from service_steps s where service_id = $1 order by id desc limit $2`, id, limit)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Step, err error) {
		var choices string
		if err = row.Scan(&s.ID, &s.Service, &s.Kind, &s.From, &s.To, &s.Why, &choices, &s.By, &s.At, &s.Undoes, &s.Undone); err != nil {
			return s, err
		}
		return s, json.Unmarshal([]byte(choices), &s.Choices)
	})
}
