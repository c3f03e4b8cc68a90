package cases

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/contingents"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

const (
	// jobAdmit lets the first of a queue in, and asks for the next one.
	jobAdmit = "cases.admit"
	// sweepEvery is how often queues are looked at without anything having been
	// given back: the commune may have added places.
	sweepEvery = 10 * time.Minute
	// payWithin is how long a place is kept for a fee that is due.
	payWithin = 10 * 24 * time.Hour
)

// claim takes the place, or the part of the credit, that a stored case asks for: of
// def, the service as it is offered now, for there is one number for all. A
// case for which nothing is left waits in the queue; the term stands still.
// Errors: contingents.ErrNothingLeft where the service has no queue.
func (s *Service) claim(tx *tenancy.Tx, c *Case, def catalogue.Definition) error {
	pot := c.Outcome.Pot
	if pot == nil {
		return nil
	}
	_, size, known := def.Size(pot.Key)
	units := def.Units(*pot)
	if !known || units == 0 {
		return nil // a quarter that is not listed, a grant of nothing: an official looks at it
	}
	claim, err := contingents.Take(tx, c.ID, contingents.Pot{Service: c.ServiceID, Key: pot.Key, Period: pot.Period}, units, size, def.Queues(), c.SubmittedAt)
	if err != nil {
		return err
	}
	if claim.State == contingents.Waiting && c.State != AwaitingConfirmation {
		paused := c.SubmittedAt
		c.State, c.Ruling, c.Payment, c.Fee, c.FeeLines, c.PausedAt = Queued, "", NoPayment, 0, []rules.Line{}, &paused
		return save(tx, *c)
	}
	return nil
}

// giveBack returns what a case that came to nothing holds or waits for, and lets
// the next one in.
func (s *Service) giveBack(tx *tenancy.Tx, c Case) error {
	if c.Outcome.Pot == nil {
		return nil
	}
	claim, released, err := contingents.Release(tx, c.ID, s.Clock.Now())
	if err != nil || !released {
		return err
	}
	return s.Outbox.Add(tx, jobAdmit, claim.Pot)
}

// admit lets the first case of a pot's queue in, if there is room for it now.
func (s *Service) admit(ctx context.Context, tx *tenancy.Tx, job outbox.Job) error {
	var pot contingents.Pot
	if err := job.Decode(&pot); err != nil {
		return err
	}
	service, err := s.Catalogue.Known(ctx, tx.Tenant(), pot.Service)
	if errors.Is(err, catalogue.ErrNotOffered) {
		return nil
	}
	if err != nil {
		return err
	}
	_, size, known := service.Size(pot.Key)
	if !known {
		return nil
	}
	first, found, err := contingents.First(tx, pot)
	if err != nil || !found {
		return err
	}
	c, err := byID(tx, first, true)
	if err != nil {
		return err
	}
	_, admitted, err := contingents.Admit(tx, first, size, s.Clock.Now())
	if err != nil || !admitted {
		return err
	}
	if c.State == Queued { // one that still waits to be confirmed has its place, and waits on
		if err := s.goOn(tx, &c); err != nil {
			return err
		}
	}
	return s.Outbox.Add(tx, jobAdmit, pot)
}

// goOn starts a case that has waited for a place, as if it came in now.
func (s *Service) goOn(tx *tenancy.Tx, c *Case) error {
	if err := c.move(StepAdmit, s.Clock.Now()); err != nil {
		return err
	}
	if err := s.start(tx, c); err != nil {
		return err
	}
	if err := s.note(tx, identity.System(tx.Tenant()), *c, "admitted", "", nil); err != nil {
		return err
	}
	if c.State == Issuing {
		return nil // the mail comes with the paper
	}
	return s.tell(tx, *c, notifications.PlaceFree, nil)
}

