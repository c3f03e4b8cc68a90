package forms

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/forms/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// shownName is the hidden input that lists the questions a page asked, so that
// one that an answer opens is asked and not complained about.
const shownName = "_shown"

// begin is /servizi/{id}/avvia: it begins a draft or resumes the one there is.
func (m *Module) begin(r *web.Request) error {
	id, err := m.Begin(r.Ctx(), r.Actor(), r.Param("id"), r.Lang())
	if err != nil {
		return err
	}
	return r.Redirect("/area/bozze/" + id.String())
}

// opened finds the draft of the address.
func (m *Module) opened(r *web.Request) (opened, error) {
	id, err := uuid.Parse(r.Param("draft"))
	if err != nil {
		return opened{}, ErrNoDraft
	}
	return m.open(r.Ctx(), r.Actor(), id)
}

// gone leads to the case that a draft has become: who clicks twice or goes back is
// not told that there is nothing.
func (m *Module) gone(r *web.Request, cause error) error {
	id, err := uuid.Parse(r.Param("draft"))
	if err != nil || !errors.Is(cause, ErrNoDraft) {
		return cause
	}
	to, found, err := m.Submitter.Became(r.Ctx(), r.Actor(), id)
	switch {
	case err != nil:
		return err
	case found:
		return r.Redirect(to)
	}
	return cause
}

// resume is /area/bozze/{id}: it leads to the first step that is not done.
func (m *Module) resume(r *web.Request) error {
	o, err := m.opened(r)
	if err != nil {
		return m.gone(r, err)
	}
	pages, err := o.offer.Form.Pages(r.Ctx(), o.Answers, o.in)
	if err != nil {
		return err
	}
	for i, page := range pages {
		if !page.Done || o.Typed[page.Step.ID] != nil || (o.Step == "" && i == 0) {
			return r.Redirect(o.path(page.Step.ID))
		}
	}
	// A step of optional questions is done before it was looked at: the one
	// after the last saved comes next.
	for i, page := range pages {
		if page.Step.ID == o.Step && i+1 < len(pages) {
			return r.Redirect(o.path(pages[i+1].Step.ID))
		}
	}
	return r.Redirect(o.path(reviewStep))
}

// stepPage is GET /area/bozze/{id}/{step}.
func (m *Module) stepPage(r *web.Request) error {
	o, err := m.opened(r)
	if err != nil {
		return m.gone(r, err)
	}
	if o.mustMove() {
		return r.Redirect(o.path(versionStep))
	}
	notice := ""
	switch {
	case r.Query("ancora") != "":
		notice = i18n.T(r.Ctx(), "forms.step.more_questions")
	case o.Facts.RegisterDown:
		notice = i18n.T(r.Ctx(), "forms.eligibility.register_away")
	case o.changed && len(o.Answers) > 0:
		notice = i18n.T(r.Ctx(), "forms.draft.newer")
	}
	typed := o.Typed[r.Param("step")]
	if typed == nil {
		typed = o.offer.Form.Typed(o.Answers)
	}
	return m.showStep(r, &o, http.StatusOK, typed, o.Answers, nil, notice)
}

// saveStep is POST /area/bozze/{id}/{step}: files first, then the answers. What
// is right is kept even when something beside it is wrong.
func (m *Module) saveStep(r *web.Request) error {
	ctx := r.Ctx()
	typed, err := r.Form()
	if err != nil {
		return err
	}
	o, err := m.opened(r)
	if err != nil {
		return m.gone(r, err)
	}
	stepID := r.Param("step")
	if _, _, err := m.place(r, &o, stepID, o.Answers); err != nil {
		return err
	}
	removed := typed.Get(ui.RemoveName)
	if removed != "" {
		if err := m.remove(r, &o, removed); err != nil {
			return err
		}
	}
	refused, err := m.receive(r, &o, stepID)
	if err != nil {
		return err
	}
	inputs := o.offer.Form.inputsOf(stepID, typed)
	at, arranged := o.offer.Form.arrange(stepID, typed, inputs)
	answers, wrong, err := o.offer.Form.Parse(ctx, stepID, inputs, o.Answers, o.in)
	if err != nil {
		return err
	}
	wrong = withRefused(wrong, refused)
	before := o.Answers
	o.Answers, o.Step = answers, stepID
	o.forgetChanged(before)
	opened, err := m.asksMore(r, &o, stepID, typed.Get(shownName), wrong)
	if err != nil {
		return err
	}
	// Questions that have just been opened are no mistakes yet.
	o.keepTyped(stepID, inputs, arranged || len(wrong) > 0 && opened == "")
	if err := m.save(ctx, r.Actor(), &o); err != nil {
		return err
	}
	if o.mustMove() { // what was typed is kept; it goes on with the version offered now
		return r.Redirect(o.path(versionStep))
	}
	switch {
	case removed != "":
		return r.Redirect(o.path(stepID))
	case arranged:
		return r.Redirect(o.path(stepID) + "#" + at)
	case typed.Get(view.ActionName) == view.ActionSave && len(refused) == 0:
		return r.Redirect("/area")
	case opened != "":
		return r.Redirect(o.path(stepID) + "?ancora=" + url.QueryEscape(opened))
	case len(wrong) > 0:
		return m.showStep(r, &o, http.StatusUnprocessableEntity, inputs, o.Answers, wrong, "")
	default:
		return m.next(r, &o, stepID)
	}
}

