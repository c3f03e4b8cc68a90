package definition

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Report is what a check of the catalogue counted.
type Report struct {
	Services int // shared definitions
	Offered  int // services offered, over all communes
	Examples int // examples run
	Drafts   int // definitions that nobody offers yet
}

// Commune is what a check needs to know of one.
type Commune struct {
	Folder    string   // within the file system
	Postcodes []string // of its places
}

// Check compiles every service of the shared catalogue and of every commune and
// runs their examples. It reports every mistake it finds, one line each, with
// file, line and column.
func Check(ctx context.Context, root fs.FS, communes []Commune, engine *rules.Engine) (Report, error) {
	var report Report
	shared, err := Shared(root)
	problems := []error{err}
	report.Services = len(shared)
	for _, id := range slices.Sorted(maps.Keys(shared)) {
		n, err := Examine(ctx, shared[id], engine, []string{"6500"})
		report.Examples += n
		problems = append(problems, Locate(root, "", id, err))
	}
	for _, commune := range communes {
		overlays, err := Overlays(root, commune.Folder)
		problems = append(problems, err)
		for _, id := range slices.Sorted(maps.Keys(overlays)) {
			base, known := BaseOf(shared, id, overlays[id])
			if !known {
				problems = append(problems, Locate(root, commune.Folder, id, unknownService(id, shared)))
				continue
			}
			n, err := ExamineOver(ctx, base, overlays[id], engine, commune.Postcodes)
			report.Offered++
			report.Examples += n
			problems = append(problems, Locate(root, commune.Folder, id, err))
		}
	}
	report.Drafts, err = ReadDrafts(root, engine)
	return report, errors.Join(append(problems, err)...)
}

func unknownService(id string, shared map[string]Tree) *Mistake {
	do := "write it first in shared/services/" + id + ".yaml"
	if near := source.Nearest(id, slices.Collect(maps.Keys(shared))); near != "" {
		do = "did you mean " + near + "?"
	}
	return &Mistake{What: fmt.Sprintf("service %s is not in the shared catalogue", id), Do: do}
}

func Examine(ctx context.Context, tree Tree, engine *rules.Engine, postcodes []string) (examples int, err error) {
	def, err := Decode(tree)
	if err != nil {
		return 0, fmt.Errorf("service %v: %w", tree["id"], err)
	}
	service, err := Compile(def, engine)
	if err != nil {
		return 0, err
	}
	return len(def.Examples), service.RunExamples(ctx, engine, postcodes)
}

// RunExamples runs the service's examples; postcodes are the commune's, its
// first one stands in the examples as "here".
func (s *Service) RunExamples(ctx context.Context, engine *rules.Engine, postcodes []string) error {
	var problems Mistakes
	for _, example := range s.Examples {
		for _, err := range source.Each(s.RunExample(ctx, example, engine, postcodes)) {
			problems = append(problems, &Mistake{Path: pathTo("examples", example.Name), What: fmt.Sprintf("example %q: %s", example.Name, err),
				Do: "correct the rule, or the example if the law changed"})
		}
	}
	if err := problems.OrNil(); err != nil {
		return fmt.Errorf("service %s: %w", s.ID, err)
	}
	return nil
}

func (s *Service) RunExample(ctx context.Context, e Example, engine *rules.Engine, postcodes []string) error {
	_, err := s.TryExample(ctx, e, engine, postcodes)
	return err
}

// TryExample is RunExample that also says what came of the request.
func (s *Service) TryExample(ctx context.Context, e Example, engine *rules.Engine, postcodes []string) (rules.Outcome, error) {
	var none rules.Outcome
	pinned, err := s.pinned(e, engine)
	if err != nil {
		return none, err
	}
	today, err := time.ParseInLocation(time.DateOnly, e.Today, i18n.Zurich)
	if err != nil {
		return none, fmt.Errorf("today %q is no day like 2026-11-20", e.Today)
	}
	answers, err := pinned.exampleAnswers(e, postcodes)
	if err != nil {
		return none, err
	}
	who := rules.Applicant{Level: e.Applicant.Level, Kind: e.Applicant.Kind, ForSelf: e.Applicant.For == ""}
	if who.Kind == "" {
		who.Kind = "person"
	}
	in := pinned.Input(answers, e.Files, who, e.Register.facts(), today)
	in.Left = e.left()
	setting := forms.Setting{Rules: in, Postcodes: postcodes, Files: e.Files}
	problems := pinned.expectForm(ctx, e, answers, setting)
	if len(e.Expect.Mistakes) > 0 {
		return none, errors.Join(problems...)
	}
	outcome, err := pinned.Rules.Evaluate(ctx, in)
	if err != nil {
		return none, errors.Join(append(problems, err)...)
	}
	problems = append(problems, e.Expect.outcome(outcome)...)
	return outcome, errors.Join(append(problems, e.Expect.scarce(outcome)...)...)
}

