package breakglass

import (
	"github.com/sportello-ticino/sportello/app/breakglass/view"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// enterPage is where a hand-over link leads on the commune's host. Opening it
// uses nothing up: a program that looks at links must not end one. It says the
// same of any token.
func (m *Module) enterPage(r *web.Request) error {
	ctx := r.Ctx()
	return r.Page(200, i18n.T(ctx, "access.enter.title"), view.Enter(view.EnterPage{Title: i18n.T(ctx, "access.enter.title"),
		Text: i18n.T(ctx, "access.enter.text", "name", r.Site().OfficialName), Action: enterPath + "/" + r.Param("token")}))
}

// enter begins the guest's session.
func (m *Module) enter(r *web.Request) error {
	session, to, err := m.Enter(r.Ctx(), r.Tenant(), r.Param("token"))
	if err != nil {
		return err
	}
	r.SetSession(session)
	return r.Redirect(to)
}
