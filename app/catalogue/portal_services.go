package catalogue

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/sportello-ticino/sportello/app/catalogue/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// listPage is /servizi: all services by theme, those of one theme or life
// event, or what a search found.
func (m *Module) listPage(r *web.Request) error {
	ctx := r.Ctx()
	all, err := m.Offered(ctx, r.Tenant())
	if err != nil {
		return err
	}
	query, theme, event := r.Query("q"), r.Query("tema"), r.Query("evento")
	page := view.ListPage{Query: query, Themes: m.themes(ctx, all, theme), Phone: r.Site().TownHall["phone"]}
	switch {
	case query != "":
		found, err := m.Search(ctx, r.Tenant(), query, r.Lang())
		if err != nil {
			return err
		}
		page.Count = len(found)
		page.Groups = []view.Group{{Rows: m.rows(ctx, found)}}
	case theme != "" || event != "":
		if theme != "" && !slices.Contains(categories, theme) || event != "" && !slices.Contains(lifeEvents, event) {
			return web.NotFound()
		}
		page.Filter = i18n.T(ctx, "home.event."+event+".title")
		if theme != "" {
			page.Filter = themeTitle(ctx, theme)
		}
		var some []*Service
		for _, s := range all {
			if (theme == "" || s.Category == theme) && (event == "" || slices.Contains(s.LifeEvents, event)) {
				some = append(some, s)
			}
		}
		page.Count = len(some)
		page.Groups = []view.Group{{Rows: m.rows(ctx, some)}}
	default:
		page.Count = len(all)
		page.Groups = m.groups(ctx, all)
	}
	title := cmp.Or(page.Filter, i18n.T(ctx, "services.title"))
	return r.Page(http.StatusOK, title, view.List(page), web.OwnSearch(), web.Here("/servizi"))
}

func themeTitle(ctx context.Context, category string) string {
	return i18n.T(ctx, "services.theme."+category)
}

