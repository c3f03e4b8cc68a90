package catalogue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Adoptable is a shared service that a commune does not offer yet.
type Adoptable struct {
	SharedVersion
	Preview  *Service // as it would be here
	Offering int      // communes that offer it
}

// Adoptable lists the shared services that the commune does not offer, by theme
// and title. One that does not compile here is left out.
func (m *Module) Adoptable(ctx context.Context, by identity.Actor) ([]Adoptable, error) {
	shared, err := m.SharedTrees(ctx)
	if err != nil {
		return nil, err
	}
	offering, err := m.offering(ctx)
	if err != nil {
		return nil, err
	}
	var out []Adoptable
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
			if r.Offered {
				delete(shared, r.ID)
			}
		}
		for id, v := range shared {
			service, err := compileRow(row{ID: id, Definition: v.tree}, engine)
			if err != nil {
				continue
			}
			out = append(out, Adoptable{v, service, offering[id]})
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Adoptable) int { return byTheme(a.Preview, b.Preview) })
	return out, err
}

// offering counts the communes that offer each shared service.
func (m *Module) offering(ctx context.Context) (map[string]int, error) {
	out := map[string]int{}
	err := m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select service_id, count(*) from service_standings group by service_id")
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var n int
			if err := rows.Scan(&id, &n); err != nil {
				return err
			}
			out[id] = n
		}
		return rows.Err()
	})
	return out, err
}

// Adopt takes a shared service over as it is. It is not published: fee and words
// are looked at first. Errors: ErrNotShared; ErrOffered when it is offered already.
func (m *Module) Adopt(ctx context.Context, by identity.Actor, id string) error {
	newest, _, err := m.SharedTree(ctx, id, 0)
	if err != nil {
		return err
	}
	return m.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := scanRow(tx.QueryRow("select "+columns+" from services where id = $1 for update", id).Scan)
		isNew := errors.Is(err, pgx.ErrNoRows)
		if err != nil && !isNew {
			return fmt.Errorf("catalogue: %w", err)
		}
		if r.Offered {
			return ErrOffered
		}
		// What the commune once said of it is kept in its steps and begins afresh.
		r = row{ID: id, Definition: newest.tree, Overlay: Tree{}, Console: Tree{}, Offered: true, PublishedOrigin: "console", Origin: originAdopted,
			BaseVersion: &newest.Version, UpdatedBy: by.Name(), UpdatedAt: m.Clock.Now(), why: newest.Why}
		service, err := m.examined(ctx, tx, r)
		if err != nil {
			return err
		}
		r.Version, r.Kind = service.Version, string(service.Kind)
		step := Step{Kind: "adopted", To: &newest.Version, By: by.Name(), At: r.UpdatedAt}
		if !isNew {
			if err := keepStep(tx, r, step, service.Hash); err != nil {
				return err
			}
		}
		if err := saveRow(tx, r); err != nil {
			return err
		}
		if isNew {
			if err := keepStep(tx, r, step, service.Hash); err != nil {
				return err
			}
		}
		if err := m.recount(tx); err != nil {
			return err
		}
		return audit.Record(tx, by, "catalogue.adopted", "service:"+id, map[string]any{"version": newest.Version})
	})
}

// Proposed is what a commune offers to the shared catalogue.
type Proposed struct {
	ID            uuid.UUID
	Slug, Service string
	Title, Why    string
	Base          *int
	State         string // waiting, taken, declined
	By            string
	At            time.Time
	Answer        string
	AnsweredBy    string
	AnsweredAt    *time.Time
	Version       *int
	definition    string
}

const offerColumns = "id, slug, service_id, title, why, base, state, offered_by, offered_at, answer, answered_by, answered_at, version"

func scanOffer(row pgx.CollectableRow) (o Proposed, err error) {
	err = row.Scan(&o.ID, &o.Slug, &o.Service, &o.Title, &o.Why, &o.Base, &o.State, &o.By, &o.At, &o.Answer, &o.AnsweredBy, &o.AnsweredAt, &o.Version)
	return o, err
}

// Own is a service of the commune beside the shared one: the parts that can be
// offered to all.
type Own struct {
	Service *Service
	Base    *int
	Parts   []OwnPart
	Waiting *Proposed // offered already, not answered yet
	Last    *Proposed
}

