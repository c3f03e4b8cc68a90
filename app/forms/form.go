package forms

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// reviewStep is the address of the last page, where answers are checked.
const reviewStep = "riepilogo"

// missingKey is the mistake of a required field without an answer.
const missingKey = "missing"

// FieldMistake is one thing to correct. Inside a group Field has the name of its
// input as ID.
type FieldMistake struct {
	Step  string
	Field *Field
	Group *Field // the group it stands in, or nil
	Item  int    // which item of the group, from 1
	*Mistake
}

// Path names the field as definitions do: "persone.nascita" inside a group.
func (m FieldMistake) Path() string { return Path(m.Field.ID) }

// Input is the name of the input that the mistake is about.
func (m FieldMistake) Input() string {
	if m.Part == "" {
		return m.Field.ID
	}
	return m.Field.ID + "_" + m.Part
}

// fileRefusal begins the key of a mistake whose sentence is that of a problem:
// a file that was not taken.
const fileRefusal = "!"

// Message is the sentence for the person, in the language of ctx.
func (m FieldMistake) Message(ctx context.Context) string {
	if m.Group == nil {
		return m.message(ctx)
	}
	return itemTitle(m.Group, m.Item, i18n.Lang(ctx)) + ": " + m.message(ctx)
}

func (m FieldMistake) message(ctx context.Context) string {
	lang := i18n.Lang(ctx)
	label := m.Field.Label.In(lang)
	if m.Part != "" && i18n.Has(ctx, "forms.part."+m.Part) {
		label = i18n.T(ctx, "forms.part."+m.Part)
	}
	if m.Key == missingKey {
		if !m.Field.Missing.Empty() {
			return m.Field.Missing.In(lang)
		}
		key := "forms.mistake.missing_" + m.Field.Kind
		if !i18n.Has(ctx, key) {
			key = "forms.mistake.missing"
		}
		return i18n.T(ctx, key, "label", label)
	}
	if key, refusal := strings.CutPrefix(m.Key, fileRefusal); refusal {
		return i18n.T(ctx, key, m.Args...)
	}
	if m.Key == "format" {
		return m.Field.Format.In(lang)
	}
	return i18n.T(ctx, "forms.mistake."+m.Key, append([]any{"label", label}, m.Args...)...)
}

// Page is a step as one person sees it: what applies to them.
type Page struct {
	Step   *Step
	Fields []*Field
	Items  map[string][][]*Field // group → item → its fields, under the names of their inputs
	Done   bool                  // every required field is answered
}

// Names are the inputs of the questions the page asks, those of items included.
func (p Page) Names() []string {
	var names []string
	for _, f := range p.Fields {
		names = append(names, f.ID)
		for _, item := range p.Items[f.ID] {
			for _, inner := range item {
				names = append(names, inner.ID)
			}
		}
	}
	return names
}

// Field finds a field by its identifier, "persone.nascita" inside a group.
func (f *Form) Field(id string) (*Field, bool) {
	id, inside, nested := strings.Cut(id, ".")
	fl, ok := f.fields[id]
	switch {
	case !ok:
		return nil, false
	case !nested:
		return fl.Field, true
	case fl.group == nil:
		return nil, false
	}
	for _, inner := range fl.group.fields {
		if inner.ID == inside {
			return inner.Field, true
		}
	}
	return nil, false
}

// Definition is what the form was compiled from.
func (f *Form) Definition() Definition { return f.definition }

// visitor is told of steps and fields in their order. value gives the answer of
// a field that is shown.
type visitor struct {
	step  func(*step)
	value func(*field, rules.Values) (any, error)
}

