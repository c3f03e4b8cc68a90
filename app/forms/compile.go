package forms

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Bounds of one form, far above what anybody should be asked.
const (
	maxSteps   = 20
	maxFields  = 200
	maxOptions = 300
)

// MaxFilesPerField is how many files one field may take.
const MaxFilesPerField = 5

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// Form is a definition that was checked and whose conditions are compiled. It
// does not change, and many requests may use it at once.
type Form struct {
	definition Definition
	scope      *rules.Scope
	steps      []step
	fields     map[string]*field
}

type step struct {
	*Step
	visible *rules.Rule // nil: always
	fields  []*field
}

type field struct {
	*Field
	kind    Kind
	visible *rules.Rule
	step    string
	group   *group // of a repeated group
}

// ruleType is what the answer is for the rules.
func (f *Field) ruleType() rules.Type {
	kind := kinds[f.Kind]
	if kind == nil {
		return ""
	}
	if f.Kind == "number" && f.Decimals == 0 {
		return rules.Whole
	}
	return kind.Type()
}

func (f *Field) maxFiles() int {
	if f.MaxFiles > 0 {
		return f.MaxFiles
	}
	return 1
}

// Names lists the answers a form declares and their types, for rules.Names.
func (d Definition) Names() map[string]rules.Type {
	names := map[string]rules.Type{}
	for _, s := range d.Steps {
		addNames(names, s.Fields)
	}
	return names
}

func addNames(names map[string]rules.Type, fields []Field) {
	for i := range fields {
		if typ := fields[i].ruleType(); typ != "" {
			names[fields[i].ID] = typ
		}
	}
}

// Groups lists the fields of the repeated groups and their types, for
// rules.Names.
func (d Definition) Groups() map[string]map[string]rules.Type {
	groups := map[string]map[string]rules.Type{}
	for _, s := range d.Steps {
		for i := range s.Fields {
			if f := &s.Fields[i]; f.Kind == groupName {
				groups[f.ID] = map[string]rules.Type{}
				addNames(groups[f.ID], f.Fields)
			}
		}
	}
	return groups
}

// Compile checks a definition and compiles its conditions with the service's
// scope. Every mistake is reported, each with its step and field.
func Compile(def Definition, scope *rules.Scope) (*Form, error) {
	c := compiler{form: &Form{definition: def, scope: scope, fields: map[string]*field{}}, before: map[string]bool{}}
	if n := len(def.Steps); n == 0 || n > maxSteps {
		c.wrong("form", "%d steps, 1 to %d were expected", n, maxSteps)
	}
	for i := range def.Steps {
		c.step(&def.Steps[i])
	}
	if c.asked > maxFields {
		c.wrong("form", "%d fields, at most %d", c.asked, maxFields)
	}
	if err := errors.Join(c.problems...); err != nil {
		return nil, err
	}
	return c.form, nil
}

type compiler struct {
	form     *Form
	before   map[string]bool // fields already seen
	asked    int             // how many fields, those of groups included
	problems []error
}

func (c *compiler) wrong(where, format string, args ...any) {
	c.problems = append(c.problems, &rules.Wrong{Where: where, Err: fmt.Errorf(format, args...)})
}

func (c *compiler) step(s *Step) {
	where := "step " + s.ID
	if !identifier.MatchString(s.ID) || s.ID == reviewStep {
		c.wrong(where, "an identifier was expected: small letters, digits, _")
	}
	if slices.ContainsFunc(c.form.steps, func(other step) bool { return other.ID == s.ID }) {
		c.wrong(where, "there are two of them")
	}
	if s.Title.Empty() {
		c.wrong(where, "no Italian title")
	}
	out := step{Step: s, visible: c.condition(where, s.VisibleIf, c.form.scope, nil)}
	for i := range s.Fields {
		out.fields = append(out.fields, c.field(s.ID, &s.Fields[i]))
	}
	if len(out.fields) == 0 {
		c.wrong(where, "no fields")
	}
	c.form.steps = append(c.form.steps, out)
}

func (c *compiler) field(step string, f *Field) *field {
	where := "field " + f.ID
	out := c.one(where, f)
	if _, twice := c.form.fields[f.ID]; twice {
		c.wrong(where, "there are two of them")
	}
	out.step, out.visible = step, c.condition(where, f.VisibleIf, c.form.scope, nil)
	if f.Kind == groupName {
		out.group = c.group(where, f)
	}
	c.form.fields[f.ID] = out
	c.before[f.ID] = true
	return out
}

// one checks what every field must have, inside a group or not.
func (c *compiler) one(where string, f *Field) *field {
	c.asked++
	kind, known := kinds[f.Kind]
	if !known {
		c.wrong(where, "unknown kind %q", f.Kind)
		kind = infoKind{}
	}
	if !identifier.MatchString(f.ID) {
		c.wrong(where, "an identifier was expected: small letters, digits, _")
	}
	if f.Label.Empty() {
		c.wrong(where, "no Italian label")
	}
	c.limits(where, f)
	return &field{Field: f, kind: kind}
}

