package console

import (
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/console/view"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/app/web"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// readable is a value for people: the Italian words, lines with commas.
func readable(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case map[string]any:
		if text := words(v, i18n.Reference); text != "" {
			return text
		}
		var parts []string
		for _, key := range sortedKeys(v) {
			parts = append(parts, key+": "+readable(v[key]))
		}
		return strings.Join(parts, "; ")
	case []any:
		var parts []string
		for _, item := range v {
			parts = append(parts, readable(item))
		}
		return strings.Join(parts, "; ")
	}
	return ""
}

// read is the value of a field as it was typed, or what is wrong: name of the
// control → key of the sentence.
func (f editField) read(r *web.Request, typed url.Values) (any, map[string]string) {
	name, one := f.name(), clean(typed.Get(f.name()))
	bad := func(key string) (any, map[string]string) { return nil, map[string]string{name: key} }
	switch f.control {
	case asText:
		return f.readText(typed)
	case asLines:
		return f.readLines(typed)
	case asWords:
		list := []any{}
		for _, line := range lines(one) {
			list = append(list, line)
		}
		if len(list) == 0 && f.required {
			return bad("error-choose")
		}
		if len(list) == 0 {
			return nil, nil
		}
		return list, nil
	case asWays:
		list := []any{}
		for _, way := range catalogue.Channels() {
			if slices.Contains(typed[name], way) {
				list = append(list, way)
			}
		}
		if len(list) == 0 {
			return bad("error-choose")
		}
		return list, nil
	case asOffice:
		if !slices.ContainsFunc(r.Site().Offices, func(o site.Office) bool { return o.Key == one }) {
			return bad("error-choose")
		}
	case asEmail:
		if address, err := mail.ParseAddress(one); one != "" && (err != nil || address.Address != one) {
			return bad("error-email")
		}
	case asWhole:
		n, err := strconv.ParseInt(strings.ReplaceAll(one, "'", ""), 10, 32)
		if err != nil || n < 0 {
			return bad("error-whole")
		}
		if f.path[0] == "term" && n > 365 {
			return bad("error-days")
		}
		return float64(n), nil
	case asFrancs:
		if one == "" && !f.required {
			return nil, nil
		}
		amount, err := money.Parse(one)
		if err != nil || amount < 0 || amount > money.Max {
			return bad("error-amount")
		}
		return float64(amount) / 100, nil
	}
	if one == "" {
		return nil, nil
	}
	return one, nil
}

func lines(s string) []string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

func (f editField) readText(typed url.Values) (any, map[string]string) {
	text := map[string]any{}
	for _, lang := range i18n.Languages {
		if s := clean(typed.Get(f.name() + "." + lang)); s != "" && len(s) <= maxWords {
			text[lang] = s
		}
	}
	_, italian := text[i18n.Reference]
	switch {
	case len(text) == 0 && !f.required:
		return nil, nil
	case !italian:
		return nil, map[string]string{f.name() + "." + i18n.Reference: "error-italian"}
	case len(text) == 1:
		return text[i18n.Reference], nil
	}
	return text, nil
}