// walk goes through the form as a person does: a condition sees the answers
// that were given before it, and only those that still count.
func (f *Form) walk(ctx context.Context, in Setting, v visitor) error {
	start := in.Rules
	start.Answers = nil
	values, err := f.scope.Bind(start)
	if err != nil {
		return fmt.Errorf("forms: %w", err)
	}
	for i := range f.steps {
		s := &f.steps[i]
		if shown, err := holds(ctx, s.visible, values); err != nil {
			return err
		} else if !shown {
			continue
		}
		if v.step != nil {
			v.step(s)
		}
		for _, fl := range s.fields {
			if shown, err := holds(ctx, fl.visible, values); err != nil {
				return err
			} else if !shown {
				continue
			}
			value, err := v.value(fl, values)
			if err != nil {
				return err
			}
			if value == nil || fl.kind.Type() == "" {
				continue
			}
			if err := f.scope.Set(values, fl.ID, fl.rule(value)); err != nil {
				return fmt.Errorf("forms: %w", err)
			}
		}
	}
	return nil
}

func holds(ctx context.Context, rule *rules.Rule, values rules.Values) (bool, error) {
	if rule == nil {
		return true, nil
	}
	shown, err := rule.Holds(ctx, values)
	if err != nil {
		return false, fmt.Errorf("forms: visible_if: %w", err)
	}
	return shown, nil
}

// stored is the answer a field has, files included.
func stored(fl *field, answers Answers, in Setting) any {
	if fl.Kind == "file" {
		if n := in.Files[fl.ID]; n > 0 {
			return int64(n)
		}
		return nil
	}
	return answers[fl.ID]
}

// Pages are the steps and fields that apply, given the answers so far.
func (f *Form) Pages(ctx context.Context, answers Answers, in Setting) ([]Page, error) {
	return f.pages(ctx, answers, in, "", nil)
}

// pages is Pages with the items of one step's groups as they stand on a page,
// where typed is not nil: with what is not right yet, and with empty ones.
func (f *Form) pages(ctx context.Context, answers Answers, in Setting, stepID string, typed url.Values) ([]Page, error) {
	var pages []Page
	err := f.walk(ctx, in, visitor{
		step: func(s *step) { pages = append(pages, Page{Step: s.Step, Done: true}) },
		value: func(fl *field, values rules.Values) (any, error) {
			page := &pages[len(pages)-1]
			page.Fields = append(page.Fields, fl.Field)
			value := stored(fl, answers, in)
			if fl.Required && value == nil {
				page.Done = false
			}
			if fl.group == nil {
				return value, nil
			}
			given, _ := value.([]Record)
			items := make([][]*Field, len(given))
			answer := func(i int, sub *field) (any, error) {
				items[i] = append(items[i], sub.Field)
				v := given[i][Path(sub.ID)[len(fl.ID)+1:]]
				if sub.Required && v == nil {
					page.Done = false
				}
				return v, nil
			}
			if typed != nil && fl.step == stepID {
				items = make([][]*Field, shownItems(fl.Field, typed))
				answer = func(i int, sub *field) (any, error) {
					items[i] = append(items[i], sub.Field)
					v, _ := sub.kind.Read(sub.Field, typed, in)
					return v, nil
				}
			}
			if page.Items == nil {
				page.Items = map[string][][]*Field{}
			}
			_, err := f.eachItem(ctx, fl, values, len(items), answer)
			page.Items[fl.ID] = items
			return value, err
		},
	})
	return pages, err
}

// Parse reads one step from what was typed and returns all answers with those of
// the step, less whatever no longer applies, and the mistakes. An answer with a
// mistake is left out: the right ones beside it are not lost, in a group those of
// the same item neither.
func (f *Form) Parse(ctx context.Context, stepID string, typed url.Values, answers Answers, in Setting) (Answers, []FieldMistake, error) {
	out, mistakes := Answers{}, []FieldMistake(nil)
	err := f.walk(ctx, in, visitor{value: func(fl *field, values rules.Values) (any, error) {
		if fl.step != stepID {
			value := stored(fl, answers, in)
			keep(out, fl, value)
			return value, nil
		}
		value, wrong, err := f.read(ctx, fl, values, typed, in)
		mistakes = append(mistakes, wrong...)
		keep(out, fl, value)
		return value, err
	}})
	return out, mistakes, err
}

