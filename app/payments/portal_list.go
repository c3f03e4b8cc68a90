package payments

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/payments/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// listMax is how many payments the page shows, newest first.
const listMax = 100

// OwnList lists the actor's payments, newest first.
func (s *Service) OwnList(ctx context.Context, by identity.Actor) (list []Payment, err error) {
	err = s.DB.Read(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		return tx.DB().Where("payer_id = ?", by.AccountID()).Order("created_at desc").Limit(listMax).Find(&list).Error
	})
	return list, err
}

// Settled are the cases that somebody has paid a fee for.
func (s *Service) Settled(tx *tenancy.Tx, payer uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := tx.Query("select case_id from payments where payer_id = $1 and state = 'fulfilled'", payer)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	out := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		out[id] = true
	}
	return out, err
}

// list is /area/pagamenti.
func (m *Module) list(r *web.Request) error {
	own, err := m.OwnList(r.Ctx(), r.Actor())
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	page := view.ListPage{}
	for _, p := range own {
		page.Payments = append(page.Payments, view.Payment{
			Title: p.Title, CaseURL: p.ReturnPath, Ref: p.CaseRef, Date: i18n.Date(p.CreatedAt), DateTime: p.CreatedAt.Format(time.RFC3339),
			Amount: p.Amount.String(), Method: p.Method, State: ui.State{Tone: tones[p.State], Text: i18n.T(ctx, "payments.states."+string(p.State))},
		})
	}
	return r.Page(http.StatusOK, i18n.T(ctx, "payments.title"), view.List(page))
}

var tones = map[State]ui.Tone{
	Starting: ui.Info, Open: ui.Warning, Processing: ui.Info, Fulfilled: ui.Success, Failed: ui.Danger, Overpaid: ui.Info, Refunded: ui.Success,
}
