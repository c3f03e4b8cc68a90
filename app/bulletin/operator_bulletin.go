package bulletin

import (
	"context"
	"errors"
	"hash/fnv"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// The actions of this module.
const (
	ActionSee   access.Action = "bulletin.see"
	ActionWrite access.Action = "bulletin.write"
)

// Module serves the announcements on the entity's console.
type Module struct{ *Board }

// Mount adds the routes.
func (m *Module) Mount(r *web.Router) {
	r.Operator.GET("/annunci", ActionSee, m.page)
	r.Operator.POST("/annunci", ActionWrite, m.write)
	r.Operator.POST("/annunci/:announcement/ritira", ActionWrite, m.withdraw)
}

// Announcements are what stands above a page, and a number that changes with them.
func (b *Board) Announcements(ctx context.Context, t tenancy.Tenant, lang string, citizens bool) (out []ui.Announcement, mark int64) {
	h := fnv.New64a()
	for _, a := range b.Current(ctx, t, citizens) {
		tone := ui.Info
		when := ""
		if a.Kind == Maintenance {
			tone = ui.Warning
			when = i18n.T(ctx, "bulletin.window", "from", moment(ctx, a.Starts), "to", moment(ctx, a.Ends))
		}
		text := a.Words(lang)
		out = append(out, ui.Announcement{Tone: tone, Title: i18n.T(ctx, "bulletin.kind."+a.Kind), Text: text, When: when, Italian: lang != i18n.Reference && text == a.Texts[i18n.Reference]})
		_, _ = h.Write([]byte(a.ID.String() + text))
	}
	if len(out) == 0 {
		return nil, 0
	}
	return out, int64(h.Sum64() >> 1)
}

func moment(ctx context.Context, t time.Time) string { return i18n.DateTime(ctx, t) }

func (m *Module) page(r *web.Request) error { return m.show(r, 200, nil, nil) }

func (m *Module) show(r *web.Request, code int, typed url.Values, wrong map[string]string) error {
	ctx := r.Ctx()
	list, err := m.Recent(ctx)
	if err != nil {
		return err
	}
	all, err := m.DB.Directory().All(ctx)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, t := range all {
		names[t.Slug()] = t.Name()
	}
	page := ui.Sheet{Side: operator.Side(r, "/annunci"), Title: i18n.T(ctx, "bulletin.title"), Lead: i18n.T(ctx, "bulletin.lead"), Notice: r.Done("bulletin.done")}
	current, past := ui.Section{ID: "attuali", Title: i18n.T(ctx, "bulletin.current"), Empty: i18n.T(ctx, "bulletin.none")}, ui.Section{ID: "passati", Title: i18n.T(ctx, "bulletin.past")}
	now := m.Clock.Now()
	for _, a := range list {
		row := ui.Row{Title: a.Words(i18n.Reference), Note: moment(ctx, a.Starts) + " – " + moment(ctx, a.Ends) + " · " + communes(ctx, a, names) + " · " + a.By, State: state(ctx, a, now)}
		if a.Withdrawn != nil || !a.Ends.After(now) {
			past.Rows = append(past.Rows, row)
			continue
		}
		current.Rows = append(current.Rows, row)
		if r.May(ActionWrite) {
			current.Forms = append(current.Forms, ui.Form{Action: "/annunci/" + a.ID.String() + "/ritira", Submit: i18n.T(ctx, "bulletin.withdraw", "text", short(a.Words(i18n.Reference))), Danger: true})
		}
	}
	page.Sections = append(page.Sections, current)
	if r.May(ActionWrite) {
		page.Sections = append(page.Sections, ui.Section{ID: "nuovo", Title: i18n.T(ctx, "bulletin.new"), Forms: []ui.Form{{Action: "/annunci", Submit: i18n.T(ctx, "bulletin.publish"), Fields: fields(r, all, typed, wrong)}}})
	}
	if len(past.Rows) > 0 {
		page.Sections = append(page.Sections, past)
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

func short(s string) string {
	if r := []rune(s); len(r) > 30 {
		return string(r[:29]) + "…"
	}
	return s
}

func communes(ctx context.Context, a Announcement, names map[string]string) string {
	if len(a.Slugs) == 0 {
		return i18n.T(ctx, "bulletin.all")
	}
	var out []string
	for _, slug := range a.Slugs {
		if n := names[slug]; n != "" {
			out = append(out, n)
		} else {
			out = append(out, slug)
		}
	}
	return strings.Join(out, ", ")
}

func state(ctx context.Context, a Announcement, now time.Time) *ui.State {
	key, tone := "waits", ui.Info
	switch {
	case a.Withdrawn != nil:
		key = "withdrawn"
	case !a.Ends.After(now):
		key = "over"
	case a.Shown(now, false):
		key, tone = "shown", ui.Success
	}
	return &ui.State{Tone: tone, Text: i18n.T(ctx, "bulletin.kind."+a.Kind) + ", " + i18n.T(ctx, "bulletin.state."+key)}
}

func fields(r *web.Request, all []tenancy.Tenant, typed url.Values, wrong map[string]string) []ui.Input {
	ctx := r.Ctx()
	label := func(key string) string { return i18n.T(ctx, "bulletin.field."+key) }
	kind := ui.Input{Kind: ui.Radio, Name: "kind", Label: label("kind"), Value: typed.Get("kind"), Required: true, Error: wrong["kind"]}
	for _, k := range []string{Info, Maintenance} {
		kind.Options = append(kind.Options, ui.Option{Value: k, Label: i18n.T(ctx, "bulletin.kind."+k), Help: i18n.T(ctx, "bulletin.kind-help."+k), Selected: k == typed.Get("kind")})
	}
	out := []ui.Input{kind}
	for _, lang := range i18n.Languages {
		out = append(out, ui.Input{Kind: ui.Textarea, Name: "text_" + lang, Label: label("text_" + lang), Value: typed.Get("text_" + lang), Rows: 2, MaxLength: 500, Required: lang == i18n.Reference, Error: wrong["text_"+lang]})
	}
	for _, at := range []string{"from", "to"} {
		out = append(out, ui.Input{Kind: ui.Date, Name: at + "_day", Label: label(at + "_day"), Value: typed.Get(at + "_day"), Required: true, Error: wrong[at+"_day"]},
			ui.Input{Kind: ui.Text, Name: at + "_time", Label: label(at + "_time"), Help: label("time-help"), Value: typed.Get(at + "_time"), Size: 6, Required: true, Error: wrong[at+"_time"]})
	}
	who := ui.Input{Kind: ui.Many, Name: "slugs", Label: label("slugs"), Help: label("slugs-help")}
	for _, t := range all {
		o := ui.Option{Value: t.Slug(), Label: t.Name()}
		for _, s := range typed["slugs"] {
			o.Selected = o.Selected || s == o.Value
		}
		who.Options = append(who.Options, o)
	}
	return append(out, who)
}

// at reads a day and an hour ("08.00", "8:00") in Zurich.
func at(day, hour string) (time.Time, bool) {
	hour = strings.ReplaceAll(strings.TrimSpace(hour), ".", ":")
	if len(hour) == 4 {
		hour = "0" + hour
	}
	t, err := time.ParseInLocation("2006-01-02 15:04", day+" "+hour, i18n.Zurich)
	return t, err == nil
}

func (m *Module) write(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx, wrong := r.Ctx(), map[string]string{}
	a := Announcement{Kind: f.Get("kind"), Texts: i18n.Text{}}
	if a.Kind != Info && a.Kind != Maintenance {
		wrong["kind"] = i18n.T(ctx, "bulletin.error.kind")
	}
	for _, lang := range i18n.Languages {
		if s := strings.TrimSpace(f.Get("text_" + lang)); s != "" {
			a.Texts[lang] = s
		}
	}
	var ok [2]bool
	a.Starts, ok[0] = at(f.Get("from_day"), f.Get("from_time"))
	a.Ends, ok[1] = at(f.Get("to_day"), f.Get("to_time"))
	for i, name := range []string{"from_day", "to_day"} {
		if !ok[i] {
			wrong[name] = i18n.T(ctx, "bulletin.error.time")
		}
	}
	for _, slug := range f["slugs"] {
		if _, err := m.DB.Directory().BySlug(ctx, slug); err == nil {
			a.Slugs = append(a.Slugs, slug)
		}
	}
	if len(a.Slugs) == 0 && len(f["slugs"]) > 0 {
		return web.NotFound() // a commune that is not there must not become all of them
	}
	if len(wrong) == 0 {
		switch err := m.Write(ctx, r.Actor(), a); {
		case err == nil:
			return r.Redirect("/annunci?fatto=written")
		case errors.Is(err, ErrText):
			wrong["text_it"] = i18n.T(ctx, ErrText.Key)
		case errors.Is(err, ErrTimes):
			wrong["to_day"] = i18n.T(ctx, ErrTimes.Key)
		default:
			return err
		}
	} else if len([]rune(a.Texts[i18n.Reference])) < 3 {
		wrong["text_it"] = i18n.T(ctx, ErrText.Key)
	}
	return m.show(r, 422, f, wrong)
}

func (m *Module) withdraw(r *web.Request) error {
	id, err := uuid.Parse(r.Param("announcement"))
	if err != nil {
		return web.NotFound()
	}
	if err := m.Withdraw(r.Ctx(), r.Actor(), id); err != nil {
		return err
	}
	return r.Redirect("/annunci?fatto=withdrawn")
}
