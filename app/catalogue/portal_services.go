package catalogue

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/sportello-ticino/sportello/app/catalogue/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// listPage is /servizi: all services by theme, or what a search and a filter
// leave of them.
func (m *Module) listPage(r *web.Request) error {
	ctx := r.Ctx()
	all, err := m.Offered(ctx, r.Tenant())
	if err != nil {
		return err
	}
	filter, known := readFilter(r.Query)
	if !known {
		return web.NotFound()
	}
	query := r.Query("q")
	page := view.ListPage{Query: query, Reported: r.Query("segnalato") != ""}
	found := Found{Services: all}
	if query != "" {
		if found, err = m.Search(ctx, r.Tenant(), query, r.Lang()); err != nil {
			return err
		}
		page.Instead, page.Partly = found.Instead, found.Partly
		if found.Partly && !filter.Any() && reportable(query) {
			page.Report = query
		}
	}
	shown := filter.Of(found.Services)
	page.Count, page.Unfiltered = len(shown), len(found.Services)
	page.Heading = filterTitle(r, filter)
	page.Themes = m.themes(ctx, found.Services, filter, query)
	page.Narrow = narrow(r, all, filter, query, len(shown) == 0)
	switch {
	case len(shown) == 0:
		page.Empty = m.empty(r, found, filter, query)
		if page.Empty.Without == nil { // the themes lead on
			page.Themes = m.themes(ctx, all, Filter{}, "")[1:]
		}
	case query == "" && !filter.Any():
		page.Groups = m.groups(ctx, shown)
	default:
		page.Groups = []view.Group{{Rows: m.foundRows(ctx, found, shown)}}
	}
	title := cmp.Or(page.Heading, i18n.T(ctx, "services.title"))
	if query != "" {
		title = i18n.T(ctx, "find.title", "q", query)
	}
	return r.Page(http.StatusOK, title, view.List(page), web.OwnSearch(), web.Here("/servizi"))
}

// foundRows are rows with the words marked by which they were found.
func (m *Module) foundRows(ctx context.Context, found Found, shown []*Service) []ui.Row {
	rows := m.rows(ctx, shown)
	for i := range rows {
		rows[i].Marks = found.Mark(rows[i].Title)
	}
	return rows
}

// empty is the way on where nothing was found.
func (m *Module) empty(r *web.Request, found Found, filter Filter, query string) *view.Empty {
	ctx := r.Ctx()
	e := &view.Empty{Phone: r.Site().TownHall["phone"]}
	if len(found.Services) > 0 { // the filter leaves none
		e.Without = &ui.Link{Text: i18n.N(ctx, "find.without_filter", len(found.Services)), URL: Filter{}.url(query)}
		return e
	}
	e.Near = m.rows(ctx, found.Near)
	if query != "" && filter == (Filter{}) && reportable(query) {
		e.Report = query
	}
	return e
}

func themeTitle(ctx context.Context, category string) string {
	return i18n.T(ctx, "services.theme."+category)
}

func eventTitle(ctx context.Context, event string) string {
	return i18n.T(ctx, "home.event."+event+".title")
}

// filterTitle is the heading of a list that one thing narrows; "" for others.
func filterTitle(r *web.Request, f Filter) string {
	ctx := r.Ctx()
	switch f {
	case Filter{Theme: f.Theme}:
		if f.Theme != "" {
			return themeTitle(ctx, f.Theme)
		}
	case Filter{Event: f.Event}:
		return eventTitle(ctx, f.Event)
	case Filter{Audience: f.Audience}:
		return i18n.T(ctx, "find.audience."+f.Audience)
	case Filter{Office: f.Office}:
		return r.Site().Office(f.Office).Name
	}
	return ""
}

// themes are the links beside the list, each with how many services the search
// and the rest of the filter leave in it.
func (m *Module) themes(ctx context.Context, found []*Service, f Filter, query string) []ui.Link {
	any := f
	any.Theme = ""
	links := []ui.Link{{Text: i18n.T(ctx, "services.all_themes"), URL: any.url(query), Count: strconv.Itoa(len(any.Of(found))), Current: f.Theme == ""}}
	for _, category := range categories {
		one := f
		one.Theme = category
		if n := len(one.Of(found)); n > 0 || f.Theme == category {
			links = append(links, ui.Link{Text: themeTitle(ctx, category), URL: one.url(query), Count: strconv.Itoa(n), Current: category == f.Theme})
		}
	}
	return links
}