func (m *Module) themes(ctx context.Context, all []*Service, current string) []ui.Link {
	links := []ui.Link{{Text: i18n.T(ctx, "services.all_themes"), URL: "/servizi", Count: strconv.Itoa(len(all)), Current: current == ""}}
	for _, category := range categories {
		n := 0
		for _, s := range all {
			if s.Category == category {
				n++
			}
		}
		if n > 0 {
			links = append(links, ui.Link{Text: themeTitle(ctx, category), URL: "/servizi?tema=" + url.QueryEscape(category), Count: strconv.Itoa(n), Current: category == current})
		}
	}
	return links
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
	case s.Free():
		return i18n.T(ctx, "forms.fee.free")
	case !known:
		return i18n.T(ctx, "service.price_depends")
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

// servicePage is /servizi/{id}: the card of one service.
func (m *Module) servicePage(r *web.Request) error {
	s, err := m.Service(r.Ctx(), r.Tenant(), r.Param("id"))
	if err != nil {
		return err
	}
	page := m.card(r, s)
	if m.Drafts != nil && !r.Actor().Anonymous() {
		if page.Draft, err = m.draftLink(r, s); err != nil {
			return err
		}
	}
	return r.Page(http.StatusOK, page.Title, view.Service(page), web.Here("/servizi"))
}

func (m *Module) draftLink(r *web.Request, s *Service) (*ui.Link, error) {
	id, found, err := m.Drafts.OpenDraft(r.Ctx(), r.Actor(), s.ID)
	if err != nil || !found {
		return nil, err
	}
	return &ui.Link{Text: i18n.T(r.Ctx(), "forms.draft.resume"), URL: "/area/bozze/" + id.String()}, nil
}

func (m *Module) card(r *web.Request, s *Service) view.ServicePage {
	ctx := r.Ctx()
	office := r.Site().Office(s.Office)
	page := view.ServicePage{
		Title: s.Title.For(ctx), Summary: s.Summary.For(ctx), OnlyItalian: !s.Summary.Speaks(r.Lang()),
		ThemeTitle: themeTitle(ctx, s.Category), ThemeURL: "/servizi?tema=" + url.QueryEscape(s.Category),
		Price: priceText(ctx, s), DemoFee: s.DemoFee(), When: whenText(ctx, s),
		StartURL: "/servizi/" + s.ID + "/avvia", StartNote: i18n.T(ctx, "service.sign_in."+strconv.Itoa(s.Level)),
		Who: s.Who.For(ctx), Needs: texts(ctx, s.Needs), WhoList: texts(ctx, s.WhoList),
		NeedsNote: i18n.T(ctx, "service.needs_identity."+strconv.Itoa(s.Level)),
		Time:      m.timeText(ctx, s), Result: s.Output.Summary.For(ctx), LegalBasis: s.LegalBasis, Remedy: s.Remedy.For(ctx),
		Office: view.Office{Name: office.Name, Lines: nonEmpty(office.Address, office.Hours), Phone: office.Phone, Email: office.Email},
	}
	page.Needs = append(page.Needs, evidence(ctx, s)...)
	page.Closed = s.Paused.For(ctx)
	if s.Contact != nil {
		page.Office.Phone, page.Office.Email = cmp.Or(s.Contact.Phone, page.Office.Phone), cmp.Or(s.Contact.Email, page.Office.Email)
	}
	if s.Minutes > 0 {
		page.Effort = i18n.N(ctx, "service.minutes", s.Minutes)
	}
	if note := s.Note.For(ctx); note != "" {
		page.WhoList = append(page.WhoList, note)
	}
	if s.Output.Kind == Certificate || s.Output.Kind == Authorisation {
		page.ResultLink = &ui.Link{Text: i18n.T(ctx, "service.verify"), URL: "/verifica"}
	}
	page.Fees, page.FeesNote, page.PriceNote = feeLines(ctx, s)
	return page
}

func feeLines(ctx context.Context, s *Service) (lines []ui.Answer, note, priceNote string) {
	if s.Free() {
		return []ui.Answer{{Question: i18n.T(ctx, "service.online"), Values: []string{i18n.T(ctx, "forms.fee.free")}, Num: true}}, s.Fee.Note.For(ctx), ""
	}
	for _, name := range sortedNames(s.Fee.Amounts) {
		amount := s.Fee.Amounts[name]
		label := amount.Label.For(ctx)
		if label == "" {
			label = name
		}
		lines = append(lines, ui.Answer{Question: label, Values: []string{money.CHF(amount.CHF).String()}, Num: true})
	}
	if s.Fee.Counter != nil {
		counter := money.CHF(*s.Fee.Counter).String()
		lines = append(lines, ui.Answer{Question: i18n.T(ctx, "service.at_counter"), Values: []string{counter}, Num: true})
		if price, ok := s.Price(ctx); ok && price != money.CHF(*s.Fee.Counter) {
			priceNote = i18n.T(ctx, "service.counter_price", "amount", counter)
		}
	}
	note = s.Fee.Note.For(ctx)
	if s.Fee.Due == OnDecision {
		note = joinSentences(note, i18n.T(ctx, "forms.fee.at_decision"))
	}
	return lines, note, priceNote
}

func (m *Module) timeText(ctx context.Context, s *Service) string {
	switch {
	case s.Kind == Smart && s.Free():
		return i18n.N(ctx, "service.time_smart_free", s.Term.WorkingDays)
	case s.Kind == Smart:
		return i18n.N(ctx, "service.time_smart", s.Term.WorkingDays)
	case !s.Term.Text.Empty():
		return s.Term.Text.For(ctx)
	default:
		return i18n.N(ctx, "service.time_office", s.Term.WorkingDays)
	}
}

func texts(ctx context.Context, list []i18n.Text) []string {
	out := make([]string, len(list))
	for i, text := range list {
		out[i] = text.For(ctx)
	}
	return out
}

func nonEmpty(lines ...string) []string {
	return slices.DeleteFunc(lines, func(s string) bool { return s == "" })
}

func joinSentences(a, b string) string {
	if a == "" {
		return b
	}
	return a + " " + b
}
