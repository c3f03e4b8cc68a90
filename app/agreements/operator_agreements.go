package agreements

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/costs"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// For reports whether a sub-processor works for a commune.
func (p Subprocessor) For(slug string) bool {
	return len(p.Slugs) == 0 || slices.Contains(p.Slugs, slug)
}

func iso(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// projects is /progetti.
func (m *Module) projects(r *web.Request) error {
	ctx := r.Ctx()
	f, err := m.All(ctx)
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: operator.Side(r, "/progetti"), Title: i18n.T(ctx, "agreements.projects"), Notice: r.Done("agreements.done")}
	if r.May(ActionEditProjects) {
		page.Action = &ui.Link{Text: i18n.T(ctx, "agreements.new-project"), URL: "/progetti/nuovo"}
	}
	part := ui.Section{ID: "elenco", Empty: i18n.T(ctx, "agreements.no-projects")}
	for _, p := range f.Projects {
		part.Rows = append(part.Rows, ui.Row{Title: p.Name, URL: "/progetti/" + p.ID.String(), State: projectState(ctx, p), Note: names(ctx, p.Slugs, f.Communes) + " · " + p.Total.String()})
	}
	page.Sections = []ui.Section{part}
	return r.Page(200, page.Title, ui.SheetPage(page))
}

// project is /progetti/{id}; the word "nuovo" is a new one.
func (m *Module) project(r *web.Request) error { return m.projectPage(r, 200, nil, nil) }

func (m *Module) find(r *web.Request) (Folder, Project, error) {
	f, err := m.All(r.Ctx())
	if err != nil || r.Param("project") == "nuovo" {
		return f, Project{State: "planned", Share: "inhabitants"}, err
	}
	i := slices.IndexFunc(f.Projects, func(p Project) bool { return p.ID.String() == r.Param("project") })
	if i < 0 {
		return f, Project{}, web.NotFound()
	}
	return f, f.Projects[i], nil
}

