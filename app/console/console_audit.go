package console

import (
	"net/url"
	"strconv"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// auditPageSize is how many lines a page lists.
const auditPageSize = 50

// auditPage is "who did what": the newest lines first, narrowed by person,
// action and days.
func (m *Module) auditPage(r *web.Request) error {
	ctx := r.Ctx()
	before, _ := strconv.ParseInt(r.Query("prima"), 10, 64)
	f := audit.Filter{Actor: r.Query("chi"), Action: r.Query("azione"), From: day(r.Query("dal")), BeforeID: before, Limit: auditPageSize}
	if to := day(r.Query("al")); !to.IsZero() {
		f.To = to.AddDate(0, 0, 1)
	}
	var lines []audit.Line
	var linked int64
	var broken *audit.Broken
	if err := m.DB.Read(ctx, r.Tenant(), func(tx *tenancy.Tx) (err error) {
		if lines, err = audit.Search(tx, f); err != nil {
			return err
		}
		linked, broken, err = audit.VerifyLast(tx, 1000)
		return err
	}); err != nil {
		return err
	}
	page := view.AuditPage{Side: Side(r, "/console/operazioni"), Grid: auditGrid(ctx, lines),
		Chain:   ui.State{Tone: ui.Success, Text: i18n.T(ctx, "console.chain.whole")},
		Checked: i18n.T(ctx, "console.chain.checked", "n", i18n.Number(linked))}
	if broken != nil {
		page.Chain = ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "console.chain.broken", "line", broken.AuditID)}
	}
	what := ui.Input{Kind: ui.Select, Name: "azione", Label: i18n.T(ctx, "console.column.what"), Value: f.Action, EmptyOption: i18n.T(ctx, "ui.all"), Required: true}
	for _, a := range audit.Actions {
		what.Options = append(what.Options, ui.Option{Value: a, Label: audit.ActionName(ctx, a)})
	}
	page.Filters = []ui.Input{
		{Kind: ui.Text, Name: "chi", Label: i18n.T(ctx, "console.column.who"), Value: f.Actor, Required: true},
		what,
		{Kind: ui.Date, Name: "dal", Label: i18n.T(ctx, "ui.period_from"), Value: r.Query("dal"), Required: true},
		{Kind: ui.Date, Name: "al", Label: i18n.T(ctx, "ui.period_to"), Value: r.Query("al"), Required: true},
	}
	if len(lines) == auditPageSize {
		q := url.Values{"prima": {strconv.FormatInt(lines[len(lines)-1].ID, 10)}}
		for _, k := range []string{"chi", "azione", "dal", "al"} {
			if v := r.Query(k); v != "" {
				q.Set(k, v)
			}
		}
		page.Pager.NextURL = "/console/operazioni?" + q.Encode()
	}
	return r.Page(200, i18n.T(ctx, "console.audit"), view.Audit(page), web.Here("/console"))
}
