package catalogue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Invented is who asks in a trial: nobody of the register.
type Invented struct {
	Level       int
	Firm        bool
	Found       bool // has an entry in the register
	Resident    bool
	Age         int
	Minors      int // in the household
	Nationality string
}

// Trial is a request that is tried: nothing of it is kept.
type Trial struct {
	Who     Invented
	Answers forms.Answers
	Files   map[string]int // field → how many would be attached
	Today   time.Time
}

// TrialResult is what would come of it.
type TrialResult struct {
	Outcome    rules.Outcome
	PaperTitle string
	Paper      []string // paragraphs; none where no paper is made from a text
}

// person is the invented person as a register would have them.
func (i Invented) person(t Trial, postcodes []string) registers.Person {
	p := registers.Person{
		FirstName: "Anna", LastName: "Esempi", Sex: "f", CivilStatus: "1", Nationality: i.Nationality, Origin: "Valmora TI",
		Born:   t.Today.AddDate(-i.Age, 0, -1).Format(time.DateOnly),
		Street: "Via dell’Esempio 1", Town: "Valmora", Arrived: t.Today.AddDate(-2, 0, 0).Format(time.DateOnly), Status: registers.Stay,
	}
	if i.Resident {
		p.Status = registers.Domicile
	}
	if len(postcodes) > 0 {
		p.Postcode = postcodes[0]
	}
	for n := range i.Minors {
		p.Household = append(p.Household, registers.Member{FirstName: fmt.Sprintf("Bimba %d", n+1), LastName: "Esempi", Born: t.Today.AddDate(-8, 0, 0).Format(time.DateOnly), Relation: "child"})
	}
	return p
}

func (t Trial) register(postcodes []string) rules.Register {
	if !t.Who.Found {
		return rules.Register{}
	}
	return t.Who.person(t, postcodes).Facts(t.Today)
}

func (t Trial) applicant() rules.Applicant {
	kind := "person"
	if t.Who.Firm {
		kind = "firm"
	}
	return rules.Applicant{Level: t.Who.Level, Kind: kind, ForSelf: true}
}

// Setting is what reading the answers of a trial needs.
func (w Workbench) Setting(t Trial) forms.Setting {
	in := w.Next.Input(nil, nil, t.applicant(), t.register(w.Postcodes), t.Today)
	return forms.Setting{Rules: in, Postcodes: w.Postcodes, Files: t.Files}
}

// Try reckons what would come of a request under the pending definition. It
// reads no table and writes none. ErrEditWrong while the definition has
// mistakes.
func (w Workbench) Try(ctx context.Context, commune string, t Trial) (TrialResult, error) {
	var out TrialResult
	if w.Next == nil {
		return out, ErrEditWrong
	}
	in := w.Next.Input(t.Answers, t.Files, t.applicant(), t.register(w.Postcodes), t.Today)
	in.Left = definition.Enough() // enough: a trial draws from nothing
	outcome, err := w.Next.Rules.Evaluate(ctx, in)
	if err != nil {
		return out, err
	}
	out.Outcome = outcome
	lang := i18n.Lang(ctx)
	if w.Next.Output.Body.Empty() {
		return out, nil
	}
	words, err := w.trialWords(ctx, commune, t, outcome)
	if err != nil {
		return out, err
	}
	title, body := w.Next.OutputText(lang, words)
	out.PaperTitle = title
	for line := range strings.SplitSeq(body, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out.Paper = append(out.Paper, line)
		}
	}
	return out, nil
}

func (w Workbench) trialWords(ctx context.Context, commune string, t Trial, outcome rules.Outcome) (map[string]string, error) {
	person := t.Who.person(t, w.Postcodes)
	words := person.Words()
	words["commune"], words["name"], words["today"] = commune, person.Name(), i18n.LongDate(ctx, t.Today)
	if days := w.Next.Output.ValidDays; days > 0 {
		words["valid_until"] = i18n.Date(t.Today.AddDate(0, 0, days))
	}
	if outcome.Until != nil {
		words["valid_until"] = i18n.Date(*outcome.Until)
	}
	sections, err := w.Next.Form.Review(ctx, t.Answers, nil, w.Setting(t))
	if err != nil {
		return nil, err
	}
	for _, section := range sections {
		for _, row := range section.Rows {
			words["answers."+row.Field] = row.Value
		}
	}
	words["purpose"] = words["answers.motivo"]
	if other := words["answers.motivo_altro"]; other != "" {
		words["purpose"] = other
	}
	return words, nil
}

