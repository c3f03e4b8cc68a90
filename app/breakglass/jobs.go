package breakglass

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

const (
	jobTell = "breakglass.tell" // copy a step to the entity's own record
	jobEnd  = "breakglass.end"  // write down that a grant's time is over
)

// told is version 1 of both payloads.
type told struct {
	Grant uuid.UUID `json:"grant"`
	Event string    `json:"event,omitempty"`
	At    time.Time `json:"at,omitzero"`
	By    string    `json:"by,omitempty"`
}

// Jobs registers the background work.
func (m *Module) Jobs(r *outbox.Registry) {
	r.HandleOutside(jobTell, m.tell)
	r.Handle(jobEnd, m.end)
	r.Every("breakglass.count", countEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.count(ctx, t) })
	r.Gauge("sportello_access_grants", "Accesses of the entity that are in force in a commune.",
		"select count(*) from access_grants where state = 'granted' and granted_until > now()")
}

// tell copies a step to the entity's record, with a line on its audit; the
// second time nothing happens.
func (s *Service) tell(ctx context.Context, t tenancy.Tenant, job outbox.Job) error {
	var p told
	if err := job.Decode(&p); err != nil {
		return err
	}
	return s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		event := p.Event
		if event == "entered" { // may happen several times
			event += ":" + job.Key()
		}
		n, err := tx.Exec("insert into access_events (request_id, event, slug, at, by_whom) values ($1, $2, $3, $4, $5) on conflict do nothing",
			p.Grant, event, t.Slug(), p.At, p.By)
		if err != nil || n == 0 {
			return err
		}
		_, err = tx.Exec("insert into audit (actor, action, object) values ($1, $2, $3)", p.By, "access."+p.Event, "commune:"+t.Slug()+"/"+object(p.Grant))
		return err
	})
}

// end writes down that a grant is over. It was over before, by its own time:
// a late job lets nobody stay.
func (s *Service) end(_ context.Context, tx *tenancy.Tx, job outbox.Job) error {
	var p told
	if err := job.Decode(&p); err != nil {
		return err
	}
	g, err := byID(tx, p.Grant, true)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	n, err := tx.Exec("update access_grants set state = 'ended', closed_at = granted_until where id = $1 and state = 'granted' and granted_until <= now()", p.Grant)
	if err != nil || n == 0 {
		return err
	}
	by := identity.System(tx.Tenant())
	if err := audit.Record(tx, by, "access.ended", object(g.ID), nil); err != nil {
		return err
	}
	if err := s.Outbox.Add(tx, jobTell, told{Grant: g.ID, Event: "ended", At: s.Clock.Now(), By: by.Name()}); err != nil {
		return err
	}
	return tx.Bump(topic)
}
