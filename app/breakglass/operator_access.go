package breakglass

import (
	"context"
	"errors"
	"strconv"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/breakglass/view"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// asked is /comuni/{slug}/accesso: what the entity asked of a commune, and a
// form to ask.
func (m *Module) asked(r *web.Request) error {
	return m.askPage(r, 200, Wish{Hours: 2, Scope: identity.ScopeCase}, nil)
}

func (m *Module) askPage(r *web.Request, code int, w Wish, wrong map[string]string) error {
	ctx := r.Ctx()
	t, err := m.tenant(r)
	if err != nil {
		return err
	}
	face, err := m.Sites.Get(ctx, t)
	if err != nil {
		return problem.Unavailable("breakglass.commune-away", "errors.503.text").Wrap(err)
	}
	base := "/comuni/" + t.Slug()
	page := view.AskPage{Name: t.Name(), Title: i18n.T(ctx, "access.ask.title", "name", t.Name()),
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "operator.communes"), URL: "/comuni"}, {Text: t.Name(), URL: base}, {Text: i18n.T(ctx, "access.ask.crumb")}}}
	page.Notice = r.Done("access.done")
	list, reads, err := m.OfEntity(ctx, t)
	if err != nil { // the commune is away: what was asked is known all the same
		page.Away = true
	}
	for _, g := range list {
		page.Requests = append(page.Requests, m.request(r, t, g, reads[g.ID]))
	}
	if r.May(ActionAsk) {
		page.Action, page.Fields = base+"/accesso", wishFields(ctx, face, w, wrong, MaxHours, identity.Scopes)
	}
	return r.Page(code, page.Title, view.Ask(page), web.Here("/"))
}

// request is one line of the entity's list.
func (m *Module) request(r *web.Request, t tenancy.Tenant, g Grant, read int64) view.Request {
	ctx := r.Ctx()
	scope, of := g.Wish.Scope, g.Wish.Object
	if g.Scope != "" {
		scope, of = g.Scope, g.Object
	}
	q := view.Request{Title: i18n.T(ctx, "access.title."+string(scope), "of", m.nameOf(ctx, t, scope, of)), Reason: g.Wish.Reason, State: stateOf(ctx, g),
		Facts: m.facts(ctx, g, read)}
	own := g.StaffID == r.Actor().AccountID() && r.May(ActionAsk)
	base := "/comuni/" + t.Slug() + "/accesso/" + g.ID.String()
	switch {
	case own && g.Live(m.Clock.Now()):
		q.EnterURL = base + "/entra"
	case own && g.State == Undelivered:
		q.AgainURL = base + "/consegna"
	}
	return q
}

// facts are who, when, until when, how much.
func (m *Module) facts(ctx context.Context, g Grant, read int64) []ui.Fact {
	fact := func(key, value string) ui.Fact { return ui.Fact{Term: i18n.T(ctx, "access.fact."+key), Value: value} }
	out := []ui.Fact{fact("who", g.StaffName), fact("asked", i18n.DateTime(ctx, g.AskedAt))}
	if g.State == Asked || g.State == Undelivered {
		out = append(out, fact("hours", i18n.N(ctx, "access.hours", g.Wish.Hours)))
	}
	if g.DecidedBy != "" {
		out = append(out, fact("decided", g.DecidedBy))
	}
	if g.Until != nil {
		out = append(out, fact("until", i18n.DateTime(ctx, *g.Until)), fact("read", times(ctx, "access.read", read)))
	}
	if g.ClosedBy != "" {
		out = append(out, fact("closed", g.ClosedBy))
	}
	if g.Answer != "" {
		out = append(out, fact("answer", g.Answer))
	}
	return out
}

func stateOf(ctx context.Context, g Grant) ui.State {
	tone := map[State]ui.Tone{Granted: ui.Warning, Refused: ui.Danger, Undelivered: ui.Danger, Revoked: ui.Info, Ended: ui.Info}[g.State]
	if tone == "" {
		tone = ui.Info
	}
	return ui.State{Tone: tone, Text: i18n.T(ctx, "access.state."+string(g.State))}
}

