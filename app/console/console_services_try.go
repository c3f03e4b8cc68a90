package console

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// asCitizen gives a page of the console the frame that citizens see.
func asCitizen(s *ui.Shell) {
	s.Variant, s.Search, s.Nav, s.Offices, s.Announcements, s.Banners = ui.Portal, false, nil, nil, nil, nil
}

// shownNow is the pending service; the one in force while that has mistakes.
func shownNow(w catalogue.Workbench) *catalogue.Service {
	if w.Next != nil {
		return w.Next
	}
	return w.Service
}

// previewPage is GET /console/servizi/{id}/anteprima: the card and the steps in
// frames, at the width of a telephone or of a desk.
func (m *Module) previewPage(r *web.Request) error {
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	ctx, base := r.Ctx(), serviceURL(w.ID, "/anteprima")
	width := r.Query("larghezza")
	if width != "1280" {
		width = "320"
	}
	page := r.Query("pagina")
	s := ui.Sheet{Side: Side(r, "/console/servizi"), Crumbs: serviceCrumbs(r, w, i18n.T(ctx, "console.preview.title")),
		Title: i18n.T(ctx, "console.preview.title"), Lead: i18n.T(ctx, "console.preview.lead")}
	if w.Next == nil {
		s.Warning = i18n.T(ctx, "console.preview.wrong")
	}
	link := func(text, page, width string, current bool) ui.Link {
		if current {
			text = "✓ " + text
		}
		return ui.Link{Text: text, URL: base + "?" + url.Values{"pagina": {page}, "larghezza": {width}}.Encode(), Current: current}
	}
	pages := []ui.Link{link(i18n.T(ctx, "console.preview.card"), "scheda", width, page == "scheda" || page == "")}
	title, src := i18n.T(ctx, "console.preview.card"), base+"/scheda"
	for _, step := range shownNow(w).Definition.Form.Steps {
		here := page == step.ID
		pages = append(pages, link(step.Title.For(ctx), step.ID, width, here))
		if here {
			title, src = step.Title.For(ctx), base+"/"+url.PathEscape(step.ID)
		}
	}
	widths := []ui.Link{link(i18n.T(ctx, "console.preview.phone"), page, "320", width == "320"), link(i18n.T(ctx, "console.preview.desktop"), page, "1280", width == "1280")}
	s.Sections = []ui.Section{
		{ID: "pagine", Title: i18n.T(ctx, "console.preview.pages"), Links: pages},
		{ID: "larghezza", Title: i18n.T(ctx, "console.preview.widths"), Links: widths},
		{Chart: view.Frame(i18n.T(ctx, "console.preview.frame", "page", title), src, width)},
	}
	return r.Page(http.StatusOK, s.Title+" – "+w.Title.For(ctx), ui.SheetPage(s), web.Here("/console"))
}

// previewFrame is GET /console/servizi/{id}/anteprima/{page}: the card, or a step
// with every question that is asked without answers.
func (m *Module) previewFrame(r *web.Request) error {
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	r.InPreview()
	shown := shownNow(w)
	if r.Param("page") == "scheda" {
		first := ""
		if len(shown.Definition.Form.Steps) > 0 {
			first = serviceURL(w.ID, "/anteprima/"+shown.Definition.Form.Steps[0].ID)
		}
		title, body, err := m.Catalogue.Preview(r, shown, first)
		if err != nil {
			return err
		}
		return r.Page(http.StatusOK, title, body, asCitizen)
	}
	w.Next = shown
	rehearsal := forms.Rehearsal{Offer: shown.Offer(), Setting: w.Setting(catalogue.Trial{Today: m.now(), Who: catalogue.Invented{Level: shown.Level, Found: true, Resident: true, Age: 40}})}
	page, found, err := rehearsal.Step(r.Ctx(), r.Param("page"), url.Values{}, nil, func(step string) string {
		if step == "" {
			step = "scheda"
		}
		return serviceURL(w.ID, "/anteprima/"+step)
	})
	if err != nil {
		return err
	}
	if !found {
		return web.NotFound()
	}
	return r.Page(http.StatusOK, page.Title, forms.StepPreview(page), asCitizen)
}

// trialState is what a trial knows so far; it travels with the page and nowhere
// else.
type trialState struct {
	Who     catalogue.Invented `json:"who"`
	Answers json.RawMessage    `json:"answers,omitempty"`
	Files   map[string]int     `json:"files,omitempty"`
}

const stateName, stepName = "stato", "passo"