// read takes an answer; one with a mistake is nil, of a group what is right.
func (f *Form) read(ctx context.Context, fl *field, values rules.Values, typed url.Values, in Setting) (any, []FieldMistake, error) {
	if fl.group != nil {
		return f.readItems(ctx, fl, values, typed, in)
	}
	value, wrong := f.readOne(fl, typed, in)
	return value, wrong, nil
}

func (f *Form) readOne(fl *field, typed url.Values, in Setting) (any, []FieldMistake) {
	value, wrong := fl.kind.Read(fl.Field, typed, in)
	if wrong == nil && value == nil && fl.Required {
		wrong = mistake(missingKey)
	}
	if wrong == nil {
		return value, nil
	}
	out := []FieldMistake{{Step: fl.step, Field: fl.Field, Mistake: wrong}}
	for _, also := range wrong.Also {
		out = append(out, FieldMistake{Step: fl.step, Field: fl.Field, Mistake: also})
	}
	return nil, out
}

func keep(out Answers, fl *field, value any) {
	if value != nil && fl.Kind != "file" {
		out[fl.ID] = value
	}
}

// Check reads all answers again, as if they were typed today, and returns what
// is missing or no longer right, and the answers that apply. A draft may only
// be submitted when there is nothing to correct.
func (f *Form) Check(ctx context.Context, answers Answers, in Setting) (Answers, []FieldMistake, error) {
	out, mistakes := Answers{}, []FieldMistake(nil)
	err := f.walk(ctx, in, visitor{value: func(fl *field, values rules.Values) (any, error) {
		typed := url.Values{}
		if value := stored(fl, answers, in); value != nil {
			if written := fl.write(value); written != nil {
				typed = written
			}
		}
		value, wrong, err := f.read(ctx, fl, values, typed, in)
		mistakes = append(mistakes, wrong...)
		keep(out, fl, value)
		return value, err
	}})
	return out, mistakes, err
}

// Typed are the inputs of a step as they must be filled to give these answers.
func (f *Form) Typed(answers Answers) url.Values {
	typed := url.Values{}
	for id, value := range answers {
		if fl, ok := f.fields[id]; ok {
			for name, inputs := range fl.write(value) {
				typed[name] = inputs
			}
		}
	}
	return typed
}

// RuleAnswers are the answers as rules.Input wants them.
func (f *Form) RuleAnswers(answers Answers, files map[string]int) map[string]any {
	out := map[string]any{}
	for id, fl := range f.fields {
		if value := stored(fl, answers, Setting{Files: files}); value != nil && fl.kind.Type() != "" {
			out[id] = fl.rule(value)
		}
	}
	return out
}

// Decode reads answers from JSON. A field the form does not have is dropped: the
// definition may have changed since; a value of the wrong shape is an error.
func (f *Form) Decode(data []byte) (Answers, error) {
	raw := map[string]json.RawMessage{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &raw); err != nil {
			return nil, fmt.Errorf("forms: answers: %w", err)
		}
	}
	out := Answers{}
	for id, value := range raw {
		fl, known := f.fields[id]
		if !known || fl.kind.Type() == "" || fl.Kind == "file" || string(value) == "null" {
			continue
		}
		decoded, err := fl.decode(value)
		if err != nil {
			return nil, fmt.Errorf("forms: answer %s: %w", id, err)
		}
		if decoded != nil {
			out[id] = decoded
		}
	}
	return out, nil
}

// Salvage reads what can still be read of answers that no longer fit the form.
func (f *Form) Salvage(data []byte) Answers {
	raw := map[string]json.RawMessage{}
	out := Answers{}
	if json.Unmarshal(data, &raw) != nil {
		return out
	}
	for id, value := range raw {
		if fl := f.fields[id]; fl != nil && fl.group != nil {
			if items, err := fl.decodeItems(value, true); err == nil && items != nil {
				out[id] = items
			}
			continue
		}
		one, err := json.Marshal(map[string]json.RawMessage{id: value})
		if err != nil {
			continue
		}
		if decoded, err := f.Decode(one); err == nil && decoded[id] != nil {
			out[id] = decoded[id]
		}
	}
	return out
}
