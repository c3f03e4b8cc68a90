package updates

import (
	"context"
	"net/http"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

const listURL = "/console/servizi/aggiornamenti"

func waitingTask(ctx context.Context, n int) ui.Task {
	return ui.Task{Title: i18n.N(ctx, "updates.task", n), Text: i18n.T(ctx, "updates.task-text"), Action: ui.Link{Text: i18n.T(ctx, "updates.task-action"), URL: listURL}}
}

// list is /console/servizi/aggiornamenti: what waits for a decision.
func (m *Module) list(r *web.Request) error {
	ctx := r.Ctx()
	all, err := m.Catalogue.Waiting(ctx, r.Actor())
	if err != nil {
		return err
	}
	small, err := m.Catalogue.AcceptsSmall(ctx, r.Actor())
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: console.Side(r, "/console/servizi"), Title: i18n.T(ctx, "updates.title"), Lead: i18n.T(ctx, "updates.lead"), Notice: r.Done("updates.done"),
		Crumbs: crumbs(r, ui.Link{Text: i18n.T(ctx, "updates.title")})}
	waits := ui.Section{ID: "attesa", Title: i18n.T(ctx, "updates.waiting"), Empty: i18n.T(ctx, "updates.none")}
	refused := ui.Section{ID: "rifiutati", Title: i18n.T(ctx, "updates.refused")}
	for _, u := range all {
		row := ui.Row{Title: u.Service.Title.For(ctx), URL: "/console/servizi/" + u.Service.ID + "/aggiornamento", Note: fromTo(ctx, u) + ". " + u.To.Why}
		state := updateState(ctx, u)
		row.State = &state
		if u.Refused {
			refused.Rows = append(refused.Rows, row)
		} else {
			waits.Rows = append(waits.Rows, row)
		}
	}
	fallen, err := m.Catalogue.Fallen(ctx, r.Actor())
	if err != nil {
		return err
	}
	page.Sections = append(fallenSections(ctx, fallen), waits)
	if len(refused.Rows) > 0 {
		page.Sections = append(page.Sections, refused)
	}
	now := i18n.T(ctx, "updates.small.off")
	if small {
		now = i18n.T(ctx, "updates.small.on")
	}
	page.Sections = append(page.Sections, ui.Section{ID: "piccoli", Title: i18n.T(ctx, "updates.small.title"), Note: i18n.T(ctx, "updates.small.note"), Text: []string{now},
		Forms: []ui.Form{{Action: listURL, Submit: i18n.T(ctx, map[bool]string{true: "updates.small.stop", false: "updates.small.start"}[small]), Quiet: true,
			Fields: []ui.Input{{Kind: ui.Hidden, Name: "piccoli", Value: map[bool]string{true: "no", false: "si"}[small]}}}}})
	page.Aside = []ui.Section{{ID: "altro", Title: i18n.T(ctx, "updates.more"), Rows: []ui.Row{{Title: i18n.T(ctx, "updates.shared.title"), URL: "/console/servizi/catalogo", Note: i18n.T(ctx, "updates.shared.short")}}}}
	return r.Page(http.StatusOK, page.Title, ui.SheetPage(page), web.Here("/console"))
}

func crumbs(r *web.Request, more ...ui.Link) []ui.Link {
	return append([]ui.Link{{Text: i18n.T(r.Ctx(), "console.services"), URL: "/console/servizi"}}, more...)
}

func version(ctx context.Context, n *int) string {
	if n == nil {
		return i18n.T(ctx, "updates.version.own")
	}
	return i18n.T(ctx, "updates.version.n", "n", *n)
}

func fromTo(ctx context.Context, u catalogue.Update) string {
	return version(ctx, u.From) + " → " + version(ctx, &u.To.Version)
}

func updateState(ctx context.Context, u catalogue.Update) ui.State {
	switch {
	case u.Refused:
		return ui.State{Tone: ui.Info, Text: i18n.T(ctx, "updates.state.refused")}
	case len(u.Conflicts) > 0:
		return ui.State{Tone: ui.Warning, Text: i18n.N(ctx, "updates.state.conflicts", len(u.Conflicts))}
	}
	return ui.State{Tone: ui.Success, Text: i18n.T(ctx, "updates.state.clean")}
}

// settings is POST of the same page: small changes by themselves, or not.
func (m *Module) settings(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	if err := m.Catalogue.AcceptSmall(r.Ctx(), r.Actor(), f.Get("piccoli") == "si"); err != nil {
		return err
	}
	return r.Redirect(listURL + "?fatto=settings")
}

// fallenSections say which services stand on a version that the entity has
// withdrawn, why, and how one returns.
func fallenSections(ctx context.Context, fallen []catalogue.Fallen) []ui.Section {
	if len(fallen) == 0 {
		return nil
	}
	out := ui.Section{ID: "ritirati", Title: i18n.T(ctx, "updates.withdraw.fallen"), Note: i18n.T(ctx, "updates.withdraw.fallen-note")}
	for _, f := range fallen {
		row := ui.Row{Title: f.Service.Title.For(ctx), URL: "/console/servizi/" + f.Service.ID, State: &ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "updates.withdraw.state", "n", f.Version)},
			Note: i18n.T(ctx, "updates.withdraw.told", "when", i18n.Date(f.At), "who", f.By, "why", f.Why) + " " + i18n.T(ctx, "updates.withdraw.off")}
		if f.Back {
			row.URL += "/annulla"
			row.Note = i18n.T(ctx, "updates.withdraw.told", "when", i18n.Date(f.At), "who", f.By, "why", f.Why) + " " + i18n.T(ctx, "updates.withdraw.back")
		}
		out.Rows = append(out.Rows, row)
	}
	return []ui.Section{out}
}
