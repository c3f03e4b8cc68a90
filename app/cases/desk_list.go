package cases

import (
	"context"
	"net/url"
	"strconv"

	"github.com/sportello-ticino/sportello/app/cases/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// deskViews are the entries of the side menu, in their order.
var deskViews = []string{"todo", "mine", "office", "waiting", "closed"}

// deskList is /ufficio: what an official has to do.
func (m *Module) deskList(r *web.Request) error {
	ctx := r.Ctx()
	f := Filter{View: r.Query("vista"), Service: r.Query("servizio"), State: State(r.Query("stato")), Due: r.Query("termine"), Search: r.Query("q")}
	f.Page, _ = strconv.Atoi(r.Query("pagina"))
	if f.View == "" {
		f.View = "todo"
		if f.Search != "" {
			f.View = "office"
		}
	}
	l, err := m.DeskList(ctx, r.Actor(), f)
	if err != nil {
		return err
	}
	services, err := m.Catalogue.Offered(ctx, r.Tenant())
	if err != nil {
		return err
	}
	page := view.DeskListPage{Side: deskSideMenu(ctx, l.Counts, f.View), Title: i18n.T(ctx, "cases.desk."+f.View), Action: "/ufficio",
		Tiles: deskTiles(ctx, l.Counts), Empty: i18n.T(ctx, "cases.desk.empty"), Grid: m.deskGrid(ctx, l.Cases, r.Lang()), Pager: pager(f, l)}
	if l.Counts.Untaken > 0 && r.May(ActionWork) {
		page.NextURL = "/ufficio/prossima"
	}
	serviceOptions := []ui.Option{{Value: "", Label: i18n.T(ctx, "cases.desk.filter.all")}}
	for _, s := range services {
		serviceOptions = append(serviceOptions, ui.Option{Value: s.ID, Label: s.Title.For(ctx), Selected: s.ID == f.Service})
	}
	stateOptions := []ui.Option{{Value: "", Label: i18n.T(ctx, "cases.desk.filter.all")}}
	for _, s := range []State{Received, InReview, AwaitingApplicant, AwaitingPayment, Decided, Completed} {
		stateOptions = append(stateOptions, ui.Option{Value: string(s), Label: i18n.T(ctx, "cases.state.desk."+string(s)), Selected: s == f.State})
	}
	dueOptions := []ui.Option{{Value: "", Label: i18n.T(ctx, "cases.desk.filter.all")}}
	for _, d := range []string{"late", "today", "week"} {
		dueOptions = append(dueOptions, ui.Option{Value: d, Label: i18n.T(ctx, "cases.desk.filter."+d), Selected: d == f.Due})
	}
	page.Filters = []ui.Input{
		{Kind: ui.Hidden, Name: "vista", Value: f.View},
		{Kind: ui.Select, Name: "servizio", Label: i18n.T(ctx, "cases.desk.filter.service"), Options: serviceOptions, Required: true},
		{Kind: ui.Select, Name: "stato", Label: i18n.T(ctx, "cases.desk.filter.state"), Options: stateOptions, Required: true},
		{Kind: ui.Select, Name: "termine", Label: i18n.T(ctx, "cases.desk.filter.due"), Options: dueOptions, Required: true},
	}
	return r.Page(200, page.Title, view.DeskList(page), web.Here("/ufficio"), web.Searched(f.Search))
}

func deskSideMenu(ctx context.Context, n Counts, current string) []ui.Link {
	counts := map[string]int64{"todo": n.Todo, "mine": n.Mine, "office": n.Office, "waiting": n.Waiting}
	var out []ui.Link
	for _, v := range deskViews {
		l := ui.Link{Text: i18n.T(ctx, "cases.desk."+v), URL: "/ufficio?vista=" + v, Current: v == current}
		if c, ok := counts[v]; ok {
			l.Count = i18n.Number(c)
		}
		out = append(out, l)
	}
	return out
}

func deskTiles(ctx context.Context, n Counts) []ui.Tile {
	return []ui.Tile{
		{Value: i18n.Number(n.Untaken), Label: i18n.T(ctx, "cases.desk.untaken"), URL: "/ufficio?vista=office&stato=received"},
		{Value: i18n.Number(n.DueToday), Label: i18n.T(ctx, "cases.desk.due-today"), URL: "/ufficio?vista=office&termine=today"},
		{Value: i18n.Number(n.Late), Label: i18n.T(ctx, "cases.desk.late"), URL: "/ufficio?vista=office&termine=late"},
		{Value: i18n.Number(n.Waiting), Label: i18n.T(ctx, "cases.desk.waiting-tile"), URL: "/ufficio?vista=waiting"},
		{Value: i18n.Number(n.ClosedInWeek), Label: i18n.T(ctx, "cases.desk.closed-week"), URL: "/ufficio?vista=closed"},
	}
}

func (m *Module) deskGrid(ctx context.Context, list []Case, _ string) ui.Grid {
	col := func(key string) string { return i18n.T(ctx, "cases.desk.column."+key) }
	g := ui.Grid{Caption: i18n.T(ctx, "cases.desk.office"), Columns: []ui.Column{
		{Title: col("ref")}, {Title: col("person")}, {Title: col("service")}, {Title: col("submitted"), Label: col("submitted")},
		{Title: col("due"), Label: col("due"), Sort: "ascending"}, {Title: col("state")}, {Title: col("who"), Label: col("who")},
	}}
	today := m.today()
	for _, c := range list {
		st := status(ctx, c, deskSide, today)
		who := c.AssigneeName
		if who == "" {
			who = i18n.T(ctx, "cases.desk.nobody")
		}
		g.Rows = append(g.Rows, []ui.Cell{
			{Text: c.Ref, URL: "/ufficio/pratiche/" + c.Ref, Num: true}, {Text: c.ApplicantName, Strong: true}, {Text: c.ServiceTitle.For(ctx)},
			{Text: i18n.Date(c.SubmittedAt), Num: true}, {Text: dueText(ctx, c), Num: c.PausedAt == nil}, {State: &st}, {Text: who},
		})
	}
	return g
}

func pager(f Filter, l List) ui.Pager {
	p := ui.Pager{From: (l.Page-1)*pageSize + 1, To: (l.Page-1)*pageSize + len(l.Cases), Total: int(l.Total)}
	link := func(n int) string {
		q := url.Values{"vista": {f.View}, "pagina": {strconv.Itoa(n)}}
		for k, v := range map[string]string{"servizio": f.Service, "stato": string(f.State), "termine": f.Due, "q": f.Search} {
			if v != "" {
				q.Set(k, v)
			}
		}
		return "/ufficio?" + q.Encode()
	}
	if l.Page > 1 {
		p.PreviousURL = link(l.Page - 1)
	}
	if p.To < p.Total {
		p.NextURL = link(l.Page + 1)
	}
	return p
}

// next is POST /ufficio/prossima: take the case whose term ends first.
func (m *Module) next(r *web.Request) error {
	l, err := m.DeskList(r.Ctx(), r.Actor(), Filter{View: "office", State: Received})
	if err != nil {
		return err
	}
	for _, c := range l.Cases {
		if err := m.Take(r.Ctx(), r.Actor(), c.Ref, false); err == nil {
			return r.Redirect("/ufficio/pratiche/" + c.Ref)
		}
	}
	return r.Redirect("/ufficio")
}
