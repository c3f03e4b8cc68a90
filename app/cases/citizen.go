package cases

import (
	"context"
	"errors"
	"mime/multipart"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// View is one case with all that its page shows.
type View struct {
	Case     Case
	Events   []Event
	Requests []Request
	Papers   []Paper
	Uploads  []Upload
	Place    *Place   // nil where nothing is scarce
	Waited   []Asking // other persons who must still confirm it
	// Settled tells that the fee is paid though the case still says it is due:
	// the worker is about to take notice. Nobody is asked to pay twice.
	Settled bool
}

// OpenRequest is the paper the office waits for, nil when it waits for none.
func (v View) OpenRequest() *Request {
	for i := range v.Requests {
		if v.Requests[i].AnsweredAt == nil {
			return &v.Requests[i]
		}
	}
	return nil
}

// Own reads a case of the actor.
func (s *Service) Own(ctx context.Context, by identity.Actor, ref string) (View, error) {
	var v View
	err := s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		c, err := mine(tx, by, ref, false)
		if err != nil {
			return err
		}
		if v, err = s.view(tx, c, false); err != nil {
			return err
		}
		settled, err := s.settled(tx, by, c)
		v.Settled = settled[c.ID]
		return err
	})
	return v, err
}

// settled are those of the actor's cases whose fee is paid though the case
// still says it is due. Without such a fee nothing is asked.
func (s *Service) settled(tx *tenancy.Tx, by identity.Actor, list ...Case) (map[uuid.UUID]bool, error) {
	if !slices.ContainsFunc(list, func(c Case) bool { return c.Payment == PaymentDue }) {
		return nil, nil
	}
	return s.Payments.Settled(tx, by.AccountID())
}

// settledOf is settled in a transaction of its own, when one is needed.
func (s *Service) settledOf(ctx context.Context, by identity.Actor, list []Case) (out map[uuid.UUID]bool, err error) {
	if !slices.ContainsFunc(list, func(c Case) bool { return c.Payment == PaymentDue }) {
		return nil, nil
	}
	err = s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		out, err = s.settled(tx, by, list...)
		return err
	})
	return out, err
}

func (s *Service) view(tx *tenancy.Tx, c Case, internal bool) (v View, err error) {
	v.Case = c
	if v.Events, err = events(tx, c.ID, internal); err != nil {
		return v, err
	}
	if v.Requests, err = requests(tx, c.ID); err != nil {
		return v, err
	}
	if v.Papers, err = s.Documents.OfCase(tx, c.ID); err != nil {
		return v, err
	}
	if v.Place, err = place(tx.Context(), tx, c); err != nil {
		return v, err
	}
	if v.Waited, err = waitedFor(tx, c); err != nil {
		return v, err
	}
	v.Uploads, err = s.Uploads.OfCase(tx, c.ID)
	return v, err
}

// OwnList lists the actor's newest cases.
func (s *Service) OwnList(ctx context.Context, by identity.Actor) ([]Case, error) {
	var list []Case
	var reads tenancy.Reads
	readOwn(&reads, by.AccountID(), 100, &list)
	return list, s.DB.ReadTogether(ctx, by.Tenant(), &reads)
}

// Reply answers the paper an office asked for, with words and files; the term
// runs on. files are kept by Uploads before.
func (s *Service) Reply(ctx context.Context, by identity.Actor, ref, text string, files []*multipart.FileHeader) (err error) {
	if len(files) == 0 {
		var err error
		if text, err = words(text); err != nil {
			return err
		}
	}
	var c Case
	if err := s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) (err error) {
		c, err = mine(tx, by, ref, false)
		return err
	}); err != nil {
		return err
	}
	if !c.State.May(StepReply) {
		return ErrState
	}
	kept, err := s.Uploads.Keep(ctx, by, c.ID, files)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && !tenancy.Unsure(err) {
			s.Uploads.Drop(ctx, by, kept)
		}
	}()
	return s.in(ctx, by, func(tx *tenancy.Tx) error {
		c, err := mine(tx, by, ref, true)
		if err != nil {
			return err
		}
		now := s.Clock.Now()
		if err := c.move(StepReply, now); err != nil {
			return err
		}
		if _, err := answerRequest(tx, c.ID, text, now); err != nil {
			return err
		}
		if err := s.Uploads.Attach(tx, c.ID, kept); err != nil {
			return err
		}
		s.resume(tx, &c)
		if err := save(tx, c); err != nil {
			return err
		}
		return s.note(tx, by, c, "replied", text, nil)
	})
}

