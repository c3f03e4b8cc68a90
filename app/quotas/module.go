package quotas

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/costs"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// The actions of this module.
const (
	ActionSee access.Action = "quotas.see"
	ActionSet access.Action = "quotas.set"
	ActionOwn access.Action = "quotas.own"
)

// ownPath is where a commune sees its own quotas.
const ownPath = "/console/quote"

// Module serves both sides.
type Module struct{ *Service }

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	r.Console.GET("/quote", ActionOwn, m.own)
	r.Operator.GET("/comuni/:slug/quote", ActionSee, m.page)
	r.Operator.POST("/comuni/:slug/quote", ActionSet, m.set)
}

// Near is what a commune's administrators should see coming, for the first page of
// the console. It may be some minutes old.
func (s *Service) Near(ctx context.Context, t tenancy.Tenant) (out []ui.Task, err error) {
	list, err := s.kept(ctx, t.Slug())
	if err != nil {
		return nil, err
	}
	mine := list[t.Slug()]
	slices.SortFunc(mine, func(a, b Use) int { return cmp.Compare(b.PerCent(), a.PerCent()) })
	for _, u := range mine {
		if u.Threshold() > 0 {
			out = append(out, ui.Task{Title: mark(ctx, u), Text: i18n.T(ctx, "quotas.near."+u.Kind) + " " + i18n.T(ctx, "quotas.near.ask"),
				Action: ui.Link{Text: i18n.T(ctx, "quotas.near.action"), URL: ownPath}})
		}
	}
	return out, nil
}

// Marks are the quotas that are nearly used up, one word per commune, for the
// entity's overview.
func (s *Service) Marks(ctx context.Context) (map[string]string, error) {
	all, err := s.kept(ctx, "")
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for slug, list := range all {
		worst := Use{}
		for _, u := range list {
			if u.Threshold() > 0 && u.PerCent() > worst.PerCent() {
				worst = u
			}
		}
		if worst.Kind != "" {
			out[slug] = i18n.T(ctx, "quotas.overview", "kind", i18n.T(ctx, "quotas."+worst.Kind), "percent", worst.PerCent())
		}
	}
	return out, nil
}

func (s *Service) kept(ctx context.Context, slug string) (all map[string][]Use, err error) {
	err = s.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		all, err = kept(tx, slug, s.Clock.Now())
		return err
	})
	return all, err
}

// mark says how full a quota is: "E-mail: usato l’83 %".
func mark(ctx context.Context, u Use) string {
	return i18n.T(ctx, "quotas.mark", "kind", i18n.T(ctx, "quotas."+u.Kind), "percent", u.PerCent())
}

// amount writes a number of a kind: bytes in the unit that fits, or a count.
func amount(kind string, n int64) string {
	if kind == Storage {
		return costs.Bytes(n)
	}
	return i18n.Number(n)
}

// chart draws what is used against what is granted, every bar as long as its quota.
func chart(ctx context.Context, list []Use) ui.Bars {
	b := ui.Bars{ID: "uso", Title: i18n.T(ctx, "quotas.chart"), Legend: []string{i18n.T(ctx, "quotas.used"), i18n.T(ctx, "quotas.free")}}
	for _, u := range list {
		used := int64(min(u.PerCent(), 100))
		if used == 0 && u.Used > 0 {
			used = 1 // something is not nothing
		}
		b.Bars = append(b.Bars, ui.Bar{Name: i18n.T(ctx, "quotas."+u.Kind), Parts: []int64{used, 100 - used}, Value: strconv.Itoa(u.PerCent()) + " %"})
		b.Desc += mark(ctx, u) + ". "
	}
	return b
}

// grid says the same in figures.
func (s *Service) grid(ctx context.Context, list []Use) ui.Grid {
	col := func(key string, num bool) ui.Column {
		return ui.Column{Title: i18n.T(ctx, "quotas.column."+key), Label: i18n.T(ctx, "quotas.column."+key), Num: num}
	}
	g := ui.Grid{Caption: i18n.T(ctx, "quotas.figures"), Columns: []ui.Column{{Title: i18n.T(ctx, "quotas.column.kind")}, col("used", true), col("quota", true), col("forecast", false)}}
	for _, u := range list {
		last := ui.Cell{Text: s.forecast(ctx, u)}
		if u.Full() {
			last = ui.Cell{State: &ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "quotas.full")}}
		} else if u.Threshold() > 0 {
			last = ui.Cell{State: &ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "quotas.near-full")}, Small: last.Text}
		}
		quota := ui.Cell{Text: amount(u.Kind, u.Quota), Num: true, Small: i18n.T(ctx, "quotas.per."+u.Kind)}
		g.Rows = append(g.Rows, []ui.Cell{{Text: i18n.T(ctx, "quotas."+u.Kind), Strong: true}, {Text: amount(u.Kind, u.Used), Num: true}, quota, last})
	}
	return g
}

// forecast says how long a quota lasts.
func (s *Service) forecast(ctx context.Context, u Use) string {
	switch f := u.Forecast; {
	case !f.Known:
		return i18n.T(ctx, "quotas.forecast.unknown")
	case f.Enough:
		return i18n.T(ctx, "quotas.forecast.enough."+u.Kind)
	case u.Kind == API:
		return i18n.T(ctx, "quotas.forecast.hour", "time", i18n.Time(f.Until))
	default:
		return i18n.T(ctx, "quotas.forecast.until", "day", i18n.LongDate(ctx, f.Until))
	}
}

// waits says how many mails wait, and until when; "" for none.
func (s *Service) waits(ctx context.Context, list []Use) string {
	for _, u := range list {
		if u.Waiting > 0 {
			return i18n.N(ctx, "quotas.waiting", int(u.Waiting), "day", i18n.LongDate(ctx, meters.NextMonth(s.Clock.Now())))
		}
	}
	return ""
}
