package catalogue

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/ui"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// The parts of a service under which changes are told, in their order.
const (
	PartForm     = "form"
	PartFee      = "fee"
	PartTerms    = "terms"
	PartRules    = "rules"
	PartOutput   = "output"
	PartTexts    = "texts"
	PartExamples = "examples"
)

var parts = []string{PartFee, PartForm, PartTerms, PartRules, PartOutput, PartTexts, PartExamples}

// partOf says under which heading a key of a definition is told; any other key is
// a text.
var partOf = map[string]string{
	"form": PartForm, "steps": PartForm, "fee": PartFee, "limits": PartFee, "quota": PartFee, "budget": PartFee, "instalments": PartFee,
	"term": PartTerms, "legal_basis": PartTerms, "remedy": PartTerms, "retention": PartTerms, "channels": PartTerms, "retire": PartTerms,
	"eligibility": PartRules, "decision": PartRules, "level": PartRules, "levels": PartRules, "kind": PartRules, "mandates": PartRules, "confirmation": PartRules, "audience": PartRules,
	"output": PartOutput, "examples": PartExamples,
}

func heading(d overlay.Delta) string {
	if p := partOf[d.Trail[0]]; p != "" {
		return p
	}
	return PartTexts
}

// silent are parts that say nothing to people.
func silent(d overlay.Delta) bool {
	return len(d.Trail) == 1 && (d.Trail[0] == "version" || d.Trail[0] == "id")
}

// Changes tells in the language of ctx what one definition has that another has
// not; only limits it to some parts, all without any.
func Changes(ctx context.Context, from, to Tree, only ...string) []ui.ChangeGroup {
	return describe(ctx, overlay.Deltas(from, to), from, to, only)
}

func describe(ctx context.Context, list []overlay.Delta, from, to Tree, only []string) []ui.ChangeGroup {
	told := map[string][]ui.Change{}
	var examples []string
	for _, d := range list {
		part := heading(d)
		if silent(d) || len(only) > 0 && !slices.Contains(only, part) {
			continue
		}
		if part == PartExamples && len(d.Trail) > 2 { // one line for each example
			if slices.Contains(examples, d.Trail[1]) {
				continue
			}
			examples = append(examples, d.Trail[1])
			d = overlay.Delta{Trail: d.Trail[:2]}
		}
		told[part] = append(told[part], change(ctx, d, from, to))
	}
	var out []ui.ChangeGroup
	for _, part := range parts {
		if len(told[part]) > 0 {
			out = append(out, ui.ChangeGroup{Title: i18n.T(ctx, "change.group."+part), Changes: told[part]})
		}
	}
	return out
}

func change(ctx context.Context, d overlay.Delta, from, to Tree) ui.Change {
	c := ui.Change{Title: nameOf(ctx, d.Trail, to, from)}
	if d.Old == nil && d.New == nil { // an example: that it changed says enough
		return c
	}
	old, older := shown(ctx, d.Trail, d.Old)
	new, newer := shown(ctx, d.Trail, d.New)
	switch {
	case d.Old == nil:
		c.Tag, c.New = i18n.T(ctx, "change.new"), new
	case d.New == nil:
		c.Tag, c.Gone, c.Old = i18n.T(ctx, "change.gone"), true, old
	default:
		c.Old, c.New = old, new
		if older && newer {
			c.Parts = textParts(old, new)
		}
	}
	return c
}

