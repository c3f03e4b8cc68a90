package operator

import (
	"context"
	"errors"
	"net/url"
	"slices"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// staffPage is /personale: who works for the entity, and as what.
func (m *Module) staffPage(r *web.Request) error { return m.staff(r, 200, nil, "", "") }

// staff shows the members; link is a fresh invitation's, shown once.
func (m *Module) staff(r *web.Request, code int, typed url.Values, wrong, link string) error {
	ctx := r.Ctx()
	list, err := m.Staff.Members(ctx)
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: Side(r, "/personale"), Title: i18n.T(ctx, "staff.page"), Lead: i18n.T(ctx, "staff.page-lead"), Notice: r.Done("staff.done")}
	if link != "" {
		page.Notice = i18n.T(ctx, "staff.done.invited")
		page.Sections = append(page.Sections, ui.Section{ID: "invito", Title: i18n.T(ctx, "staff.link"), Note: i18n.T(ctx, "staff.link-note"), Text: []string{link}})
	}
	col := func(key string) ui.Column {
		return ui.Column{Title: i18n.T(ctx, "staff.column."+key), Label: i18n.T(ctx, "staff.column."+key)}
	}
	grid := ui.Grid{Caption: i18n.T(ctx, "staff.page"), Columns: []ui.Column{{Title: i18n.T(ctx, "staff.column.name")}, col("roles"), col("state"), col("since")}}
	for _, x := range list {
		name := ui.Cell{Text: x.Name, Strong: true, Small: x.Email}
		if r.May(ActionStaff) && x.ID != r.Actor().AccountID() {
			name.URL = "/personale/" + x.ID.String()
		}
		state := memberState(ctx, x)
		grid.Rows = append(grid.Rows, []ui.Cell{name, {Text: roleNames(ctx, x.Roles)}, {State: &state}, {Text: i18n.Date(x.Since), Num: true}})
	}
	page.Sections = append(page.Sections, ui.Section{ID: "persone", Title: i18n.T(ctx, "staff.people"), Grid: &grid})
	if r.May(ActionStaff) {
		page.Sections = append(page.Sections, ui.Section{ID: "nuova", Title: i18n.T(ctx, "staff.new"), Note: i18n.T(ctx, "staff.new-note"), Forms: []ui.Form{{Action: "/personale", Submit: i18n.T(ctx, "staff.invite"), Fields: []ui.Input{
			{Kind: ui.Text, Name: "name", Label: i18n.T(ctx, "staff.column.name"), Value: typed.Get("name"), Required: true, Autocomplete: "off", Error: wrong},
			{Kind: ui.Email, Name: "email", Label: i18n.T(ctx, "staff.email"), Value: typed.Get("email"), Required: true, Autocomplete: "off"},
			roleField(ctx, typed["roles"])}}}})
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

func memberState(ctx context.Context, x identity.Member) ui.State {
	switch {
	case x.Disabled:
		return ui.State{Tone: ui.Info, Text: i18n.T(ctx, "staff.state.disabled")}
	case !x.Enrolled:
		return ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "staff.state.invited")}
	}
	return ui.State{Tone: ui.Success, Text: i18n.T(ctx, "staff.state.active")}
}

func roleNames(ctx context.Context, roles []string) string {
	out := ""
	for i, role := range roles {
		if i > 0 {
			out += ", "
		}
		out += i18n.T(ctx, "staff.role."+role)
	}
	return out
}

func roleField(ctx context.Context, held []string) ui.Input {
	f := ui.Input{Kind: ui.Many, Name: "roles", Label: i18n.T(ctx, "staff.column.roles"), Required: true}
	for _, role := range identity.StaffRoles {
		f.Options = append(f.Options, ui.Option{Value: role, Label: i18n.T(ctx, "staff.role."+role), Help: i18n.T(ctx, "staff.role-help."+role), Selected: slices.Contains(held, role)})
	}
	return f
}

// inviteMember is POST /personale.
func (m *Module) inviteMember(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	token, err := m.Staff.Invite(r.Ctx(), r.Actor(), f.Get("name"), f.Get("email"), f["roles"])
	var p *problem.Error
	if errors.As(err, &p) && p.Status() < 500 {
		return m.staff(r, 422, f, r.Words(p), "")
	}
	if err != nil {
		return err
	}
	return m.staff(r, 200, nil, "", m.enrolURL(token))
}

func (m *Module) enrolURL(token string) string {
	return m.URL(web.EntityHost+"."+m.DB.Directory().Base()) + "/iscrizione/" + token
}

// member is /personale/{id}: roles, access, second factor.
func (m *Module) member(r *web.Request) error { return m.memberPage(r, 200, "") }

