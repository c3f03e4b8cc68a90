package forms

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// autocompletes are what browsers may fill into a part by themselves: a firm's
// name. A person's parts are often somebody else's.
var autocompletes = map[string]string{"company_name": "organization"}

// recordInput asks the parts of an answer together; a mistake stands at the part
// it is about.
func (o *opened) recordInput(ctx context.Context, f *Field, typed url.Values, wrong []FieldMistake) ui.Input {
	set := ui.Input{
		Kind: ui.Set, Name: f.ID, Label: f.Label.For(ctx), Help: f.Help.For(ctx), Required: f.Required, Locate: f.Kind == "map",
	}
	if f.Kind == "child" && len(o.in.Minors) > 0 {
		set.Parts = append(set.Parts, o.pick(ctx, f, typed))
	}
	for _, p := range recordOf(f).parts(f) {
		if f.Kind == "parcel" && p.name == "commune" {
			continue
		}
		set.Parts = append(set.Parts, o.partInput(ctx, f, p, typed))
	}
	for _, w := range wrong {
		if w.Field.ID != f.ID {
			continue
		}
		at := slices.IndexFunc(set.Parts, func(p ui.Input) bool { return p.Name == w.Input() })
		if at < 0 {
			set.Error = w.Message(ctx)
		} else {
			set.Parts[at].Error = w.Message(ctx)
		}
	}
	if set.Source = o.source(ctx, f, set.Parts[len(set.Parts)-1].Value); f.Kind == "child" {
		set.Source = ""
	}
	return set
}

// recordOf is the part of a kind that all kinds of several parts share.
func recordOf(f *Field) recordKind {
	switch k := kinds[f.Kind].(type) {
	case recordKind:
		return k
	case childKind:
		return k.recordKind
	case parcelKind:
		return k.recordKind
	case mapKind:
		return k.recordKind
	}
	return recordKind{parts: func(*Field) []part { return nil }}
}

func (o *opened) partInput(ctx context.Context, f *Field, p part, typed url.Values) ui.Input {
	named := p.of(f)
	input := o.input(ctx, named, typed, nil)
	input.Label = i18n.T(ctx, "forms.part."+p.name)
	input.Required, input.Plain = f.Required && !p.optional, !f.Required || !p.optional || f.Kind == "map"
	input.Autocomplete = autocompletes[f.Kind+"_"+p.name]
	switch {
	case f.Kind == "child" || f.Kind == "person":
		if input.Autocomplete == "" {
			input.Autocomplete = "off"
		}
		if f.Kind == "child" && len(o.in.Minors) > 0 {
			input.Required = false
		}
	case f.Kind == "parcel" && p.name == "number":
		input.Size = 10
	case f.Kind == "parcel" && p.name == "section" && len(o.in.Sections) > 0:
		input.Kind, input.Required, input.Plain, input.MaxLength = ui.Select, f.Required, true, 0
		for _, section := range o.in.Sections {
			input.Options = append(input.Options, ui.Option{Value: section, Label: section})
		}
		if given := first(typed, named.ID); given != "" && given != sectionUnknown && !slices.Contains(o.in.Sections, given) {
			input.Options = append(input.Options, ui.Option{Value: given, Label: given})
		}
		input.Options = append(input.Options, ui.Option{Value: sectionUnknown, Label: i18n.T(ctx, "forms.part.section_unknown")})
	case f.Kind == "map" && p.name == "words":
		input.Help = i18n.T(ctx, "forms.part.words_help")
	case f.Kind == "map":
		input.Kind, input.Size = ui.Number, 12
	}
	return input
}

// pick offers the children that the register knows in the household. A child
// that was typed and is one of them counts as chosen.
func (o *opened) pick(ctx context.Context, f *Field, typed url.Values) ui.Input {
	name := f.ID + suffixPick
	chosen := first(typed, name)
	if chosen == "" && first(typed, f.ID+"_last_name") != "" {
		chosen = pickOther
		for _, m := range o.in.Minors {
			if first(typed, f.ID+"_first_name") == m.FirstName && first(typed, f.ID+"_last_name") == m.LastName && first(typed, f.ID+"_born") == string(m.Born) {
				chosen = m.key()
			}
		}
	}
	input := ui.Input{Kind: ui.Radio, Name: name, Label: i18n.T(ctx, "forms.child.pick"), Help: i18n.T(ctx, "forms.child.pick_help"), Value: chosen, Required: f.Required, Plain: true}
	for _, m := range o.in.Minors {
		input.Options = append(input.Options, ui.Option{Value: m.key(), Label: m.FirstName + " " + m.LastName + ", " + m.Born.String()})
	}
	input.Options = append(input.Options, ui.Option{Value: pickOther, Label: i18n.T(ctx, "forms.child.other")})
	return input
}

// groupInput asks the questions of every item.
func (o *opened) groupInput(ctx context.Context, f *Field, items [][]*Field, typed url.Values, wrong []FieldMistake) ui.Input {
	lang := i18n.Lang(ctx)
	input := ui.Input{Kind: ui.Repeat, Name: f.ID, Label: f.Label.In(lang), Help: f.Help.In(lang), Required: f.Required}
	for i, fields := range items {
		item := ui.Item{Title: itemTitle(f, i+1, lang), Drop: f.ID + "." + strconv.Itoa(i)}
		for _, inner := range fields {
			item.Parts = append(item.Parts, o.inputs(ctx, inner, nil, typed, wrong)...)
		}
		input.Items = append(input.Items, item)
	}
	if len(items) < f.mostItems() {
		input.Add = f.Add.In(lang)
		if f.Add.Empty() {
			input.Add = i18n.T(ctx, "forms.group.add")
		}
	}
	if w := mistakeOf(wrong, f); w != nil {
		input.Error = w.Message(ctx)
	}
	return input
}
