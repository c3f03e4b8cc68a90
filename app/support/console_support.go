package support

import (
	"errors"
	"net/url"

	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// own is /console/assistenza: the commune's requests and the form for one.
func (m *Module) own(r *web.Request) error { return m.ownList(r, 200, nil, nil) }

func (m *Module) ownList(r *web.Request, code int, typed url.Values, wrong map[string]string) error {
	ctx := r.Ctx()
	var requests []Request
	var agreed map[string]Times
	if err := m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		if requests, err = ofCommune(tx, r.Actor().Tenant()); err != nil {
			return err
		}
		agreed, err = times(tx)
		return err
	}); err != nil {
		return err
	}
	page := ui.Sheet{Side: console.Side(r, "/console/assistenza"), Title: i18n.T(ctx, "support.title"), Lead: i18n.T(ctx, "support.lead"), Notice: r.Done("support.done")}
	part := ui.Section{ID: "richieste", Title: i18n.T(ctx, "support.requests"), Empty: i18n.T(ctx, "support.none")}
	for _, x := range requests {
		part.Rows = append(part.Rows, ui.Row{Title: x.Subject, URL: "/console/assistenza/" + x.ID.String(), State: stateOf(ctx, x, m.Clock.Now()),
			Note: i18n.T(ctx, "support.priority."+x.Priority) + " · " + x.By + " · " + i18n.DateTime(ctx, x.At)})
	}
	level := ui.Input{Kind: ui.Radio, Name: "priority", Label: i18n.T(ctx, "support.field.priority"), Required: true, Value: typed.Get("priority"), Error: wrong["priority"]}
	for _, p := range Priorities {
		level.Options = append(level.Options, ui.Option{Value: p, Label: i18n.T(ctx, "support.priority."+p), Selected: p == level.Value,
			Help: i18n.T(ctx, "support.priority-help."+p) + " " + i18n.T(ctx, "support.agreed", "first", agreed[p].First, "solve", agreed[p].Solve)})
	}
	page.Sections = []ui.Section{part, {ID: "nuova", Title: i18n.T(ctx, "support.new"), Forms: []ui.Form{{Action: "/console/assistenza", Submit: i18n.T(ctx, "support.send"), Fields: []ui.Input{
		{Kind: ui.Text, Name: "subject", Label: i18n.T(ctx, "support.field.subject"), Value: typed.Get("subject"), MaxLength: 120, Required: true, Error: wrong["subject"]},
		words(ctx, typed, wrong["text"]), level}}}}}
	return r.Page(code, page.Title, ui.SheetPage(page), web.Here("/console"))
}

func (m *Module) ask(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	id, err := m.Ask(r.Ctx(), r.Actor(), f.Get("subject"), f.Get("text"), f.Get("priority"))
	for name, sentinel := range map[string]error{"subject": ErrSubject, "text": ErrText, "priority": ErrPriority} {
		if errors.Is(err, sentinel) {
			return m.ownList(r, 422, f, map[string]string{name: refused(r, err)})
		}
	}
	if err != nil {
		return err
	}
	return r.Redirect("/console/assistenza/" + id.String() + "?fatto=asked")
}

// ownOne is one request of the commune.
func (m *Module) ownOne(r *web.Request) error { return m.ownPage(r, 200, nil, "") }

func (m *Module) ownPage(r *web.Request, code int, typed url.Values, wrong string) error {
	ctx := r.Ctx()
	id, err := idOf(r)
	if err != nil {
		return err
	}
	var x Request
	var said []Message
	if err := m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		if x, err = oneOfCommune(tx, r.Actor().Tenant(), id); err != nil {
			return err
		}
		said, err = messages(tx, id)
		return err
	}); err != nil {
		return err
	}
	at := "/console/assistenza/" + id.String()
	page := ui.Sheet{Side: console.Side(r, "/console/assistenza"), Title: x.Subject, State: stateOf(ctx, x, m.Clock.Now()), Notice: r.Done("support.done"),
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "support.title"), URL: "/console/assistenza"}, {Text: x.Subject}},
		Sections: []ui.Section{{ID: "messaggi", Title: i18n.T(ctx, "support.messages"), Messages: chat(ctx, said, false)},
			{ID: "rispondere", Title: i18n.T(ctx, "support.write"), Forms: []ui.Form{{Action: at, Submit: i18n.T(ctx, "support.send-message"), Fields: []ui.Input{words(ctx, typed, wrong)}}}}},
		Aside: []ui.Section{{Facts: facts(ctx, x)}}}
	if x.State != Solved {
		page.Sections = append(page.Sections, ui.Section{ID: "risolta", Title: i18n.T(ctx, "support.solve"), Forms: []ui.Form{{Action: at, Name: "done", Value: "solved", Submit: i18n.T(ctx, "support.mark-solved"), Quiet: true}}})
	}
	return r.Page(code, page.Title, ui.SheetPage(page), web.Here("/console"))
}

func (m *Module) reply(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	id, err := idOf(r)
	if err != nil {
		return err
	}
	err = m.Reply(r.Ctx(), r.Actor(), id, f.Get("text"), f.Get("done") == "solved")
	if s := refused(r, err); s != "" {
		return m.ownPage(r, 422, f, s)
	}
	if err != nil {
		return err
	}
	return r.Redirect("/console/assistenza/" + id.String() + "?fatto=replied")
}