func (m *Module) memberPage(r *web.Request, code int, wrong string) error {
	ctx := r.Ctx()
	list, err := m.Staff.Members(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(x identity.Member) bool { return x.ID.String() == r.Param("member") })
	if i < 0 {
		return web.NotFound()
	}
	x, at := list[i], "/personale/"+list[i].ID.String()
	state := memberState(ctx, x)
	page := ui.Sheet{Side: Side(r, "/personale"), Title: x.Name, Lead: x.Email, State: &state, Crumbs: []ui.Link{{Text: i18n.T(ctx, "staff.page"), URL: "/personale"}, {Text: x.Name}}}
	if wrong != "" {
		page.Problems = []ui.Problem{{Name: "roles", Text: wrong}}
	}
	page.Sections = []ui.Section{{ID: "ruoli", Title: i18n.T(ctx, "staff.column.roles"), Forms: []ui.Form{{Action: at + "/ruoli", Submit: i18n.T(ctx, "staff.save-roles"), Fields: []ui.Input{roleField(ctx, x.Roles)}}}}}
	if x.Disabled {
		page.Sections = append(page.Sections, ui.Section{ID: "accesso", Title: i18n.T(ctx, "staff.access"), Forms: []ui.Form{{Action: at + "/accesso", Name: "access", Value: "open", Submit: i18n.T(ctx, "staff.enable"), Quiet: true}}})
	} else {
		page.Sections = append(page.Sections,
			ui.Section{ID: "fattore", Title: i18n.T(ctx, "staff.factor"), Note: i18n.T(ctx, "staff.factor-note"), Forms: []ui.Form{{Action: at + "/fattore", Submit: i18n.T(ctx, "staff.reset"), Quiet: true}}},
			ui.Section{ID: "accesso", Title: i18n.T(ctx, "staff.access"), Note: i18n.T(ctx, "staff.access-note"), Forms: []ui.Form{{Action: at + "/accesso", Name: "access", Value: "close", Submit: i18n.T(ctx, "staff.disable"), Danger: true}}})
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

// changeMember does one change and says what came of it.
func (m *Module) changeMember(r *web.Request, do func(id uuid.UUID, f url.Values) error) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	id, err := uuid.Parse(r.Param("member"))
	if err != nil {
		return web.NotFound()
	}
	err = do(id, f)
	var p *problem.Error
	if errors.As(err, &p) && (p.Kind == problem.KindInvalid || p.Kind == problem.KindConflict) {
		return m.memberPage(r, 422, r.Words(p))
	}
	return err
}

func (m *Module) memberRoles(r *web.Request) error {
	return m.changeMember(r, func(id uuid.UUID, f url.Values) error {
		if err := m.Staff.SetRoles(r.Ctx(), r.Actor(), id, f["roles"]); err != nil {
			return err
		}
		return r.Redirect("/personale?fatto=roles")
	})
}

func (m *Module) memberAccess(r *web.Request) error {
	return m.changeMember(r, func(id uuid.UUID, f url.Values) error {
		disable := f.Get("access") != "open"
		if err := m.Staff.SetDisabled(r.Ctx(), r.Actor(), id, disable); err != nil {
			return err
		}
		if disable {
			return r.Redirect("/personale?fatto=disabled")
		}
		return r.Redirect("/personale?fatto=enabled")
	})
}

func (m *Module) memberReset(r *web.Request) error {
	return m.changeMember(r, func(id uuid.UUID, _ url.Values) error {
		token, err := m.Staff.Reset(r.Ctx(), r.Actor(), id)
		if err != nil {
			return err
		}
		return m.staff(r, 200, nil, "", m.enrolURL(token))
	})
}

// enrol is /iscrizione/{token}: a new member chooses a password and sets up
// the second factor.
func (m *Module) enrol(r *web.Request) error { return m.enrolPage(r, 200, nil) }

func (m *Module) enrolPage(r *web.Request, code int, wrong map[string]string) error {
	ctx := r.Ctx()
	e, err := m.Staff.Enrolment(ctx, r.Param("token"))
	if err != nil {
		return err
	}
	qr, err := ui.QR(e.URL, i18n.T(ctx, "staff.enrol.qr"))
	if err != nil {
		return err
	}
	page := ui.Sheet{Title: i18n.T(ctx, "staff.enrol.title", "name", e.Name), Lead: i18n.T(ctx, "staff.enrol.lead"), Sections: []ui.Section{
		{ID: "app", Title: i18n.T(ctx, "staff.enrol.app"), Note: i18n.T(ctx, "staff.enrol.app-note"), Chart: ui.QRImage(qr), Facts: []ui.Fact{{Term: i18n.T(ctx, "staff.enrol.secret"), Value: spaced(e.Secret)}, {Term: i18n.T(ctx, "staff.email"), Value: e.Email}}},
		{ID: "accesso", Title: i18n.T(ctx, "staff.enrol.access"), Forms: []ui.Form{{Action: "/iscrizione/" + r.Param("token"), Submit: i18n.T(ctx, "staff.enrol.submit"), Fields: []ui.Input{
			{Kind: ui.Password, Name: "password", Label: i18n.T(ctx, "staff.enrol.password"), Help: i18n.T(ctx, "staff.enrol.password-help"), Autocomplete: "new-password", Required: true, Error: wrong["password"]},
			{Kind: ui.Code, Name: "code", Label: i18n.T(ctx, "staff.enrol.code"), Required: true, Error: wrong["code"]}}}}}}}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

// spaced sets a secret in groups of four, as people type it.
func spaced(s string) string {
	out := ""
	for i, c := range s {
		if i > 0 && i%4 == 0 {
			out += " "
		}
		out += string(c)
	}
	return out
}

func (m *Module) enrolPost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	switch err := m.Staff.Enrol(r.Ctx(), r.Param("token"), f.Get("password"), f.Get("code")); {
	case errors.Is(err, identity.ErrNewSecret):
		return m.enrolPage(r, 422, map[string]string{"password": i18n.T(r.Ctx(), identity.ErrNewSecret.Key)})
	case errors.Is(err, identity.ErrCode):
		return m.enrolPage(r, 422, map[string]string{"code": i18n.T(r.Ctx(), identity.ErrCode.Key)})
	case err != nil:
		return err
	}
	return r.Redirect("/accedi")
}