// keepStep is POST /area/bozze/{id}/{step}/scritto: what stands on the page while
// somebody types, kept as it is, right or wrong.
func (m *Module) keepStep(r *web.Request) error {
	typed, err := r.Form()
	if err != nil {
		return err
	}
	o, err := m.opened(r)
	if err != nil {
		return err
	}
	stepID := r.Param("step")
	if _, _, err := m.place(r, &o, stepID, o.Answers); err != nil {
		return err
	}
	at, err := m.keepAsTyped(r.Ctx(), r.Actor(), &o, stepID, o.offer.Form.inputsOf(stepID, typed))
	if err != nil {
		return err
	}
	return r.JSON(http.StatusOK, map[string]string{"text": i18n.T(r.Ctx(), "forms.draft.saved_at", "time", i18n.Time(at))})
}

// remove takes a file away; the button names it.
func (m *Module) remove(r *web.Request, o *opened, id string) error {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return ErrNoDraft
	}
	_, err = m.detach(r.Ctx(), r.Actor(), o, parsed)
	if errors.Is(err, ErrNoDraft) {
		return nil // removed in another window: that is what was asked for
	}
	return err
}

// receive stores the files that came with a step. It returns the sentences for
// those that were refused, by field; only faults of ours are errors.
func (m *Module) receive(r *web.Request, o *opened, stepID string) (map[string]*problem.Error, error) {
	refused := map[string]*problem.Error{}
	for _, step := range o.offer.Form.steps {
		if step.ID != stepID {
			continue
		}
		for _, field := range step.fields {
			if field.Kind != "file" {
				continue
			}
			err := m.attach(r.Ctx(), r.Actor(), o, field.Field, r.Files(field.ID))
			var told *problem.Error
			switch {
			case err == nil:
			case errors.As(err, &told) && told.Kind != problem.KindInternal && !errors.Is(err, ErrNoDraft):
				refused[field.ID] = WithPhone(told, r.Site().PhoneOf(o.offer.Office))
			default:
				return nil, err
			}
		}
	}
	return refused, nil
}

// withRefused puts the refusals of files among the mistakes, instead of what
// says that the file is missing.
func withRefused(wrong []FieldMistake, refused map[string]*problem.Error) []FieldMistake {
	var out []FieldMistake
	for _, w := range wrong {
		if refused[w.Field.ID] == nil {
			out = append(out, w)
		}
	}
	for field, p := range refused {
		var args []any
		for name, value := range p.Params {
			args = append(args, name, value)
		}
		out = append(out, FieldMistake{Field: &Field{ID: field, Kind: "file"}, Mistake: &Mistake{Key: fileRefusal + p.Key, Args: args}})
	}
	return out
}

// place finds a step among those that apply: these, and where it stands.
func (m *Module) place(r *web.Request, o *opened, stepID string, answers Answers) ([]Page, int, error) {
	pages, err := o.offer.Form.Pages(r.Ctx(), answers, o.in)
	if err != nil {
		return nil, 0, err
	}
	for i, page := range pages {
		if page.Step.ID == stepID {
			return pages, i, nil
		}
	}
	return nil, 0, web.NotFound()
}

// next leads to the step after this one, or to the review.
func (m *Module) next(r *web.Request, o *opened, stepID string) error {
	pages, err := o.offer.Form.Pages(r.Ctx(), o.Answers, o.in)
	if err != nil {
		return err
	}
	for i, page := range pages {
		if page.Step.ID == stepID && i+1 < len(pages) {
			return r.Redirect(o.path(pages[i+1].Step.ID))
		}
	}
	return r.Redirect(o.path(reviewStep))
}