// start puts a case that nobody could work on yet where it begins.
func (s *Service) start(tx *tenancy.Tx, c *Case) error {
	def, err := definition(tx, *c)
	if err != nil {
		return err
	}
	s.resume(tx, c)
	down := c.Note == noteRegisterDown
	begin(c, def, def.Kind == catalogue.Smart && c.Outcome.Verdict == rules.Granted && !down, down)
	if err := save(tx, *c); err != nil {
		return err
	}
	switch c.State {
	case Issuing:
		return s.Outbox.Add(tx, jobIssue, issuePayload{CaseID: c.ID, Kind: paperCertificate})
	case Received:
		return s.tellOffice(tx, *c, notifications.OfficeReceived)
	}
	return nil
}

// Sweep looks at all queues of a commune, for places that were added, and gives
// back places whose fee was never paid. It may run at any time.
func (s *Service) Sweep(ctx context.Context, t tenancy.Tenant) error {
	var unpaid []uuid.UUID
	err := s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		queues, err := contingents.Queues(tx)
		if err != nil {
			return err
		}
		for _, level := range queues {
			if err := s.Outbox.Add(tx, jobAdmit, level.Pot); err != nil {
				return err
			}
		}
		unpaid, err = unpaidPlaces(tx, s.Clock.Now().Add(-payWithin))
		return err
	})
	for _, id := range unpaid {
		err = errors.Join(err, s.DB.In(ctx, t, func(tx *tenancy.Tx) error { return s.lapse(tx, id) }))
	}
	return err
}

// lapse ends a case that held a place without paying for it. A payment that
// arrives later goes back.
func (s *Service) lapse(tx *tenancy.Tx, id uuid.UUID) error {
	c, err := byID(tx, id, true)
	if err != nil || c.State != AwaitingPayment || c.Payment != PaymentDue {
		return err
	}
	if err := c.move(StepWithdraw, s.Clock.Now()); err != nil {
		return err
	}
	c.Payment = NoPayment
	if err := save(tx, c); err != nil {
		return err
	}
	if err := s.giveBack(tx, c); err != nil {
		return err
	}
	if err := s.note(tx, identity.System(tx.Tenant()), c, "lapsed", "", nil); err != nil {
		return err
	}
	return s.tell(tx, c, notifications.PlaceLapsed, nil)
}

// unpaidPlaces are cases that have held a place since before without paying, a
// hundred at most.
func unpaidPlaces(tx *tenancy.Tx, before time.Time) (ids []uuid.UUID, err error) {
	err = tx.DB().Raw(`select c.id from cases c join contingent_claims p on p.case_id = c.id
		where c.state = 'awaiting_payment' and c.payment = 'due' and p.state = 'held' and p.held_at < ? order by p.held_at limit 100`, before).Scan(&ids).Error
	return ids, err
}

// Place is what a case holds of something scarce, for its page.
type Place struct {
	Label    string // the quota's or credit's title, in the reader's language
	Position int64  // in the queue, from 1; 0 when it does not wait
	Held     bool
	Grant    string // what would be paid; "" where places are counted
}

// place reads what a case holds; nil where nothing is scarce.
func place(ctx context.Context, tx *tenancy.Tx, c Case) (*Place, error) {
	if c.Outcome.Pot == nil {
		return nil, nil
	}
	def, err := definition(tx, c)
	if err != nil || !def.Scarce() {
		return nil, err
	}
	claim, found, err := contingents.Of(tx, c.ID)
	if err != nil {
		return nil, err
	}
	p := &Place{Label: def.PotLabel(c.Outcome.Pot.Key, i18n.Lang(ctx)), Held: found && claim.State == contingents.Held}
	if def.Budget != nil {
		p.Grant = c.Outcome.Pot.Grant.String()
	}
	p.Position, err = contingents.Position(tx, c.ID)
	return p, err
}

// fact is the place as one line of a page.
func (p *Place) fact(ctx context.Context) (value string) {
	switch {
	case p.Position > 0:
		return i18n.T(ctx, "cases.place.waiting", "n", strconv.FormatInt(p.Position, 10))
	case p.Held:
		return i18n.T(ctx, "cases.place.held")
	default:
		return i18n.T(ctx, "cases.place.none")
	}
}
