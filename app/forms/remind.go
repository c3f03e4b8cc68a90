package forms

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// warning is how long before it expires a draft is called to mind.
const warning = 5 * 24 * time.Hour

// remindAtOnce bounds one pass; the next one goes on.
const remindAtOnce = 200

// ending is a draft about to expire.
type ending struct {
	ID        uuid.UUID
	AccountID uuid.UUID
	ServiceID string
	ExpiresAt time.Time
}

// Remind tells the people of a commune by mail, in their language, which drafts
// expire within five days: once for each time that a draft was left. It may run
// twice.
func (m *Module) Remind(ctx context.Context, t tenancy.Tenant) error {
	if m.Mail == nil {
		return nil
	}
	now := m.Clock.Now()
	titles, err := m.endingTitles(ctx, t, now)
	if err != nil || len(titles) == 0 {
		return err
	}
	return m.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		// Submitting takes the same row: whoever is first decides.
		rows, err := tx.Query(`update drafts set reminded_at = $1 where id in (
			select id from drafts where submitted_at is null and expires_at > $1 and expires_at < $2
			and (reminded_at is null or reminded_at < updated_at) order by expires_at limit $3 for update skip locked)
			returning id, account_id, service_id, expires_at`, now, now.Add(warning), remindAtOnce)
		if err != nil {
			return fmt.Errorf("forms: %w", err)
		}
		drafts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ending])
		if err != nil || len(drafts) == 0 {
			return err
		}
		ids := make([]uuid.UUID, len(drafts))
		for i, d := range drafts {
			ids[i] = d.AccountID
		}
		people, err := identity.Recipients(tx, ids)
		if err != nil {
			return err
		}
		for _, d := range drafts {
			if to, found := people[d.AccountID]; found {
				if err := m.remind(tx, d, to, titles[d.ServiceID]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// endingTitles are the services of the drafts about to expire, asked for before
// the transaction that tells people.
func (m *Module) endingTitles(ctx context.Context, t tenancy.Tenant, now time.Time) (map[string]i18n.Text, error) {
	var ids []string
	var reads tenancy.Reads
	tenancy.Collect(&reads, &ids, pgx.RowTo[string], `select distinct service_id from drafts
		where submitted_at is null and expires_at > $1 and expires_at < $2 and (reminded_at is null or reminded_at < updated_at)`, now, now.Add(warning))
	if err := m.DB.ReadTogether(ctx, t, &reads); err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	titles := map[string]i18n.Text{}
	for _, id := range ids {
		titles[id] = i18n.Italian(id)
		if offer, err := m.Services.Offer(ctx, t, id); err == nil {
			titles[id] = offer.Title
		}
	}
	return titles, nil
}

func (m *Module) remind(tx *tenancy.Tx, d ending, to identity.Account, service i18n.Text) error {
	lang := to.Lang
	if !slices.Contains(i18n.Languages, lang) {
		lang = i18n.Reference
	}
	return m.Mail.SendTemplate(tx, to.Email, "draft-expires", lang, map[string]string{
		"link": m.URL(tx.Tenant(), "/area/bozze/"+d.ID.String()), "name": to.FullName(), "service": service.In(lang), "until": i18n.LongDateIn(lang, d.ExpiresAt),
	}, "draft-expires/"+d.ID.String()+"/"+string(DayOf(d.ExpiresAt)))
}
