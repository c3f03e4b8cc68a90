package domains

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/sportello-ticino/sportello/app/console"
	"github.com/sportello-ticino/sportello/app/domains/view"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// place is where the page stands: the commune's console or the entity's.
type place struct {
	tenant tenancy.Tenant
	base   string // of the page's address
	may    bool   // change something
}

// own is /console/dominio.
func (m *Module) own(r *web.Request) error { return m.page(r, m.ownPlace(r), 200, "", "", "") }

func (m *Module) ownPlace(r *web.Request) place {
	return place{tenant: r.Actor().Tenant(), base: consolePath, may: r.May(ActionOwn)}
}

// entity is /comuni/{slug}/dominio.
func (m *Module) entity(r *web.Request) error {
	at, err := m.entityPlace(r)
	if err != nil {
		return err
	}
	return m.page(r, at, 200, "", "", "")
}

func (m *Module) entityPlace(r *web.Request) (place, error) {
	t, err := m.DB.Directory().BySlug(r.Ctx(), r.Param("slug"))
	if errors.Is(err, tenancy.ErrUnknown) {
		return place{}, web.NotFound()
	}
	if err != nil {
		return place{}, err
	}
	return place{tenant: t, base: "/comuni/" + t.Slug() + "/dominio", may: r.May(ActionChange)}, nil
}

// step is what one of the page's buttons does; both consoles have the same.
type step func(m *Module, r *web.Request, at place, host string) error

func (m *Module) ownDo(do step) web.Handler {
	return func(r *web.Request) error { return m.do(r, m.ownPlace(r), do) }
}

func (m *Module) entityDo(do step) web.Handler {
	return func(r *web.Request) error {
		at, err := m.entityPlace(r)
		if err != nil {
			return err
		}
		return m.do(r, at, do)
	}
}

func (m *Module) do(r *web.Request, at place, do step) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	return do(m, r, at, f.Get("host"))
}

func (m *Module) ask(r *web.Request, at place, typed string) error {
	d, err := m.Ask(r.Ctx(), r.Actor(), at.tenant, typed)
	var p *problem.Error
	if errors.As(err, &p) && p.Kind == problem.KindInvalid {
		return m.page(r, at, 422, typed, r.Words(p), "")
	}
	if err != nil {
		return err
	}
	return r.Redirect(at.base + "?fatto=asked#" + anchor(d.Host))
}

func (m *Module) look(r *web.Request, at place, host string) error {
	d, err := m.Check(r.Ctx(), r.Actor(), at.tenant, host)
	if err != nil {
		return err
	}
	what := "checked"
	if d.State == Live && d.Well {
		what = "live"
	}
	return r.Redirect(at.base + "?fatto=" + what + "#" + anchor(d.Host))
}

func (m *Module) setMain(r *web.Request, at place, host string) error {
	err := m.Main(r.Ctx(), r.Actor(), at.tenant, host)
	if errors.Is(err, ErrNotWell) {
		return m.page(r, at, 409, "", "", r.Words(ErrNotWell))
	}
	if err != nil {
		return err
	}
	return r.Redirect(at.base + "?fatto=main")
}

func (m *Module) takeAway(r *web.Request, at place, host string) error {
	err := m.Remove(r.Ctx(), r.Actor(), at.tenant, host)
	if errors.Is(err, ErrFolder) {
		return m.page(r, at, 409, "", "", r.Words(ErrFolder))
	}
	if err != nil {
		return err
	}
	return r.Redirect(at.base + "?fatto=removed")
}

// anchor names a domain's section.
func anchor(host string) string { return "dominio-" + host }