// OwnPart is something the commune's service has that the shared one has not.
type OwnPart struct {
	Key   string
	Trail []string
	delta delta
	from  Tree
	to    Tree
	// Local is what is usually each commune's own affair: amounts, office, note.
	Local bool
}

// Own looks at what a service has that the shared one has not. Errors:
// ErrNotOffered.
func (m *Module) Own(ctx context.Context, by identity.Actor, id string) (o Own, err error) {
	shared, _, err := m.SharedTree(ctx, id, 0)
	if err != nil && !errors.Is(err, ErrNotShared) {
		return o, err
	}
	if err := m.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		r, err := readRow(tx, id)
		if err != nil {
			return err
		}
		engine, err := m.engineOf(tx)
		if err != nil {
			return err
		}
		o.Service, err = compileRow(r, engine)
		o.Base = r.BaseVersion
		return err
	}); err != nil {
		return o, err
	}
	if shared.tree != nil {
		for _, d := range deltas(shared.tree, o.Service.tree) {
			if !d.silent() {
				o.Parts = append(o.Parts, OwnPart{Key: d.trail.String(), Trail: d.trail, delta: d, from: shared.tree, to: o.Service.tree, Local: d.local()})
			}
		}
	}
	mine, err := m.Proposals(ctx, by.Tenant().Slug(), "")
	for i, p := range mine {
		if p.Service != id {
			continue
		}
		if p.State == "waiting" {
			o.Waiting = &mine[i]
		} else if o.Last == nil {
			o.Last = &mine[i]
		}
	}
	return o, err
}

// local reports whether a part is usually each commune's own affair.
func (d delta) local() bool {
	key := last(d.trail)
	return d.trail[0] == "office" || d.trail[0] == "note" || key == "chf" || key == "counter" || key == "verified" || d.trail[0] == "limits"
}

// OfferToAll sends a service, or the chosen parts of what is different here, to the
// entity. Errors: ErrWhy; ErrNothingToOffer without a part; ErrOfferWaits when one
// is not answered yet.
func (m *Module) OfferToAll(ctx context.Context, by identity.Actor, id, why string, keys []string) error {
	why = strings.TrimSpace(why)
	if n := len([]rune(why)); n < 3 || n > maxWhy {
		return ErrWhy
	}
	o, err := m.Own(ctx, by, id)
	if err != nil {
		return err
	}
	shared, tree, err := m.SharedTree(ctx, id, 0)
	switch {
	case errors.Is(err, ErrNotShared):
		tree = o.Service.tree
	case err != nil:
		return err
	default:
		chosen := 0
		for _, p := range o.Parts {
			for _, key := range keys {
				if key == p.Key {
					over := with(Tree{}, p.delta.trail, p.delta.new, Merge(p.from, p.to))
					tree = Merge(tree, over)
					chosen++
				}
			}
		}
		if chosen == 0 {
			return ErrNothingToOffer
		}
	}
	data, err := tree.Canonical()
	if err != nil {
		return err
	}
	slug, offer, at := by.Tenant().Slug(), uuid.Must(uuid.NewV7()), m.Clock.Now()
	var base *int
	if shared.Version > 0 {
		base = &shared.Version
	}
	return m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		n, err := tx.Exec(`insert into service_offers (id, slug, service_id, title, definition, base, why, offered_by, offered_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (slug, service_id) where state = 'waiting' do nothing`,
			offer, slug, id, textIn(i18n.Reference, tree["title"]), string(data), base, why, by.Name(), at)
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		if n == 0 {
			return ErrOfferWaits
		}
		if err := m.Outbox.Errand(tx, by.Tenant(), errandNoted, noted{Ref: by.Ref(), Name: by.Name(), Action: "catalogue.offered", Service: id, Details: map[string]any{"why": why}}); err != nil {
			return err
		}
		return identity.Note(tx, by, "catalogue.offered", "service:"+id, map[string]any{"commune": slug})
	})
}

// errandNoted puts a line on a commune's audit about what happened in the
// platform's schema.
const errandNoted = "catalogue.noted"

type noted struct {
	Ref     string         `json:"ref"`
	Name    string         `json:"name"`
	Action  string         `json:"action"`
	Service string         `json:"service"`
	Details map[string]any `json:"details,omitempty"`
}

