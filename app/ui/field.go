package ui

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// Kind says which control a Field is.
type Kind string

// The kinds of controls. What each posts is said beside it.
const (
	Text        Kind = "text"        // the text
	Email       Kind = "email"       // the text
	Phone       Kind = "phone"       // the text
	Password    Kind = "password"    // the text; never filled again
	Code        Kind = "code"        // a one-time code
	Textarea    Kind = "textarea"    // the text
	Number      Kind = "number"      // the text as typed
	Money       Kind = "money"       // francs as typed
	Date        Kind = "date"        // 2006-01-02
	Period      Kind = "period"      // Name+PeriodFrom and Name+PeriodTo, each 2006-01-02
	Select      Kind = "select"      // the option's value, "" for none
	Radio       Kind = "radio"       // the option's value
	Many        Kind = "many"        // Name once for every chosen option
	YesNo       Kind = "yesno"       // "true" or "false"
	Declaration Kind = "declaration" // "true" when ticked
	File        Kind = "file"        // multipart; RemoveName with a file's ID removes it
	Place       Kind = "place"       // the address as typed
	Clock       Kind = "time"        // the time as typed
	Set         Kind = "set"         // what its Parts post
	Repeat      Kind = "repeat"      // what the parts of its Items post; Name+RepeatCount how many; AddName, DropName add and drop one
	Note        Kind = "info"        // nothing: words between the fields
	Hidden      Kind = "hidden"      // the value
)

// What a period's two inputs add to the name, and the names of the buttons that
// remove an uploaded file, add an item to a repeated group and drop one.
const (
	PeriodFrom  = "_from"
	PeriodTo    = "_to"
	RemoveName  = "remove"
	RepeatCount = ".n"
	AddName     = "add"
	DropName    = "drop"
)

// Item is one item of a repeated group.
type Item struct {
	Title string  // "Persona 2"
	Parts []Input // its questions
	Drop  string  // value of the button that drops it
}

// Option is one choice of a field.
type Option struct {
	Value    string
	Label    string
	Help     string
	Selected bool
}

// Upload is a file that is already there.
type Upload struct {
	ID   string
	Name string
	Size string // preformatted: "412 KB"
	URL  string // empty where it cannot be looked at
}

// Input is one field of a form, ready to be shown.
type Input struct {
	Kind         Kind
	Name         string
	Label        string
	Help         string
	Value        string
	ValueTo      string // end of a period
	Options      []Option
	Uploads      []Upload
	Error        string
	Required     bool   // others are marked as optional
	ReadOnly     bool   // taken from a register
	Source       string // where a filled value comes from: "dal registro degli abitanti"
	Multiple     bool   // several files
	Accept       string // types of files, as in HTML
	Min, Max     string
	Step         string
	Unit         string // set after the value: "m²", "giorni"
	Rows         int
	Size         int // width in characters for short values
	MaxLength    int
	Autocomplete string
	EmptyOption  string // first option of a select, "" for "Scelga"
	HideLabel    bool   // the page's heading already asks
	Plain        bool   // part of a set, which says for all whether it is optional
	Locate       bool   // a set with the parts _east and _north: the browser can fill them
	Parts        []Input
	Items        []Item
	Add          string // words of the button for another item; "" when there can be no more
	filter       bool   // nothing is required of a filter, so nothing is marked
}

// ID is the id of the control, or of the first one of a group: the error
// summary leads there.
func (f Input) ID() string { return FieldID(f.Name) }

// FieldID turns a field's name into the id of its control.
func FieldID(name string) string {
	return "f-" + strings.Map(func(r rune) rune {
		if r == '.' || r == '[' || r == ']' || r == ' ' {
			return '-'
		}
		return r
	}, name)
}

// asFilter leaves out the marks of optional fields.
func (f Input) asFilter() Input {
	f.filter = true
	return f
}

// describedBy names the texts that belong to the control.
func (f Input) describedBy() string {
	var ids []string
	if f.Help != "" {
		ids = append(ids, f.ID()+"-d")
	}
	if f.Source != "" {
		ids = append(ids, f.ID()+"-s")
	}
	if f.Error != "" {
		ids = append(ids, f.ID()+"-e")
	}
	return strings.Join(ids, " ")
}

// inputType is the type attribute of a control of one line.
func (f Input) inputType() string {
	switch f.Kind {
	case Email:
		return "email"
	case Phone:
		return "tel"
	case Password:
		return "password"
	case Date:
		return "date"
	}
	return "text"
}