// Record makes an example of a trial: who asked, what was answered, and what
// came of it. Kind, amounts and limits are pinned, so that it holds when the
// commune changes its prices.
func (w Workbench) Record(ctx context.Context, name string, t Trial) (map[string]any, error) {
	result, err := w.Try(ctx, "", t)
	if err != nil {
		return nil, err
	}
	pages, err := w.Next.Form.Pages(ctx, t.Answers, w.Setting(t))
	if err != nil {
		return nil, err
	}
	fee := Francs(result.Outcome.Fee.Total)
	e := Example{
		Name: name, Kind: w.Next.Kind, Today: t.Today.In(i18n.Zurich).Format(time.DateOnly), Files: t.Files,
		Applicant: ExampleApplicant{Level: t.Who.Level, Kind: t.applicant().Kind},
		Expect:    Expectation{Fee: &fee, Verdict: result.Outcome.Verdict},
	}
	if t.Who.Found {
		facts := t.register(w.Postcodes)
		e.Register = &ExampleRegister{Resident: facts.Resident, Age: facts.Age, Arrived: facts.Arrived.In(i18n.Zurich).Format(time.DateOnly),
			Household: facts.HouseholdSize, Minors: facts.Minors, Nationality: facts.Nationality, Postcode: facts.Postcode}
	}
	for _, reason := range slices.Concat(result.Outcome.Eligibility, result.Outcome.Checks) {
		if !reason.Holds {
			e.Expect.Unmet = append(e.Expect.Unmet, reason.ID)
		}
	}
	for _, page := range pages {
		for _, name := range page.Names() {
			e.Expect.Asked = append(e.Expect.Asked, forms.Path(name))
		}
	}
	e.Amounts, e.Limits = map[string]Francs{}, w.Next.LimitValues()
	for key, amount := range w.Next.Fee.Amounts {
		e.Amounts[key] = amount.CHF
	}
	return exampleTree(e, t.Answers)
}

func exampleTree(e Example, answers forms.Answers) (map[string]any, error) {
	data, err := json.Marshal(answers)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if err := json.Unmarshal(data, &e.Answers); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	if data, err = json.Marshal(e); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return overlay.Parse(data)
}

// ExampleResult is an example and what comes of it now.
type ExampleResult struct {
	Example
	Wrong []error // what is not as expected, mostly *Unexpected; none: it holds
	// Now is what the example would have to expect to hold; nil where that would
	// not be enough.
	Now map[string]any
}

// RunAll runs every example of the pending definition.
func (w Workbench) RunAll(ctx context.Context) []ExampleResult {
	if w.Next == nil {
		return nil
	}
	var out []ExampleResult
	for _, e := range w.Next.Examples {
		result := ExampleResult{Example: e}
		outcome, err := w.Next.TryExample(ctx, e, w.engine, w.Postcodes)
		result.Wrong = source.Each(err)
		if len(result.Wrong) > 0 {
			result.Now = w.expectNow(ctx, e, outcome)
		}
		out = append(out, result)
	}
	return out
}

// expectNow is what an example that fails would have to expect: the same things
// as before, with what comes of it now.
func (w Workbench) expectNow(ctx context.Context, e Example, o rules.Outcome) map[string]any {
	if e.Expect.Fee != nil {
		fee := Francs(o.Fee.Total)
		e.Expect.Fee = &fee
	}
	if e.Expect.Verdict != "" {
		e.Expect.Verdict = o.Verdict
	}
	if e.Expect.Grant != nil && o.Pot != nil {
		grant := Francs(o.Pot.Grant)
		e.Expect.Grant = &grant
	}
	if e.Expect.Unmet != nil {
		e.Expect.Unmet = []string{}
		for _, reason := range slices.Concat(o.Eligibility, o.Checks) {
			if !reason.Holds {
				e.Expect.Unmet = append(e.Expect.Unmet, reason.ID)
			}
		}
	}
	if w.Next.RunExample(ctx, e, w.engine, w.Postcodes) != nil {
		return nil
	}
	data, err := json.Marshal(e.Expect)
	if err != nil {
		return nil
	}
	tree, err := overlay.Parse(data)
	if err != nil {
		return nil
	}
	return tree
}

// Failing are the examples that do not hold.
func Failing(results []ExampleResult) []ExampleResult {
	return slices.DeleteFunc(slices.Clone(results), func(r ExampleResult) bool { return len(r.Wrong) == 0 })
}

// ReadImport reads a file for the service: its whole definition, or the part of
// a services.yaml that is about it. It returns the definition it leads to.
// Errors: Mistakes, each with its line.
func (w Workbench) ReadImport(file string, data []byte, folder Tree) (Tree, error) {
	read, err := source.Parse(file, data)
	if err != nil {
		return nil, err
	}
	if slices.Equal(read.Keys(), []string{"services"}) {
		overlays, err := definition.ReadOverlays(file, data)
		if err != nil {
			return nil, err
		}
		overlay, there := overlays[w.ID]
		if !there {
			return nil, &Mistake{File: file, Line: 1, Column: 1, What: "the file does not speak of " + w.ID, Do: "choose the file of this service"}
		}
		return Merge(folder, overlay), nil
	}
	tree, err := ReadDefinition(file, data)
	if err != nil {
		return nil, err
	}
	if tree["id"] != w.ID {
		return nil, &Mistake{File: file, Line: 1, Column: 1, Path: []string{"id"}, What: fmt.Sprintf("this is the service %v", tree["id"]), Do: "choose the file of " + w.ID}
	}
	return tree, nil
}