// trialPage is GET /console/servizi/{id}/prova: who asks.
func (m *Module) trialPage(r *web.Request) error {
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	return m.showWho(r, http.StatusOK, w, catalogue.Invented{Level: w.Level, Found: true, Resident: true, Age: 40, Nationality: "CH"})
}

func (m *Module) showWho(r *web.Request, status int, w catalogue.Workbench, who catalogue.Invented) error {
	ctx := r.Ctx()
	choose := func(key string, options []string, chosen string) ui.Input {
		in := ui.Input{Kind: ui.Radio, Name: key, Label: i18n.T(ctx, "console.trial."+key), Required: true}
		for _, o := range options {
			in.Options = append(in.Options, ui.Option{Value: o, Label: i18n.T(ctx, "console.trial."+key+"-name."+o), Selected: o == chosen})
		}
		return in
	}
	record := "unknown"
	if who.Found && who.Resident {
		record = "resident"
	} else if who.Found {
		record = "stay"
	}
	title := i18n.T(ctx, "console.trial.title")
	page := view.EditingPage{
		Side: Side(r, "/console/servizi"), Crumbs: serviceCrumbs(r, w, title), Title: i18n.T(ctx, "console.trial.who"), Intro: i18n.T(ctx, "console.trial.who-note"),
		Action: serviceURL(w.ID, "/prova"), Submit: i18n.T(ctx, "console.trial.start"), BackURL: serviceURL(w.ID, ""),
		Groups: []view.EditingGroup{{Fields: []ui.Input{
			choose("register", []string{"resident", "stay", "unknown"}, record),
			choose("level", []string{"0", "1", "2", "3", "4"}, strconv.Itoa(who.Level)),
			choose("firm", []string{"person", "firm"}, "person"),
			{Kind: ui.Number, Name: "age", Label: i18n.T(ctx, "console.trial.age"), Value: strconv.Itoa(who.Age), Required: true},
			{Kind: ui.Number, Name: "minors", Label: i18n.T(ctx, "console.trial.minors"), Value: strconv.Itoa(who.Minors), Required: true},
			{Kind: ui.Text, Name: "nationality", Label: i18n.T(ctx, "console.trial.nationality"), Value: who.Nationality, Size: 3, MaxLength: 2},
		}}},
	}
	if w.Next == nil {
		page.Problems = []ui.Problem{{Text: i18n.T(ctx, "console.trial.wrong")}}
	}
	return r.Page(status, page.Title+" – "+w.Title.For(ctx), view.Editing(page), web.Here("/console"))
}

// trialPost is POST /console/servizi/{id}/prova: one step of a trial after the
// other. Nothing is kept: what was answered travels in the page.
func (m *Module) trialPost(r *web.Request) error {
	typed, err := r.Form()
	if err != nil {
		return err
	}
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	if w.Next == nil {
		return m.showWho(r, http.StatusUnprocessableEntity, w, invented(typed))
	}
	trial, err := m.trialOf(w, typed)
	if err != nil {
		return err
	}
	if typed.Get(stateName) == "" { // just begun
		return m.showTrialStep(r, http.StatusOK, w, trial, "", url.Values{}, nil)
	}
	step := typed.Get(stepName)
	for _, s := range w.Next.Definition.Form.Steps {
		for _, f := range s.Fields {
			if s.ID == step && f.Kind == "file" {
				n, _ := strconv.Atoi(strings.TrimSpace(typed.Get(f.ID))) // no number is no file
				trial.Files[f.ID] = min(max(n, 0), forms.MaxFilesPerField)
			}
		}
	}
	answers, wrong, inputs, arranged, err := forms.Rehearsal{Offer: w.Next.Offer(), Setting: w.Setting(trial), Answers: trial.Answers}.Read(r.Ctx(), step, typed)
	if err != nil {
		return err
	}
	trial.Answers = answers
	if arranged {
		return m.showTrialStep(r, http.StatusOK, w, trial, step, inputs, nil)
	}
	if len(wrong) > 0 {
		return m.showTrialStep(r, http.StatusUnprocessableEntity, w, trial, step, inputs, wrong)
	}
	steps, err := forms.Rehearsal{Offer: w.Next.Offer(), Setting: w.Setting(trial), Answers: answers}.Steps(r.Ctx())
	if err != nil {
		return err
	}
	if at := slices.Index(steps, step); at >= 0 && at+1 < len(steps) {
		return m.showTrialStep(r, http.StatusOK, w, trial, steps[at+1], w.Next.Form.Typed(answers), nil)
	}
	return m.showTrialResult(r, http.StatusOK, w, trial, "")
}

