package quotas

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// watchEvery is how often it is looked how a commune stands.
const watchEvery = 5 * time.Minute

// Jobs registers the watch.
func (m *Module) Jobs(reg *outbox.Registry) {
	reg.Every("quotas.watch", watchEvery, func(ctx context.Context, t tenancy.Tenant, _ outbox.Job) error { return m.Watch(ctx, t) })
}

// Watch writes down how a commune stands, lets mails go that have room again, and
// tells the administrators what comes to its end. It may run twice at once.
func (s *Service) Watch(ctx context.Context, t tenancy.Tenant) error {
	now := s.Clock.Now()
	list, err := s.Uses(ctx, t)
	if err != nil {
		return err
	}
	if err := s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		keep(tx, t.Slug(), list, now)
		return nil
	}); err != nil {
		return err
	}
	for _, u := range list {
		if u.Kind == Mails && u.Waiting > 0 && !u.Full() {
			if err := s.DB.In(ctx, t, func(tx *tenancy.Tx) error { return s.Outbox.Hasten(tx, notifications.Job, u.Quota-u.Used) }); err != nil {
				return err
			}
		}
		if u.Threshold() > 0 {
			if err := s.DB.In(ctx, t, func(tx *tenancy.Tx) error { return s.tell(ctx, tx, u, now) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell mails the administrators that a threshold was reached, once per period and
// threshold. Who went past two at once is told of the higher alone.
func (s *Service) tell(ctx context.Context, tx *tenancy.Tx, u Use, now time.Time) error {
	of, reached := period(u.Kind, now), u.Threshold()
	fresh := false
	for _, threshold := range thresholds {
		if threshold > reached {
			break
		}
		var err error
		if fresh, err = noticed(tx, u.Kind, of, threshold, now); err != nil {
			return err
		}
	}
	if !fresh { // the highest had been told
		return nil
	}
	admins, err := identity.Holders(tx, "commune-admin")
	if err != nil {
		return err
	}
	for _, a := range admins {
		words := i18n.WithLang(ctx, s.Texts, a.Lang)
		if err := s.Mail.Send(tx, notifications.Message{To: a.Email, Template: notifications.QuotaNear, Lang: a.Lang,
			Params: map[string]string{"name": a.FullName(), "what": i18n.T(words, "mail.quota_near.what."+u.Kind), "percent": strconv.Itoa(u.PerCent()),
				"link": s.URL(tx.Tenant(), ownPath)},
			Key: fmt.Sprintf("quota-near:%s:%s:%d:%s", u.Kind, of, reached, a.ID)}); err != nil {
			return err
		}
	}
	return nil
}
