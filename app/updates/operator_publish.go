package updates

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/operator"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// The fields of the page that publishes.
const (
	fieldYAML = "yaml"
	fieldFile = "file"
	fieldSize = "portata"
	fieldStep = "passo"
	stepLook  = "guarda"
	stepDo    = "pubblica"
)

// publishPage is /catalogo/pubblica: a definition is pasted or uploaded; the newest
// version of a service can be taken to begin with.
func (m *Module) publishPage(r *web.Request) error {
	f := url.Values{}
	if id := r.Query("servizio"); id != "" {
		history, err := m.Catalogue.History(r.Ctx(), id)
		if err != nil {
			return err
		}
		_, tree, err := m.Catalogue.SharedTree(r.Ctx(), id, newestOf(history).Version)
		if err != nil {
			return err
		}
		text, err := catalogue.WriteDefinition(tree)
		if err != nil {
			return err
		}
		f.Set(fieldYAML, string(text))
	}
	return m.showPublish(r, http.StatusOK, said{form: f}, nil)
}

func (m *Module) showPublish(r *web.Request, code int, s said, p *catalogue.Proposal) error {
	ctx := r.Ctx()
	page := ui.Sheet{Side: operator.Side(r, "/catalogo"), Title: i18n.T(ctx, "updates.publish.title"), Lead: i18n.T(ctx, "updates.publish.lead"), Problems: s.problems,
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "updates.entity.title"), URL: "/catalogo"}, {Text: i18n.T(ctx, "updates.publish.title")}}}
	ready := p != nil && (len(s.problems) == 0 || s.wrong(fieldWhy) != "")
	if ready {
		drafts, err := m.draftsElsewhere(ctx, p)
		if err != nil {
			return err
		}
		page.Sections = append(page.Sections, m.proposal(r, p, drafts, s))
	}
	page.Sections = append(page.Sections, ui.Section{ID: "definizione", Title: i18n.T(ctx, "updates.publish.definition"), Forms: []ui.Form{{
		Action: "/catalogo/pubblica", Submit: i18n.T(ctx, "updates.publish.look"), Name: fieldStep, Value: stepLook, Quiet: ready,
		Fields: []ui.Input{
			{Kind: ui.File, Name: fieldFile, Label: i18n.T(ctx, "updates.publish.file"), Help: i18n.T(ctx, "updates.publish.file-help"), Accept: ".yaml,.yml"},
			{Kind: ui.Textarea, Name: fieldYAML, Label: i18n.T(ctx, "updates.publish.yaml"), Value: s.form.Get(fieldYAML), Rows: 18, Error: s.wrong(fieldYAML)},
		}}}})
	return r.Page(code, page.Title, ui.SheetPage(page))
}

// proposal shows what would be published, with the button that does it.
func (m *Module) proposal(r *web.Request, p *catalogue.Proposal, drafts []string, s said) ui.Section {
	ctx := r.Ctx()
	out := ui.Section{ID: "proposta", Title: p.After.Title + ", " + i18n.T(ctx, "updates.version.n", "n", p.After.Version), Note: i18n.N(ctx, "updates.publish.examples", p.Examples)}
	if p.Same {
		out.Text = []string{i18n.T(ctx, "updates.publish.same")}
		return out
	}
	before, after := p.Trees()
	if p.Before == nil {
		out.Text = []string{i18n.T(ctx, "updates.publish.new")}
	} else {
		out.Chart = ui.ChangeList(catalogue.Changes(ctx, before, after))
	}
	out.Text = append(out.Text, drafts...)
	out.Forms = []ui.Form{{Action: "/catalogo/pubblica", Submit: i18n.T(ctx, "updates.publish.submit"), Name: fieldStep, Value: stepDo, Fields: append(whyAndSize(r, s),
		ui.Input{Kind: ui.Hidden, Name: fieldYAML, Value: s.form.Get(fieldYAML)})}}
	return out
}

