package forms

import (
	"context"
	"net/url"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Section is one step on the page where answers are checked.
type Section struct {
	Step  string
	Title string
	Rows  []Row
}

// Row is one answer for people to read.
type Row struct {
	Field string
	Label string
	Value string   // "" when not answered
	Files []string // names of the files of a file field
}

// Review lists the answers that apply, step by step, in the language of ctx. It
// serves the page before submission, the case and its papers. files gives the
// names of the files of each file field.
func (f *Form) Review(ctx context.Context, answers Answers, files map[string][]string, in Setting) ([]Section, error) {
	lang := i18n.Lang(ctx)
	var sections []Section
	err := f.walk(ctx, in, visitor{
		step: func(s *step) {
			sections = append(sections, Section{Step: s.ID, Title: s.Title.In(lang)})
		},
		value: func(fl *field, _ rules.Values) (any, error) {
			value := stored(fl, answers, in)
			if fl.kind.Type() == "" {
				return nil, nil
			}
			row := Row{Field: fl.ID, Label: fl.Label.In(lang), Files: files[fl.ID]}
			if value != nil {
				row.Value = fl.show(value, lang)
			}
			section := &sections[len(sections)-1]
			section.Rows = append(section.Rows, row)
			return value, nil
		},
	})
	return sections, err
}

// Known is what is already known of the applicant, by the names a field's
// prefill may use: "register.address" → Place, "applicant.email" → string. The
// values are of the Go types of Answers, or strings to be read as if typed.
type Known map[string]any

// Prefill returns answers in which every field that has none yet and names
// something known is filled in. What does not fit the field's rule is left out.
func (f *Form) Prefill(answers Answers, known Known, in Setting) Answers {
	out := answers.Clone()
	for id, fl := range f.fields {
		if _, given := out[id]; given || fl.Prefill == "" {
			continue
		}
		value, ok := known[fl.Prefill]
		if !ok {
			continue
		}
		typed := f.typedKnown(fl, value)
		if read, wrong := fl.kind.Read(fl.Field, typed, in); wrong == nil && read != nil {
			out[id] = read
		}
	}
	return out
}

func (f *Form) typedKnown(fl *field, value any) url.Values {
	switch v := value.(type) {
	case string:
		return url.Values{fl.ID: {v}}
	case Place:
		if fl.Kind == "place" {
			return fl.kind.Write(fl.Field, v)
		}
		return url.Values{fl.ID: {v.String()}}
	case Record:
		if fl.Kind == "person" || fl.Kind == "child" {
			return fl.kind.Write(fl.Field, v)
		}
		return nil
	case Day:
		return url.Values{fl.ID: {string(v)}}
	default:
		return nil
	}
}

// Schema is the JSON Schema 2020-12 of the form's answers. Only what is always
// asked is required; a field with a condition carries it as a comment.
func (f *Form) Schema(id, title, lang string) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, s := range f.steps {
		for _, fl := range s.fields {
			describe(fl, s.VisibleIf, lang, properties, &required)
		}
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": id, "title": title,
		"type": "object", "properties": properties, "required": required, "additionalProperties": false,
	}
}

// describe adds a field to the properties of a schema.
func describe(fl *field, stepVisibleIf, lang string, properties map[string]any, required *[]string) {
	if fl.kind.Type() == "" {
		return
	}
	schema := fl.schema(lang)
	schema["title"] = fl.Label.In(lang)
	if help := fl.Help.In(lang); help != "" {
		schema["description"] = help
	}
	switch {
	case fl.VisibleIf != "":
		schema["$comment"] = "asked if: " + fl.VisibleIf
	case stepVisibleIf != "":
		schema["$comment"] = "asked if: " + stepVisibleIf
	case fl.Required:
		*required = append(*required, fl.ID)
	}
	properties[fl.ID] = schema
}
