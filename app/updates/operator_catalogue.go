package updates

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// columnsMost is how many communes the matrix has columns for; with more each
// service's page lists them.
const columnsMost = 8

// dashboard is /catalogo: who stands on which version, and how far each drifted.
func (m *Module) dashboard(r *web.Request) error {
	ctx := r.Ctx()
	shared, err := m.Catalogue.Shared(ctx)
	if err != nil {
		return err
	}
	all, err := m.Catalogue.Standings(ctx)
	if err != nil {
		return err
	}
	offers, err := m.Catalogue.Proposals(ctx, "", "waiting")
	if err != nil {
		return err
	}
	names, order, err := m.communes(ctx)
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: operator.Side(r, "/catalogo"), Title: i18n.T(ctx, "updates.entity.title"), Lead: i18n.T(ctx, "updates.entity.lead"), Notice: r.Done("updates.done")}
	if r.May(ActionPublish) {
		page.Action = &ui.Link{Text: i18n.T(ctx, "updates.entity.publish"), URL: "/catalogo/pubblica"}
	}
	waiting, conflicts := 0, 0
	for _, s := range all {
		if s.Waiting != nil {
			waiting++
		}
		if s.Conflicts > 0 {
			conflicts++
		}
	}
	page.Tiles = []ui.Tile{{Value: i18n.Number(len(shared)), Label: i18n.T(ctx, "updates.tile.services")}, {Value: i18n.Number(waiting), Label: i18n.T(ctx, "updates.tile.waiting")},
		{Value: i18n.Number(conflicts), Label: i18n.T(ctx, "updates.tile.conflicts")}, {Value: i18n.Number(len(offers)), Label: i18n.T(ctx, "updates.tile.offers"), URL: "#offerte"}}
	grid := matrix(ctx, shared, all, names, order)
	drift := driftBars(ctx, all, names, order)
	page.Sections = []ui.Section{offerList(ctx, offers, names),
		{ID: "scarto", Title: i18n.T(ctx, "updates.drift.title"), Note: i18n.T(ctx, "updates.drift.note"), Chart: ui.BarChart(drift)},
		{ID: "matrice", Title: i18n.T(ctx, "updates.matrix.title"), Note: i18n.T(ctx, "updates.matrix.note"), Grid: &grid, Empty: i18n.T(ctx, "updates.entity.none")}}
	return r.Page(http.StatusOK, page.Title, ui.SheetPage(page))
}

// communes names the communes and gives their order.
func (m *Module) communes(ctx context.Context) (names map[string]string, order []string, err error) {
	all, err := m.DB.Directory().All(ctx)
	names = make(map[string]string, len(all))
	for _, t := range all {
		names[t.Slug()] = t.Name()
		order = append(order, t.Slug())
	}
	slices.SortFunc(order, func(a, b string) int { return strings.Compare(names[a], names[b]) })
	return names, order, err
}

func nameOr(names map[string]string, slug string) string {
	if n := names[slug]; n != "" {
		return n
	}
	return slug
}

func offerList(ctx context.Context, offers []catalogue.Proposed, names map[string]string) ui.Section {
	out := ui.Section{ID: "offerte", Title: i18n.T(ctx, "updates.entity.offers"), Empty: i18n.T(ctx, "updates.entity.no-offers")}
	for _, o := range offers {
		out.Rows = append(out.Rows, ui.Row{Title: o.Title, URL: "/catalogo/offerte/" + o.ID.String(), Fact: i18n.Date(o.At), Note: nameOr(names, o.Slug) + ", " + o.By + ". " + o.Why})
	}
	return out
}

