package notifications

import (
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"time"

	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/mail"
)

// Job is the kind of the background job.
const Job = "notifications.send"

// errand is that of a mail which a transaction of the platform causes.
const errand = "notifications.post"

// Deps is what the service needs.
type Deps struct {
	DB     *tenancy.DB
	Outbox *outbox.Outbox
	Sites  *site.Sites
	Mail   mail.Sender
	Clock  clock.Clock
	// Texts gives the words of a commune: the shared ones under its own.
	Texts func(tenancy.Tenant) *i18n.Bundle
	// Fallback is the sender's address where a commune has none of its own.
	Fallback string
	// Allowance says until when a mail that can wait has to; nil lets all go.
	Allowance interface {
		MailsWaitUntil(ctx context.Context, t tenancy.Tenant) (until time.Time, wait bool)
	}
}

// Service sends mails.
type Service struct{ Deps }

// New makes the service; register its job with Jobs.
func New(d Deps) *Service { return &Service{d} }

// Jobs registers the background job. A person often waits for the mail.
func (s *Service) Jobs(reg *outbox.Registry) {
	reg.HandleCritical(Job, s.deliver)
	reg.Errand(errand, func(_ context.Context, tx *tenancy.Tx, e outbox.Errand) error {
		var m Message
		if err := e.Decode(&m); err != nil {
			return err
		}
		return s.Send(tx, m)
	})
	reg.Gauge("sportello_mails_waiting", "Mails of a commune that should have been sent and were not.",
		"select count(*) from outbox where kind = '"+Job+"' and done_at is null and gave_up_at is null and (last_error <> '' or run_after <= now())")
}

// payload is version 1 of the job. It carries the values of the placeholders and
// no address: that stands in the log line.
type payload struct {
	ID     int64             `json:"id"`
	Params map[string]string `json:"params"`
	Own    i18n.Text         `json:"own,omitempty"`
}

// Send has the mail sent once tx is committed. A key already used does nothing.
// An unknown kind, a missing value and a malformed address are errors.
func (s *Service) Send(tx *tenancy.Tx, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	id, fresh, err := insert(tx, m, s.Clock.Now())
	if err != nil || !fresh {
		return err
	}
	return s.Outbox.Add(tx, Job, payload{ID: id, Params: m.Params, Own: m.Own})
}

// Post is Send for what happens in the platform's schema: the commune sends the
// mail, in its name, once tx is committed. Whatever dies in between, it is sent,
// and once.
func (s *Service) Post(tx *tenancy.PlatformTx, from tenancy.Tenant, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	return s.Outbox.Errand(tx, from, errand, m)
}

// SendTemplate is Send with its values one by one, for modules that must not
// know this one (identity.Mailer).
func (s *Service) SendTemplate(tx *tenancy.Tx, to, template, lang string, params map[string]string, key string) error {
	return s.Send(tx, Message{To: to, Template: template, Lang: lang, Params: params, Key: key})
}

// deliver hands one mail to the relay. Run twice it finds the line marked as sent;
// after a crash between the two it sends again with the same Message-ID.
func (s *Service) deliver(ctx context.Context, t tenancy.Tenant, j outbox.Job) error {
	var p payload
	if err := j.Decode(&p); err != nil {
		return err
	}
	var line row
	if err := s.DB.Read(ctx, t, func(tx *tenancy.Tx) (err error) {
		line, err = find(tx, p.ID)
		return err
	}); err != nil {
		return err
	}
	if line.over() {
		return nil
	}
	if s.Allowance != nil && canWait[line.Template] {
		if until, wait := s.Allowance.MailsWaitUntil(ctx, t); wait {
			return outbox.PutOff{For: until.Sub(s.Clock.Now())}
		}
	}
	m, err := s.compose(ctx, t, line, p)
	if err != nil {
		return err
	}
	err = s.Mail.Send(ctx, m)
	if err != nil && !errors.Is(err, mail.ErrRefused) {
		return err // the outbox tries again later
	}
	return s.DB.In(ctx, t, func(tx *tenancy.Tx) error { return finish(tx, p.ID, m.ID(), err, s.Clock.Now()) })
}

func (s *Service) compose(ctx context.Context, t tenancy.Tenant, line row, p payload) (mail.Message, error) {
	face, err := s.Sites.Get(ctx, t)
	if err != nil {
		return mail.Message{}, fmt.Errorf("notifications: %w", err)
	}
	from := netmail.Address{Name: face.Mail.Name, Address: face.Mail.From}
	if from.Address == "" {
		from.Address = s.Fallback
	}
	if from.Name == "" {
		from.Name = face.OfficialName
	}
	l := letter{
		Lang: line.Lang, Kind: line.Template, Params: p.Params, Own: p.Own, Sender: face.OfficialName,
		Address: face.TownHall["address"], Colour: face.Brand.First,
	}
	words, err := l.write(i18n.WithLang(ctx, s.Texts(t), line.Lang))
	if err != nil {
		return mail.Message{}, err
	}
	return mail.Message{
		From: from, To: line.Recipient, Subject: words.subject, Text: words.text, HTML: words.html, Lang: words.lang,
		// The log's key is unique in the commune, the Message-ID in the world.
		Key: t.Slug() + ":" + line.Key,
	}, nil
}
