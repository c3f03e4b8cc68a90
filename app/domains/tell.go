package domains

import (
	"context"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Mailer sends a mail of a commune; app/notifications is one.
type Mailer interface {
	Send(tx *tenancy.Tx, m notifications.Message) error
}

// errand carries a step into the commune: a line on its audit, and a mail to its
// administrators where they must know.
const errand = "domains.told"

type told struct {
	Event string `json:"event"`
	Host  string `json:"host"`
	Until string `json:"until,omitempty"` // the day on which it is switched off
	Link  string `json:"link"`
	Ref   string `json:"ref"`
	Name  string `json:"name"`
}

// tell puts a step on the commune's audit, and on the entity's when none of the
// commune's own people did it.
func (s *Service) tell(tx *tenancy.PlatformTx, by identity.Actor, t tenancy.Tenant, d Domain, event string) error {
	w := told{Event: event, Host: d.Host, Link: s.URL(t.Slug()+"."+s.DB.Directory().Base()) + consolePath, Ref: by.Ref(), Name: by.Name()}
	if d.FailingSince != nil {
		w.Until = i18n.Date(d.OffAt())
	}
	if err := s.Outbox.Errand(tx, t, errand, w); err != nil {
		return err
	}
	if by.IsStaff() || by.IsSystem() {
		return identity.Note(tx, by, "domains."+event, "commune:"+t.Slug(), map[string]any{"host": d.Host})
	}
	return nil
}

// mails are the steps of which the administrators are told.
var mails = map[string]string{"warned": notifications.DomainFailing, "off": notifications.DomainOff}

func (s *Service) told(_ context.Context, tx *tenancy.Tx, e outbox.Errand) error {
	var w told
	if err := e.Decode(&w); err != nil {
		return err
	}
	if err := audit.RecordAs(tx, w.Ref, w.Name, "domains."+w.Event, "host:"+w.Host, nil); err != nil {
		return err
	}
	kind := mails[w.Event]
	if kind == "" {
		return nil
	}
	admins, err := identity.Holders(tx, "commune-admin")
	if err != nil {
		return err
	}
	for _, a := range admins {
		if err := s.Mail.Send(tx, notifications.Message{To: a.Email, Template: kind, Lang: a.Lang, Key: "domain:" + e.ID.String() + ":" + a.ID.String(),
			Params: map[string]string{"name": a.FullName(), "host": Shown(w.Host), "until": w.Until, "link": w.Link}}); err != nil {
			return err
		}
	}
	return nil
}
