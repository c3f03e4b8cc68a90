package payments

import (
	"errors"

	"github.com/sportello-ticino/sportello/app/web"
)

// notice takes a webhook. A forged one is answered like an address that does
// not exist; one about a transaction that is not ours is taken in silence.
func (m *Module) notice(r *web.Request) error {
	body, err := r.Body(maxNotice)
	if err != nil {
		return err
	}
	err = m.Notice(r.Ctx(), r.Tenant(), r.Param("provider"), r.Header, body)
	if errors.Is(err, ErrForged) {
		forgedNotices.WithLabelValues(r.Tenant().Slug()).Inc()
		m.Log.Warn("webhook refused", "commune", r.Tenant().Slug(), "request", r.ID(), "error", err)
		return web.NotFound()
	}
	if err != nil {
		return err
	}
	return r.Raw("text/plain; charset=utf-8", nil)
}
