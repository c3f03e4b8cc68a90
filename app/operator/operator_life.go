package operator

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/operator/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// ActionLife is what changes a commune as a whole; ending it asks for more.
const (
	ActionLife    access.Action = "operator.life"
	ActionArchive access.Action = "operator.archive"
)

// The kinds of job that can be asked for on this page.
const (
	KindBackup  = "backup"
	KindMove    = "move"
	KindRestore = "restore"
	KindArchive = "archive"
	KindExport  = "export"
	KindImport  = "import"
)

// LifePayload is what these jobs need to know.
type LifePayload struct {
	Cluster string `json:"cluster,omitempty"` // move
	Backup  string `json:"backup,omitempty"`  // restore: the backup's file name
	Reason  string `json:"reason,omitempty"`  // archive
	File    string `json:"file,omitempty"`    // import: its key in the commune's file store
}

// backupRow is one line of the platform's list.
type backupRow struct {
	At       time.Time
	Size     int64
	Location string
	State    string
}

func (m *Module) backups(r *web.Request, slug string) (out []backupRow, err error) {
	err = m.DB.Platform(r.Ctx(), func(tx *tenancy.PlatformTx) error {
		rows, err := tx.Query("select at, size, location, state from backups where slug = $1 and kind = 'commune' order by at desc limit 20", slug)
		if err != nil {
			return err
		}
		out, err = pgx.CollectRows(rows, pgx.RowToStructByPos[backupRow])
		return err
	})
	return out, err
}

func (m *Module) life(r *web.Request) error { return m.lifePage(r, 200, nil) }

// lifePage is /comuni/{slug}/vita; wrong names fields with what is wrong.
func (m *Module) lifePage(r *web.Request, code int, wrong map[string]string) error {
	ctx := r.Ctx()
	t, err := m.DB.Directory().BySlug(ctx, r.Param("slug"))
	if errors.Is(err, tenancy.ErrUnknown) {
		return web.NotFound()
	}
	if err != nil {
		return err
	}
	copies, err := m.backups(r, t.Slug())
	if err != nil {
		return err
	}
	base := "/comuni/" + t.Slug()
	page := view.LifePage{Side: Side(r, "/comuni"), Name: t.Name(), BackURL: base, Notice: r.Done("operator.done"),
		Backups: ui.Grid{Caption: i18n.T(ctx, "operator.life.backups"), Columns: []ui.Column{
			{Title: i18n.T(ctx, "operator.life.when")}, {Title: i18n.T(ctx, "operator.life.size"), Label: i18n.T(ctx, "operator.life.size")},
			{Title: i18n.T(ctx, "operator.life.file"), Label: i18n.T(ctx, "operator.life.file")}}}}
	var options []ui.Option
	for _, c := range copies {
		size := i18n.T(ctx, "operator.life.failed")
		if c.State == "done" {
			size = i18n.Size(c.Size)
			options = append(options, ui.Option{Value: c.Location, Label: i18n.DateTime(ctx, c.At) + " (" + size + ")", Selected: len(options) == 0})
		}
		page.Backups.Rows = append(page.Backups.Rows, []ui.Cell{{Text: i18n.DateTime(ctx, c.At)}, {Text: size, Num: true}, {Text: c.Location}})
	}
	field := func(in ui.Input) ui.Input {
		in.Label, in.Required = i18n.T(ctx, "operator.field."+in.Label), true
		if key := wrong[in.Name]; key != "" {
			in.Error = i18n.T(ctx, key, "slug", t.Slug())
			page.Problems = append(page.Problems, ui.Problem{Name: in.Name, Text: in.Error})
		}
		return in
	}
	add := func(kind string, danger bool, fields ...ui.Input) {
		page.Actions = append(page.Actions, view.LifeAct{ID: kind, Title: i18n.T(ctx, "operator.life."+kind), Text: i18n.T(ctx, "operator.life."+kind+"-text"),
			URL: base + "/vita/" + kind, Fields: fields, Button: i18n.T(ctx, "operator.life."+kind+"-do"), Danger: danger})
	}
	if r.May(ActionLife) {
		add(KindBackup, false)
		if others := m.otherClusters(t); len(others) > 0 {
			add(KindMove, false, field(ui.Input{Kind: ui.Radio, Name: "cluster", Label: "cluster", Options: others}))
		}
		if len(options) > 0 {
			add(KindRestore, true, field(ui.Input{Kind: ui.Select, Name: "backup", Label: "backup", Options: options}),
				field(ui.Input{Kind: ui.Text, Name: "restore_slug", Label: "confirm", Help: i18n.T(ctx, "operator.life.confirm-help", "slug", t.Slug())}))
		}
	}
	if state, _ := t.State(); r.May(ActionArchive) && state == tenancy.Suspended {
		add(KindArchive, true, field(ui.Input{Kind: ui.Text, Name: "reason", Label: "reason", MaxLength: 300}),
			field(ui.Input{Kind: ui.Text, Name: "archive_slug", Label: "confirm", Help: i18n.T(ctx, "operator.life.confirm-help", "slug", t.Slug())}))
	}
	jobs, err := recentJobs(ctx, m.DB, t.Slug())
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.State == JobWaiting || j.State == JobRunning {
			page.Busy = &ui.Link{Text: i18n.T(ctx, "operator.job-title."+j.Kind, "name", t.Name()), URL: "/lavori/" + j.ID.String()}
			page.Actions = nil
		}
	}
	return r.Page(code, t.Name(), view.Life(page))
}

