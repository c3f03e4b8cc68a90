package agreements

import (
	"context"

	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
	"github.com/sportello-ticino/sportello/pkg/sheetcsv"
)

// own is /console/accordi: what concerns the commune.
func (m *Module) own(r *web.Request) error {
	ctx := r.Ctx()
	f, err := m.OfCommune(ctx, r.Actor())
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: console.Side(r, "/console/accordi"), Title: i18n.T(ctx, "agreements.own"), Lead: i18n.T(ctx, "agreements.own-lead")}
	contract := ui.Section{ID: "contratto", Title: i18n.T(ctx, "agreements.contract"), Empty: i18n.T(ctx, "agreements.no-contract")}
	if c, ok := f.Contracts[r.Tenant().Slug()]; ok {
		contract.Empty, contract.Facts = "", contractFacts(ctx, c)
	}
	grid := processorGrid(ctx, f)
	page.Sections = []ui.Section{contract, {ID: "fornitori", Title: i18n.T(ctx, "agreements.processors"), Grid: &grid, Empty: i18n.T(ctx, "agreements.no-processors"),
		Links: []ui.Link{{Text: i18n.T(ctx, "costs.as-csv"), URL: "/console/accordi/csv"}}}}
	none := ui.Section{ID: "progetti", Title: i18n.T(ctx, "agreements.projects"), Empty: i18n.T(ctx, "agreements.no-projects")}
	if len(f.Projects) == 0 {
		page.Sections = append(page.Sections, none)
	}
	for _, p := range f.Projects {
		var mine money.CHF
		for _, s := range p.Shares(f.Communes) {
			if s.Slug == r.Tenant().Slug() {
				mine = s.Amount()
			}
		}
		page.Sections = append(page.Sections, ui.Section{ID: "p-" + p.ID.String(), Title: i18n.T(ctx, "agreements.project", "name", p.Name), Note: p.Description,
			Facts: []ui.Fact{{Term: i18n.T(ctx, "agreements.field.state"), Value: projectState(ctx, p).Text}, {Term: i18n.T(ctx, "agreements.field.slugs"), Value: names(ctx, p.Slugs, f.Communes)},
				{Term: i18n.T(ctx, "agreements.field.total"), Value: p.Total.String(), Num: true}, {Term: i18n.T(ctx, "agreements.mine"), Value: mine.String(), Note: i18n.T(ctx, "agreements.way."+p.Share), Num: true}},
			Moments: milestones(ctx, p)})
	}
	return r.Page(200, page.Title, ui.SheetPage(page), web.Here("/console"))
}

func contractFacts(ctx context.Context, c Contract) []ui.Fact {
	fact := func(key, value string) ui.Fact {
		if value == "" {
			value = "–"
		}
		return ui.Fact{Term: i18n.T(ctx, "agreements.field."+key), Value: value}
	}
	return []ui.Fact{fact("number", c.Number), fact("signed", date(c.Signed)), fact("valid_to", date(c.ValidTo)), fact("location", c.Location), fact("dpo", c.DPO)}
}

func (m *Module) ownCSV(r *web.Request) error {
	f, err := m.OfCommune(r.Ctx(), r.Actor())
	if err != nil {
		return err
	}
	// Only this commune is spoken of: the directory's other names are left out.
	own := f.Communes[:0]
	for _, c := range f.Communes {
		if c.Slug == r.Tenant().Slug() {
			own = append(own, c)
		}
	}
	f.Communes = own
	return send(r, f)
}

// csv is the register of all communes.
func (m *Module) csv(r *web.Request) error {
	f, err := m.All(r.Ctx())
	if err != nil {
		return err
	}
	return send(r, f)
}

// send writes one row per commune and sub-processor, with the contract.
func send(r *web.Request, f Folder) error {
	ctx := r.Ctx()
	var header []string
	for _, key := range []string{"commune", "number", "signed", "valid_to", "location", "dpo", "processor", "service", "place", "since", "ended"} {
		header = append(header, i18n.T(ctx, "agreements.csv."+key))
	}
	var rows [][]string
	for _, c := range f.Communes {
		k := f.Contracts[c.Slug]
		head := []string{c.Name, k.Number, iso(k.Signed), iso(k.ValidTo), k.Location, k.DPO}
		some := false
		for _, p := range f.Processors {
			if p.For(c.Slug) {
				rows, some = append(rows, append(append([]string(nil), head...), p.Name, p.Service, p.Location, iso(&p.Since), iso(p.Ended))), true
			}
		}
		if !some {
			rows = append(rows, append(head, "", "", "", "", ""))
		}
	}
	data, err := sheetcsv.Write(header, rows)
	if err != nil {
		return err
	}
	return r.Blob("registro-trattamenti.csv", sheetcsv.Type, data, false)
}
