package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// ActionStaff is saying who works for the commune, and as what.
const ActionStaff access.Action = "console.staff"

const staffPath = "/console/personale"

// Staff is what the console asks of identity.
type Staff interface {
	Officials(ctx context.Context, by identity.Actor) ([]identity.Official, error)
	Appoint(ctx context.Context, by identity.Actor, who identity.Invitee, held []identity.Holding) (invited bool, err error)
	SetRoles(ctx context.Context, by identity.Actor, id uuid.UUID, held []identity.Holding) error
	Reinvite(ctx context.Context, by identity.Actor, id uuid.UUID) error
	Uninvite(ctx context.Context, by identity.Actor, id uuid.UUID) error
}

// everyOffice is how a form says identity.WholeCommune.
const everyOffice = "*"

// staffList is /console/personale: who works for the commune, and who is invited.
func (m *Module) staffList(r *web.Request) error {
	ctx := r.Ctx()
	list, err := m.Staff.Officials(ctx, r.Actor())
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: Side(r, staffPath), Title: i18n.T(ctx, "officials.title"), Lead: i18n.T(ctx, "officials.lead"), Notice: r.Done("officials.done"),
		Action: &ui.Link{Text: i18n.T(ctx, "officials.new"), URL: staffPath + "/nuova"}}
	col := func(key string) ui.Column {
		return ui.Column{Title: i18n.T(ctx, "officials.column."+key), Label: i18n.T(ctx, "officials.column."+key)}
	}
	grid := ui.Grid{Caption: i18n.T(ctx, "officials.people"), Columns: []ui.Column{{Title: i18n.T(ctx, "officials.column.name")}, col("roles"), col("state")}}
	for _, o := range list {
		name := ui.Cell{Text: o.Name, Strong: true, Small: o.Email}
		if o.ID != r.Actor().AccountID() {
			name.URL = staffPath + "/" + o.ID.String()
		}
		state := officialState(ctx, o)
		grid.Rows = append(grid.Rows, []ui.Cell{name, {Text: rolesText(r, o.Held)}, {State: &state}})
	}
	page.Sections = []ui.Section{{ID: "persone", Title: i18n.T(ctx, "officials.people"), Grid: &grid}}
	return r.Page(http.StatusOK, page.Title, ui.SheetPage(page), web.Here("/console"))
}

// newOfficial is /console/personale/nuova: somebody else shall work here.
func (m *Module) newOfficial(r *web.Request) error {
	return m.newOfficialSheet(r, http.StatusOK, nil, nil)
}

func (m *Module) newOfficialSheet(r *web.Request, code int, typed url.Values, wrong map[string]string) error {
	ctx := r.Ctx()
	page := ui.Sheet{Side: Side(r, staffPath), Title: i18n.T(ctx, "officials.new"), Lead: i18n.T(ctx, "officials.new-note"),
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "officials.title"), URL: staffPath}, {Text: i18n.T(ctx, "officials.new")}}}
	fields := append([]ui.Input{
		{Kind: ui.Text, Name: "name", Label: i18n.T(ctx, "officials.column.name"), Value: typed.Get("name"), Required: true, Autocomplete: "off", Error: wrong["name"]},
		{Kind: ui.Email, Name: "email", Label: i18n.T(ctx, "officials.email"), Help: i18n.T(ctx, "officials.email-help"), Value: typed.Get("email"), Required: true, Autocomplete: "off", Error: wrong["email"]},
	}, roleFields(r, readRoles(typed), wrong["roles"])...)
	page.Sections = []ui.Section{{ID: "nuova", Forms: []ui.Form{{Action: staffPath, Submit: i18n.T(ctx, "officials.invite"), Cancel: staffPath, Fields: fields}}}}
	return r.Page(code, page.Title, ui.SheetPage(page), web.Here("/console"))
}

func officialState(ctx context.Context, o identity.Official) ui.State {
	if o.Invited {
		return ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "officials.state.invited")}
	}
	return ui.State{Tone: ui.Success, Text: i18n.T(ctx, "officials.state.active")}
}

