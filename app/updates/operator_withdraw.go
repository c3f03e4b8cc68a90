package updates

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// withdrawSection is the form on a service's page that takes its newest version back.
func withdrawSection(ctx context.Context, id string, version int, s said) ui.Section {
	return ui.Section{ID: "ritira", Title: i18n.T(ctx, "updates.withdraw.title", "n", version), Note: i18n.T(ctx, "updates.withdraw.note"), Forms: []ui.Form{{
		Action: "/catalogo/" + id + "/ritira", Submit: i18n.T(ctx, "updates.withdraw.submit", "n", version), Danger: true, Quiet: true,
		Fields: []ui.Input{{Kind: ui.Hidden, Name: fieldVersion, Value: strconv.Itoa(version)},
			{Kind: ui.Textarea, Name: fieldWhy, Label: i18n.T(ctx, "updates.withdraw.why"), Help: i18n.T(ctx, "updates.withdraw.why-help"), Value: s.form.Get(fieldWhy), Required: true, Rows: 3, MaxLength: 1000, Error: s.wrong(fieldWhy)}}}}}
}

const fieldVersion = "versione"

// withdraw is POST /catalogo/{service}/ritira.
func (m *Module) withdraw(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, id := r.Ctx(), r.Param("service")
	version, err := strconv.Atoi(f.Get(fieldVersion))
	if err != nil || version < 1 {
		return web.NotFound()
	}
	switch err := m.Catalogue.Withdraw(ctx, r.Actor(), id, version, f.Get(fieldWhy)); {
	case errors.Is(err, catalogue.ErrWhy):
		return m.showService(r, http.StatusUnprocessableEntity, said{form: f, problems: []ui.Problem{{Name: fieldWhy, Text: i18n.T(ctx, catalogue.ErrWhy.Key)}}})
	case errors.Is(err, catalogue.ErrWithdrawn): // in another window
	case err != nil:
		return err
	}
	return r.Redirect("/catalogo/" + id + "?fatto=withdrawn")
}