func invented(typed url.Values) catalogue.Invented {
	number := func(name string, most int) int {
		n, _ := strconv.Atoi(strings.TrimSpace(typed.Get(name))) // no number counts as 0
		return min(max(n, 0), most)
	}
	who := catalogue.Invented{Level: number("level", 4), Age: number("age", 120), Minors: number("minors", 12), Firm: typed.Get("firm") == "firm"}
	if n := strings.ToUpper(strings.TrimSpace(typed.Get("nationality"))); len(n) == 2 {
		who.Nationality = n
	}
	who.Found = typed.Get("register") == "resident" || typed.Get("register") == "stay"
	who.Resident = typed.Get("register") == "resident"
	return who
}

// trialOf reads the state a page carries; what no longer fits the form is asked
// again.
func (m *Module) trialOf(w catalogue.Workbench, typed url.Values) (catalogue.Trial, error) {
	state := trialState{Who: invented(typed)}
	if carried := typed.Get(stateName); carried != "" {
		if err := json.Unmarshal([]byte(carried), &state); err != nil {
			return catalogue.Trial{}, catalogue.ErrEditMoved.Wrap(err)
		}
	}
	state.Who.Age, state.Who.Minors, state.Who.Level = min(max(state.Who.Age, 0), 120), min(max(state.Who.Minors, 0), 12), min(max(state.Who.Level, 0), 4)
	files := map[string]int{}
	for field, n := range state.Files {
		files[field] = min(max(n, 0), forms.MaxFilesPerField)
	}
	return catalogue.Trial{Who: state.Who, Answers: w.Next.Form.Salvage(state.Answers), Files: files, Today: m.now()}, nil
}

func stateOf(t catalogue.Trial) (string, error) {
	answers, err := json.Marshal(t.Answers)
	if err != nil {
		return "", err
	}
	data, err := json.Marshal(trialState{Who: t.Who, Answers: answers, Files: t.Files})
	return string(data), err
}

func (m *Module) showTrialStep(r *web.Request, status int, w catalogue.Workbench, t catalogue.Trial, step string, typed url.Values, wrong []forms.FieldMistake) error {
	ctx := r.Ctx()
	rehearsal := forms.Rehearsal{Offer: w.Next.Offer(), Setting: w.Setting(t), Answers: t.Answers}
	page, found, err := rehearsal.Step(ctx, step, typed, wrong, func(string) string { return serviceURL(w.ID, "/prova") })
	if err != nil {
		return err
	}
	if !found {
		return web.NotFound()
	}
	if step == "" {
		all, err := rehearsal.Steps(ctx)
		if err != nil {
			return err
		}
		step = all[0]
	}
	for i := range page.Steps {
		page.Steps[i].URL = ""
	}
	state, err := stateOf(t)
	if err != nil {
		return err
	}
	page.ServiceURL, page.BackURL = serviceURL(w.ID, ""), serviceURL(w.ID, "/prova")
	page.Notice = i18n.T(ctx, "console.trial.nothing")
	page.Fields = append(page.Fields, ui.Input{Kind: ui.Hidden, Name: stateName, Value: state}, ui.Input{Kind: ui.Hidden, Name: stepName, Value: step})
	return r.Page(status, page.Title+" – "+i18n.T(ctx, "console.trial.title"), forms.StepBody(page), web.Here("/console"))
}

