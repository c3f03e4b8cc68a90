package breakglass

import (
	"context"
	"errors"
	"strconv"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/breakglass/view"
	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// guests is /console/accesso-ente: who of the entity asks to read here, who
// reads now, who did.
func (m *Module) guests(r *web.Request) error { return m.guestsPage(r, 200, uuid.Nil, Wish{}, nil) }

// guestsPage is the list; a decision that was not taken comes back with what is
// wrong.
func (m *Module) guestsPage(r *web.Request, code int, failed uuid.UUID, typed Wish, wrong map[string]string) error {
	ctx := r.Ctx()
	list, reads, err := m.OfCommune(ctx, r.Actor())
	if err != nil {
		return err
	}
	page := view.GuestsPage{Side: console.Side(r, consolePath), Title: i18n.T(ctx, "access.console.title")}
	page.Notice = r.Done("access.done")
	for _, g := range list {
		base := consolePath + "/" + g.ID.String()
		q := view.Request{Title: g.StaffName, Reason: g.Wish.Reason, State: stateOf(ctx, g), Facts: m.facts(ctx, g, int64(len(reads[g.ID])))[1:], // the title says who
			Scope: i18n.T(ctx, "access.wants."+string(g.State), "what", m.scopeWords(ctx, r.Tenant(), or(g.Scope, g.Wish.Scope), or(g.Object, g.Wish.Object)))}
		switch {
		case g.State == Asked && r.May(ActionLetIn):
			w, bad := g.Wish, map[string]string(nil)
			if g.ID == failed {
				w, bad = typed, wrong
			}
			q.GrantURL, q.RefuseURL, q.Fields = base+"/concedi", base+"/rifiuta", decideFields(ctx, g, w, bad)
			page.Waiting = append(page.Waiting, q)
		case g.State == Asked:
			page.Waiting = append(page.Waiting, q)
		case g.Live(m.Clock.Now()):
			if r.May(ActionLetIn) {
				q.RevokeURL = base + "/revoca"
			}
			q.Read = readings(ctx, reads[g.ID])
			page.Live = append(page.Live, q)
		default:
			q.Read = readings(ctx, reads[g.ID])
			page.Past = append(page.Past, q)
		}
	}
	return r.Page(code, page.Title, view.Guests(page), web.Here("/console"))
}

func or[T ~string](s, fallback T) T {
	if s == "" {
		return fallback
	}
	return s
}

// readings are the things that were read, in words.
func readings(ctx context.Context, lines []audit.Line) []ui.Row {
	var out []ui.Row
	for _, l := range lines {
		out = append(out, ui.Row{Title: audit.ActionName(ctx, l.Action), Note: audit.ObjectName(ctx, l.Object), Fact: i18n.Time(l.At)})
	}
	return out
}

// decideFields let the administrator give less than was asked: fewer hours, or
// one case instead of an office.
func decideFields(ctx context.Context, g Grant, w Wish, wrong map[string]string) []ui.Input {
	word := func(name string) string {
		if key := wrong[name]; key != "" {
			return i18n.T(ctx, key)
		}
		return ""
	}
	var out []ui.Input
	suffix := "-" + g.ID.String()
	if g.Wish.Scope == identity.ScopeOffice {
		ref := ""
		if w.Scope == identity.ScopeCase {
			ref = w.Object
		}
		out = append(out, ui.Input{Kind: ui.Text, Name: "ref" + suffix, Label: i18n.T(ctx, "access.field.only-ref"), Help: i18n.T(ctx, "access.field.only-ref-help"), Value: ref, Size: 20, Error: word("ref")})
	}
	n := w.Hours
	if n < 1 || n > g.Wish.Hours {
		n = g.Wish.Hours
	}
	in := ui.Input{Kind: ui.Number, Name: "hours" + suffix, Label: i18n.T(ctx, "access.field.hours"), Help: i18n.T(ctx, "access.field.at-most", "n", g.Wish.Hours),
		Value: strconv.Itoa(n), Required: true, Min: "1", Max: strconv.Itoa(g.Wish.Hours), Size: 4, Error: word("hours")}
	if g.Wish.Scope != identity.ScopeOffice && in.Error == "" {
		in.Error = word("ref") + word("scope")
	}
	return append(out, in)
}

func (m *Module) grant(r *web.Request) error {
	id, get, err := decision(r)
	if err != nil {
		return err
	}
	var asked Grant
	list, _, err := m.OfCommune(r.Ctx(), r.Actor())
	if err != nil {
		return err
	}
	for _, g := range list {
		if g.ID == id {
			asked = g
		}
	}
	if asked.ID == uuid.Nil {
		return ErrNotFound
	}
	w := Wish{Scope: asked.Wish.Scope, Object: asked.Wish.Object}
	w.Hours, _ = strconv.Atoi(get("hours"))
	if ref := get("ref"); asked.Wish.Scope == identity.ScopeOffice && ref != "" {
		w.Scope, w.Object = identity.ScopeCase, ref
	}
	err = m.Grant(r.Ctx(), r.Actor(), id, w)
	var p *problem.Error
	if errors.As(err, &p) && p.Kind == problem.KindInvalid {
		return m.guestsPage(r, 422, id, w, p.Fields)
	}
	return m.after(r, err, "granted")
}

func (m *Module) refuse(r *web.Request) error {
	id, get, err := decision(r)
	if err != nil {
		return err
	}
	return m.after(r, m.Refuse(r.Ctx(), r.Actor(), id, get("answer")), "refused")
}

func (m *Module) revoke(r *web.Request) error {
	id, _, err := decision(r)
	if err != nil {
		return err
	}
	return m.after(r, m.Revoke(r.Ctx(), r.Actor(), id), "revoked")
}

func (m *Module) after(r *web.Request, err error, done string) error {
	if err != nil {
		return err
	}
	return r.Redirect(consolePath + "?fatto=" + done)
}

// decision reads which request is meant. Fields carry its id in their names,
// for several forms stand on one page.
func decision(r *web.Request) (id uuid.UUID, get func(string) string, err error) {
	if id, err = uuid.Parse(r.Param("id")); err != nil {
		return id, nil, ErrNotFound
	}
	f, err := r.Form()
	if err != nil {
		return id, nil, err
	}
	return id, func(name string) string { return f.Get(name + "-" + id.String()) }, nil
}