// narrow is the form that filters, with what it is set to; open where nothing is
// left to show below it.
func narrow(r *web.Request, all []*Service, f Filter, query string, open bool) view.Narrow {
	ctx := r.Ctx()
	choice := func(name, value string, options []ui.Option) ui.Input {
		return ui.Input{Kind: ui.Select, Name: name, Label: i18n.T(ctx, "find.filter."+name), Value: value, Options: options, EmptyOption: i18n.T(ctx, "ui.all")}
	}
	var events, people, offices []ui.Option
	for _, event := range lifeEvents {
		if slices.ContainsFunc(all, Filter{Event: event}.Holds) {
			events = append(events, ui.Option{Value: event, Label: eventTitle(ctx, event)})
		}
	}
	for _, audience := range audiences {
		if slices.ContainsFunc(all, Filter{Audience: audience}.Holds) {
			people = append(people, ui.Option{Value: audience, Label: i18n.T(ctx, "find.audience."+audience)})
		}
	}
	for _, key := range OfficesOf(all) {
		offices = append(offices, ui.Option{Value: key, Label: r.Site().Office(key).Name})
	}
	n := view.Narrow{Query: query, Theme: f.Theme, Open: open,
		Fields: []ui.Input{choice(paramEvent, f.Event, events), choice(paramAudience, f.Audience, people), choice(paramOffice, f.Office, offices)}}
	for _, box := range []struct {
		name string
		on   bool
	}{{paramOnline, f.Online}, {paramAtOnce, f.AtOnce}, {paramFree, f.Free}} {
		n.Boxes = append(n.Boxes, view.Box{Name: box.name, Label: i18n.T(ctx, "find.filter."+box.name), On: box.on})
	}
	n.Set = setFilters(r, f, query)
	return n
}

// setFilters are what is set, each with the address that takes it away.
func setFilters(r *web.Request, f Filter, query string) (out []ui.Link) {
	ctx := r.Ctx()
	add := func(text string, without Filter) { out = append(out, ui.Link{Text: text, URL: without.url(query)}) }
	if w := f; f.Theme != "" {
		w.Theme = ""
		add(themeTitle(ctx, f.Theme), w)
	}
	if w := f; f.Event != "" {
		w.Event = ""
		add(eventTitle(ctx, f.Event), w)
	}
	if w := f; f.Audience != "" {
		w.Audience = ""
		add(i18n.T(ctx, "find.audience."+f.Audience), w)
	}
	if w := f; f.Office != "" {
		w.Office = ""
		add(r.Site().Office(f.Office).Name, w)
	}
	if w := f; f.Online {
		w.Online = false
		add(i18n.T(ctx, "find.filter.online"), w)
	}
	if w := f; f.AtOnce {
		w.AtOnce = false
		add(i18n.T(ctx, "find.filter.subito"), w)
	}
	if w := f; f.Free {
		w.Free = false
		add(i18n.T(ctx, "find.filter.gratis"), w)
	}
	return out
}

// OfficesOf are the offices that answer for some services, in the order of their
// first service.
func OfficesOf(services []*Service) (keys []string) {
	for _, s := range services {
		if !slices.Contains(keys, s.Office) {
			keys = append(keys, s.Office)
		}
	}
	return keys
}

func (m *Module) groups(ctx context.Context, all []*Service) []view.Group {
	var groups []view.Group
	for _, s := range all {
		id := "tema-" + s.Category
		if len(groups) == 0 || groups[len(groups)-1].ID != id {
			groups = append(groups, view.Group{ID: id, Title: themeTitle(ctx, s.Category)})
		}
		last := &groups[len(groups)-1]
		last.Rows = append(last.Rows, m.Row(ctx, s))
	}
	return groups
}

func (m *Module) rows(ctx context.Context, services []*Service) []ui.Row {
	rows := make([]ui.Row, len(services))
	for i, s := range services {
		rows[i] = m.Row(ctx, s)
	}
	return rows
}

// Row is a service as one line of a list: title, how soon, what it costs.
func (m *Module) Row(ctx context.Context, s *Service) ui.Row {
	note := priceText(ctx, s)
	if s.DemoFee() {
		note += " (" + i18n.T(ctx, "service.demo_fee_short") + ")"
	}
	return ui.Row{Title: s.Title.For(ctx), URL: "/servizi/" + s.ID, Fact: whenText(ctx, s), Note: note}
}

// priceText is "CHF 10.00", "da CHF 50.00" or «Gratuito».
func priceText(ctx context.Context, s *Service) string {
	price, known := s.Price(ctx)
	switch {
	case s.Gratis:
		return i18n.T(ctx, "forms.fee.free")
	case !known:
		return i18n.T(ctx, "service.price_depends")
	case s.Fee.From && price == 0:
		return i18n.T(ctx, "service.price_mostly_free")
	case s.Fee.From:
		return i18n.T(ctx, "service.price_from", "amount", price)
	default:
		return price.String()
	}
}

// whenText is «Subito», «3 giorni lavorativi» or the service's own words.
func whenText(ctx context.Context, s *Service) string {
	switch {
	case s.Kind == Smart:
		return i18n.T(ctx, "service.at_once")
	case !s.Term.Text.Empty():
		return s.Term.Text.For(ctx)
	default:
		return i18n.N(ctx, "service.working_days", s.Term.WorkingDays)
	}
}