// resume lets the term run again: it is moved by as long as it stood still.
func (s *Service) resume(tx *tenancy.Tx, c *Case) {
	if c.PausedAt == nil {
		return
	}
	if c.DueOn != nil {
		due := c.DueOn.Add(s.Clock.Now().Sub(*c.PausedAt).Round(24 * time.Hour))
		c.DueOn = &due
	}
	c.PausedAt = nil
}

// Withdraw ends a case at the applicant's wish, until it is decided.
func (s *Service) Withdraw(ctx context.Context, by identity.Actor, ref string) error {
	return s.in(ctx, by, func(tx *tenancy.Tx) error {
		c, err := mine(tx, by, ref, true)
		if err != nil {
			return err
		}
		if err := c.move(StepWithdraw, s.Clock.Now()); err != nil {
			return err
		}
		if c.Payment == PaymentDue {
			c.Payment = NoPayment
		}
		if err := save(tx, c); err != nil {
			return err
		}
		if err := s.giveBack(tx, c); err != nil {
			return err
		}
		return s.note(tx, by, c, "withdrawn", "", nil)
	})
}

// charge is the one payment of a case: its fee.
func charge(c Case) payments.StartRequest {
	r := payments.StartRequest{CaseID: c.ID, CaseRef: c.Ref, Purpose: "fee", Title: c.ServiceTitle.In(c.Lang), Lang: c.Lang, ReturnPath: "/area/pratiche/" + c.Ref + "/inoltrata", RetryPath: "/area/pratiche/" + c.Ref + "/paga"}
	if c.State == Decided {
		r.ReturnPath = "/area/pratiche/" + c.Ref + "?fatto=paid"
	}
	for _, l := range c.FeeLines {
		r.Lines = append(r.Lines, payments.Line{Key: l.ID, Name: l.Label.In(c.Lang), Amount: l.Amount})
	}
	return r
}

// Pay sends the applicant to the payment page for a fee that is due.
func (s *Service) Pay(ctx context.Context, by identity.Actor, ref string) (url string, err error) {
	var c Case
	if err := s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) (err error) {
		c, err = mine(tx, by, ref, false)
		return err
	}); err != nil {
		return "", err
	}
	if c.Payment != PaymentDue || c.State == Withdrawn {
		return "", ErrState
	}
	return s.Payments.Start(ctx, by, charge(c))
}

// paidUpFront sends a case that waited for its fee on: to the paper when the
// rules granted it, to the office otherwise.
func (s *Service) paidUpFront(tx *tenancy.Tx, c *Case) error {
	if c.Ruling != Granted {
		if err := errors.Join(s.tell(tx, *c, notifications.CaseReceived, nil), s.tellOffice(tx, *c, notifications.OfficeReceived)); err != nil {
			return err
		}
		return c.move(StepQueue, s.Clock.Now())
	}
	if err := c.move(StepPay, s.Clock.Now()); err != nil {
		return err
	}
	return s.Outbox.Add(tx, jobIssue, issuePayload{CaseID: c.ID, Kind: paperCertificate})
}

// paid is what a fulfilled payment means for its case. It runs in the
// transaction that marks the event done, so it happens once.
func (s *Service) paid(tx *tenancy.Tx, e paymentEvent) error {
	amount := e.Amount.String()
	c, err := byID(tx, e.CaseID, true)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if c.Payment == Paid {
		return nil
	}
	by, now := identity.System(tx.Tenant()), s.Clock.Now()
	c.Payment, c.UpdatedAt = Paid, now
	switch c.State {
	case AwaitingPayment:
		if err := s.paidUpFront(tx, &c); err != nil {
			return err
		}
	case Decided:
		if err := c.move(StepFinish, now); err != nil {
			return err
		}
		if err := s.tell(tx, c, notifications.PaymentReceived, nil); err != nil {
			return err
		}
	case Withdrawn:
		// Paid after withdrawing: the money goes back.
		c.Payment = NoPayment
		if err := s.Payments.GiveBack(tx, by, e.PaymentID); err != nil {
			return err
		}
		if err := save(tx, c); err != nil {
			return err
		}
		return s.note(tx, by, c, "paid-after-withdrawal", "", map[string]string{"amount": amount})
	}
	if err := save(tx, c); err != nil {
		return err
	}
	if err := s.tellOffice(tx, c, notifications.OfficePaid); err != nil {
		return err
	}
	return s.note(tx, by, c, "paid", "", map[string]string{"amount": amount})
}
