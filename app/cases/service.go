package cases

import (
	"context"
	"io/fs"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Service is everything people and jobs do with cases.
type Service struct {
	Deps
	calendars sync.Map // name → rules.Calendar
}

// Deps is what cases are made of.
type Deps struct {
	DB            *tenancy.DB
	Outbox        *outbox.Outbox
	Access        *access.Access
	Sites         *site.Sites
	Clock         clock.Clock
	Texts         *i18n.Bundle
	URL           func(t tenancy.Tenant, path string) string
	Notifications *notifications.Service
	Catalogue     Catalogue
	Registers     Registers
	Payments      Payments
	Documents     Documents
	Uploads       Uploads
	Root          fs.FS // tenants/: the calendars
	Demo          bool
}

// note writes a line of the history and one of the audit, in one breath.
func (s *Service) note(tx *tenancy.Tx, by identity.Actor, c Case, kind, text string, params map[string]string) error {
	if err := addEvent(tx, Event{CaseID: c.ID, At: s.Clock.Now(), Kind: kind, Actor: by.Name(), Official: by.Official() && by.AccountID() != c.ApplicantID, Text: text, Params: params}); err != nil {
		return err
	}
	return audit.Record(tx, by, "cases."+kind, "case:"+c.Ref, nil)
}

// mine finds a case of the actor; anybody else's is not found.
func mine(tx *tenancy.Tx, by identity.Actor, ref string, lock bool) (Case, error) {
	c, err := byRef(tx, ref, lock)
	if err == nil && c.ApplicantID != by.AccountID() {
		return Case{}, ErrNotFound
	}
	return c, err
}

// ours finds a case of an office the actor works for; any other is not found. An
// official's own request is looked after by colleagues: neither to be worked on
// nor to be read with what they note about it.
func ours(tx *tenancy.Tx, by identity.Actor, ref string, lock bool) (Case, error) {
	c, err := byRef(tx, ref, lock)
	switch {
	case err != nil:
		return c, err
	case !by.Sees(c.Office, c.Ref):
		return Case{}, ErrNotFound
	case c.ApplicantID == by.AccountID():
		return Case{}, ErrNotMine
	}
	return c, nil
}

// in opens a transaction in the actor's own commune; a guest's is read-only,
// whatever the use case.
func (s *Service) in(ctx context.Context, by identity.Actor, fn func(tx *tenancy.Tx) error) error {
	if by.IsGuest() {
		return s.DB.Read(ctx, by.Tenant(), fn)
	}
	return s.DB.In(ctx, by.Tenant(), fn)
}

const maxText = 5000

// words checks a text that somebody must write.
func words(text string) (string, error) {
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n < 3 || n > maxText {
		return text, ErrText
	}
	return text, nil
}

// SeenByOffice reports whether a case belongs to the applicant or to an office
// of the actor: documents asks before it opens a paper.
func (s *Service) SeenByOffice(tx *tenancy.Tx, by identity.Actor, caseID uuid.UUID) (bool, error) {
	c, err := byID(tx, caseID, false)
	if err != nil {
		return false, err
	}
	return by.Sees(c.Office, c.Ref), nil
}

// today is the day in Ticino.
func (s *Service) today() time.Time { return s.Clock.Now().In(i18n.Zurich) }

// calendar is the commune's calendar of holidays.
func (s *Service) calendar(ctx context.Context, t tenancy.Tenant) (rules.Calendar, error) {
	face, err := s.Sites.Get(ctx, t)
	if err != nil {
		return nil, err
	}
	name := face.Calendar
	if name == "" {
		name = "ticino"
	}
	if c, ok := s.calendars.Load(name); ok {
		return c.(rules.Calendar), nil
	}
	c, err := catalogue.ReadCalendar(s.Root, name)
	if err != nil {
		return nil, err
	}
	s.calendars.Store(name, c)
	return c, nil
}
