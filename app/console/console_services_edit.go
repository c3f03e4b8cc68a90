package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// control says how a part of a definition is entered.
type control string

const (
	asText   control = "text"   // words in each language
	asLines  control = "lines"  // a list of texts, one line each
	asWords  control = "words"  // a list of strings, one line each
	asWord   control = "word"   // one string
	asEmail  control = "email"  // one address
	asFrancs control = "francs" // an amount
	asWhole  control = "whole"  // a whole number
	asOffice control = "office" // one of the commune's offices
	asWays   control = "ways"   // channels
)

// editField is one thing an administrator may change.
type editField struct {
	path     []string
	control  control
	label    string // key below console.edit.label, or the words themselves when said is true
	said     bool
	of       string // what it belongs to, where several have the same label
	step     string // title of the step it begins
	required bool
	rows     int // of a text with several lines
}

func (f editField) name() string { return strings.Join(f.path, ".") }

func (f editField) title(ctx context.Context) string {
	if f.said {
		return f.label
	}
	title := i18n.T(ctx, "console.edit.label."+f.label)
	if f.of != "" {
		title += ": " + f.of
	}
	return title
}

// editPart is one page of the editor.
type editPart struct {
	name   string
	fields func(w catalogue.Workbench) []editField
}

var editParts = []editPart{
	{"testi", func(catalogue.Workbench) []editField {
		return []editField{
			{path: []string{"title"}, control: asText, label: "title", required: true}, {path: []string{"summary"}, control: asText, label: "summary", required: true, rows: 3},
			{path: []string{"who"}, control: asText, label: "who", required: true, rows: 3}, {path: []string{"who_list"}, control: asLines, label: "who_list", rows: 4},
			{path: []string{"needs"}, control: asLines, label: "needs", rows: 4}, {path: []string{"note"}, control: asText, label: "note", rows: 2},
			{path: []string{"output", "summary"}, control: asText, label: "output_summary", required: true, rows: 2}, {path: []string{"output", "title"}, control: asText, label: "output_title", required: true},
			{path: []string{"output", "body"}, control: asText, label: "output_body", rows: 6}, {path: []string{"remedy"}, control: asText, label: "remedy", rows: 3},
			{path: []string{"keywords"}, control: asWords, label: "keywords", rows: 4},
		}
	}},
	{"domande", func(w catalogue.Workbench) []editField {
		return questions(w.Pending)
	}},
	{"messaggi", func(catalogue.Workbench) []editField {
		var out []editField
		for moment := range (catalogue.MailWords{}).All() {
			out = append(out, editField{path: []string{"notifications", "mail", string(moment)}, control: asText, label: "mail_" + string(moment), rows: 2})
		}
		return out
	}},
	{"tariffa", func(w catalogue.Workbench) []editField {
		var out []editField
		amounts, _ := w.Pending.Get("fee", "amounts").(map[string]any)
		for _, key := range sortedKeys(amounts) {
			label := words(w.Pending.Get("fee", "amounts", key, "label"), i18n.Reference)
			if label == "" {
				label = key
			}
			out = append(out, editField{path: []string{"fee", "amounts", key, "chf"}, control: asFrancs, label: label, said: true, required: true},
				editField{path: []string{"fee", "amounts", key, "label"}, control: asText, label: "name", of: label})
		}
		if len(out) > 0 {
			out = append(out, editField{path: []string{"fee", "counter"}, control: asFrancs, label: "fee_counter"})
		}
		return append(out, editField{path: []string{"fee", "note"}, control: asText, label: "fee_note", rows: 2})
	}},
	{"ufficio", func(catalogue.Workbench) []editField {
		return []editField{
			{path: []string{"office"}, control: asOffice, label: "office", required: true}, {path: []string{"contact", "phone"}, control: asWord, label: "contact_phone"},
			{path: []string{"contact", "email"}, control: asEmail, label: "contact_email"}, {path: []string{"term", "working_days"}, control: asWhole, label: "term_working_days", required: true},
			{path: []string{"term", "text"}, control: asText, label: "term_text", rows: 2}, {path: []string{"channels"}, control: asWays, label: "channels", required: true},
			{path: []string{"legal_basis"}, control: asWords, label: "legal_basis", required: true, rows: 4},
		}
	}},
	{"limiti", func(w catalogue.Workbench) []editField {
		var out []editField
		limits, _ := w.Pending.Get("limits").(map[string]any)
		for _, key := range sortedKeys(limits) {
			label := words(w.Pending.Get("limits", key, "label"), i18n.Reference)
			if label == "" {
				label = key
			}
			out = append(out, editField{path: []string{"limits", key, "value"}, control: asWhole, label: label, said: true, required: true})
		}
		return out
	}},
}

// questions are the texts of the form: steps, questions, hints and options.
func questions(tree catalogue.Tree) []editField {
	var out []editField
	steps, _ := tree.Get("form", "steps").([]any)
	for _, item := range steps {
		step, _ := item.(map[string]any)
		id, _ := step["id"].(string)
		if id == "" {
			continue
		}
		at, title := []string{"form", "steps", id}, words(step["title"], i18n.Reference)
		out = append(out, editField{path: under(at, "title"), control: asText, label: "title", of: title, required: true, step: title},
			editField{path: under(at, "intro"), control: asText, label: "intro", of: title, rows: 2})
		fields, _ := step["fields"].([]any)
		out = append(out, fieldTexts(under(at, "fields"), fields)...)
	}
	return out
}

