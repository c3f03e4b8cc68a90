package operator

import (
	"context"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// inviteFirst names a commune's first administrator. A commune that has had cases
// is in its own hands, whoever administers it now: otherwise the entity's people
// could let themselves in by inviting one of their own. Errors:
// identity.ErrAdministered.
func inviteFirst(ctx context.Context, db *tenancy.DB, people *identity.Service, t tenancy.Tenant, i identity.Invitee, again bool) error {
	return db.In(ctx, t, func(tx *tenancy.Tx) error {
		var used bool
		if err := tx.QueryRow("select exists (select from cases)").Scan(&used); err != nil {
			return err
		}
		if used {
			return identity.ErrAdministered
		}
		return people.InviteFirst(tx, i, again)
	})
}

// awaitsFirst tells that a commune has nobody yet who could open its console.
func (m *Module) awaitsFirst(ctx context.Context, t tenancy.Tenant) (awaits bool, err error) {
	err = m.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		administered, err := identity.Administered(tx)
		if err != nil || administered {
			return err
		}
		return tx.QueryRow("select not exists (select from cases)").Scan(&awaits)
	})
	return awaits, err
}

// inviteeOf reads the two fields of a form; prefix tells the forms of a page apart.
func inviteeOf(get func(string) string, prefix string) identity.Invitee {
	return identity.Invitee{Name: get(prefix + "admin_name"), Email: get(prefix + "admin_email")}
}

// inviteeFields are the two fields of a form.
func inviteeFields(ctx context.Context, prefix string, i identity.Invitee, wrong map[string]string) []ui.Input {
	field := func(kind ui.Kind, name, value string) ui.Input {
		in := ui.Input{Kind: kind, Name: prefix + name, Value: value, Required: true, Autocomplete: "off",
			Label: i18n.T(ctx, "operator.field."+name), Help: i18n.T(ctx, "operator.field."+name+"-help")}
		if key := wrong[name]; key != "" {
			in.Error = i18n.T(ctx, key)
		}
		return in
	}
	return []ui.Input{field(ui.Text, "admin_name", i.Name), field(ui.Email, "admin_email", i.Email)}
}

// invite is POST /comuni/{slug}/invito: another link, or another person, as long
// as nobody has accepted.
func (m *Module) invite(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	t, err := m.DB.Directory().BySlug(r.Ctx(), r.Param("slug"))
	if err != nil {
		return notFound(err)
	}
	i := inviteeOf(form.Get, "")
	if wrong := i.Check(); len(wrong) > 0 {
		return m.communePage(r, 422, refusedForm{invitee: i, wrong: wrong})
	}
	if err := inviteFirst(r.Ctx(), m.DB, m.Identity, t, i, true); err != nil {
		return err
	}
	if err := m.Staff.Record(r.Ctx(), r.Actor(), "operator.invite", "commune:"+t.Slug(), "{}"); err != nil {
		return err
	}
	return r.Redirect("/comuni/" + t.Slug() + "?fatto=invited")
}
