package catalogue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

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
	delta overlay.Delta
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
		for _, d := range overlay.Deltas(shared.tree, o.Service.Tree) {
			if !silent(d) {
				o.Parts = append(o.Parts, OwnPart{Key: d.Trail.String(), Trail: d.Trail, delta: d, from: shared.tree, to: o.Service.Tree, Local: local(d)})
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
func local(d overlay.Delta) bool {
	key := last(d.Trail)
	return d.Trail[0] == "office" || d.Trail[0] == "note" || key == "chf" || key == "counter" || key == "verified" || d.Trail[0] == "limits"
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
		tree = o.Service.Tree
	case err != nil:
		return err
	default:
		chosen := 0
		for _, p := range o.Parts {
			for _, key := range keys {
				if key == p.Key {
					over := overlay.Lay(Tree{}, p.delta.Trail, p.delta.New, Merge(p.from, p.to))
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
	c.Tree, err = overlay.Parse([]byte(o.definition))
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
