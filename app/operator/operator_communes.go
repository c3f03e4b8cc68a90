package operator

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/operator/view"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// figures is how a commune's desk is doing: counts, never contents.
type figures struct {
	tenant  tenancy.Tenant
	reached bool
	open    int64
	month   int64
	backlog int64
	late    bool // a job has waited for more than a minute
	gaveUp  int64
	overdue int64
	seal    *time.Time // until when the seal's certificate is valid
	version int64
}

// read asks every commune at the same time; one that is away answers nothing.
func (m *Module) read(ctx context.Context, all []tenancy.Tenant) []figures {
	out := make([]figures, len(all))
	var g errgroup.Group
	g.SetLimit(8)
	for i, t := range all {
		g.Go(func() error {
			out[i] = m.readOne(ctx, t)
			return nil
		})
	}
	_ = g.Wait() // readOne reports in its figures
	return out
}

func (m *Module) readOne(ctx context.Context, t tenancy.Tenant) figures {
	f := figures{tenant: t}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	err := m.DB.Read(ctx, t, func(tx *tenancy.Tx) error {
		return tx.QueryRow(`select
			(select count(*) from cases where closed_at is null),
			(select count(*) from cases where submitted_at > now() - interval '30 days'),
			(select count(*) from outbox where done_at is null and gave_up_at is null),
			(select count(*) from outbox where done_at is null and gave_up_at is null and run_after < now() - interval '1 minute'),
			(select count(*) from outbox where gave_up_at > now() - interval '30 days'),
			(select not_after from seal_keys where in_use),
			(select coalesce(max(version), 0) from schema_versions)`).Scan(&f.open, &f.month, &f.backlog, &f.overdue, &f.gaveUp, &f.seal, &f.version)
	})
	f.reached, f.late = err == nil, f.overdue > 0
	return f
}

func (f figures) health(ctx context.Context, wanted int64, p place) ui.State {
	key, tone := "fine", ui.Success
	switch {
	case !f.reached:
		key, tone = "down", ui.Danger
	case p.migrationError != "":
		key, tone = "stuck", ui.Danger
	case f.version < wanted:
		key, tone = "old", ui.Warning
	case f.late:
		key, tone = "slow", ui.Warning
	}
	return ui.State{Tone: tone, Text: i18n.T(ctx, "operator.health."+key)}
}

func stateOf(ctx context.Context, t tenancy.Tenant) ui.State {
	s, _ := t.State()
	tone := map[tenancy.State]ui.Tone{tenancy.Active: ui.Success, tenancy.Suspended: ui.Warning}[s]
	if tone == "" {
		tone = ui.Info
	}
	return ui.State{Tone: tone, Text: i18n.T(ctx, "operator.state-name."+string(s))}
}

// communes is the entity's first page: every commune with its health.
func (m *Module) communes(r *web.Request) error {
	ctx := r.Ctx()
	m.DB.Directory().Forget() // an operator wants to see what is true now
	all, err := m.DB.Directory().All(ctx)
	if err != nil {
		return err
	}
	wanted, err := tenancy.WantedVersion()
	if err != nil {
		return err
	}
	col := func(key string) ui.Column {
		return ui.Column{Title: i18n.T(ctx, "operator.column."+key), Label: i18n.T(ctx, "operator.column."+key)}
	}
	page := view.CommunesPage{Side: Side(r, "/comuni"), Now: i18n.DateTime(ctx, m.Clock.Now()), Grid: ui.Grid{Caption: i18n.T(ctx, "operator.communes"),
		Columns: []ui.Column{{Title: i18n.T(ctx, "operator.column.commune")}, col("health"), col("schema"), col("cases"), col("jobs"), col("errors"), col("certificates"), col("backup")}}}
	known, err := m.watch(ctx)
	if err != nil {
		return err
	}
	marks, err := m.marks(ctx)
	if err != nil {
		return err
	}
	var active, open, month, backlog int64
	for _, f := range m.read(ctx, all) {
		if s, _ := f.tenant.State(); s == tenancy.Active {
			active++
		}
		open, month, backlog = open+f.open, month+f.month, backlog+f.backlog
		health, state := f.health(ctx, wanted, known.places[f.tenant.Slug()]), stateOf(ctx, f.tenant)
		page.Grid.Rows = append(page.Grid.Rows, []ui.Cell{
			{Text: f.tenant.Name(), URL: "/comuni/" + f.tenant.Slug(), Strong: true, Small: state.Text}, {State: &health, Small: marks[f.tenant.Slug()]}, {Text: version(f.version), Num: true, Small: m.Version},
			casesCell(ctx, f, known.cases[f.tenant.Slug()]), jobsCell(ctx, f), errorsCell(known.errors[f.tenant.Slug()]),
			m.untilCell(ctx, f, known), m.backupCell(ctx, f, known),
		})
	}
	page.Title = i18n.N(ctx, "operator.title", len(all))
	page.Tiles = []ui.Tile{
		{Value: i18n.Number(active), Label: i18n.T(ctx, "operator.tile.communes")}, {Value: i18n.Number(open), Label: i18n.T(ctx, "operator.tile.cases")},
		{Value: i18n.Number(month), Label: i18n.T(ctx, "operator.tile.month")}, {Value: i18n.Number(backlog), Label: i18n.T(ctx, "operator.tile.jobs")},
	}
	if r.May(ActionProvision) {
		page.NewURL = "/comuni/nuovo"
	}
	return r.Page(200, page.Title, view.Communes(page), web.Here("/"))
}

