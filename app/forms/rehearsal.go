package forms

import (
	"context"
	"github.com/a-h/templ"
	"net/url"
	"strings"

	"github.com/sportello-ticino/sportello/app/forms/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Rehearsal is a form filled in without a draft: a preview or a trial run. It
// keeps nothing and knows no tables.
type Rehearsal struct {
	Offer   *Offer
	Setting Setting
	Answers Answers
}

// Step is the page of one step as a citizen sees it, filled with what was typed.
// found is false for a step that does not apply. The caller sets where the page
// leads to.
func (r Rehearsal) Step(ctx context.Context, step string, typed url.Values, wrong []FieldMistake, path func(step string) string) (page view.StepPage, found bool, err error) {
	o := &opened{offer: r.Offer, in: r.Setting}
	pages, err := r.Offer.Form.pages(ctx, r.Answers, r.Setting, step, typed)
	if err != nil {
		return page, false, err
	}
	at := -1
	for i, p := range pages {
		if p.Step.ID == step || step == "" && i == 0 {
			at = i
			break
		}
	}
	if at < 0 {
		return page, false, nil
	}
	page.Frame = view.Frame{ServiceTitle: r.Offer.Title.For(ctx), ServiceURL: path(""), OnlyItalian: r.Offer.OnlyItalian(i18n.Lang(ctx))}
	for i, p := range pages {
		page.Steps = append(page.Steps, ui.Step{Title: p.Step.Title.For(ctx), URL: path(p.Step.ID), Done: i < at, Current: i == at})
	}
	page.Steps = append(page.Steps, ui.Step{Title: i18n.T(ctx, reviewTitle(o))})
	page.Title, page.Action = pages[at].Step.Title.For(ctx), path(pages[at].Step.ID)
	if intro := pages[at].Step.Intro.For(ctx); intro != "" {
		page.Intro = strings.Split(intro, "\n")
	}
	for _, f := range pages[at].Fields {
		if f.Kind == "file" {
			page.Fields = append(page.Fields, r.count(ctx, f, typed, mistakeOf(wrong, f)))
			continue
		}
		page.Fields = append(page.Fields, o.inputs(ctx, f, pages[at].Items[f.ID], typed, wrong)...)
	}
	return page, true, nil
}

// Read takes one step from what was typed: all answers, what is wrong, and what
// to show again. arranged means that an item of a group was added or taken away,
// and the step is shown again.
func (r Rehearsal) Read(ctx context.Context, step string, typed url.Values) (answers Answers, wrong []FieldMistake, inputs url.Values, arranged bool, err error) {
	inputs = r.Offer.Form.inputsOf(step, typed)
	_, arranged = r.Offer.Form.arrange(step, typed, inputs)
	answers, wrong, err = r.Offer.Form.Parse(ctx, step, inputs, r.Answers, r.Setting)
	for id := range r.Setting.Files { // how many is no answer, and was typed
		if n := typed.Get(id); n != "" {
			inputs.Set(id, n)
		}
	}
	return answers, wrong, inputs, arranged, err
}

// count asks how many files would be attached: none is sent.
func (r Rehearsal) count(ctx context.Context, f *Field, typed url.Values, wrong *FieldMistake) ui.Input {
	in := ui.Input{Kind: ui.Number, Name: f.ID, Label: f.Label.For(ctx), Help: i18n.T(ctx, "console.trial.files"), Value: typed.Get(f.ID), Required: f.Required, Size: 3}
	if wrong != nil {
		in.Error = wrong.Message(ctx)
	}
	return in
}

// Steps are the identifiers of the steps that apply.
func (r Rehearsal) Steps(ctx context.Context) ([]string, error) {
	pages, err := r.Offer.Form.Pages(ctx, r.Answers, r.Setting)
	var ids []string
	for _, p := range pages {
		ids = append(ids, p.Step.ID)
	}
	return ids, err
}

// StepPreview is a step to look at, without anything to send.
func StepPreview(page view.StepPage) templ.Component { return view.Preview(page) }

// StepBody is a step to fill in.
func StepBody(page view.StepPage) templ.Component { return view.Step(page) }