// draftsElsewhere warns of communes whose open drafts have answered what goes: there
// nobody can accept before saying that they keep their version.
func (m *Module) draftsElsewhere(ctx context.Context, p *catalogue.Proposal) ([]string, error) {
	before, after := p.Trees()
	found, err := m.Catalogue.DraftsElsewhere(ctx, p.Service, before, after)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	names, _, err := m.communes(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range found {
		out = append(out, nameOr(names, d.Slug)+": "+i18n.N(ctx, "updates.removed", d.Drafts, "field", d.Label))
	}
	return out, nil
}

func whyAndSize(r *web.Request, s said) []ui.Input {
	ctx := r.Ctx()
	size := ui.Input{Kind: ui.Radio, Name: fieldSize, Label: i18n.T(ctx, "updates.publish.size"), Required: true}
	chosen := s.form.Get(fieldSize)
	for _, v := range []catalogue.Size{catalogue.Large, catalogue.Small} {
		size.Options = append(size.Options, ui.Option{Value: string(v), Label: i18n.T(ctx, "updates.size."+string(v)), Help: i18n.T(ctx, "updates.size-help."+string(v)), Selected: chosen == string(v) || chosen == "" && v == catalogue.Large})
	}
	return []ui.Input{
		{Kind: ui.Textarea, Name: fieldWhy, Label: i18n.T(ctx, "updates.publish.why"), Help: i18n.T(ctx, "updates.publish.why-help"), Value: s.form.Get(fieldWhy), Required: true, Rows: 3, MaxLength: 1000, Error: s.wrong(fieldWhy)}, size,
	}
}

// publish is POST of the same page: first the difference, then the publication.
func (m *Module) publish(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	text := f.Get(fieldYAML)
	for _, file := range r.Files(fieldFile) {
		if file.Size == 0 {
			continue
		}
		in, err := file.Open()
		if err != nil {
			return err
		}
		data, err := io.ReadAll(io.LimitReader(in, maxYAML))
		_ = in.Close()
		if err != nil {
			return err
		}
		text = string(data)
	}
	// A browser sends lines that end in two signs.
	text = strings.ReplaceAll(text, "\r\n", "\n")
	f.Set(fieldYAML, text)
	s := said{form: f}
	if strings.TrimSpace(text) == "" {
		s.problems = []ui.Problem{{Name: fieldYAML, Text: i18n.T(ctx, "updates.publish.empty")}}
		return m.showPublish(r, http.StatusUnprocessableEntity, s, nil)
	}
	tree, err := catalogue.ReadDefinition(i18n.T(ctx, "updates.publish.definition"), []byte(text))
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			s.problems = append(s.problems, ui.Problem{Name: fieldYAML, Text: line})
		}
		return m.showPublish(r, http.StatusUnprocessableEntity, s, nil)
	}
	c := catalogue.Candidate{Tree: tree, Why: f.Get(fieldWhy), Size: sizeOf(f), NextVersion: true}
	p, err := m.Catalogue.Propose(ctx, c)
	if err != nil {
		return err
	}
	for _, line := range p.Problems {
		s.problems = append(s.problems, ui.Problem{Name: fieldYAML, Text: line})
	}
	if len(s.problems) > 0 {
		return m.showPublish(r, http.StatusUnprocessableEntity, s, &p)
	}
	if f.Get(fieldStep) != stepDo || p.Same {
		return m.showPublish(r, http.StatusOK, s, &p)
	}
	_, err = m.Catalogue.Publish(ctx, r.Actor(), []catalogue.Candidate{c})
	if told := refusal(ctx, r, err); told != nil {
		if errors.Is(err, catalogue.ErrWhy) {
			told[0].Name = fieldWhy
		}
		s.problems = told
		return m.showPublish(r, http.StatusUnprocessableEntity, s, &p)
	}
	if err != nil {
		return err
	}
	return r.Redirect("/catalogo/" + p.Service + "?fatto=published")
}

func sizeOf(f url.Values) catalogue.Size {
	if f.Get(fieldSize) == string(catalogue.Small) {
		return catalogue.Small
	}
	return catalogue.Large
}

// offered is /catalogo/offerte/{offer}: what a commune offers to all.
func (m *Module) offered(r *web.Request) error {
	return m.showOffered(r, http.StatusOK, said{form: url.Values{}})
}