func (m *Module) projectPage(r *web.Request, code int, typed url.Values, wrong map[string]string) error {
	ctx := r.Ctx()
	f, p, err := m.find(r)
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: operator.Side(r, "/progetti"), Title: p.Name, Lead: p.Description}
	if p.ID == uuid.Nil {
		page.Title = i18n.T(ctx, "agreements.new-project")
	} else {
		page.State = projectState(ctx, p)
		shares := p.Shares(f.Communes)
		grid := shareTable(ctx, shares)
		bars := ui.Bars{ID: "quote-p", Title: i18n.T(ctx, "agreements.shares")}
		for _, s := range shares {
			bars.Bars = append(bars.Bars, ui.Bar{Name: s.Name, Value: s.Amount().String(), Parts: []int64{int64(s.Amount())}})
			bars.Desc += s.Name + " " + s.Amount().String() + ". "
		}
		page.Tiles = []ui.Tile{{Value: p.Total.String(), Label: i18n.T(ctx, "agreements.field.total")}, {Value: i18n.Number(len(p.Slugs)), Label: i18n.T(ctx, "costs.tile.communes")}}
		page.Sections = append(page.Sections, ui.Section{ID: "quote", Title: i18n.T(ctx, "agreements.shares"), Note: i18n.T(ctx, "agreements.way."+p.Share), Chart: ui.BarChart(bars), Grid: &grid})
		if len(p.Milestones) > 0 {
			page.Sections = append(page.Sections, ui.Section{ID: "tappe", Title: i18n.T(ctx, "agreements.field.milestones"), Moments: milestones(ctx, p)})
		}
	}
	page.Crumbs = []ui.Link{{Text: i18n.T(ctx, "agreements.projects"), URL: "/progetti"}, {Text: page.Title}}
	if r.May(ActionEditProjects) {
		if typed == nil {
			typed = url.Values{"name": {p.Name}, "description": {p.Description}, "state": {p.State}, "share": {p.Share}, "total": {p.Total.Decimal()}, "slugs": p.Slugs, "milestones": {writeMilestones(p.Milestones)}}
		}
		page.Sections = append(page.Sections, ui.Section{ID: "modifica", Title: i18n.T(ctx, "agreements.edit"), Forms: []ui.Form{{Action: "/progetti/" + r.Param("project"), Submit: i18n.T(ctx, "ui.save"), Cancel: "/progetti", Fields: projectFields(r, f.Communes, typed, wrong)}}})
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

func projectFields(r *web.Request, communes []costs.Party, typed url.Values, wrong map[string]string) []ui.Input {
	ctx := r.Ctx()
	field := func(kind ui.Kind, name string, required bool) ui.Input {
		help := ""
		if key := "agreements.field." + name + "-help"; i18n.Has(ctx, key) {
			help = i18n.T(ctx, key)
		}
		return ui.Input{Kind: kind, Name: name, Label: i18n.T(ctx, "agreements.field."+name), Help: help, Value: typed.Get(name), Required: required, Error: wrong[name]}
	}
	state, share, who := field(ui.Select, "state", true), field(ui.Radio, "share", true), field(ui.Many, "slugs", true)
	for _, s := range States {
		state.Options = append(state.Options, ui.Option{Value: s, Label: i18n.T(ctx, "agreements.state."+s), Selected: s == state.Value})
	}
	for _, s := range Ways {
		share.Options = append(share.Options, ui.Option{Value: s, Label: i18n.T(ctx, "agreements.way."+s), Selected: s == share.Value})
	}
	for _, c := range communes {
		who.Options = append(who.Options, ui.Option{Value: c.Slug, Label: c.Name, Selected: slices.Contains(typed["slugs"], c.Slug)})
	}
	text, steps := field(ui.Textarea, "description", false), field(ui.Textarea, "milestones", false)
	text.MaxLength, steps.Rows = 1000, 5
	return []ui.Input{field(ui.Text, "name", true), text, state, who, field(ui.Money, "total", true), share, steps}
}

// writeMilestones writes one line each: "31.12.2026 Progetto di massima", with
// "fatto" before those that are done.
func writeMilestones(list []Milestone) string {
	var b strings.Builder
	for _, m := range list {
		if m.Done {
			b.WriteString("fatto ")
		}
		if d, err := time.Parse(time.DateOnly, m.Due); err == nil {
			b.WriteString(d.Format("02.01.2006") + " ")
		}
		fmt.Fprintln(&b, m.Text)
	}
	return b.String()
}

// readMilestones reads what writeMilestones wrote; false when a line has no day.
func readMilestones(s string) (out []Milestone, ok bool) {
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		var m Milestone
		if rest, done := strings.CutPrefix(strings.ToLower(line), "fatto "); done {
			m.Done, line = true, strings.TrimSpace(line[len(line)-len(rest):])
		}
		day, text, _ := strings.Cut(line, " ")
		d, err := time.Parse("2.1.2006", day)
		if err != nil || !said(text, 2, 200) || len(out) >= 50 {
			return nil, false
		}
		m.Due, m.Text = d.Format(time.DateOnly), strings.TrimSpace(text)
		out = append(out, m)
	}
	return out, true
}

func (m *Module) saveProject(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	f, p, err := m.find(r)
	if err != nil {
		return err
	}
	p.Name, p.Description, p.State, p.Share, p.Slugs = form.Get("name"), form.Get("description"), form.Get("state"), form.Get("share"), nil
	for _, c := range f.Communes {
		if slices.Contains(form["slugs"], c.Slug) {
			p.Slugs = append(p.Slugs, c.Slug)
		}
	}
	wrong := map[string]string{}
	if p.Total, err = money.Parse(form.Get("total")); err != nil || p.Total < 0 {
		wrong["total"] = i18n.T(r.Ctx(), "agreements.error.total")
	}
	var ok bool
	if p.Milestones, ok = readMilestones(form.Get("milestones")); !ok {
		wrong["milestones"] = i18n.T(r.Ctx(), "agreements.error.milestones")
	}
	if len(wrong) == 0 {
		id, err := m.SaveProject(r.Ctx(), r.Actor(), p)
		if err == nil {
			return r.Redirect("/progetti/" + id.String())
		}
		if wrong = wrongOf(r, err); wrong == nil {
			return err
		}
	}
	return m.projectPage(r, 422, form, wrong)
}