// inputMode is the keyboard to offer; "" leaves the choice to the browser.
func (f Input) inputMode() string {
	switch f.Kind {
	case Number, Code:
		return "numeric"
	case Money:
		return "decimal"
	}
	return ""
}

// size is the visible width of a short value; 0 means the full width.
func (f Input) size() int {
	if f.Size > 0 {
		return f.Size
	}
	switch f.Kind {
	case Number:
		return 8
	case Money:
		return 10
	case Code:
		return 10
	case Clock:
		return 6
	}
	return 0
}

// Problem is one line of an error summary.
type Problem struct {
	Name string // of the field; "" for a problem of the whole form
	Text string
}

// Anchor is the name of the control that a link to the field leads to.
func (f Input) Anchor() string {
	if f.Kind == Set && len(f.Parts) > 0 {
		return f.Parts[0].Anchor()
	}
	return f.Name
}

// HasFile reports whether a file can be attached among some fields.
func HasFile(fields []Input) bool {
	return slices.ContainsFunc(fields, func(f Input) bool { return f.Kind == File || HasFile(f.Parts) })
}

// Problems collects the errors of fields in their order.
func Problems(fields []Input) []Problem {
	var out []Problem
	for _, f := range fields {
		if f.Error != "" {
			out = append(out, Problem{f.Anchor(), f.Error})
		}
		out = append(out, Problems(f.Parts)...)
		for _, item := range f.Items {
			out = append(out, Problems(item.Parts)...)
		}
	}
	return out
}

// attributes are what all controls of one line have in common. HTML's own
// required is left out: the server answers with a summary in the page's
// language, where a browser would show one bubble at a time in its own.
func (f Input) attributes() templ.Attributes {
	a := templ.Attributes{"id": f.ID(), "name": f.Name}
	if f.Required {
		a["aria-required"] = "true"
	}
	if f.ReadOnly {
		a["readonly"] = true
	}
	if f.Error != "" {
		a["aria-invalid"] = "true"
	}
	set := func(name, value string) {
		if value != "" {
			a[name] = value
		}
	}
	set("aria-describedby", f.describedBy())
	set("inputmode", f.inputMode())
	set("autocomplete", f.autocomplete())
	if f.Kind == Date {
		set("min", f.Min)
		set("max", f.Max)
	}
	if n := f.size(); n > 0 {
		a["size"] = strconv.Itoa(n)
	}
	if f.MaxLength > 0 {
		a["maxlength"] = strconv.Itoa(f.MaxLength)
	}
	return a
}

func (f Input) autocomplete() string {
	if f.Autocomplete != "" {
		return f.Autocomplete
	}
	switch f.Kind {
	case Email:
		return "email"
	case Phone:
		return "tel"
	case Code:
		return "one-time-code"
	}
	return ""
}

// shownValue is the value as it is sent back: never a password.
func (f Input) shownValue() string {
	if f.Kind == Password {
		return ""
	}
	return f.Value
}

func (f Input) groupAttributes() templ.Attributes {
	a := templ.Attributes{}
	if d := f.describedBy(); d != "" {
		a["aria-describedby"] = d
	}
	return a
}

func (f Input) dateLimits() templ.Attributes {
	a := templ.Attributes{}
	if f.Min != "" {
		a["min"] = f.Min
	}
	if f.Max != "" {
		a["max"] = f.Max
	}
	if f.Error != "" {
		a["aria-invalid"] = "true"
	}
	return a
}

// choices are the options of a group; a yes-or-no question brings its own.
func (f Input) choices(ctx context.Context) []Option {
	if f.Kind == YesNo && len(f.Options) == 0 {
		return []Option{{Value: "true", Label: i18n.T(ctx, "ui.yes")}, {Value: "false", Label: i18n.T(ctx, "ui.no")}}
	}
	return f.Options
}

func (f Input) choiceType() string {
	if f.Kind == Many {
		return "checkbox"
	}
	return "radio"
}

// choiceID gives the first choice the field's id, so that the error summary
// leads to it.
func (f Input) choiceID(i int) string {
	if i == 0 {
		return f.ID()
	}
	return f.ID() + "-" + strconv.Itoa(i)
}

func rows(f Input) int {
	if f.Rows > 0 {
		return f.Rows
	}
	return 4
}
