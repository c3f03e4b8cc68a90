package forms

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/rules"
)

// choiceKind is one of several options.
type choiceKind struct{ stringKind }

func (choiceKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	value := first(typed, f.ID)
	if value == "" {
		return nil, nil
	}
	if _, known := f.option(value); !known {
		return nil, mistake("choice")
	}
	return value, nil
}

func (choiceKind) Show(f *Field, value any, lang string) string {
	if o, known := f.option(value.(string)); known {
		return o.Label.In(lang)
	}
	return value.(string)
}

func (choiceKind) Schema(f *Field, _ string) map[string]any {
	return map[string]any{"type": "string", "enum": optionValues(f)}
}

func optionValues(f *Field) []string {
	values := make([]string, len(f.Options))
	for i, o := range f.Options {
		values[i] = o.Value
	}
	return values
}

// manyKind is any number of several options, in the order they are offered.
type manyKind struct{}

func (manyKind) Type() rules.Type { return rules.List }

func (manyKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	chosen := []string{}
	for _, value := range typed[f.ID] {
		if value == "" {
			continue
		}
		if _, known := f.option(value); !known {
			return nil, mistake("choice")
		}
		chosen = append(chosen, value)
	}
	if len(chosen) == 0 {
		return nil, nil
	}
	values := optionValues(f)
	slices.SortFunc(chosen, func(a, b string) int { return slices.Index(values, a) - slices.Index(values, b) })
	chosen = slices.Compact(chosen)
	switch n := float64(len(chosen)); {
	case f.Min != nil && n < *f.Min:
		return nil, mistake("choose_at_least", "min", int(*f.Min))
	case f.Max != nil && n > *f.Max:
		return nil, mistake("choose_at_most", "max", int(*f.Max))
	}
	return chosen, nil
}

func (manyKind) Write(f *Field, value any) url.Values               { return url.Values{f.ID: value.([]string)} }
func (manyKind) Decode(_ *Field, data json.RawMessage) (any, error) { return decodeAs[[]string](data) }
func (manyKind) Rule(value any) any                                 { return value }

func (manyKind) Show(f *Field, value any, lang string) string {
	var labels []string
	for _, v := range value.([]string) {
		labels = append(labels, choiceKind{}.Show(f, v, lang))
	}
	return strings.Join(labels, ", ")
}

func (manyKind) Schema(f *Field, _ string) map[string]any {
	return map[string]any{
		"type": "array", "uniqueItems": true,
		"items": map[string]any{"type": "string", "enum": optionValues(f)},
	}
}