func (m *Module) page(r *web.Request, at place, code int, typed, wrong, warning string) error {
	ctx := r.Ctx()
	// What the directory says now, not a second ago: somebody has just changed it.
	m.DB.Directory().Forget()
	t, err := m.DB.Directory().BySlug(ctx, at.tenant.Slug())
	if err != nil {
		return err
	}
	list, err := m.List(ctx, t)
	if err != nil {
		return err
	}
	first := t.Slug() + "." + m.DB.Directory().Base()
	p := view.Page{Title: i18n.T(ctx, "domains.title"), Lead: i18n.T(ctx, "domains.lead", "first", first), Notice: r.Done("domains.done"), Warning: warning,
		Address: m.URL(m.DB.Directory().HostOf(t)), AddressNote: i18n.T(ctx, "domains.main.first")}
	opts := []web.PageOption{web.Here("/console")}
	if r.Area() == web.AreaOperator {
		p.Side, p.Crumbs = operator.Side(r, "/comuni"), []ui.Link{{Text: i18n.T(ctx, "operator.communes"), URL: "/comuni"}, {Text: t.Name(), URL: "/comuni/" + t.Slug()}, {Text: p.Title}}
		opts = []web.PageOption{web.Here("/")}
	} else {
		p.Side = console.Side(r, consolePath)
	}
	filled := false // one filled button per page: the next step of the first that has one
	for _, d := range list {
		if d.State != Waiting && d.State != Live {
			p.Past = append(p.Past, ui.Row{Title: Shown(d.Host), State: pastState(ctx, d), Note: i18n.T(ctx, "domains.ended", "when", i18n.Date(*d.EndedAt))})
			continue
		}
		if d.Main {
			p.AddressNote = i18n.T(ctx, "domains.main.own", "first", first)
			if !d.Well {
				p.AddressNote = i18n.T(ctx, "domains.main.failing", "host", Shown(d.Host))
			}
			if at.may {
				p.Back = &view.Act{URL: at.base + "/principale", Button: i18n.T(ctx, "domains.main.back", "first", first)}
			}
		}
		p.Domains = append(p.Domains, m.domain(ctx, at, d, first, &filled))
	}
	if at.may {
		p.Ask = &ui.Form{Action: at.base, Submit: i18n.T(ctx, "domains.ask.submit"), Quiet: filled, Fields: []ui.Input{{Kind: ui.Text, Name: "host", Label: i18n.T(ctx, "domains.ask.label"),
			Help: i18n.T(ctx, "domains.ask.help"), Value: typed, Error: wrong, Required: true, MaxLength: maxHost}}}
	}
	return r.Page(code, p.Title, view.Domains(p), opts...)
}

func pastState(ctx context.Context, d Domain) *ui.State {
	tone := ui.Info
	if d.State == Off || d.State == Taken {
		tone = ui.Warning
	}
	return &ui.State{Tone: tone, Text: i18n.T(ctx, "domains.state."+string(d.State))}
}

// domain is one section: how far it has come, what is wrong, what to do next.
func (m *Module) domain(ctx context.Context, at place, d Domain, first string, filled *bool) view.Domain {
	out := view.Domain{ID: anchor(d.Host), Host: Shown(d.Host), State: m.state(ctx, d), Steps: m.steps(ctx, d), Wrong: wrong(ctx, d)}
	if out.Host != d.Host {
		out.ASCII = d.Host
	}
	if d.CheckedAt != nil {
		out.Checked = i18n.T(ctx, "domains.checked", "when", i18n.DateTime(ctx, *d.CheckedAt))
	}
	if !d.Folder && !(d.Proof && d.Points) {
		for _, rec := range m.Records(ctx, d) {
			if !rec.There {
				out.Records = append(out.Records, view.Record{Type: rec.Type, Name: rec.Name, Value: rec.Value})
			}
		}
	}
	if !at.may {
		return out
	}
	act := func(path, key string, next bool, text ...string) {
		a := view.Act{URL: at.base + path, Host: d.Host, Button: i18n.T(ctx, key), Text: text}
		if next && !*filled {
			a.Filled, *filled = true, true
		}
		out.Acts = append(out.Acts, a)
	}
	if d.State == Live && d.Well && !d.Main {
		act("/principale", "domains.main.use", true, i18n.T(ctx, "domains.main.means", "host", out.Host, "first", first), i18n.T(ctx, "domains.main.sessions"), i18n.T(ctx, "domains.main.passkeys", "first", first))
	}
	act("/controlla", "domains.check", d.State == Waiting || !d.Well)
	if !d.Folder {
		text := []string{i18n.T(ctx, "domains.remove.waiting")}
		if d.State == Live {
			text = []string{i18n.T(ctx, "domains.remove.live", "host", out.Host, "first", first), i18n.T(ctx, "domains.remove.papers", "first", first)}
		}
		out.Remove = &view.Act{URL: at.base + "/togli", Host: d.Host, Button: i18n.T(ctx, "domains.remove.button", "host", out.Host), Text: text}
	}
	return out
}

