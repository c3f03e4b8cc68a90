package operator

import (
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/operator/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// ActionExport lets a commune's administrator take everything along. The entity's
// people have no such action: an export is the commune's data in the clear.
const ActionExport access.Action = "console.export"

// ExportsFolder is where a finished export lies in the commune's file store,
// under the commune's key.
const ExportsFolder = "exports/"

// ownJobs are the exports and imports of the commune of the request, newest first: the slug
// comes from its Tenant and from nowhere else.
func (m *Module) ownJobs(r *web.Request) (out []Job, err error) {
	all, err := recentJobs(r.Ctx(), m.DB, r.Tenant().Slug())
	for _, j := range all {
		if j.Kind == KindExport || j.Kind == KindImport {
			out = append(out, j)
		}
	}
	return out, err
}

// exportPage is /console/esportazione.
func (m *Module) exportPage(r *web.Request) error { return m.exportForm(r, 200, "") }

// exportForm is the page; wrong says what is wrong with the file to import.
func (m *Module) exportForm(r *web.Request, code int, wrong string) error {
	ctx := r.Ctx()
	jobs, err := m.ownJobs(r)
	if err != nil {
		return err
	}
	page := view.ExportPage{Side: console.Side(r, "/console/esportazione")}
	running := false
	for _, j := range jobs {
		moment := ui.Moment{Title: i18n.T(ctx, "operator.job-title."+j.Kind, "name", r.Tenant().Name()) + ": " + i18n.T(ctx, "operator.job."+string(j.State)), When: i18n.DateTime(ctx, j.CreatedAt) + ", " + j.AskedBy,
			DateTime: j.CreatedAt.Format(time.RFC3339), Done: j.State == JobDone, Now: j.State == JobRunning || j.State == JobWaiting}
		running = running || moment.Now
		if moment.Now {
			page.Percent = j.Progress
		}
		if name := j.exported(); name != "" && page.Download == nil {
			if there, err := m.Files.For(r.Tenant().Slug()).Exists(ctx, ExportsFolder+name); err == nil && there {
				moment.Link = &ui.Link{Text: i18n.T(ctx, "operator.export.download"), URL: "/console/esportazione/" + name}
				page.Download = moment.Link
			}
		}
		page.History = append(page.History, moment)
	}
	page.Running = running
	if takes, err := m.takesImport(ctx, r.Tenant()); err != nil {
		return err
	} else if takes {
		page.ImportURL, page.Import = "/console/importazione", importField(ctx, wrong)
	}
	var opts []web.PageOption
	if running {
		opts = append(opts, web.Refresh(2))
	}
	return r.Page(code, i18n.T(ctx, "operator.export.title"), view.Export(page), opts...)
}

// exported is the file that a finished export left, "" when there is none.
func (j Job) exported() string {
	if j.State != JobDone {
		return ""
	}
	for _, s := range j.Steps {
		if s.Text == "exported" {
			return s.Note
		}
	}
	return ""
}

// askExport writes the job.
func (m *Module) askExport(r *web.Request) error {
	jobs, err := m.ownJobs(r)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.State == JobWaiting || j.State == JobRunning {
			return r.Redirect("/console/esportazione")
		}
	}
	if err := m.DB.In(r.Ctx(), r.Tenant(), func(tx *tenancy.Tx) error {
		return audit.Record(tx, r.Actor(), "life.ask-export", r.Tenant().Slug(), nil)
	}); err != nil {
		return err
	}
	// The job stands in the platform's schema, before the entity's eyes: who of
	// the commune asked is on the commune's own audit.
	by := i18n.T(r.Ctx(), "operator.export.asked-by")
	if _, err := enqueue(r.Ctx(), m.DB, KindExport, r.Tenant().Slug(), by, LifePayload{}); err != nil {
		return err
	}
	return r.Redirect("/console/esportazione")
}

// downloadExport gives the file to the commune's administrator, once it is on the audit.
func (m *Module) downloadExport(r *web.Request) error {
	name := r.Param("file")
	jobs, err := m.ownJobs(r)
	if err != nil {
		return err
	}
	known := false
	for _, j := range jobs {
		known = known || (name != "" && j.exported() == name)
	}
	if !known || strings.Contains(name, "/") {
		return web.NotFound()
	}
	data, _, err := m.Files.For(r.Tenant().Slug()).Get(r.Ctx(), ExportsFolder+name)
	if err != nil {
		return web.NotFound()
	}
	if err := m.DB.In(r.Ctx(), r.Tenant(), func(tx *tenancy.Tx) error {
		return audit.Record(tx, r.Actor(), "life.download-export", name, map[string]any{"bytes": len(data)})
	}); err != nil {
		return err
	}
	return r.Blob(name, "application/zip", data, false)
}