// wishFields is the form of a wish, or of a decision about one.
func wishFields(ctx context.Context, face *site.Site, w Wish, wrong map[string]string, hours int, scopes []identity.Scope) []ui.Input {
	word := func(name string) string {
		if key := wrong[name]; key != "" {
			return i18n.T(ctx, key)
		}
		return ""
	}
	scope := ui.Input{Kind: ui.Radio, Name: "scope", Label: i18n.T(ctx, "access.field.scope"), Value: string(w.Scope), Required: true, Error: word("scope")}
	for _, s := range scopes {
		scope.Options = append(scope.Options, ui.Option{Value: string(s), Label: i18n.T(ctx, "access.choice."+string(s)), Selected: s == w.Scope})
	}
	ref := ui.Input{Kind: ui.Text, Name: "ref", Label: i18n.T(ctx, "access.field.ref"), Help: i18n.T(ctx, "access.field.ref-help"), Error: word("ref"), Size: 20}
	office := ui.Input{Kind: ui.Select, Name: "office", Label: i18n.T(ctx, "access.field.office"), Help: i18n.T(ctx, "access.field.office-help"), Error: word("office")}
	if w.Scope == identity.ScopeCase {
		ref.Value = w.Object
	}
	for _, o := range face.Offices {
		office.Options = append(office.Options, ui.Option{Value: o.Key, Label: o.Name, Selected: w.Scope == identity.ScopeOffice && o.Key == w.Object})
	}
	if w.Scope == identity.ScopeOffice {
		office.Value = w.Object
	}
	n := strconv.Itoa(w.Hours)
	if w.Hours == 0 {
		n = ""
	}
	return []ui.Input{
		{Kind: ui.Textarea, Name: "reason", Label: i18n.T(ctx, "access.field.reason"), Help: i18n.T(ctx, "access.field.reason-help"), Value: w.Reason,
			Required: true, Rows: 3, MaxLength: 1000, Error: word("reason")},
		scope, ref, office,
		{Kind: ui.Number, Name: "hours", Label: i18n.T(ctx, "access.field.hours"), Help: i18n.T(ctx, "access.field.hours-help", "n", hours), Value: n,
			Required: true, Min: "1", Max: strconv.Itoa(hours), Size: 4, Error: word("hours")},
	}
}

// wish reads the form.
func wish(get func(string) string) Wish {
	w := Wish{Reason: get("reason"), Scope: identity.Scope(get("scope"))}
	w.Hours, _ = strconv.Atoi(get("hours")) // 0 is refused
	switch w.Scope {
	case identity.ScopeCase:
		w.Object = get("ref")
	case identity.ScopeOffice:
		w.Object = get("office")
	}
	return w
}

func (m *Module) ask(r *web.Request) error {
	t, err := m.tenant(r)
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	w := wish(f.Get)
	_, err = m.Ask(r.Ctx(), r.Actor(), t, w)
	var p *problem.Error
	if errors.As(err, &p) && p.Kind == problem.KindInvalid {
		return m.askPage(r, 422, w, p.Fields)
	}
	if err != nil {
		return err
	}
	return r.Redirect("/comuni/" + t.Slug() + "/accesso?fatto=asked")
}

// again delivers a request that did not reach the commune.
func (m *Module) again(r *web.Request) error {
	t, id, err := m.own(r)
	if err != nil {
		return err
	}
	if err := m.Deliver(r.Ctx(), r.Actor(), t, id); err != nil {
		return err
	}
	return r.Redirect("/comuni/" + t.Slug() + "/accesso?fatto=asked")
}

// handOver shows the link that leads into the commune: another host, which a
// form's answer must not lead to by itself.
func (m *Module) handOver(r *web.Request) error {
	t, id, err := m.own(r)
	if err != nil {
		return err
	}
	to, err := m.HandOver(r.Ctx(), r.Actor(), t, id)
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	return r.Page(200, i18n.T(ctx, "access.link.title"), view.HandOver(view.HandOverPage{Title: i18n.T(ctx, "access.link.title"),
		Lead: i18n.T(ctx, "access.link.lead", "name", t.Name()), URL: to, BackURL: "/comuni/" + t.Slug() + "/accesso"}), web.Here("/"))
}

func (m *Module) own(r *web.Request) (t tenancy.Tenant, id uuid.UUID, err error) {
	if t, err = m.tenant(r); err != nil {
		return t, id, err
	}
	if id, err = uuid.Parse(r.Param("id")); err != nil {
		return t, id, ErrNotFound
	}
	return t, id, nil
}