func fieldTexts(at []string, fields []any) []editField {
	var out []editField
	for _, item := range fields {
		field, _ := item.(map[string]any)
		id, _ := field["id"].(string)
		if id == "" {
			continue
		}
		here, label := under(at, id), words(field["label"], i18n.Reference)
		out = append(out, editField{path: under(here, "label"), control: asText, label: label, said: true, required: true},
			editField{path: under(here, "help"), control: asText, label: "help", of: label})
		options, _ := field["options"].([]any)
		for _, o := range options {
			option, _ := o.(map[string]any)
			if value, _ := option["value"].(string); value != "" {
				out = append(out, editField{path: under(here, "options", value, "label"), control: asText, label: label + " – " + words(option["label"], i18n.Reference), said: true, required: true})
			}
		}
		inner, _ := field["fields"].([]any)
		out = append(out, fieldTexts(under(here, "fields"), inner)...)
	}
	return out
}

func under(at []string, more ...string) []string { return slices.Concat(at, more) }

// words are those of a text in a language; a plain string is Italian.
func words(text any, lang string) string {
	switch t := text.(type) {
	case string:
		if lang == i18n.Reference {
			return t
		}
	case map[string]any:
		s, _ := t[lang].(string)
		return s
	}
	return ""
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// clean is what was typed with one kind of line end and no space around.
func clean(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

const maxWords = 8000 // characters of one text

func findPart(name string) (editPart, bool) {
	for _, p := range editParts {
		if p.name == name {
			return p, true
		}
	}
	return editPart{}, false
}

// editPage is GET /console/servizi/{id}/modifica/{part}.
func (m *Module) editPage(r *web.Request) error {
	part, known := findPart(r.Param("part"))
	if !known {
		return web.NotFound()
	}
	w, err := m.Catalogue.Workbench(r.Ctx(), r.Actor(), r.Param("id"))
	if err != nil {
		return err
	}
	return m.showEdit(r, http.StatusOK, w, part, nil, nil, nil)
}

// saveEdit is POST /console/servizi/{id}/modifica/{part}: what was typed goes
// into the edit; what somebody else changed meanwhile is shown first.
func (m *Module) saveEdit(r *web.Request) error {
	typed, err := r.Form()
	if err != nil {
		return err
	}
	part, known := findPart(r.Param("part"))
	if !known {
		return web.NotFound()
	}
	ctx, id := r.Ctx(), r.Param("id")
	w, err := m.Catalogue.Workbench(ctx, r.Actor(), id)
	if err != nil {
		return err
	}
	var sets []catalogue.Set
	wrong := map[string]string{}
	for _, f := range part.fields(w) {
		if _, asked := typed["letto."+f.name()]; !asked {
			continue // a field the page did not show: it came meanwhile
		}
		value, mistake := f.read(r, typed)
		for name, key := range mistake {
			wrong[name] = i18n.T(ctx, "console.edit."+key)
		}
		if len(mistake) == 0 {
			sets = append(sets, catalogue.Set{Path: f.path, Value: value, Read: typed.Get("letto." + f.name())})
		}
	}
	if len(wrong) > 0 {
		return m.showEdit(r, http.StatusUnprocessableEntity, w, part, typed, wrong, nil)
	}
	clashes, err := m.Catalogue.Amend(ctx, r.Actor(), id, sets)
	switch {
	case errors.Is(err, catalogue.ErrNotAnOverlay):
		return m.showEdit(r, http.StatusUnprocessableEntity, w, part, typed, nil, []ui.Problem{{Text: i18n.T(ctx, catalogue.ErrNotAnOverlay.Key)}})
	case err != nil:
		return err
	case len(clashes) == 0:
		return r.Redirect(serviceURL(id, "?fatto=edit"))
	}
	// Told of the change once, who saves again means it.
	var problems []ui.Problem
	for _, c := range clashes {
		name := strings.Join(c.Path, ".")
		typed.Set("letto."+name, catalogue.Fingerprint(c.Now))
		now := readable(c.Now)
		if now == "" {
			now = i18n.T(ctx, "console.edit.empty")
		}
		label := name
		for _, f := range part.fields(w) {
			if f.name() == name {
				label = f.title(ctx)
			}
		}
		problems = append(problems, ui.Problem{Name: firstInput(part.fields(w), name), Text: i18n.T(ctx, "console.edit.clash", "who", c.By, "label", label, "now", now)})
	}
	return m.showEdit(r, http.StatusConflict, w, part, typed, nil, problems)
}

// firstInput is the name of the first control of a field.
func firstInput(fields []editField, name string) string {
	for _, f := range fields {
		if f.name() == name && (f.control == asText || f.control == asLines) {
			return name + "." + i18n.Reference
		}
	}
	return name
}

// showEdit shows a page of the editor; typed is nil for what is there now.
func (m *Module) showEdit(r *web.Request, status int, w catalogue.Workbench, part editPart, typed url.Values, wrong map[string]string, problems []ui.Problem) error {
	ctx := r.Ctx()
	title := i18n.T(ctx, "console.edit.part."+part.name)
	page := view.EditingPage{
		Side: Side(r, "/console/servizi"), Crumbs: serviceCrumbs(r, w, title), Title: title, Intro: i18n.T(ctx, "console.edit.intro"),
		Problems: problems, Action: serviceURL(w.ID, "/modifica/"+part.name), Submit: i18n.T(ctx, "console.edit.save"), BackURL: serviceURL(w.ID, ""),
	}
	if w.Stale() {
		page.Notice = i18n.T(ctx, "console.edit.stale")
	}
	for _, f := range part.fields(w) {
		if f.step != "" {
			page.Groups = append(page.Groups, view.EditingGroup{Title: i18n.T(ctx, "console.edit.step", "title", f.step), Major: true})
		}
		page.Groups = append(page.Groups, f.group(r, w, typed, wrong))
	}
	return r.Page(status, title+" – "+w.Title.For(ctx), view.Editing(page), web.Here("/console"))
}