// registers is /registri: contracts and sub-processors.
func (m *Module) registers(r *web.Request) error { return m.registersPage(r, 200, nil, nil) }

func (m *Module) registersPage(r *web.Request, code int, typed url.Values, wrong map[string]string) error {
	ctx := r.Ctx()
	f, err := m.All(ctx)
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: operator.Side(r, "/registri"), Title: i18n.T(ctx, "agreements.registers"), Lead: i18n.T(ctx, "agreements.registers-lead"), Notice: r.Done("agreements.done")}
	col := func(key string) ui.Column {
		return ui.Column{Title: i18n.T(ctx, "agreements.field."+key), Label: i18n.T(ctx, "agreements.field."+key)}
	}
	contracts := ui.Grid{Caption: i18n.T(ctx, "agreements.contracts"), Columns: []ui.Column{{Title: i18n.T(ctx, "operator.column.commune")}, col("number"), col("signed"), col("valid_to"), col("location"), col("dpo")}}
	for _, c := range f.Communes {
		k := f.Contracts[c.Slug]
		number := ui.Cell{Text: k.Number}
		if k.Number == "" {
			number = ui.Cell{State: &ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "agreements.missing")}}
		}
		contracts.Rows = append(contracts.Rows, []ui.Cell{{Text: c.Name, URL: "/registri/contratti/" + c.Slug}, number, {Text: date(k.Signed), Num: true}, {Text: date(k.ValidTo), Num: true}, {Text: orDash(k.Location)}, {Text: orDash(k.DPO)}})
	}
	grid := processorGrid(ctx, f)
	page.Sections = []ui.Section{{ID: "contratti", Title: i18n.T(ctx, "agreements.contracts"), Grid: &contracts, Empty: i18n.T(ctx, "costs.error.no-parties"), Links: []ui.Link{{Text: i18n.T(ctx, "costs.as-csv"), URL: "/registri/csv"}}},
		{ID: "fornitori", Title: i18n.T(ctx, "agreements.processors"), Grid: &grid, Empty: i18n.T(ctx, "agreements.no-processors")}}
	if r.May(ActionEditProcessors) {
		for _, p := range f.Processors {
			if p.Ended == nil {
				page.Sections[1].Forms = append(page.Sections[1].Forms, ui.Form{Action: "/registri/fornitori/" + p.ID.String() + "/termina", Submit: i18n.T(ctx, "agreements.end", "name", p.Name), Danger: true})
			}
		}
		in := func(kind ui.Kind, name string) ui.Input {
			return ui.Input{Kind: kind, Name: name, Label: i18n.T(ctx, "agreements.column."+name), Value: typed.Get(name), Required: true, Error: wrong[name]}
		}
		who := ui.Input{Kind: ui.Many, Name: "slugs", Label: i18n.T(ctx, "agreements.column.communes"), Help: i18n.T(ctx, "agreements.none-is-all")}
		for _, c := range f.Communes {
			who.Options = append(who.Options, ui.Option{Value: c.Slug, Label: c.Name, Selected: slices.Contains(typed["slugs"], c.Slug)})
		}
		page.Sections = append(page.Sections, ui.Section{ID: "nuovo", Title: i18n.T(ctx, "agreements.add"), Forms: []ui.Form{{Action: "/registri", Submit: i18n.T(ctx, "agreements.add"), Fields: []ui.Input{in(ui.Text, "name"), in(ui.Text, "service"), in(ui.Text, "location"), in(ui.Date, "since"), who}}}})
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

func (m *Module) addProcessor(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	p := Subprocessor{Name: form.Get("name"), Service: form.Get("service"), Location: form.Get("location")}
	if d := day(form.Get("since")); d != nil {
		p.Since = *d
	}
	for _, slug := range form["slugs"] {
		if _, err := m.DB.Directory().BySlug(r.Ctx(), slug); err != nil {
			return web.NotFound()
		}
		p.Slugs = append(p.Slugs, slug)
	}
	if err := m.AddProcessor(r.Ctx(), r.Actor(), p); err != nil {
		if wrong := wrongOf(r, err); wrong != nil {
			return m.registersPage(r, 422, form, wrong)
		}
		return err
	}
	return r.Redirect("/registri?fatto=saved")
}

func (m *Module) endProcessor(r *web.Request) error {
	id, err := uuid.Parse(r.Param("processor"))
	if err != nil {
		return web.NotFound()
	}
	if err := m.EndProcessor(r.Ctx(), r.Actor(), id); err != nil {
		return err
	}
	return r.Redirect("/registri?fatto=saved")
}

// contract is /registri/contratti/{slug}.
func (m *Module) contract(r *web.Request) error { return m.contractPage(r, 200, nil, nil) }

func (m *Module) contractPage(r *web.Request, code int, typed url.Values, wrong map[string]string) error {
	ctx := r.Ctx()
	f, err := m.All(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(f.Communes, func(c costs.Party) bool { return c.Slug == r.Param("slug") })
	if i < 0 {
		return web.NotFound()
	}
	c := f.Contracts[f.Communes[i].Slug]
	page := ui.Sheet{Side: operator.Side(r, "/registri"), Title: i18n.T(ctx, "agreements.contract-of", "name", f.Communes[i].Name), Crumbs: []ui.Link{{Text: i18n.T(ctx, "agreements.registers"), URL: "/registri"}, {Text: f.Communes[i].Name}}}
	page.Sections = []ui.Section{{ID: "contratto", Title: i18n.T(ctx, "agreements.contract"), Facts: contractFacts(ctx, c)}}
	if r.May(ActionEditProcessors) {
		if typed == nil {
			typed = url.Values{"number": {c.Number}, "signed": {iso(c.Signed)}, "valid_to": {iso(c.ValidTo)}, "location": {c.Location}, "dpo": {c.DPO}}
		}
		in := func(kind ui.Kind, name string, required bool) ui.Input {
			return ui.Input{Kind: kind, Name: name, Label: i18n.T(ctx, "agreements.field."+name), Value: typed.Get(name), Required: required, Error: wrong[name]}
		}
		page.Sections = append(page.Sections, ui.Section{ID: "modifica", Title: i18n.T(ctx, "agreements.edit"), Forms: []ui.Form{{Action: "/registri/contratti/" + f.Communes[i].Slug, Submit: i18n.T(ctx, "ui.save"), Cancel: "/registri",
			Fields: []ui.Input{in(ui.Text, "number", true), in(ui.Date, "signed", true), in(ui.Date, "valid_to", false), in(ui.Text, "location", true), in(ui.Text, "dpo", true)}}}})
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

func (m *Module) saveContract(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	t, err := m.DB.Directory().BySlug(r.Ctx(), r.Param("slug"))
	if err != nil {
		return web.NotFound()
	}
	c := Contract{Slug: t.Slug(), Number: form.Get("number"), Signed: day(form.Get("signed")), ValidTo: day(form.Get("valid_to")), Location: form.Get("location"), DPO: form.Get("dpo")}
	if err := m.SaveContract(r.Ctx(), r.Actor(), c); err != nil {
		if wrong := wrongOf(r, err); wrong != nil {
			return m.contractPage(r, 422, form, wrong)
		}
		return err
	}
	return r.Redirect("/registri?fatto=saved")
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
