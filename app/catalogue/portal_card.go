package catalogue

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// servicePage is /servizi/{id}: the card of one service.
func (m *Module) servicePage(r *web.Request) error {
	s, err := m.Service(r.Ctx(), r.Tenant(), r.Param("id"))
	if err != nil {
		return err
	}
	page, err := m.card(r, s)
	if err != nil {
		return err
	}
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

func (m *Module) card(r *web.Request, s *Service) (view.ServicePage, error) {
	ctx := r.Ctx()
	figures, err := m.figures(ctx, r.Tenant())
	if err != nil {
		return view.ServicePage{}, err
	}
	left, err := m.Remaining(ctx, r.Tenant(), s)
	if err != nil {
		return view.ServicePage{}, err
	}
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
	page.Needs = append(page.Needs, s.EvidenceLines(ctx)...)
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
	page.Usual, page.UsualNote = usual(ctx, figures[s.ID])
	for _, rest := range left {
		page.Left = append(page.Left, leftLine(ctx, rest))
	}
	return page, nil
}

// usual is how long the answer really took, and what that rests on. With too few
// cases only the second is said.
func usual(ctx context.Context, f Figure) (took, note string) {
	if f.Days == nil || f.Hours == nil {
		return "", i18n.T(ctx, "find.usual.few")
	}
	switch {
	case *f.Days == 0 && *f.Hours < 1:
		took = i18n.T(ctx, "find.usual.hour")
	case *f.Days == 0:
		took = i18n.T(ctx, "find.usual.same_day")
	default:
		took = i18n.N(ctx, "service.working_days", *f.Days)
	}
	return took, i18n.N(ctx, "find.usual.note", f.Answered)
}

// periodText is a period as people write it: 2026, 12.2026, 24.12.2026.
func periodText(period string) string {
	parts := strings.Split(period, "-")
	slices.Reverse(parts)
	return strings.Join(parts, ".")
}

// leftLine says what is left in words, and as a share of 100 for the bar.
func leftLine(ctx context.Context, rest Remaining) view.Left {
	line := view.Left{Label: strings.TrimSpace(rest.Label + " " + periodText(rest.Period))}
	left := max(rest.Left, 0)
	if rest.Total > 0 {
		line.Share = int(min(left, rest.Total) * 100 / rest.Total)
	}
	key, amounts := "find.left.places", []any{"left", i18n.Number(left), "total", i18n.Number(rest.Total)}
	if rest.Money {
		key, amounts = "find.left.money", []any{"left", money.CHF(left).String(), "total", money.CHF(rest.Total).String()}
	}
	line.Text = i18n.T(ctx, key, amounts...)
	if rest.Waiting > 0 {
		line.Waiting = i18n.N(ctx, "find.left.waiting", int(rest.Waiting))
	}
	return line
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
