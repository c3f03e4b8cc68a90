package cases

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// remindAtOnce bounds one pass; the next one goes on.
const remindAtOnce = 200

// end is the last day of what a case grants, nil where that has none.
func end(c Case, def catalogue.Definition, made time.Time) *time.Time {
	switch {
	case c.Ruling != Granted:
		return nil
	case c.Outcome.Until != nil:
		return c.Outcome.Until
	case def.Output.ValidDays > 0:
		last := made.AddDate(0, 0, def.Output.ValidDays)
		return &last
	}
	return nil
}

// keepEnd notes on a granted case how long what it granted lasts, and when the
// person is to be reminded; a day that has passed reminds nobody.
func (s *Service) keepEnd(c *Case, def catalogue.Definition) {
	made := s.Clock.Now()
	if c.DecidedAt != nil {
		made = *c.DecidedAt
	}
	if c.EndsOn = end(*c, def, made); c.EndsOn == nil || def.Notifications.Reminder == nil {
		return
	}
	if on := c.EndsOn.AddDate(0, 0, -def.Notifications.Reminder.Days); on.After(s.today()) {
		c.RemindOn = &on
	}
}

// ending is a case whose grant ends soon, with what its mail says.
type ending struct {
	ID          uuid.UUID
	ServiceID   string
	Service     i18n.Text
	Lang        string
	ApplicantID uuid.UUID
	EndsOn      time.Time
	Output      i18n.Text
	Own         i18n.Text
}

// Remind tells people by mail that what they were granted ends in some days. Each
// case is told of once; it may run at any time. What was taken back ends nothing.
func (s *Service) Remind(ctx context.Context, t tenancy.Tenant) error {
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		rows, err := tx.Query(`update cases c set remind_on = null from case_definitions d
			where d.hash = c.definition_hash and c.id in (select id from cases where remind_on <= $1 order by remind_on limit $2 for update skip locked)
			returning c.id, c.service_id, c.service_title, c.lang, c.applicant_id, c.ends_on,
				coalesce(d.definition #> '{output,title}', '{}'), coalesce(d.definition #> '{notifications,mail,expiring}', '{}')`,
			s.today().Format(time.DateOnly), remindAtOnce)
		if err != nil {
			return fmt.Errorf("cases: %w", err)
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ending])
		if err != nil || len(list) == 0 {
			return err
		}
		people, cases := make([]uuid.UUID, len(list)), make([]uuid.UUID, len(list))
		for i, e := range list {
			people[i], cases[i] = e.ApplicantID, e.ID
		}
		to, err := identity.Recipients(tx, people)
		if err != nil {
			return err
		}
		revoked, err := s.Documents.Revoked(tx, cases)
		if err != nil {
			return err
		}
		for _, e := range list {
			a, found := to[e.ApplicantID]
			if !found || revoked[e.ID] || e.EndsOn.Format(time.DateOnly) < s.today().Format(time.DateOnly) {
				continue
			}
			if err := s.remind(tx, e, a); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) remind(tx *tenancy.Tx, e ending, a identity.Account) error {
	return s.Notifications.Send(tx, notifications.Message{To: a.Email, Template: notifications.GrantEnds, Lang: e.Lang, Own: e.Own, Key: notifications.GrantEnds + ":" + e.ID.String(),
		Params: map[string]string{"name": a.FullName(), "service": e.Service.In(e.Lang), "title": e.Output.In(e.Lang), "until": i18n.LongDateIn(e.Lang, e.EndsOn),
			"link": s.URL(tx.Tenant(), "/servizi/"+e.ServiceID)}})
}