func (m *Module) showOffered(r *web.Request, code int, s said) error {
	ctx := r.Ctx()
	id, err := uuid.Parse(r.Param("offer"))
	if err != nil {
		return web.NotFound()
	}
	o, c, err := m.Catalogue.OfferOf(ctx, id)
	if err != nil {
		return err
	}
	p, err := m.Catalogue.Propose(ctx, c)
	if err != nil {
		return err
	}
	names, _, err := m.communes(ctx)
	if err != nil {
		return err
	}
	page := ui.Sheet{Side: operator.Side(r, "/catalogo"), Title: o.Title, Lead: i18n.T(ctx, "updates.offered-lead", "commune", nameOr(names, o.Slug), "who", o.By, "when", i18n.Date(o.At)), Problems: s.problems,
		Crumbs: []ui.Link{{Text: i18n.T(ctx, "updates.entity.title"), URL: "/catalogo"}, {Text: o.Title}}}
	change := ui.Section{ID: "cambia", Title: i18n.T(ctx, "updates.changes"), Note: i18n.N(ctx, "updates.publish.examples", p.Examples)}
	before, after := p.Trees()
	switch {
	case p.Before == nil:
		change.Text = []string{i18n.T(ctx, "updates.publish.new")}
	case p.Same:
		change.Text = []string{i18n.T(ctx, "updates.publish.same")}
	default:
		change.Chart = ui.ChangeList(catalogue.Changes(ctx, before, after))
	}
	page.Sections = []ui.Section{{ID: "perche", Title: i18n.T(ctx, "updates.offer.reason"), Text: []string{o.Why}}, change}
	if len(p.Problems) > 0 {
		page.Warning = i18n.T(ctx, catalogue.ErrNotPublishable.Key)
		change.Text = p.Problems
		page.Sections[1] = change
	}
	url := "/catalogo/offerte/" + id.String()
	switch {
	case o.State != "waiting":
		page.Sections = append(page.Sections, ui.Section{ID: "risposta", Title: i18n.T(ctx, "updates.offer.state."+o.State), Text: []string{o.Answer}, Note: o.AnsweredBy})
	case r.May(ActionPublish):
		take := ui.Form{Action: url, Heading: i18n.T(ctx, "updates.offer.take"), Submit: i18n.T(ctx, "updates.offer.take-submit"), Name: fieldStep, Value: "prendi", Fields: whyAndSize(r, s)}
		decline := ui.Form{Action: url, Heading: i18n.T(ctx, "updates.offer.decline"), Submit: i18n.T(ctx, "updates.offer.decline-submit"), Name: fieldStep, Value: "rifiuta", Quiet: true,
			Fields: []ui.Input{{Kind: ui.Textarea, Name: "risposta", Label: i18n.T(ctx, "updates.offer.decline-why"), Value: s.form.Get("risposta"), Required: true, Rows: 3, MaxLength: 1000, Error: s.wrong("risposta")}}}
		part := ui.Section{ID: "rispondere", Title: i18n.T(ctx, "updates.offer.answer"), Forms: []ui.Form{decline}}
		if len(p.Problems) == 0 && !p.Same {
			part.Forms = []ui.Form{take, decline}
		}
		page.Sections = append(page.Sections, part)
	}
	return r.Page(code, page.Title, ui.SheetPage(page))
}

// answer is POST of the same page: taken in, or declined, with a reason.
func (m *Module) answer(r *web.Request) error {
	f, err := r.Form()
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	id, err := uuid.Parse(r.Param("offer"))
	if err != nil {
		return web.NotFound()
	}
	to, field := "/catalogo?fatto=declined", "risposta"
	if f.Get(fieldStep) == "prendi" {
		var v catalogue.SharedVersion
		v, err = m.Catalogue.TakeIn(ctx, r.Actor(), id, f.Get(fieldWhy), sizeOf(f))
		to, field = "/catalogo/"+v.Service+"?fatto=taken", fieldWhy
	} else {
		err = m.Catalogue.Decline(ctx, r.Actor(), id, f.Get("risposta"))
	}
	if told := refusal(ctx, r, err); told != nil {
		if errors.Is(err, catalogue.ErrWhy) {
			told[0].Name = field
		}
		return m.showOffered(r, http.StatusUnprocessableEntity, said{form: f, problems: told})
	}
	if err != nil {
		return err
	}
	return r.Redirect(to)
}
