package quotas

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// commune finds the one of the address.
func (m *Module) commune(r *web.Request) (tenancy.Tenant, error) {
	t, err := m.DB.Directory().BySlug(r.Ctx(), r.Param("slug"))
	if errors.Is(err, tenancy.ErrUnknown) {
		return t, web.NotFound()
	}
	return t, err
}

// page is /comuni/{slug}/quote: what a commune uses and what it is granted.
func (m *Module) page(r *web.Request) error {
	t, err := m.commune(r)
	if err != nil {
		return err
	}
	return m.show(r, 200, t, nil, nil)
}

func (m *Module) show(r *web.Request, code int, t tenancy.Tenant, typed url.Values, wrong map[string]string) error {
	ctx := r.Ctx()
	list, err := m.Uses(ctx, t)
	if err != nil {
		return err
	}
	at, grid := "/comuni/"+t.Slug(), m.grid(ctx, list)
	page := ui.Sheet{Side: operator.Side(r, "/comuni"), Title: i18n.T(ctx, "quotas.of", "commune", t.Name()), Notice: r.Done("quotas.done"), Warning: m.waits(ctx, list),
		Crumbs:   []ui.Link{{Text: i18n.T(ctx, "operator.communes"), URL: "/comuni"}, {Text: t.Name(), URL: at}, {Text: i18n.T(ctx, "quotas.crumb")}},
		Sections: []ui.Section{{ID: "consumo", Title: i18n.T(ctx, "quotas.now"), Chart: ui.BarChart(chart(ctx, list)), Grid: &grid}}}
	if r.May(ActionSet) {
		if typed == nil {
			typed = url.Values{}
			for _, u := range list {
				if u.Own {
					typed.Set(u.Kind, written(u.Kind, u.Quota))
				}
			}
		}
		form := ui.Form{Action: at + "/quote", Submit: i18n.T(ctx, "quotas.save"), Cancel: at}
		for _, kind := range Kinds {
			f := ui.Input{Kind: ui.Number, Name: kind, Label: i18n.T(ctx, "quotas.field."+kind), Value: typed.Get(kind), Error: wrong[kind],
				Help: i18n.T(ctx, "quotas.field.default", "n", amount(kind, m.Default[kind]))}
			if kind == Storage {
				f.Unit = "GB"
			}
			form.Fields = append(form.Fields, f)
		}
		page.Sections = append(page.Sections, ui.Section{ID: "cambiare", Title: i18n.T(ctx, "quotas.change"), Note: i18n.T(ctx, "quotas.change-note"), Forms: []ui.Form{form}})
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

// set is POST /comuni/{slug}/quote.
func (m *Module) set(r *web.Request) error {
	t, err := m.commune(r)
	if err != nil {
		return err
	}
	f, err := r.Form()
	if err != nil {
		return err
	}
	want, wrong := map[string]*int64{}, map[string]string{}
	for _, kind := range Kinds {
		n, ok := read(kind, f.Get(kind))
		if !ok {
			wrong[kind] = i18n.T(r.Ctx(), "quotas.error."+kind, "most", written(kind, most(kind)))
		}
		want[kind] = n
	}
	if len(wrong) > 0 {
		return m.show(r, 422, t, f, wrong)
	}
	if err := m.Set(r.Ctx(), r.Actor(), t, want); err != nil {
		return err
	}
	return r.Redirect("/comuni/" + t.Slug() + "/quote?fatto=set")
}

// read reads what was typed: gigabytes for storage, else a count; nothing is the
// default. False when it is neither, or too much.
func read(kind, typed string) (*int64, bool) {
	typed = strings.NewReplacer("'", "", "’", "", " ", "", "\u00a0", "", ",", ".").Replace(strings.TrimSpace(typed))
	if typed == "" {
		return nil, true
	}
	var n int64
	if kind == Storage {
		whole, part, _ := strings.Cut(typed, ".")
		if len(part) > 9 {
			return nil, false
		}
		gb, err := strconv.ParseInt(whole, 10, 32)
		bytes, err2 := strconv.ParseInt(part+strings.Repeat("0", 9-len(part)), 10, 64)
		if err != nil || err2 != nil || gb < 0 || bytes < 0 {
			return nil, false
		}
		n = gb*GB + bytes
	} else {
		var err error
		if n, err = strconv.ParseInt(typed, 10, 64); err != nil || n < 0 {
			return nil, false
		}
	}
	return &n, n <= most(kind)
}

// written is a quota as read reads it.
func written(kind string, n int64) string {
	if kind != Storage {
		return strconv.FormatInt(n, 10)
	}
	gb := strconv.FormatInt(n/GB, 10)
	if part := n % GB; part != 0 {
		gb += "." + strings.TrimRight(strconv.FormatInt(GB+part, 10)[1:], "0")
	}
	return gb
}
