package operator

import (
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/operator/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// job is /lavori/{id}: a long job with its progress.
func (m *Module) job(r *web.Request) error {
	id, err := uuid.Parse(r.Param("id"))
	if err != nil {
		return web.NotFound()
	}
	j, err := jobByID(r.Ctx(), m.DB, id)
	if err != nil {
		return err
	}
	if j == nil {
		return web.NotFound()
	}
	ctx := r.Ctx()
	if j.State == JobDone {
		m.DB.Directory().Forget() // the page leads to the new desk: it must be known here at once
	}
	name := j.name(m.FS)
	if t, err := m.DB.Directory().BySlug(ctx, j.Slug); err == nil {
		name = t.Name()
	}
	tone := map[JobState]ui.Tone{JobDone: ui.Success, JobFailed: ui.Danger}[j.State]
	if tone == "" {
		tone = ui.Info
	}
	end := m.Clock.Now()
	if j.Finished != nil {
		end = *j.Finished
	}
	page := view.JobPage{Side: Side(r, ""), Title: i18n.T(ctx, "operator.job-title."+j.Kind, "name", name), State: ui.State{Tone: tone, Text: i18n.T(ctx, "operator.job."+string(j.State))},
		Percent: j.Progress, Running: j.State == JobWaiting || j.State == JobRunning, Failure: j.Message,
		Elapsed: i18n.T(ctx, "operator.job.elapsed", "n", int(end.Sub(j.CreatedAt).Seconds()))}
	for i, s := range j.Steps {
		page.Steps = append(page.Steps, ui.Moment{Title: i18n.T(ctx, "operator.step."+s.Text), Text: s.Note, When: i18n.Time(s.At), DateTime: s.At.Format(time.RFC3339),
			Now: page.Running && i == len(j.Steps)-1, Done: !page.Running || i < len(j.Steps)-1})
	}
	if j.State == JobDone {
		page.Next = &ui.Link{Text: i18n.T(ctx, "operator.visit"), URL: m.URL(j.Slug + "." + m.DB.Directory().Base())}
	}
	if j.State == JobFailed {
		page.RetryURL = "/lavori/" + id.String() + "/riprova"
	}
	var opts []web.PageOption
	if page.Running {
		opts = append(opts, web.Refresh(1))
	}
	return r.Page(200, page.Title, view.Job(page), opts...)
}

// retry asks for a failed job again.
func (m *Module) retry(r *web.Request) error {
	id, err := uuid.Parse(r.Param("id"))
	if err != nil {
		return web.NotFound()
	}
	j, err := jobByID(r.Ctx(), m.DB, id)
	if err != nil {
		return err
	}
	if j == nil || j.State != JobFailed {
		return web.NotFound()
	}
	again, err := enqueue(r.Ctx(), m.DB, j.Kind, j.Slug, r.Actor().Name(), j.Payload)
	if err != nil {
		return err
	}
	return r.Redirect("/lavori/" + again.String())
}
