package forms

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// longChoice is from how many options on a list replaces the radio buttons.
const longChoice = 8

// controls says which control shows a kind of field, where it is one alone.
var controls = map[string]ui.Kind{
	"text": ui.Text, "longtext": ui.Textarea, "email": ui.Email, "phone": ui.Phone, "number": ui.Number, "money": ui.Money,
	"date": ui.Date, "period": ui.Period, "yesno": ui.YesNo, "choice": ui.Radio, "many": ui.Many, "file": ui.File, "info": ui.Note,
	"declaration": ui.Declaration, "avs": ui.Text, "iban": ui.Text, "plate": ui.Text, "uid": ui.Text, "time": ui.Clock,
}

// widths are how many characters a short value has.
var widths = map[string]int{"avs": 16, "iban": 26, "plate": 10, "uid": 16}

// inputs are the controls of a field, filled with what was typed. items are those
// of a group, as the page shows them.
func (o *opened) inputs(ctx context.Context, f *Field, items [][]*Field, typed url.Values, wrong []FieldMistake) []ui.Input {
	switch f.Kind {
	case "place":
		return o.placeInputs(ctx, f, typed, mistakeOf(wrong, f))
	case groupName:
		return []ui.Input{o.groupInput(ctx, f, items, typed, wrong)}
	case "person", "child", "company", "parcel", "map":
		return []ui.Input{o.recordInput(ctx, f, typed, wrong)}
	}
	return []ui.Input{o.input(ctx, f, typed, mistakeOf(wrong, f))}
}

// input is the control of a field that has one.
func (o *opened) input(ctx context.Context, f *Field, typed url.Values, wrong *FieldMistake) ui.Input {
	lang := i18n.Lang(ctx)
	input := ui.Input{
		Kind: controls[f.Kind], Name: f.ID, Label: f.Label.In(lang), Help: f.Help.In(lang), Value: typed.Get(f.ID),
		Required: f.Required, Unit: f.Unit.In(lang), MaxLength: f.MaxLength, Size: widths[f.Kind],
	}
	if wrong != nil {
		input.Error = wrong.Message(ctx)
	}
	if source := o.source(ctx, f, input.Value); source != "" {
		input.Source = source
	}
	switch f.Kind {
	case "choice", "many":
		if f.Kind == "choice" && len(f.Options) >= longChoice {
			input.Kind = ui.Select
		}
		for _, option := range f.Options {
			input.Options = append(input.Options, ui.Option{
				Value: option.Value, Label: option.Label.In(lang), Help: option.Help.In(lang), Selected: contains(typed[f.ID], option.Value),
			})
		}
	case "period":
		input.Value, input.ValueTo = typed.Get(f.ID+suffixFrom), typed.Get(f.ID+suffixTo)
		o.limits(f, &input)
	case "date":
		o.limits(f, &input)
	case "file":
		input.Accept, input.Multiple = strings.Join(accepted, ","), f.maxFiles() > 1
		input.Help = strings.TrimSpace(input.Help + " " + i18n.T(ctx, "forms.upload.hint"))
		for _, u := range o.uploads {
			if u.Field == f.ID {
				input.Uploads = append(input.Uploads, ui.Upload{ID: u.ID.String(), Name: u.Name, Size: fileSize(u.Size), URL: o.path("documenti/" + u.ID.String())})
			}
		}
	}
	return input
}

func (o *opened) limits(f *Field, input *ui.Input) {
	earliest, latest, err := dayLimits(f, o.in.Today())
	if err != nil {
		return // compiled forms have none that cannot be read
	}
	if !earliest.IsZero() {
		input.Min = string(DayOf(earliest))
	}
	if !latest.IsZero() {
		input.Max = string(DayOf(latest))
	}
}

// placeInputs asks an address in three parts; the mistake stands at the part it
// is about.
func (o *opened) placeInputs(ctx context.Context, f *Field, typed url.Values, wrong *FieldMistake) []ui.Input {
	label := f.Label.For(ctx)
	part := func(suffix, key string, size, longest int, autocomplete string) ui.Input {
		return ui.Input{
			Kind: ui.Text, Name: f.ID + suffix, Label: label + ": " + strings.ToLower(i18n.T(ctx, key)), Value: typed.Get(f.ID + suffix),
			Required: f.Required, Size: size, MaxLength: longest, Autocomplete: autocomplete,
		}
	}
	address := part(suffixAddress, "forms.place.address", 0, 200, "street-address")
	postcode := part(suffixPostcode, "forms.place.postcode", 10, 10, "postal-code")
	postcode.Label = label + ": " + i18n.T(ctx, "forms.place.postcode")
	town := part(suffixTown, "forms.place.town", 0, 100, "address-level2")
	address.Help = f.Help.For(ctx)
	if source := o.source(ctx, f, address.Value); source != "" {
		address.Source = source
	}
	if wrong != nil {
		at := &address
		switch wrong.Key {
		case "place_postcode", "place_commune", "postcode":
			at = &postcode
		case "place_town":
			at = &town
		}
		at.Error = wrong.Message(ctx)
	}
	return []ui.Input{address, postcode, town}
}

// source says where a filled value comes from.
func (o *opened) source(ctx context.Context, f *Field, value string) string {
	switch {
	case value == "":
		return ""
	case strings.HasPrefix(f.Prefill, "register."):
		return i18n.T(ctx, "forms.from_register")
	case strings.HasPrefix(f.Prefill, "applicant."):
		return i18n.T(ctx, "forms.from_account")
	default:
		return ""
	}
}

func contains(list []string, value string) bool {
	for _, v := range list {
		if v == value {
			return true
		}
	}
	return false
}

// fileSize writes "412 KB" or "2.4 MB".
func fileSize(n int64) string {
	if n < 1<<20 {
		return strconv.FormatInt(max(n/1024, 1), 10) + " KB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MB"
}

// path is an address below the draft's.
func (o *opened) path(rest string) string { return "/area/bozze/" + o.ID.String() + "/" + rest }
