package web

import (
	"net/http"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// witness puts what a guest of the entity is about to see on the commune's
// audit, before a byte of it leaves. Every way to answer goes through it, so no
// page can forget; a handler whose own transaction has written a finer line
// (identity.Actor.Witness) is believed. Errors: problem Unavailable when the
// line could not be written: then nothing is shown.
func (r *Request) witness(status int) error {
	if !r.actor.IsGuest() || status >= http.StatusBadRequest || r.route.Action == access.Public || r.actor.Witnessed() {
		return nil
	}
	err := r.srv.DB.In(r.Ctx(), r.tenant, func(tx *tenancy.Tx) error {
		return audit.Record(tx, r.actor, audit.ActionGuestRead, "page:"+readable(r.c.Request.URL.Path), nil)
	})
	if err != nil {
		return problem.Unavailable("web.witness", "errors.503.text").Wrap(err)
	}
	return nil
}
