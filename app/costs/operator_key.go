package costs

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// keyPage is /chiave: the agreements, and the form for the next one.
func (m *Module) keyPage(r *web.Request) error { return m.keyForm(r, 200, nil, nil) }

func (m *Module) keyForm(r *web.Request, code int, typed url.Values, wrong map[string]string) error {
	ctx := r.Ctx()
	list, err := m.Keys(ctx)
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: operator.Side(r, "/costi"), Title: i18n.T(ctx, "costs.key.title"), Lead: i18n.T(ctx, "costs.key.lead"), Notice: r.Done("costs.done"),
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "costs.crumb"), URL: "/costi"}, {Text: i18n.T(ctx, "costs.key.title")}}}
	history := ui.Section{ID: "storia", Title: i18n.T(ctx, "costs.key.history"), Empty: i18n.T(ctx, "costs.key.none")}
	for _, a := range list {
		history.Moments = append(history.Moments, ui.Moment{Title: i18n.T(ctx, "costs.key.from", "month", monthName(a.From)) + ": " + a.Total.String(), Done: true,
			When: i18n.DateTime(ctx, a.DecidedAt) + ", " + a.By, DateTime: a.DecidedAt.Format(time.RFC3339),
			Text: a.Reason + " " + keyWords(ctx, a.Key) + " " + i18n.T(ctx, "costs.key.weights-are", "weights", weightWords(ctx, a.Key))})
	}
	if len(list) > 0 {
		history.Empty = ""
	}
	if r.May(ActionKey) {
		if typed == nil {
			typed = url.Values{}
			if len(list) > 0 {
				typed = values(list[0])
			}
		}
		page.Sections = append(page.Sections, ui.Section{ID: "nuova", Title: i18n.T(ctx, "costs.key.new"), Note: i18n.T(ctx, "costs.key.new-note"),
			Forms: []ui.Form{{Action: "/chiave", Submit: i18n.T(ctx, "costs.key.submit"), Cancel: "/costi", Fields: m.keyFields(r, typed, wrong)}}})
	}
	page.Sections = append(page.Sections, history)
	return r.Page(code, page.Title, ui.SheetPage(page))
}

func values(a Agreement) url.Values {
	trim := func(n int) string { return strings.TrimSuffix(perCent(n), " %") }
	out := url.Values{"total": {a.Total.Decimal()}, "fixed": {trim(a.Fixed)}, "inhabitants": {trim(a.Inhabitants)}, "use": {trim(a.Use)}}
	for name, w := range a.Weights {
		out.Set("w_"+name, strconv.Itoa(w))
	}
	return out
}

func (m *Module) keyFields(r *web.Request, typed url.Values, wrong map[string]string) []ui.Input {
	ctx := r.Ctx()
	label := func(key string, kv ...any) string { return i18n.T(ctx, "costs.field."+key, kv...) }
	from := ui.Input{Kind: ui.Select, Name: "from", Label: label("from"), Help: label("from-help"), Value: typed.Get("from"), Required: true, Error: wrong["from"]}
	now := monthOf(meters.Day(m.Clock.Now()))
	for i := -2; i <= 12; i++ {
		month := now.AddDate(0, i, 0)
		from.Options = append(from.Options, ui.Option{Value: monthKey(month), Label: monthName(month), Selected: from.Value == monthKey(month) || from.Value == "" && i == 1})
	}
	if from.Value == "" {
		from.Value = monthKey(now.AddDate(0, 1, 0))
	}
	out := []ui.Input{from, {Kind: ui.Money, Name: "total", Label: label("total"), Help: label("total-help"), Value: typed.Get("total"), Required: true, Error: wrong["total"]}}
	for _, name := range []string{"fixed", "inhabitants", "use"} {
		out = append(out, ui.Input{Kind: ui.Number, Name: name, Label: label(name), Help: label(name + "-help"), Value: typed.Get(name), Unit: "%", Required: true, Error: wrong[name]})
	}
	for _, name := range meters.Names {
		out = append(out, ui.Input{Kind: ui.Number, Name: "w_" + name, Label: label("weight", "meter", meterName(ctx, name)), Value: typed.Get("w_" + name), Required: true, Error: wrong["w_"+name]})
	}
	return append(out, ui.Input{Kind: ui.Textarea, Name: "reason", Label: label("reason"), Help: label("reason-help"), Value: typed.Get("reason"), Rows: 2, MaxLength: 500, Required: true, Error: wrong["reason"]})
}

// keyPost is POST /chiave.
func (m *Module) keyPost(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, wrong := r.Ctx(), map[string]string{}
	from, err := time.Parse("2006-01", f.Get("from"))
	now := monthOf(meters.Day(m.Clock.Now()))
	if err != nil || from.Before(now.AddDate(0, -2, 0)) || from.After(now.AddDate(0, 12, 0)) {
		wrong["from"] = i18n.T(ctx, "costs.error.from")
	}
	k := Key{Weights: map[string]int{}}
	if k.Total, err = money.Parse(f.Get("total")); err != nil || k.Total < 0 {
		wrong["total"] = i18n.T(ctx, "costs.error.total")
	}
	for name, to := range map[string]*int{"fixed": &k.Fixed, "inhabitants": &k.Inhabitants, "use": &k.Use} {
		var ok bool
		if *to, ok = parsePerCent(f.Get(name)); !ok {
			wrong[name] = i18n.T(ctx, "costs.error.per-cent")
		}
	}
	for _, name := range meters.Names {
		w, err := strconv.Atoi(strings.TrimSpace(f.Get("w_" + name)))
		if err != nil || w < 0 || w > 1000 {
			wrong["w_"+name] = i18n.T(ctx, "costs.error.weight")
		}
		k.Weights[name] = w
	}
	if len(wrong) == 0 {
		err = m.Agree(ctx, r.Actor(), from, k, f.Get("reason"))
		var p *problem.Error
		switch {
		case err == nil:
			return r.Redirect("/chiave?fatto=key")
		case errors.Is(err, ErrParts):
			wrong["use"] = i18n.T(ctx, ErrParts.Key)
		case errors.Is(err, ErrWeights):
			wrong["w_"+meters.Names[0]] = i18n.T(ctx, ErrWeights.Key)
		case errors.As(err, &p) && p.Kind == problem.KindInvalid:
			wrong["reason"] = r.Words(p)
		default:
			return err
		}
	} else if n := len([]rune(strings.TrimSpace(f.Get("reason")))); n < 3 || n > 500 {
		wrong["reason"] = i18n.T(ctx, ErrReason.Key)
	}
	return m.keyForm(r, 422, f, wrong)
}