// showTrialResult shows what would come of the request, and offers to keep it as
// an example.
func (m *Module) showTrialResult(r *web.Request, status int, w catalogue.Workbench, t catalogue.Trial, nameError string) error {
	ctx := r.Ctx()
	result, err := w.Try(ctx, r.Tenant().Name(), t)
	if errors.Is(err, rules.ErrEvaluation) {
		return m.showWho(r, http.StatusUnprocessableEntity, w, t.Who)
	}
	if err != nil {
		return err
	}
	state, err := stateOf(t)
	if err != nil {
		return err
	}
	sections, err := w.Next.Form.Review(ctx, t.Answers, nil, w.Setting(t))
	if err != nil {
		return err
	}
	o := result.Outcome
	tone := map[rules.Verdict]ui.Tone{rules.Granted: ui.Success, rules.Referred: ui.Warning, rules.Ineligible: ui.Danger}[o.Verdict]
	s := ui.Sheet{
		Side: Side(r, "/console/servizi"), Crumbs: serviceCrumbs(r, w, i18n.T(ctx, "console.trial.title")), Title: i18n.T(ctx, "console.trial.result"),
		State: &ui.State{Tone: tone, Text: i18n.T(ctx, "console.trial.verdict."+string(o.Verdict))}, Lead: i18n.T(ctx, "console.trial.nothing"),
		Sections: []ui.Section{feeSection(ctx, o), checkSection(ctx, o), answerSection(ctx, sections)},
	}
	if len(result.Paper) > 0 {
		s.Sections = append(s.Sections, ui.Section{ID: "documento", Title: result.PaperTitle, Note: i18n.T(ctx, "console.trial.facsimile"), Text: result.Paper})
	}
	s.Sections = append(s.Sections, ui.Section{ID: "conservare", Title: i18n.T(ctx, "console.trial.keep"), Note: i18n.T(ctx, "console.trial.keep-note"),
		Forms: []ui.Form{{Action: serviceURL(w.ID, "/esempi"), Submit: i18n.T(ctx, "console.trial.keep-do"), Quiet: true, Fields: []ui.Input{
			{Kind: ui.Text, Name: "nome", Label: i18n.T(ctx, "console.trial.keep-name"), Required: true, MaxLength: 80, Error: nameError},
			{Kind: ui.Hidden, Name: stateName, Value: state},
		}}}}, ui.Section{Links: []ui.Link{{Text: i18n.T(ctx, "console.trial.again"), URL: serviceURL(w.ID, "/prova")}}})
	return r.Page(status, s.Title+" – "+w.Title.For(ctx), ui.SheetPage(s), web.Here("/console"))
}

func feeSection(ctx context.Context, o rules.Outcome) ui.Section {
	out := ui.Section{ID: "tassa", Title: i18n.T(ctx, "console.trial.fee")}
	for _, line := range o.Fee.Lines {
		out.Sums = append(out.Sums, ui.Answer{Question: line.Label.For(ctx), Values: []string{line.Amount.String()}, Num: true})
	}
	total := o.Fee.Total.String()
	if o.Fee.Total == 0 {
		total = i18n.T(ctx, "forms.fee.free")
	}
	out.Sums = append(out.Sums, ui.Answer{Question: i18n.T(ctx, "forms.fee.total"), Values: []string{total}, Num: true, Strong: true})
	return out
}

func checkSection(ctx context.Context, o rules.Outcome) ui.Section {
	out := ui.Section{ID: "controlli", Title: i18n.T(ctx, "console.trial.checks"), Empty: i18n.T(ctx, "console.trial.no-checks")}
	for _, reason := range slices.Concat(o.Eligibility, o.Checks) {
		st := ui.State{Tone: ui.Success, Text: i18n.T(ctx, "console.trial.holds")}
		if !reason.Holds {
			st = ui.State{Tone: ui.Warning, Text: i18n.T(ctx, "console.trial.fails")}
		}
		out.Rows = append(out.Rows, ui.Row{Title: reason.Reason.For(ctx), State: &st})
	}
	return out
}

func answerSection(ctx context.Context, sections []forms.Section) ui.Section {
	out := ui.Section{ID: "risposte", Title: i18n.T(ctx, "console.trial.answers")}
	for _, section := range sections {
		for _, row := range section.Rows {
			value := row.Value
			if value == "" {
				value = i18n.T(ctx, "forms.step.no_answer")
			}
			out.Sums = append(out.Sums, ui.Answer{Question: row.Label, Values: []string{value}})
		}
	}
	return out
}

// examplesPage is GET /console/servizi/{id}/esempi: each example and what comes
// of it now.
func (m *Module) examplesPage(r *web.Request) error {
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	s := ui.Sheet{
		Side: Side(r, "/console/servizi"), Crumbs: serviceCrumbs(r, w, i18n.T(ctx, "console.examples.title")), Title: i18n.T(ctx, "console.examples.title"),
		Lead: i18n.T(ctx, "console.examples.lead"), Notice: r.Done("console.edit.done"), Action: &ui.Link{Text: i18n.T(ctx, "console.examples.new"), URL: serviceURL(w.ID, "/prova")},
		Sections: []ui.Section{{Rows: exampleRows(ctx, w)}},
	}
	for i, e := range w.RunAll(ctx) {
		if e.Now != nil {
			s.Sections = append(s.Sections, ui.Section{ID: "accetta-" + strconv.Itoa(i), Title: e.Name, Forms: []ui.Form{{Action: serviceURL(w.ID, "/esempi"), Quiet: true,
				Lead: i18n.T(ctx, "console.examples.accept-lead"), Submit: i18n.T(ctx, "console.examples.accept"), Name: "accetta", Value: e.Name}}})
		}
	}
	if w.Next == nil {
		s.Sections = []ui.Section{mistakeSection(ctx, w)}
	}
	return r.Page(http.StatusOK, s.Title+" – "+w.Title.For(ctx), ui.SheetPage(s), web.Here("/console"))
}