func (m *Module) otherClusters(t tenancy.Tenant) (out []ui.Option) {
	for _, name := range m.DB.Clusters() {
		if name != t.Cluster() {
			out = append(out, ui.Option{Value: name, Label: name})
		}
	}
	for i := range out {
		out[i].Selected = len(out) == 1
	}
	return out
}

// ask answers a form of the page: it writes the job and leads to its progress.
func (m *Module) ask(kind string) web.Handler {
	return func(r *web.Request) error {
		form, err := r.Form()
		if err != nil {
			return err
		}
		t, err := m.DB.Directory().BySlug(r.Ctx(), r.Param("slug"))
		if errors.Is(err, tenancy.ErrUnknown) {
			return web.NotFound()
		}
		if err != nil {
			return err
		}
		p := LifePayload{Cluster: form.Get("cluster"), Backup: form.Get("backup"), Reason: strings.TrimSpace(form.Get("reason"))}
		wrong := map[string]string{}
		switch kind {
		case KindMove:
			if p.Cluster == t.Cluster() || !slices.Contains(m.DB.Clusters(), p.Cluster) {
				wrong["cluster"] = "operator.error.cluster"
			}
		case KindRestore:
			copies, err := m.backups(r, t.Slug())
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(copies, func(c backupRow) bool { return c.Location == p.Backup && c.State == "done" }) {
				wrong["backup"] = "operator.error.backup"
			}
			if form.Get("restore_slug") != t.Slug() {
				wrong["restore_slug"] = "operator.error.confirm"
			}
		case KindArchive:
			if state, _ := t.State(); state != tenancy.Suspended {
				return web.NotFound()
			}
			if len(p.Reason) < 3 || len(p.Reason) > 600 {
				wrong["reason"] = "operator.error.reason"
			}
			if form.Get("archive_slug") != t.Slug() {
				wrong["archive_slug"] = "operator.error.confirm"
			}
		}
		if len(wrong) > 0 {
			return m.lifePage(r, 422, wrong)
		}
		id, err := enqueue(r.Ctx(), m.DB, kind, t.Slug(), r.Actor().Name(), p)
		if err != nil {
			return err
		}
		if err := m.Staff.Record(r.Ctx(), r.Actor(), "operator."+kind, "commune:"+t.Slug(), "{}"); err != nil {
			return err
		}
		return r.Redirect("/lavori/" + id.String())
	}
}