// marks are the quotas that are nearly used up, by commune.
func (m *Module) marks(ctx context.Context) (map[string]string, error) {
	if m.Marks == nil {
		return nil, nil
	}
	return m.Marks(ctx)
}

// version is a migration's number as people read it: the day it was written.
func version(v int64) string {
	if v == 0 {
		return "–"
	}
	s := i18n.Number(v)
	return strings.ReplaceAll(s, "'", "")
}

// commune is /comuni/{slug}.
func (m *Module) commune(r *web.Request) error { return m.communePage(r, 200, refusedForm{}) }

// refusedForm is what was typed into one of the page's forms, and what is wrong
// with it by field.
type refusedForm struct {
	reason  string
	invitee identity.Invitee
	wrong   map[string]string
}

// notFound answers for a commune that does not exist.
func notFound(err error) error {
	if errors.Is(err, tenancy.ErrUnknown) {
		return web.NotFound()
	}
	return err
}

func (m *Module) communePage(r *web.Request, code int, typed refusedForm) error {
	ctx := r.Ctx()
	t, err := m.DB.Directory().BySlug(ctx, r.Param("slug"))
	if err != nil {
		return notFound(err)
	}
	wanted, err := tenancy.WantedVersion()
	if err != nil {
		return err
	}
	f := m.readOne(ctx, t)
	known, err := m.watch(ctx)
	if err != nil {
		return err
	}
	first, main := t.Slug()+"."+m.DB.Directory().Base(), m.DB.Directory().HostOf(t)
	fact := func(key, value string) ui.Fact { return ui.Fact{Term: i18n.T(ctx, "operator.fact."+key), Value: value} }
	page := view.CommunePage{Side: Side(r, "/comuni"), Name: t.Name(), DeskURL: m.URL(main), DomainURL: "/comuni/" + t.Slug() + "/dominio", LifeURL: "/comuni/" + t.Slug() + "/vita", AccessURL: "/comuni/" + t.Slug() + "/accesso", State: stateOf(ctx, t),
		Tiles: []ui.Tile{
			{Value: f.health(ctx, wanted, known.places[t.Slug()]).Text, Label: i18n.T(ctx, "operator.column.health")}, {Value: i18n.Number(f.month), Label: i18n.T(ctx, "operator.column.use")},
			{Value: i18n.Number(f.open), Label: i18n.T(ctx, "operator.column.open")}, {Value: i18n.Number(f.backlog), Label: i18n.T(ctx, "operator.column.backlog")},
		},
		Facts: []ui.Fact{fact("slug", t.Slug()), fact("hosts", strings.Join(append([]string{first}, t.Hosts()...), ", ")), fact("schema", version(f.version)),
			fact("opened", i18n.Date(t.CreatedAt())), fact("inhabitants", count(t.Inhabitants())), fact("bfs", version(int64(t.BFS()))),
			cellFact(i18n.T(ctx, "operator.column.jobs"), jobsCell(ctx, f)), cellFact(i18n.T(ctx, "operator.column.errors"), errorsCell(known.errors[t.Slug()])),
			cellFact(i18n.T(ctx, "operator.column.certificates"), m.untilCell(ctx, f, known)), cellFact(i18n.T(ctx, "operator.column.backup"), m.backupCell(ctx, f, known))}}
	page.Facts = append(page.Facts, fact("cluster", known.places[t.Slug()].cluster))
	if wrong := known.places[t.Slug()].migrationError; wrong != "" {
		page.Facts = append(page.Facts, ui.Fact{Term: i18n.T(ctx, "operator.fact.migration"), Value: i18n.T(ctx, "operator.health.stuck"), Note: wrong})
	}
	marks, err := m.marks(ctx)
	if err != nil {
		return err
	}
	if near := marks[t.Slug()]; near != "" {
		page.Facts = append(page.Facts, fact("quotas", near))
	}
	if r.May("quotas.see") {
		page.QuotasURL = "/comuni/" + t.Slug() + "/quote"
	}
	page.Notice = r.Done("operator.done")
	if r.May("access.review") {
		page.ReviewURL = "/accessi?comune=" + t.Slug()
	}
	if state, _ := t.State(); r.May(ActionSuspend) && state == tenancy.Suspended {
		page.ResumeURL = "/comuni/" + t.Slug() + "/riapri"
	} else if r.May(ActionSuspend) && state == tenancy.Active {
		page.SuspendURL = "/comuni/" + t.Slug() + "/sospendi"
		page.Suspend = []ui.Input{{Kind: ui.Text, Name: "reason", Label: i18n.T(ctx, "operator.field.reason"), Help: i18n.T(ctx, "operator.field.reason-help"),
			Value: typed.reason, Required: true, MaxLength: 300}}
		if key := typed.wrong["reason"]; key != "" {
			page.Suspend[0].Error = i18n.T(ctx, key)
		}
	}
	if awaits, err := m.awaitsFirst(ctx, t); err == nil && awaits && r.May(ActionProvision) { // else it is away, and the page says so
		page.InviteURL, page.Invite = "/comuni/"+t.Slug()+"/invito", inviteeFields(ctx, "", typed.invitee, typed.wrong)
	}
	jobs, err := recentJobs(ctx, m.DB, t.Slug())
	if err != nil {
		return err
	}
	for _, j := range jobs {
		page.History = append(page.History, ui.Moment{Title: i18n.T(ctx, "operator.job-title."+j.Kind, "name", t.Name()) + ": " + i18n.T(ctx, "operator.job."+string(j.State)),
			When: i18n.DateTime(ctx, j.CreatedAt) + ", " + j.AskedBy, DateTime: j.CreatedAt.Format(time.RFC3339), Text: j.Message, Done: true,
			Link: &ui.Link{Text: i18n.T(ctx, "operator.progress"), URL: "/lavori/" + j.ID.String()}})
	}
	return r.Page(code, t.Name(), view.Commune(page))
}

