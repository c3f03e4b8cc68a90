package support

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// all is /assistenza on the entity's console: what waits, and the figures.
func (m *Module) all(r *web.Request) error { return m.allPage(r, 200, "") }

func (m *Module) allPage(r *web.Request, code int, wrong string) error {
	ctx := r.Ctx()
	now := m.Clock.Now()
	var recent []Request
	var agreed map[string]Times
	if err := m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		// What is open, however old, and what was asked in ninety days.
		if recent, err = list(tx, "where state <> 'solved' or created_at > $1 order by created_at desc limit 1000", now.AddDate(0, 0, -90)); err != nil {
			return err
		}
		agreed, err = times(tx)
		return err
	}); err != nil {
		return err
	}
	f := m.figures(recent)
	median := "–"
	if f.Answered > 0 {
		median = hours(ctx, f.Median)
	}
	page := ui.Sheet{Side: operator.Side(r, "/assistenza"), Title: i18n.T(ctx, "support.desk"), Notice: r.Done("support.done"), Tiles: []ui.Tile{
		{Value: i18n.Number(f.Open), Label: i18n.T(ctx, "support.tile.open")}, {Value: i18n.Number(f.Late), Label: i18n.T(ctx, "support.tile.late")},
		{Value: share(f.InTime, f.Answered), Label: i18n.T(ctx, "support.tile.first")}, {Value: share(f.DoneInTime, f.Done), Label: i18n.T(ctx, "support.tile.solved")},
		{Value: median, Label: i18n.T(ctx, "support.tile.median")}}}
	if wrong != "" {
		page.Problems = []ui.Problem{{Name: "first", Text: wrong}}
	}
	waiting, past := ui.Section{ID: "aperte", Title: i18n.T(ctx, "support.open"), Empty: i18n.T(ctx, "support.nothing")}, ui.Section{ID: "risolte", Title: i18n.T(ctx, "support.past")}
	for _, x := range recent {
		row := ui.Row{Title: x.Subject, URL: "/assistenza/" + x.ID.String(), State: stateOf(ctx, x, now),
			Note: m.commune(ctx, x.Slug) + " · " + i18n.T(ctx, "support.priority."+x.Priority) + " · " + i18n.DateTime(ctx, x.At)}
		if x.State == Solved {
			past.Rows = append(past.Rows, row)
		} else {
			waiting.Rows = append(waiting.Rows, row)
		}
	}
	page.Sections = []ui.Section{waiting}
	if f.Open > 0 {
		bars := ui.Bars{ID: "eta", Title: i18n.T(ctx, "support.ages")}
		for _, b := range []struct {
			key string
			n   int
		}{{"young", f.Young}, {"middle", f.Middle}, {"aged", f.Aged}} {
			bars.Bars = append(bars.Bars, ui.Bar{Name: i18n.T(ctx, "support.age."+b.key), Value: i18n.Number(b.n), Parts: []int64{int64(b.n)}})
			bars.Desc += i18n.T(ctx, "support.age."+b.key) + ": " + i18n.Number(b.n) + ". "
		}
		page.Sections = append(page.Sections, ui.Section{ID: "per-eta", Title: i18n.T(ctx, "support.ages"), Chart: ui.BarChart(bars)})
	}
	if len(past.Rows) > 0 {
		page.Sections = append(page.Sections, past)
	}
	return r.Page(code, page.Title, ui.SheetPage(m.withTimes(r, page, agreed)))
}