func (m *Module) note(_ context.Context, tx *tenancy.Tx, e outbox.Errand) error {
	var n noted
	if err := e.Decode(&n); err != nil {
		return err
	}
	return audit.RecordAs(tx, n.Ref, n.Name, n.Action, "service:"+n.Service, n.Details)
}

// Proposals lists what communes offer, the newest first; slug and state narrow it.
func (m *Module) Proposals(ctx context.Context, slug, state string) (out []Proposed, err error) {
	err = m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select "+offerColumns+` from service_offers where ($1 = '' or slug = $1) and ($2 = '' or state = $2)
			order by offered_at desc limit 200`, slug, state)
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		out, err = pgx.CollectRows(rows, scanOffer)
		return err
	})
	return out, err
}

// OfferOf is one offer with its candidate. ErrNotShared when there is none.
func (m *Module) OfferOf(ctx context.Context, id uuid.UUID) (o Proposed, c Candidate, err error) {
	err = m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select "+offerColumns+" from service_offers where id = $1", id)
		if err != nil {
			return fmt.Errorf("catalogue: %w", err)
		}
		o, err = pgx.CollectExactlyOneRow(rows, scanOffer)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNotShared
		}
		if err != nil {
			return err
		}
		return tx.QueryRow("select definition from service_offers where id = $1", id).Scan(&o.definition)
	})
	if err != nil {
		return o, c, err
	}
	c = Candidate{Why: o.Why, Size: Large, OfferedBy: o.Slug, NextVersion: true}
	c.Tree, err = parseTree([]byte(o.definition))
	return o, c, err
}

// TakeIn publishes what a commune offered, as the next shared version. Errors:
// ErrAnswered when it was answered before; ErrNotPublishable; ErrWhy.
func (m *Module) TakeIn(ctx context.Context, by identity.Actor, id uuid.UUID, why string, size Size) (v SharedVersion, err error) {
	o, c, err := m.OfferOf(ctx, id)
	if err != nil {
		return v, err
	}
	if o.State != "waiting" {
		return v, ErrAnswered
	}
	c.Why, c.Size = why, size
	p, err := m.Propose(ctx, c)
	switch {
	case err != nil:
		return v, err
	case len(p.Problems) > 0:
		return v, ErrNotPublishable.With("problems", p.Problems)
	case p.Same:
		return v, ErrNothingToOffer
	}
	v = p.After
	if n := len([]rune(v.Why)); n < 3 || n > maxWhy {
		return v, ErrWhy
	}
	v.By, v.At = by.Name(), m.Clock.Now()
	return v, m.publish(ctx, by, []SharedVersion{v}, func(tx *tenancy.PlatformTx) error {
		return m.answer(ctx, tx, by, o, "taken", why, &v.Version)
	})
}

// Decline says no to an offer, with a reason the commune reads. Errors:
// ErrAnswered, ErrWhy.
func (m *Module) Decline(ctx context.Context, by identity.Actor, id uuid.UUID, why string) error {
	why = strings.TrimSpace(why)
	if n := len([]rune(why)); n < 3 || n > maxWhy {
		return ErrWhy
	}
	o, _, err := m.OfferOf(ctx, id)
	if err != nil {
		return err
	}
	return m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error { return m.answer(ctx, tx, by, o, "declined", why, nil) })
}

func (m *Module) answer(ctx context.Context, tx *tenancy.PlatformTx, by identity.Actor, o Proposed, state, why string, version *int) error {
	n, err := tx.Exec("update service_offers set state = $2, answer = $3, answered_by = $4, answered_at = $5, version = $6 where id = $1 and state = 'waiting'",
		o.ID, state, why, by.Name(), m.Clock.Now(), version)
	if err != nil {
		return fmt.Errorf("catalogue: %w", err)
	}
	if n == 0 {
		return ErrAnswered
	}
	if err := identity.Note(tx, by, "catalogue.offer-"+state, "service:"+o.Service, map[string]any{"commune": o.Slug, "why": why}); err != nil {
		return err
	}
	t, err := m.DB.Directory().BySlug(ctx, o.Slug)
	if errors.Is(err, tenancy.ErrUnknown) {
		return nil // archived since
	}
	if err != nil {
		return err
	}
	return m.Outbox.Errand(tx, t, errandNoted, noted{Ref: by.Ref(), Name: by.Name(), Action: "catalogue.offer-" + state, Service: o.Service, Details: map[string]any{"why": why}})
}