// matrix is services by communes: the version in force, what waits, the drift.
func matrix(ctx context.Context, shared []catalogue.SharedVersion, all []catalogue.Standing, names map[string]string, order []string) ui.Grid {
	g := ui.Grid{Caption: i18n.T(ctx, "updates.matrix.title"), Columns: []ui.Column{{Title: i18n.T(ctx, "console.column.service")}, {Title: i18n.T(ctx, "updates.matrix.newest"), Label: i18n.T(ctx, "updates.matrix.newest")}}}
	shown := order
	if len(shown) > columnsMost {
		shown = nil
		g.Columns = append(g.Columns, ui.Column{Title: i18n.T(ctx, "updates.matrix.communes"), Label: i18n.T(ctx, "updates.matrix.communes")})
	}
	for _, slug := range shown {
		g.Columns = append(g.Columns, ui.Column{Title: names[slug], Label: names[slug]})
	}
	at := map[string]catalogue.Standing{}
	own := map[string]string{}
	count := map[string]int{}
	for _, s := range all {
		at[s.Service+" "+s.Slug] = s
		count[s.Service]++
		own[s.Service] = s.Title
	}
	for _, v := range shared {
		delete(own, v.Service)
		row := []ui.Cell{{Text: v.Title, URL: "/catalogo/" + v.Service, Strong: true}, {Text: i18n.T(ctx, "updates.version.n", "n", v.Version), Num: true, Small: i18n.Date(v.At)}}
		if len(order) > columnsMost {
			row = append(row, ui.Cell{Text: i18n.Number(count[v.Service]), Num: true})
		}
		for _, slug := range shown {
			st := at[v.Service+" "+slug]
			row = append(row, standingCell(ctx, st, v.Version, st.Base != nil && (*st.Base > v.Version || v.Withdrawn != nil)))
		}
		g.Rows = append(g.Rows, row)
	}
	for _, id := range slices.Sorted(keysOf(own)) { // of one commune alone
		row := []ui.Cell{{Text: own[id], Strong: true}, {Text: i18n.T(ctx, "updates.version.own")}}
		if len(order) > columnsMost {
			row = append(row, ui.Cell{Text: i18n.Number(count[id]), Num: true})
		}
		for _, slug := range shown {
			row = append(row, standingCell(ctx, at[id+" "+slug], 0, false))
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

func keysOf(m map[string]string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// standingCell is one commune's word about one service; fallen says that the version
// it stands on was withdrawn.
func standingCell(ctx context.Context, s catalogue.Standing, newest int, fallen bool) ui.Cell {
	if s.Slug == "" {
		return ui.Cell{Text: "–"}
	}
	st := ui.State{Tone: ui.Success, Text: version(ctx, s.Base)}
	var notes []string
	switch {
	case fallen:
		st.Tone = ui.Danger
		notes = append(notes, i18n.T(ctx, "updates.withdraw.cell"))
	case s.RefusedVersion > 0 && s.RefusedVersion == newest:
		st.Tone = ui.Danger
		notes = append(notes, i18n.T(ctx, "updates.cell.refused", "n", s.RefusedVersion))
		if s.RefusedWhy != "" {
			notes = append(notes, "«"+s.RefusedWhy+"»")
		}
	case s.Conflicts > 0:
		st.Tone = ui.Warning
		notes = append(notes, i18n.N(ctx, "updates.state.conflicts", s.Conflicts))
	case s.Waiting != nil:
		st.Tone = ui.Info
		notes = append(notes, i18n.T(ctx, "updates.cell.waiting", "n", *s.Waiting))
	}
	if s.Drift > 0 {
		notes = append(notes, i18n.N(ctx, "updates.cell.drift", s.Drift))
	}
	if !s.Published {
		notes = append(notes, i18n.T(ctx, "updates.cell.off"))
	}
	return ui.Cell{State: &st, Small: strings.Join(notes, " · ")}
}

// driftBars draws how many parts each commune has of its own: services that
// follow as they are, that differ, and that wait.
func driftBars(ctx context.Context, all []catalogue.Standing, names map[string]string, order []string) ui.Bars {
	out := ui.Bars{ID: "scarto-grafico", Title: i18n.T(ctx, "updates.drift.title"), Legend: []string{i18n.T(ctx, "updates.drift.parts"), i18n.T(ctx, "updates.drift.waiting"), i18n.T(ctx, "updates.drift.conflicts")}}
	var said []string
	for _, slug := range order {
		var parts, waits, conflicts int64
		known := false
		for _, s := range all {
			if s.Slug != slug {
				continue
			}
			known = true
			parts += int64(s.Drift)
			conflicts += int64(s.Conflicts)
			if s.Waiting != nil {
				waits++
			}
		}
		if !known {
			continue
		}
		value := i18n.N(ctx, "updates.cell.drift", int(parts))
		if waits > 0 {
			value += ", " + i18n.N(ctx, "updates.drift.waits", int(waits))
		}
		if conflicts > 0 {
			value += ", " + i18n.N(ctx, "updates.state.conflicts", int(conflicts))
		}
		out.Bars = append(out.Bars, ui.Bar{Name: names[slug], Value: value, Parts: []int64{parts, waits, conflicts}})
		said = append(said, names[slug]+": "+value)
	}
	out.Desc = strings.Join(said, ". ")
	return out
}

// service is /catalogo/{service}: its versions, who stands where, and what one
// version has that another has not.
func (m *Module) service(r *web.Request) error {
	return m.showService(r, http.StatusOK, said{form: url.Values{}})
}

// newestOf is the newest version that is offered; the newest of all where all are
// withdrawn.
func newestOf(history []catalogue.SharedVersion) catalogue.SharedVersion {
	for _, v := range history {
		if v.Withdrawn == nil {
			return v
		}
	}
	return history[0]
}

func (m *Module) showService(r *web.Request, code int, s said) error {
	ctx, id := r.Ctx(), r.Param("service")
	history, err := m.Catalogue.History(ctx, id)
	if err != nil {
		return err
	}
	all, err := m.Catalogue.Standings(ctx)
	if err != nil {
		return err
	}
	names, _, err := m.communes(ctx)
	if err != nil {
		return err
	}
	newest := newestOf(history)
	page := ui.Sheet{Side: operator.Side(r, "/catalogo"), Title: newest.Title, Lead: i18n.T(ctx, "updates.version.n", "n", newest.Version) + ". " + newest.Why, Notice: r.Done("updates.done"), Problems: s.problems,
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "updates.entity.title"), URL: "/catalogo"}, {Text: newest.Title}}}
	if newest.Withdrawn != nil {
		page.Warning = i18n.T(ctx, "updates.withdraw.all")
	}
	fallen := map[int]bool{}
	for _, v := range history {
		fallen[v.Version] = v.Withdrawn != nil
	}
	to := chosenVersion(r.Query("a"), history, newest.Version)
	from := chosenVersion(r.Query("da"), history, max(to-1, history[len(history)-1].Version))
	between := ui.Section{ID: "differenza", Title: i18n.T(ctx, "updates.between.title", "from", from, "to", to), FilterURL: "/catalogo/" + id, FilterKey: "updates.between.do",
		Filters: []ui.Input{versions(ctx, "da", "updates.between.from", history, from), versions(ctx, "a", "updates.between.to", history, to)}}
	_, a, err := m.Catalogue.SharedTree(ctx, id, from)
	if err != nil {
		return err
	}
	_, b, err := m.Catalogue.SharedTree(ctx, id, to)
	if err != nil {
		return err
	}
	if groups := catalogue.Changes(ctx, a, b); len(groups) > 0 {
		between.Chart = ui.ChangeList(groups)
	} else {
		between.Empty = i18n.T(ctx, "updates.between.same")
	}
	grid := ui.Grid{Caption: i18n.T(ctx, "updates.matrix.communes"), Columns: []ui.Column{{Title: i18n.T(ctx, "operator.column.commune")}, {Title: i18n.T(ctx, "console.column.version"), Label: i18n.T(ctx, "console.column.version")}}}
	for _, s := range all {
		if s.Service == id {
			grid.Rows = append(grid.Rows, []ui.Cell{{Text: nameOr(names, s.Slug), Strong: true}, standingCell(ctx, s, newest.Version, s.Base != nil && fallen[*s.Base])})
		}
	}
	changelog := ui.Section{ID: "versioni", Title: i18n.T(ctx, "updates.versions")}
	for _, v := range history {
		text := v.Why
		if v.OfferedBy != "" {
			text += " " + i18n.T(ctx, "updates.offered-by", "commune", nameOr(names, v.OfferedBy))
		}
		if v.Withdrawn != nil {
			text += " " + i18n.T(ctx, "updates.withdraw.told", "when", i18n.Date(v.Withdrawn.At), "who", v.Withdrawn.By, "why", v.Withdrawn.Why)
		}
		changelog.Moments = append(changelog.Moments, ui.Moment{Title: i18n.T(ctx, "updates.version.n", "n", v.Version) + ", " + i18n.T(ctx, "updates.size."+string(v.Size)), When: i18n.DateTime(ctx, v.At) + ", " + v.By, Text: text, Done: true})
	}
	if len(history) > 1 { // one version alone has nothing to compare with
		page.Sections = append(page.Sections, between)
	}
	page.Sections = append(page.Sections, ui.Section{ID: "comuni", Title: i18n.T(ctx, "updates.matrix.communes"), Grid: &grid, Empty: i18n.T(ctx, "updates.entity.nobody")})
	page.Aside = []ui.Section{changelog}
	if r.May(ActionPublish) {
		page.Action = &ui.Link{Text: i18n.T(ctx, "updates.entity.publish"), URL: "/catalogo/pubblica?servizio=" + id}
		if newest.Withdrawn == nil {
			page.Sections = append(page.Sections, withdrawSection(ctx, id, newest.Version, s))
		}
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

func chosenVersion(typed string, history []catalogue.SharedVersion, otherwise int) int {
	n, err := strconv.Atoi(typed)
	if err != nil || !slices.ContainsFunc(history, func(v catalogue.SharedVersion) bool { return v.Version == n }) {
		return otherwise
	}
	return n
}

func versions(ctx context.Context, name, label string, history []catalogue.SharedVersion, chosen int) ui.Input {
	in := ui.Input{Kind: ui.Select, Name: name, Label: i18n.T(ctx, label)}
	for _, v := range history {
		in.Options = append(in.Options, ui.Option{Value: strconv.Itoa(v.Version), Label: i18n.T(ctx, "updates.version.n", "n", v.Version), Selected: v.Version == chosen})
	}
	return in
}