func (m *Module) withTimes(r *web.Request, page ui.Sheet, agreed map[string]Times) ui.Sheet {
	ctx := r.Ctx()
	part := ui.Section{ID: "tempi", Title: i18n.T(ctx, "support.times"), Note: i18n.T(ctx, "support.times-note")}
	for _, p := range Priorities {
		t := agreed[p]
		part.Facts = append(part.Facts, ui.Fact{Term: i18n.T(ctx, "support.priority."+p), Value: i18n.T(ctx, "support.agreed", "first", t.First, "solve", t.Solve), Note: t.By})
	}
	if r.May(ActionTimes) {
		f := ui.Form{Action: "/assistenza/tempi", Submit: i18n.T(ctx, "support.save-times"), Quiet: true, Heading: i18n.T(ctx, "support.change-times")}
		level := ui.Input{Kind: ui.Select, Name: "priority", Label: i18n.T(ctx, "support.field.priority"), Required: true}
		for _, p := range Priorities {
			level.Options = append(level.Options, ui.Option{Value: p, Label: i18n.T(ctx, "support.priority."+p)})
		}
		unit := i18n.T(ctx, "support.working-hours")
		f.Fields = []ui.Input{level, {Kind: ui.Number, Name: "first", Label: i18n.T(ctx, "support.field.first"), Unit: unit, Required: true}, {Kind: ui.Number, Name: "solve", Label: i18n.T(ctx, "support.field.solve"), Unit: unit, Required: true}}
		part.Forms = []ui.Form{f}
	}
	page.Sections = append(page.Sections, part)
	return page
}

// commune is the name of a commune, its short name when it is archived.
func (m *Module) commune(ctx context.Context, slug string) string {
	if t, err := m.DB.Directory().BySlug(ctx, slug); err == nil {
		return t.Name()
	}
	return slug
}

func (m *Module) setTimes(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	t := Times{Priority: f.Get("priority")}
	t.First, _ = strconv.Atoi(strings.TrimSpace(f.Get("first"))) // 0 is refused
	t.Solve, _ = strconv.Atoi(strings.TrimSpace(f.Get("solve")))
	err = m.Agree(r.Ctx(), r.Actor(), t)
	if s := refused(r, err); s != "" {
		return m.allPage(r, 422, s)
	}
	if err != nil {
		return err
	}
	return r.Redirect("/assistenza?fatto=times")
}

// one is a request as the entity sees it.
func (m *Module) one(r *web.Request) error { return m.onePage(r, 200, nil, "") }

func (m *Module) onePage(r *web.Request, code int, typed url.Values, wrong string) error {
	ctx := r.Ctx()
	id, err := idOf(r)
	if err != nil {
		return err
	}
	var x Request
	var said []Message
	if err := m.DB.Platform(ctx, func(tx *tenancy.PlatformTx) (err error) {
		if x, err = oneOfAll(tx, id); err != nil {
			return err
		}
		said, err = messages(tx, id)
		return err
	}); err != nil {
		return err
	}
	page := ui.Sheet{Side: operator.Side(r, "/assistenza"), Title: x.Subject, Lead: m.commune(ctx, x.Slug), State: stateOf(ctx, x, m.Clock.Now()), Notice: r.Done("support.done"),
		Crumbs:   []ui.Link{{Text: i18n.T(ctx, "support.desk"), URL: "/assistenza"}, {Text: x.Subject}},
		Sections: []ui.Section{{ID: "messaggi", Title: i18n.T(ctx, "support.messages"), Messages: chat(ctx, said, true)}},
		Aside:    []ui.Section{{Facts: facts(ctx, x)}}}
	if r.May(ActionAnswer) {
		page.Sections = append(page.Sections, ui.Section{ID: "rispondere", Title: i18n.T(ctx, "support.answer"), Forms: []ui.Form{{Action: "/assistenza/" + id.String(), Submit: i18n.T(ctx, "support.send-answer"), Fields: []ui.Input{
			words(ctx, typed, wrong), {Kind: ui.Declaration, Name: "solved", Label: i18n.T(ctx, "support.field.solved")}}}}})
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

func (m *Module) answer(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	id, err := idOf(r)
	if err != nil {
		return err
	}
	err = m.Answer(r.Ctx(), r.Actor(), id, f.Get("text"), f.Get("solved") == "true")
	if s := refused(r, err); s != "" {
		return m.onePage(r, 422, f, s)
	}
	if err != nil {
		return err
	}
	return r.Redirect("/assistenza/" + id.String() + "?fatto=answered")
}