// condition compiles a condition and sees to it that it reads only what was
// asked before: so no two conditions can wait for each other. item are the
// fields of the same item that come before, nil outside a group.
func (c *compiler) condition(where, expression string, scope *rules.Scope, item map[string]bool) *rules.Rule {
	if expression == "" || scope == nil {
		return nil
	}
	rule, err := scope.Condition(expression)
	if err != nil {
		c.wrong(where, "visible_if: %w", err)
		return nil
	}
	for _, name := range rule.Reads() {
		from, rest, _ := strings.Cut(name, ".")
		id, _, _ := strings.Cut(rest, ".")
		if from == "answers" && !c.before[id] || from == "item" && !item[id] {
			c.wrong(where, "visible_if reads %q, which is asked later", id)
		}
	}
	return rule
}

// limits says which settings a kind of field understands.
func (c *compiler) limits(where string, f *Field) {
	only := func(set bool, name string, allowed ...string) {
		if set && !slices.Contains(allowed, f.Kind) {
			c.wrong(where, "a field of kind %s has no %s", f.Kind, name)
		}
	}
	only(len(f.Options) > 0, "options", "choice", "many")
	only(f.Min != nil, "min", "number", "money", "many", groupName)
	only(f.Max != nil, "max", "number", "money", "many", "period", groupName)
	only(f.Decimals != 0, "decimals", "number")
	only(len(f.Unit) > 0, "unit", "number")
	only(f.MinLength != 0, "min_length", "text", "longtext")
	only(f.MaxLength != 0, "max_length", "text", "longtext")
	only(f.Pattern != "", "pattern", "text")
	only(f.Earliest != "", "earliest", "date", "period", "time")
	only(f.Latest != "", "latest", "date", "period", "time")
	only(f.MaxFiles != 0, "max_files", "file")
	only(f.InCommune, "in_commune", "place", "map")
	only(len(f.Parts) > 0, "parts", "person", "child")
	only(f.MaxAge != 0, "max_age", "child")
	only(len(f.Fields) > 0, "fields", groupName)
	only(len(f.Item) > 0, "item", groupName)
	only(len(f.Add) > 0, "add", groupName)
	for _, name := range f.Parts {
		if !slices.ContainsFunc(extraParts, func(p part) bool { return p.name == name }) {
			c.wrong(where, "part %q is unknown: avs, email or phone were expected", name)
		}
	}
	if allowed, known := meanings[f.Reuse]; f.Reuse != "" && !known {
		c.wrong(where, "reuse %q is unknown: one of %s was expected", f.Reuse, strings.Join(Meanings(), ", "))
	} else if f.Reuse != "" && !slices.Contains(allowed, f.Kind) {
		c.wrong(where, "reuse %s is for fields of kind %s", f.Reuse, strings.Join(allowed, ", "))
	}
	if f.MaxAge < 0 || f.MaxAge > 25 {
		c.wrong(where, "max_age is 1 to 25")
	}
	only(f.Evidence != nil, "evidence", "file")
	if f.Evidence != nil && f.Evidence.Shows.Empty() {
		c.wrong(where, "evidence: shows has no Italian text")
	}
	if f.Required && f.Kind == "info" {
		c.wrong(where, "an info asks nothing and cannot be required")
	}
	if f.Decimals < 0 || f.Decimals > 3 {
		c.wrong(where, "decimals are 0 to 3")
	}
	if f.MaxFiles < 0 || f.MaxFiles > MaxFilesPerField {
		c.wrong(where, "max_files is 1 to %d", MaxFilesPerField)
	}
	if f.Min != nil && f.Max != nil && *f.Min > *f.Max {
		c.wrong(where, "min is greater than max")
	}
	if f.Pattern != "" {
		if _, err := compilePattern(f.Pattern); err != nil {
			c.wrong(where, "pattern: %w", err)
		}
		if f.Format.Empty() {
			c.wrong(where, "a pattern needs a format: what it asks, in words")
		}
	}
	if f.Kind == "time" {
		if _, _, err := clockLimits(f); err != nil {
			c.wrong(where, "%w", err)
		}
	} else if _, _, err := dayLimits(f, anyDay); err != nil {
		c.wrong(where, "%w", err)
	}
	if f.Kind == "choice" || f.Kind == "many" {
		c.options(where, f.Options)
	}
}

// anyDay stands for today while a definition is checked: the limits are read,
// not compared.
var anyDay = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (c *compiler) options(where string, options []Option) {
	if n := len(options); n < 1 || n > maxOptions {
		c.wrong(where, "%d options, 1 to %d were expected", n, maxOptions)
	}
	seen := map[string]bool{}
	for _, o := range options {
		if o.Value == "" || o.Label[i18n.Reference] == "" || seen[o.Value] {
			c.wrong(where, "option %q needs a value of its own and an Italian label", o.Value)
		}
		seen[o.Value] = true
	}
}