// rolesText is «Esamina le pratiche: Polizia comunale; Amministra lo sportello».
func rolesText(r *web.Request, held []identity.Holding) string {
	ctx := r.Ctx()
	var parts []string
	for _, role := range slices.Concat(identity.OfficeRoles, identity.WholeRoles) {
		var offices []string
		for _, h := range held {
			if h.Role != role {
				continue
			}
			if h.Office == identity.WholeCommune {
				offices = append(offices, i18n.T(ctx, "officials.everywhere"))
			} else {
				offices = append(offices, r.Site().Office(h.Office).Name)
			}
		}
		switch {
		case len(offices) == 0:
		case slices.Contains(identity.WholeRoles, role):
			parts = append(parts, i18n.T(ctx, "officials.role."+role))
		default:
			parts = append(parts, i18n.T(ctx, "officials.role."+role)+": "+strings.Join(offices, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// The names of the two fields that ask for roles.
const (
	rolesField   = "roles"
	officesField = "offices"
)

// roleFields ask what somebody does and in which offices. What is held for one
// office and not for another cannot be said here: see alike.
func roleFields(r *web.Request, held []identity.Holding, wrong string) []ui.Input {
	ctx := r.Ctx()
	roles := ui.Input{Kind: ui.Many, Name: rolesField, Label: i18n.T(ctx, "officials.what"), Required: true, Error: wrong}
	for _, role := range slices.Concat(identity.OfficeRoles, identity.WholeRoles) {
		roles.Options = append(roles.Options, ui.Option{Value: role, Label: i18n.T(ctx, "officials.role."+role), Help: i18n.T(ctx, "officials.role-help."+role),
			Selected: slices.ContainsFunc(held, func(h identity.Holding) bool { return h.Role == role })})
	}
	in := func(office string) bool {
		return slices.ContainsFunc(held, func(h identity.Holding) bool {
			return h.Office == office && slices.Contains(identity.OfficeRoles, h.Role)
		})
	}
	offices := ui.Input{Kind: ui.Many, Name: officesField, Label: i18n.T(ctx, "officials.where"), Help: i18n.T(ctx, "officials.where-help"), Plain: true,
		Options: []ui.Option{{Value: everyOffice, Label: i18n.T(ctx, "officials.everywhere"), Selected: in(identity.WholeCommune)}}}
	for _, o := range r.Site().Offices {
		offices.Options = append(offices.Options, ui.Option{Value: o.Key, Label: o.Name, Selected: in(o.Key)})
	}
	return []ui.Input{roles, offices}
}

// readRoles reads what roleFields asked; nothing where a role of an office has none.
func readRoles(f url.Values) (held []identity.Holding) {
	for _, role := range f[rolesField] {
		if !slices.Contains(identity.OfficeRoles, role) {
			held = append(held, identity.Holding{Role: role, Office: identity.WholeCommune})
			continue
		}
		if len(f[officesField]) == 0 {
			return nil
		}
		for _, office := range f[officesField] {
			if office == everyOffice {
				office = identity.WholeCommune
			}
			held = append(held, identity.Holding{Role: role, Office: office})
		}
	}
	return held
}

// alike reports whether each role is held for the same offices, as the form says it.
func alike(held []identity.Holding) bool {
	offices := map[string][]string{}
	for _, h := range held {
		if slices.Contains(identity.OfficeRoles, h.Role) {
			offices[h.Role] = append(offices[h.Role], h.Office)
		}
	}
	var first []string
	for _, list := range offices {
		slices.Sort(list)
		if first == nil {
			first = list
		}
		if !slices.Equal(first, list) {
			return false
		}
	}
	return true
}

// knownOffices reports whether each office is one of the commune's.
func knownOffices(r *web.Request, held []identity.Holding) bool {
	for _, h := range held {
		if h.Office != identity.WholeCommune && !slices.ContainsFunc(r.Site().Offices, func(o site.Office) bool { return o.Key == h.Office }) {
			return false
		}
	}
	return true
}

func (m *Module) appoint(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	held, invited := readRoles(f), false
	if err = identity.ErrNoRole; knownOffices(r, held) {
		invited, err = m.Staff.Appoint(r.Ctx(), r.Actor(), identity.Invitee{Name: f.Get("name"), Email: f.Get("email")}, held)
	}
	var p *problem.Error
	switch {
	case errors.As(err, &p) && p.Status() < http.StatusInternalServerError:
		wrong := map[string]string{}
		for field, key := range p.Fields {
			if key != "" {
				wrong[field] = i18n.T(r.Ctx(), key)
			}
		}
		if len(p.Fields) == 0 {
			wrong[fieldOf(p)] = r.Words(p)
		}
		return m.newOfficialSheet(r, http.StatusUnprocessableEntity, f, wrong)
	case err != nil:
		return err
	case invited:
		return r.Redirect(staffPath + "?fatto=invited")
	}
	return r.Redirect(staffPath + "?fatto=appointed")
}

// fieldOf is the field that a problem is about.
func fieldOf(p *problem.Error) string {
	if p == identity.ErrNoRole {
		return "roles"
	}
	return "email"
}

// official is /console/personale/{account}: the roles of one person, or the
// invitation that waits.
func (m *Module) official(r *web.Request) error {
	return m.officialSheet(r, http.StatusOK, nil, "")
}

func (m *Module) officialSheet(r *web.Request, code int, typed []identity.Holding, wrong string) error {
	ctx := r.Ctx()
	list, err := m.Staff.Officials(ctx, r.Actor())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(o identity.Official) bool { return o.ID.String() == r.Param("account") })
	if i < 0 {
		return web.NotFound()
	}
	o := list[i]
	at, state := staffPath+"/"+o.ID.String(), officialState(ctx, o)
	page := ui.Sheet{Side: Side(r, staffPath), Title: o.Name, Lead: o.Email, State: &state, Notice: r.Done("officials.done"),
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "officials.title"), URL: staffPath}, {Text: o.Name}}}
	if o.Invited {
		page.Sections = []ui.Section{
			{ID: "ruoli", Title: i18n.T(ctx, "officials.column.roles"), Text: []string{rolesText(r, o.Held)}},
			{ID: "invito", Title: i18n.T(ctx, "officials.invitation"), Note: i18n.T(ctx, "officials.invitation-note"), Forms: []ui.Form{
				{Action: at + "/invito", Name: "do", Value: "again", Submit: i18n.T(ctx, "officials.again"), Quiet: true},
				{Action: at + "/invito", Name: "do", Value: "withdraw", Submit: i18n.T(ctx, "officials.withdraw"), Danger: true}}},
		}
		return r.Page(code, page.Title, ui.SheetPage(page), web.Here("/console"))
	}
	held := o.Held
	if wrong != "" {
		held = typed
	}
	page.Sections = []ui.Section{
		{ID: "ruoli", Title: i18n.T(ctx, "officials.column.roles"), Forms: []ui.Form{{Action: at + "/ruoli", Submit: i18n.T(ctx, "officials.save"), Fields: roleFields(r, held, wrong)}}},
		{ID: "fine", Title: i18n.T(ctx, "officials.end"), Note: i18n.T(ctx, "officials.end-note"), Forms: []ui.Form{{Action: at + "/ruoli", Name: "do", Value: "end", Submit: i18n.T(ctx, "officials.end-do"), Danger: true}}},
	}
	if !alike(o.Held) {
		page.Warning = i18n.T(ctx, "officials.uneven")
	}
	return r.Page(code, page.Title, ui.SheetPage(page), web.Here("/console"))
}

func (m *Module) officialRoles(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	id, err := uuid.Parse(r.Param("account"))
	if err != nil {
		return web.NotFound()
	}
	held, done := readRoles(f), "roles"
	switch {
	case f.Get("do") == "end":
		held, done = nil, "ended"
	case len(held) == 0 || !knownOffices(r, held):
		return m.officialSheet(r, http.StatusUnprocessableEntity, held, r.Words(identity.ErrNoRole))
	}
	err = m.Staff.SetRoles(r.Ctx(), r.Actor(), id, held)
	var p *problem.Error
	if errors.As(err, &p) && (p.Kind == problem.KindInvalid || p.Kind == problem.KindConflict) {
		return m.officialSheet(r, http.StatusUnprocessableEntity, held, r.Words(p))
	}
	if err != nil {
		return err
	}
	return r.Redirect(staffPath + "?fatto=" + done)
}

func (m *Module) officialInvitation(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	id, err := uuid.Parse(r.Param("account"))
	if err != nil {
		return web.NotFound()
	}
	do, done := m.Staff.Reinvite, "invited"
	if f.Get("do") == "withdraw" {
		do, done = m.Staff.Uninvite, "withdrawn"
	}
	if err := do(r.Ctx(), r.Actor(), id); err != nil {
		return err
	}
	return r.Redirect(staffPath + "?fatto=" + done)
}