// showStep writes a step's page: the questions that apply by answers, filled
// with what was typed.
func (m *Module) showStep(r *web.Request, o *opened, status int, typed url.Values, answers Answers, wrong []FieldMistake, notice string) error {
	ctx := r.Ctx()
	pages, err := o.offer.Form.pages(ctx, answers, o.in, r.Param("step"), typed)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(pages, func(p Page) bool { return p.Step.ID == r.Param("step") })
	if at < 0 {
		return web.NotFound()
	}
	page := pages[at]
	frame, err := m.frame(r, o, pages, at)
	if err != nil {
		return err
	}
	out := view.StepPage{
		Frame: frame, Title: page.Step.Title.For(ctx), Notice: notice, Action: o.path(page.Step.ID), CanSave: true, KeepURL: o.path(page.Step.ID + "/scritto"),
		BackURL: frame.ServiceURL,
	}
	if at > 0 {
		out.BackURL = frame.Steps[at-1].URL
	}
	if intro := page.Step.Intro.For(ctx); intro != "" {
		out.Intro = strings.Split(intro, "\n")
	}
	for _, f := range page.Fields {
		out.Fields = append(out.Fields, o.inputs(ctx, f, page.Items[f.ID], typed, wrong)...)
	}
	if name := r.Query("ancora"); name != "" && status == http.StatusOK {
		out.Opened = openedQuestion(out.Fields, name)
	}
	out.Fields = append(out.Fields, ui.Input{Kind: ui.Hidden, Name: shownName, Value: strings.Join(page.Names(), ",")})
	if at == 0 && o.Facts.Register.Found {
		out.Known = []ui.Answer{
			{Question: i18n.T(ctx, "forms.known.name"), Values: []string{o.Facts.Name}},
			{Question: i18n.T(ctx, "forms.known.born"), Values: []string{o.Facts.Born.String()}},
			{Question: i18n.T(ctx, "forms.known.address"), Values: []string{o.Facts.Address}},
		}
		out.KnownNote = i18n.T(ctx, "forms.known.note")
	}
	title := i18n.T(ctx, "forms.step.of", "n", at+1, "total", len(frame.Steps)) + " – " + frame.ServiceTitle
	return r.Page(status, out.Title+" – "+title, view.Step(out))
}

func mistakeOf(wrong []FieldMistake, f *Field) *FieldMistake {
	for _, w := range wrong {
		if w.Field.ID == f.ID {
			return &w
		}
	}
	return nil
}

// frame is what every page of the draft shows; at is the current step, the
// number of steps for the review.
func (m *Module) frame(r *web.Request, o *opened, pages []Page, at int) (view.Frame, error) {
	ctx := r.Ctx()
	frame := view.Frame{
		ServiceTitle: o.offer.Title.For(ctx), ServiceURL: "/servizi/" + o.ServiceID, OnlyItalian: o.offer.OnlyItalian(r.Lang()),
		KeptUntil: i18n.T(ctx, "forms.draft.saved_until", "day", i18n.LongDate(ctx, o.ExpiresAt)),
	}
	for i, page := range pages {
		frame.Steps = append(frame.Steps, ui.Step{Title: page.Step.Title.For(ctx), URL: o.path(page.Step.ID), Done: i < at, Current: i == at})
	}
	frame.Steps = append(frame.Steps, ui.Step{Title: i18n.T(ctx, reviewTitle(o)), URL: o.path(reviewStep), Current: at >= len(pages)})
	return frame, m.pointAtNewer(r, o, &frame)
}

// The keys of what the last page is called: where something is paid at once, and
// elsewhere.
const (
	titlePay    = "forms.step.review_pay"
	titleReview = "forms.step.review"
)

// reviewTitle is what the last page will be called, as far as one can know while
// answers are missing.
func reviewTitle(o *opened) string {
	if o.offer.PayNow && len(o.offer.Amounts) > 0 {
		return titlePay
	}
	return titleReview
}

// discard is POST /area/bozze/{id}/elimina.
func (m *Module) discard(r *web.Request) error {
	id, err := uuid.Parse(r.Param("draft"))
	if err != nil {
		return ErrNoDraft
	}
	if err := m.Discard(r.Ctx(), r.Actor(), id); err != nil {
		return err
	}
	return r.Redirect("/area")
}

// download is GET /area/bozze/{id}/documenti/{upload}: the person's own file.
func (m *Module) download(r *web.Request) error {
	o, err := m.opened(r)
	if err != nil {
		return err
	}
	for _, u := range o.uploads {
		if u.ID.String() == r.Param("upload") {
			data, err := m.Open(r.Ctx(), r.Tenant(), u)
			if err != nil {
				return err
			}
			return r.Blob(u.Name, u.ContentType, data, true)
		}
	}
	return web.NotFound()
}