// nameOf is a part in the words of people: "Tassa «Per un anno intero»". Labels
// are looked up in the trees, the first that knows one.
func nameOf(ctx context.Context, t overlay.Trail, in ...Tree) string {
	var items, rest []string
	lang := ""
	for i := 0; i < len(t); i++ {
		key := t[i]
		word := "change.item." + key
		if i+1 < len(t) && i18n.Has(ctx, word) {
			if key == "fields" || key == "lines" { // its step, or the fee, says nothing more
				items = nil
			}
			items = append(items, i18n.T(ctx, word, "name", labelOf(ctx, t[:i+2], in)))
			rest = nil
			i++
			continue
		}
		if i == len(t)-1 && slices.Contains(i18n.Languages, key) {
			lang = key
			continue
		}
		rest = append(rest, key)
	}
	out := strings.Join(items, ", ")
	if len(items) > 0 && (last(rest) == "chf" || last(rest) == "value" && len(rest) == 1) {
		rest = nil // the amount itself
	}
	if len(rest) > 0 {
		words := partWords(ctx, rest)
		if out != "" {
			words = strings.ToLower(words[:1]) + words[1:]
			out += ": "
		}
		out += words
	}
	if lang != "" && lang != i18n.Reference {
		out += " (" + i18n.T(ctx, "change.lang."+lang) + ")"
	}
	return out
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

// partWords names what is no item of a list: the longest key that has a name.
func partWords(ctx context.Context, keys []string) string {
	for i := range keys {
		if key := "change.part." + strings.Join(keys[i:], "_"); i18n.Has(ctx, key) {
			return i18n.T(ctx, key)
		}
	}
	return strings.ReplaceAll(last(keys), "_", " ")
}

// labelOf is what an item is called: its label, title or reason, else its key.
func labelOf(ctx context.Context, t overlay.Trail, in []Tree) string {
	for _, tree := range in {
		found, _ := overlay.At(map[string]any(tree), t)
		item, ok := found.(map[string]any)
		if !ok {
			continue
		}
		for _, key := range []string{"label", "title", "reason"} {
			if words := textIn(i18n.Lang(ctx), item[key]); words != "" {
				return words
			}
		}
	}
	return strings.ReplaceAll(last(t), "_", " ")
}

// textIn reads a text of either shape: a plain string, or one for each language.
func textIn(lang string, value any) string {
	switch v := value.(type) {
	case string:
		return v
	case map[string]any:
		for _, l := range []string{lang, i18n.Reference} {
			if words, ok := v[l].(string); ok && words != "" {
				return words
			}
		}
	}
	return ""
}

// shown writes a value as people read it. text tells that it is one whose words
// can be compared.
func shown(ctx context.Context, t overlay.Trail, value any) (words string, text bool) {
	switch v := value.(type) {
	case nil:
		return "", false
	case string:
		if key := "change.value." + v; i18n.Has(ctx, key) && (last(t) == "kind" || last(t) == "due") {
			return i18n.T(ctx, key), false
		}
		return v, true
	case bool:
		if v {
			return i18n.T(ctx, "ui.yes"), false
		}
		return i18n.T(ctx, "ui.no"), false
	case float64:
		if key := last(t); key == "chf" || key == "counter" {
			if amount, err := money.FromFloat(v); err == nil {
				return amount.String(), false
			}
		}
		return strconv.FormatFloat(v, 'f', -1, 64), false
	case []any:
		out := make([]string, 0, len(v))
		for _, item := range v {
			words, _ := shown(ctx, append(slices.Clone(t), ""), item)
			out = append(out, words)
		}
		return strings.Join(out, "\n"), true
	case map[string]any:
		return shownMap(ctx, t, v)
	}
	return "", false
}

func shownMap(ctx context.Context, t overlay.Trail, v map[string]any) (string, bool) {
	if words := textIn(i18n.Lang(ctx), v); words != "" {
		return words, true
	}
	for _, key := range []string{"label", "title", "reason", "name"} {
		if words := textIn(i18n.Lang(ctx), v[key]); words != "" {
			if chf, ok := v["chf"]; ok {
				amount, _ := shown(ctx, overlay.Trail{"chf"}, chf)
				words += ": " + amount
			}
			return words, false
		}
	}
	var out []string
	for _, key := range slices.Sorted(maps.Keys(v)) {
		if words, _ := shown(ctx, t.Below(key), v[key]); words != "" {
			out = append(out, partWords(ctx, []string{key})+": "+words)
		}
	}
	return strings.Join(out, "\n"), false
}

// Changes tells what the new version has that the commune's version has not.
func (u Update) Changes(ctx context.Context) []ui.ChangeGroup { return Changes(ctx, u.Base, u.Theirs) }

// FeeMoves reports whether accepting may make the fee another.
func (u Update) FeeMoves() bool {
	return slices.ContainsFunc(overlay.Deltas(u.Base, u.Theirs), func(d overlay.Delta) bool { return heading(d) == PartFee })
}

// Sides is a conflict as people read it: what it is about, and the three values.
func (u Update) Sides(ctx context.Context, c Conflict) (title, base, ours, theirs string) {
	title = nameOf(ctx, c.Trail, u.Now, u.Theirs)
	before, _ := overlay.At(u.Base, c.Trail)
	base, _ = shown(ctx, c.Trail, before)
	ours, _ = shown(ctx, c.Trail, c.Ours)
	theirs, _ = shown(ctx, c.Trail, c.Theirs)
	return title, base, ours, theirs
}

// Money reports whether the value is an amount in francs.
func (c Conflict) Money() bool { return last(c.Trail) == "chf" || last(c.Trail) == "counter" }

// Number reports whether the value is a number.
func (c Conflict) Number() bool {
	_, yes := c.Ours.(float64)
	return yes
}

// Long reports whether the value is a text of several lines or sentences.
func (c Conflict) Long() bool {
	text, _ := c.Ours.(string)
	return len(text) > 80 || strings.Contains(text, "\n")
}

// Read makes a value of what was typed in a conflict's place. ok is false for
// what is none: a number that cannot be read, no words at all.
func (c Conflict) Read(typed string) (value any, ok bool) {
	typed = strings.TrimSpace(typed)
	switch {
	case typed == "":
		return nil, false
	case c.Money():
		amount, err := money.Parse(typed)
		if err != nil || amount < 0 || amount > money.Max {
			return nil, false
		}
		return float64(amount) / 100, true
	case c.Number():
		n, err := strconv.ParseFloat(strings.Replace(typed, ",", ".", 1), 64)
		return n, err == nil && n >= 0 && n < 1e9
	}
	return typed, true
}

// Words tells a part that can be offered as a change of the shared service.
func (p OwnPart) Words(ctx context.Context) ui.Change { return change(ctx, p.delta, p.from, p.to) }

// Difference tells what one version of a service has that another has not.
func Difference(ctx context.Context, from, to *Service, only ...string) []ui.ChangeGroup {
	return Changes(ctx, from.Tree, to.Tree, only...)
}