// pinned is the service with the kind and amounts the example was written for.
func (s *Service) pinned(e Example, engine *rules.Engine) (*Service, error) {
	if e.Kind == "" && len(e.Amounts) == 0 && len(e.Limits) == 0 {
		return s, nil
	}
	def := s.Definition
	if e.Kind != "" {
		def.Kind = e.Kind
		if def.Kind == Traditional && def.Remedy.Empty() {
			return nil, errors.New("the service cannot be traditional: it has no remedy")
		}
	}
	def.Fee.Amounts, def.Limits = maps.Clone(def.Fee.Amounts), maps.Clone(def.Limits)
	for key, chf := range e.Amounts {
		amount, known := def.Fee.Amounts[key]
		if !known {
			return nil, fmt.Errorf("amount %q does not exist", key)
		}
		amount.CHF = chf
		def.Fee.Amounts[key] = amount
	}
	for key, value := range e.Limits {
		limit, known := def.Limits[key]
		if !known {
			return nil, fmt.Errorf("limit %q does not exist", key)
		}
		limit.Value = value
		def.Limits[key] = limit
	}
	return Compile(def, engine)
}

// exampleAnswers reads answers as an API would send them. In a place the
// postcode "here" stands for one of the commune's.
func (s *Service) exampleAnswers(e Example, postcodes []string) (forms.Answers, error) {
	for field := range e.Answers {
		if _, known := s.Form.Field(field); !known {
			return nil, fmt.Errorf("answer %q: the form has no such field", field)
		}
	}
	data, err := json.Marshal(e.Answers)
	if err != nil {
		return nil, fmt.Errorf("answers: %w", err)
	}
	answers, err := s.Form.Decode(data)
	if err != nil {
		return nil, err
	}
	if len(postcodes) > 0 {
		answers.Here(postcodes[0])
	}
	return answers, nil
}

// Unexpected is one thing of an example that is not as it expects.
type Unexpected struct {
	Kind            string // fee, verdict, unmet, mistake, no-mistake, asked, not-asked
	Field           string // of the form, where it is about one
	Expected, Found string
	words           string
}

// Error says it in English, for who writes definitions.
func (u *Unexpected) Error() string { return u.words }

func (s *Service) expectForm(ctx context.Context, e Example, answers forms.Answers, in forms.Setting) []error {
	var problems []error
	_, mistakes, err := s.Form.Check(ctx, answers, in)
	if err != nil {
		return []error{err}
	}
	wrong := []string{}
	for _, m := range mistakes {
		wrong = append(wrong, m.Path())
		if !slices.Contains(e.Expect.Mistakes, m.Path()) {
			problems = append(problems, &Unexpected{"mistake", m.Path(), "", m.Key, fmt.Sprintf("field %s: unexpected mistake %s %v", m.Path(), m.Key, m.Args)})
		}
	}
	for _, field := range e.Expect.Mistakes {
		if !slices.Contains(wrong, field) {
			problems = append(problems, &Unexpected{"no-mistake", field, "", "", fmt.Sprintf("field %s: a mistake was expected", field)})
		}
	}
	pages, err := s.Form.Pages(ctx, answers, in)
	if err != nil {
		return append(problems, err)
	}
	asked := map[string]bool{}
	for _, page := range pages {
		for _, name := range page.Names() {
			asked[forms.Path(name)] = true
		}
	}
	for _, field := range e.Expect.Asked {
		if !asked[field] {
			problems = append(problems, &Unexpected{"not-asked", field, "", "", fmt.Sprintf("field %s should be asked", field)})
		}
	}
	for _, field := range e.Expect.Hidden {
		if asked[field] {
			problems = append(problems, &Unexpected{"asked", field, "", "", fmt.Sprintf("field %s should be hidden", field)})
		}
	}
	return problems
}

func (x Expectation) outcome(o rules.Outcome) []error {
	var problems []error
	if x.Fee != nil && o.Fee.Total != money.CHF(*x.Fee) {
		problems = append(problems, &Unexpected{"fee", "", money.CHF(*x.Fee).String(), o.Fee.Total.String(), fmt.Sprintf("fee %s, expected %s", o.Fee.Total, money.CHF(*x.Fee))})
	}
	if x.Verdict != "" && o.Verdict != x.Verdict {
		problems = append(problems, &Unexpected{"verdict", "", string(x.Verdict), string(o.Verdict), fmt.Sprintf("verdict %s, expected %s", o.Verdict, x.Verdict)})
	}
	unmet := []string{}
	for _, reason := range slices.Concat(o.Eligibility, o.Checks) {
		if !reason.Holds {
			unmet = append(unmet, reason.ID)
		}
	}
	if x.Unmet != nil && !slices.Equal(slices.Sorted(slices.Values(unmet)), slices.Sorted(slices.Values(x.Unmet))) {
		problems = append(problems, &Unexpected{"unmet", "", strings.Join(x.Unmet, ", "), strings.Join(unmet, ", "), fmt.Sprintf("conditions that do not hold %v, expected %v", unmet, x.Unmet)})
	}
	return problems
}

func (r *ExampleRegister) facts() rules.Register {
	if r == nil {
		return rules.Register{}
	}
	return rules.Register{
		Found: true, Resident: r.Resident, Age: r.Age, Arrived: forms.Day(r.Arrived).Time(), HouseholdSize: r.Household,
		Minors: r.Minors, Nationality: r.Nationality, Postcode: r.Postcode, Protected: r.Protected, Blocked: r.Blocked,
	}
}