func (m *Module) state(ctx context.Context, d Domain) ui.State {
	switch {
	case d.State == Waiting:
		return ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "domains.state.waiting")}
	case d.FailingSince != nil:
		return ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "domains.state.failing")}
	case !d.Well:
		return ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "domains.state.certificate")}
	case d.Main:
		return ui.State{Tone: ui.Success, Text: i18n.T(ctx, "domains.state.main")}
	}
	return ui.State{Tone: ui.Success, Text: i18n.T(ctx, "domains.state.live")}
}

// wrong is what is still wrong, in one sentence or two.
func wrong(ctx context.Context, d Domain) string {
	text := ""
	if d.Finding != "" {
		text = i18n.T(ctx, "domains.finding."+d.Finding, "host", Shown(d.Host), "record", d.RecordName(), "seen", d.Seen)
	} else if d.State == Live && !d.Well && d.Refused != "" {
		text = i18n.T(ctx, "domains.finding."+d.Refused, "host", Shown(d.Host))
	}
	if d.FailingSince != nil {
		text += " " + i18n.T(ctx, "domains.off-at", "when", i18n.Date(d.OffAt()))
	}
	return text
}

// steps are the way from the request to the main address.
func (m *Module) steps(ctx context.Context, d Domain) []ui.Moment {
	if d.Folder {
		return []ui.Moment{{Title: i18n.T(ctx, "domains.step.folder"), Done: true}, m.certificateStep(ctx, d), mainStep(ctx, d)}
	}
	n := func(i int) string { return strconv.Itoa(i) + ". " }
	asked := ui.Moment{Title: n(1) + i18n.T(ctx, "domains.step.asked"), When: i18n.DateTime(ctx, d.AskedAt) + ", " + d.AskedBy, DateTime: d.AskedAt.Format(time.RFC3339), Done: true}
	proof := ui.Moment{Title: n(2) + i18n.T(ctx, "domains.step.proof"), Text: i18n.T(ctx, "domains.step.proof-text"), Done: d.Proof, Now: !d.Proof}
	points := ui.Moment{Title: n(3) + i18n.T(ctx, "domains.step.points"), Text: i18n.T(ctx, "domains.step.points-text"), Done: d.Points, Now: d.Proof && !d.Points}
	if d.Proof {
		proof.Text = i18n.T(ctx, "domains.step.proof-keep")
	}
	if d.Points {
		points.Text = i18n.T(ctx, "domains.step.points-there")
	}
	if d.State == Waiting && !d.Proof {
		proof.When = i18n.T(ctx, "domains.expires", "when", i18n.Date(d.ExpiresAt))
	}
	out := []ui.Moment{asked, proof, points, m.certificateStep(ctx, d), mainStep(ctx, d)}
	out[3].Title, out[4].Title = n(4)+out[3].Title, n(5)+out[4].Title
	return out
}

func (m *Module) certificateStep(ctx context.Context, d Domain) ui.Moment {
	s := ui.Moment{Title: i18n.T(ctx, "domains.step.certificate"), Text: i18n.T(ctx, "domains.step.certificate-text")}
	switch {
	case d.State != Live:
	case !m.HTTPS:
		s.Done, s.Text = true, i18n.T(ctx, "domains.step.no-certificate")
	case d.Certificate != nil:
		s.Done, s.Text = true, i18n.T(ctx, "domains.step.certificate-until", "when", i18n.Date(*d.Certificate))
	default:
		s.Now = d.Proof && d.Points
	}
	return s
}

func mainStep(ctx context.Context, d Domain) ui.Moment {
	s := ui.Moment{Title: i18n.T(ctx, "domains.step.main"), Text: i18n.T(ctx, "domains.step.main-text"), Done: d.Main, Now: d.State == Live && d.Well && !d.Main}
	if d.Main {
		s.Text = ""
	}
	return s
}