func (m *Module) suspend(r *web.Request) error {
	form, err := r.Form()
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(form.Get("reason"))
	if len(reason) < 3 || len(reason) > 600 {
		return m.communePage(r, 422, refusedForm{reason: reason, wrong: map[string]string{"reason": "operator.error.reason"}})
	}
	return m.setState(r, tenancy.Active, tenancy.Suspended, reason, "suspended")
}

func (m *Module) resume(r *web.Request) error {
	return m.setState(r, tenancy.Suspended, tenancy.Active, "", "resumed")
}

// setState moves a commune from one state to another; in any other state
// nothing happens.
func (m *Module) setState(r *web.Request, from, to tenancy.State, reason, done string) error {
	slug := r.Param("slug")
	var n int64
	if err := m.DB.Platform(r.Ctx(), func(tx *tenancy.PlatformTx) (err error) {
		n, err = tx.Exec("update communes set state = $3, state_reason = $4, updated_at = now() where slug = $1 and state = $2", slug, string(from), string(to), reason)
		return err
	}); err != nil {
		return err
	}
	m.DB.Directory().Forget()
	if n == 0 {
		return r.Redirect("/comuni/" + slug)
	}
	if err := m.Staff.Record(r.Ctx(), r.Actor(), "operator."+done, "commune:"+slug, "{}"); err != nil {
		return err
	}
	return r.Redirect("/comuni/" + slug + "?fatto=" + done)
}

// count is a number that a commune may not have told yet.
func count(n int) string {
	if n == 0 {
		return "–"
	}
	return i18n.Number(n)
}