func (f editField) readLines(typed url.Values) (any, map[string]string) {
	italian := lines(clean(typed.Get(f.name() + "." + i18n.Reference)))
	list := make([]any, len(italian))
	for i, line := range italian {
		list[i] = line
	}
	for _, lang := range i18n.Languages[1:] {
		other := lines(clean(typed.Get(f.name() + "." + lang)))
		switch {
		case len(other) == 0:
			continue
		case len(italian) == 0:
			return nil, map[string]string{f.name() + "." + i18n.Reference: "error-italian"}
		case len(other) != len(italian):
			return nil, map[string]string{f.name() + "." + lang: "error-lines"}
		}
		for i, line := range other {
			text, ok := list[i].(map[string]any)
			if !ok {
				text = map[string]any{i18n.Reference: italian[i]}
				list[i] = text
			}
			text[lang] = line
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, nil
}

// group is the controls of one field.
func (f editField) group(r *web.Request, w catalogue.Workbench, typed url.Values, wrong map[string]string) view.EditingGroup {
	ctx, name, now := r.Ctx(), f.name(), w.Pending.Get(f.path...)
	read := catalogue.Fingerprint(now)
	if typed != nil && typed.Get("letto."+name) != "" {
		read = typed.Get("letto." + name)
	}
	seen := ui.Input{Kind: ui.Hidden, Name: "letto." + name, Value: read}
	value := func(name, stored string) string {
		if typed != nil {
			return typed.Get(name)
		}
		return stored
	}
	help := ""
	if key := "console.edit.help." + f.label; !f.said && i18n.Has(ctx, key) {
		help = i18n.T(ctx, key)
	}
	g := view.EditingGroup{}
	switch f.control {
	case asText, asLines:
		g.Title, g.Beside, g.Note = f.title(ctx), true, help
		if f.control == asLines {
			g.Note = i18n.T(ctx, "console.edit.lines-help")
		}
		only := true
		for _, lang := range i18n.Languages {
			in := ui.Input{Kind: ui.Text, Name: name + "." + lang, Label: i18n.T(ctx, "console.edit.lang."+lang), Required: f.required && lang == i18n.Reference, MaxLength: maxWords}
			if f.rows > 0 {
				in.Kind, in.Rows = ui.Textarea, f.rows
			}
			in.Value = value(in.Name, storedText(now, lang, f.control))
			only = only && (lang == i18n.Reference || in.Value == "")
			in.Error = wrong[in.Name]
			g.Fields = append(g.Fields, in)
		}
		if only && g.Fields[0].Value != "" {
			g.State = &ui.State{Tone: ui.Info, Text: i18n.T(ctx, "console.edit.only-italian")}
		}
	default:
		in := f.input(r, now, value, help, wrong[name])
		for i := range in.Options {
			if f.control == asWays && typed != nil {
				in.Options[i].Selected = slices.Contains(typed[name], in.Options[i].Value)
			}
		}
		g.Fields = []ui.Input{in}
	}
	g.Fields = append(g.Fields, seen)
	return g
}

func storedText(now any, lang string, as control) string {
	if as == asText {
		return words(now, lang)
	}
	list, _ := now.([]any)
	var out []string
	for _, item := range list {
		out = append(out, words(item, lang))
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

func (f editField) input(r *web.Request, now any, value func(name, stored string) string, help, wrong string) ui.Input {
	ctx, name := r.Ctx(), f.name()
	in := ui.Input{Kind: ui.Text, Name: name, Label: f.title(ctx), Help: help, Required: f.required, Error: wrong, MaxLength: 300}
	switch f.control {
	case asWords:
		in.Kind, in.Rows, in.MaxLength = ui.Textarea, f.rows, maxWords
		in.Help = i18n.T(ctx, "console.edit.words-help")
		var list []string
		items, _ := now.([]any)
		for _, item := range items {
			list = append(list, readable(item))
		}
		in.Value = value(name, strings.Join(list, "\n"))
	case asFrancs:
		in.Kind = ui.Money
		stored := ""
		if n, ok := now.(float64); ok {
			if amount, err := money.Parse(strconv.FormatFloat(n, 'f', -1, 64)); err == nil {
				stored = amount.Decimal()
			}
		}
		in.Value = value(name, stored)
	case asWhole:
		in.Kind, in.Value = ui.Number, value(name, readable(now))
	case asEmail:
		in.Kind, in.Value = ui.Email, value(name, readable(now))
	case asOffice:
		in.Kind, in.Value = ui.Select, value(name, readable(now))
		for _, o := range r.Site().Offices {
			in.Options = append(in.Options, ui.Option{Value: o.Key, Label: o.Name})
		}
	case asWays:
		in.Kind = ui.Many
		chosen := strings.Split(readable(now), "; ")
		for _, way := range catalogue.Channels() {
			in.Options = append(in.Options, ui.Option{Value: way, Label: i18n.T(ctx, "console.edit.channel."+way), Selected: slices.Contains(chosen, way)})
		}
	default:
		in.Value = value(name, readable(now))
	}
	return in
}
