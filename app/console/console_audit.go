package console

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// auditPageSize is how many lines a page lists.
const auditPageSize = 50

// auditPage is "who did what": the newest lines first, narrowed by person,
// action and days.
func (m *Module) auditPage(r *web.Request) error {
	ctx := r.Ctx()
	f := auditFilter(r)
	f.Limit = auditPageSize
	var lines []audit.Line
	var linked int64
	var broken *audit.Broken
	var anchored time.Time
	if err := m.DB.Read(ctx, r.Tenant(), func(tx *tenancy.Tx) (err error) {
		if lines, err = audit.Search(tx, f); err != nil {
			return err
		}
		if linked, broken, err = audit.VerifyLast(tx, 1000); err != nil {
			return err
		}
		anchored, err = audit.LastAnchored(tx)
		return err
	}); err != nil {
		return err
	}
	page := view.AuditPage{Side: Side(r, "/console/operazioni"), Grid: auditGrid(ctx, lines),
		Chain:   ui.State{Tone: ui.Success, Text: i18n.T(ctx, "console.chain.whole")},
		Checked: i18n.T(ctx, "console.chain.checked", "n", i18n.Number(linked)), DownloadURL: "/console/operazioni.csv" + asked(r, "?")}
	if anchored.IsZero() {
		page.Checked += ". " + i18n.T(ctx, "console.chain.no-anchor")
	} else {
		page.Checked += ". " + i18n.T(ctx, "console.chain.anchored", "when", i18n.DateTime(ctx, anchored))
	}
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
		{Kind: ui.Text, Name: "pratica", Label: i18n.T(ctx, "console.column.case"), Value: r.Query("pratica"), Required: true},
		{Kind: ui.Date, Name: "dal", Label: i18n.T(ctx, "ui.period_from"), Value: r.Query("dal"), Required: true},
		{Kind: ui.Date, Name: "al", Label: i18n.T(ctx, "ui.period_to"), Value: r.Query("al"), Required: true},
	}
	if len(lines) == auditPageSize {
		last := lines[len(lines)-1]
		page.Pager.NextURL = "/console/operazioni?prima=" + fmt.Sprintf("%d-%d", last.At.UnixMicro(), last.ID) + asked(r, "&")
	}
	return r.Page(200, i18n.T(ctx, "console.audit"), view.Audit(page), web.Here("/console"))
}

// auditFilter reads what was asked for.
func auditFilter(r *web.Request) audit.Filter {
	f := audit.Filter{Actor: r.Query("chi"), Action: r.Query("azione"), From: day(r.Query("dal"))}
	if to := day(r.Query("al")); !to.IsZero() {
		f.To = to.AddDate(0, 0, 1)
	}
	if ref := strings.TrimSpace(r.Query("pratica")); ref != "" {
		if parsed, err := swiss.ParseCaseRef(ref); err == nil {
			ref = string(parsed)
		}
		f.Object = "case:" + ref
	}
	at, id, _ := strings.Cut(r.Query("prima"), "-")
	if micros, err := strconv.ParseInt(at, 10, 64); err == nil {
		f.Before.At = time.UnixMicro(micros)
		f.Before.ID, _ = strconv.ParseInt(id, 10, 64) // 0 is the first page
	}
	return f
}

// asked is the search as a query, behind a sign, without the place of the page.
func asked(r *web.Request, sign string) string {
	q := url.Values{}
	for _, k := range []string{"chi", "azione", "pratica", "dal", "al"} {
		if v := r.Query(k); v != "" {
			q.Set(k, v)
		}
	}
	if len(q) == 0 {
		return ""
	}
	return sign + q.Encode()
}

// auditMost is how many lines a download holds; who needs more narrows the days.
const auditMost = 5000

// auditFile is the search as a file. Downloading it is on the audit itself.
func (m *Module) auditFile(r *web.Request) error {
	ctx, f := r.Ctx(), auditFilter(r)
	f.Limit, f.Before = auditMost, audit.Cursor{}
	var lines []audit.Line
	if err := audit.Read(ctx, m.DB, r.Actor(), "audit.exported", func(tx *tenancy.Tx) (object string, details map[string]any, err error) {
		lines, err = audit.Search(tx, f)
		return "audit", map[string]any{"lines": len(lines)}, err
	}); err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("\ufeff") // so that spreadsheets read UTF-8
	w := csv.NewWriter(&b)
	w.Comma = ';'
	row := func(cells ...string) { _ = w.Write(cells) } // a buffer takes everything
	col := func(key string) string { return i18n.T(ctx, "console.column."+key) }
	row(col("number"), col("when"), col("who"), col("account"), col("what"), col("object"), col("details"))
	for _, l := range lines {
		row(strconv.FormatInt(l.ID, 10), l.At.In(i18n.Zurich).Format("2006-01-02 15:04:05"), inert(l.Actor), inert(l.ActorID), audit.ActionName(ctx, l.Action),
			inert(l.Object), inert(audit.DetailWords(ctx, l.Details)))
	}
	w.Flush()
	r.SetHeader("Cache-Control", "private, no-store")
	return r.Blob("operazioni-"+r.Tenant().Slug()+".csv", "text/csv; charset=utf-8", b.Bytes(), false)
}

// inert keeps a spreadsheet from taking words for a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