func exampleRows(ctx context.Context, w catalogue.Workbench) []ui.Row {
	var rows []ui.Row
	for _, e := range w.RunAll(ctx) {
		st := ui.State{Tone: ui.Success, Text: i18n.T(ctx, "console.examples.holds")}
		if len(e.Wrong) > 0 {
			st = ui.State{Tone: ui.Danger, Text: i18n.T(ctx, "console.examples.fails")}
		}
		rows = append(rows, ui.Row{Title: e.Name, State: &st, Note: strings.Join(wrongWords(ctx, w, e), " ")})
	}
	return rows
}

// wrongWords say what an example expected and what came of it.
func wrongWords(ctx context.Context, w catalogue.Workbench, e catalogue.ExampleResult) []string {
	verdict := func(v string) string {
		if key := "console.trial.verdict." + v; v != "" && i18n.Has(ctx, key) {
			return i18n.T(ctx, key)
		}
		return v
	}
	var out []string
	for _, err := range e.Wrong {
		var u *catalogue.Unexpected
		if !errors.As(err, &u) {
			out = append(out, i18n.T(ctx, "console.examples.wrong.other", "what", err.Error()))
			continue
		}
		expected, found, field := u.Expected, u.Found, u.Field
		if u.Kind == "verdict" {
			expected, found = verdict(expected), verdict(found)
		}
		if u.Kind == "unmet" {
			expected, found = or(expected, i18n.T(ctx, "console.examples.nothing")), or(found, i18n.T(ctx, "console.examples.nothing"))
		}
		if f, known := w.Next.Form.Field(field); known {
			field = f.Label.For(ctx)
		}
		out = append(out, i18n.T(ctx, "console.examples.wrong."+u.Kind, "expected", expected, "found", found, "field", field))
	}
	return out
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// keepExample is POST /console/servizi/{id}/esempi: a trial becomes an example.
func (m *Module) keepExample(r *web.Request) error {
	typed, err := r.Form()
	if err != nil {
		return err
	}
	ctx := r.Ctx()
	w, err := m.Catalogue.Workbench(ctx, r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	if accepted := typed.Get("accetta"); accepted != "" {
		return m.acceptExample(r, w, accepted)
	}
	if w.Next == nil || typed.Get(stateName) == "" {
		return m.showWho(r, http.StatusUnprocessableEntity, w, invented(typed))
	}
	trial, err := m.trialOf(w, typed)
	if err != nil {
		return err
	}
	name := strings.Join(strings.Fields(typed.Get("nome")), " ")
	taken := slices.ContainsFunc(w.Next.Examples, func(e catalogue.Example) bool { return e.Name == name })
	if name == "" || len(name) > 80 || taken {
		return m.showTrialResult(r, http.StatusUnprocessableEntity, w, trial, i18n.T(ctx, "console.trial.keep-error"))
	}
	example, err := w.Record(ctx, name, trial)
	if err != nil {
		return err
	}
	if _, err := m.Catalogue.Amend(ctx, r.Actor(), w.ID, []catalogue.Set{{Path: []string{"examples", name}, Value: example}}); err != nil {
		return err
	}
	return r.Redirect(serviceURL(w.ID, "/esempi?fatto=example"))
}

// acceptExample makes what comes of an example now what it expects: the rule or
// the price was changed on purpose.
func (m *Module) acceptExample(r *web.Request, w catalogue.Workbench, name string) error {
	for _, e := range w.RunAll(r.Ctx()) {
		if e.Name != name || e.Now == nil {
			continue
		}
		if _, err := m.Catalogue.Amend(r.Ctx(), r.Actor(), w.ID, []catalogue.Set{{Path: []string{"examples", name, "expect"}, Value: e.Now}}); err != nil {
			return err
		}
		return r.Redirect(serviceURL(w.ID, "/esempi?fatto=example-now"))
	}
	return web.NotFound()
}
