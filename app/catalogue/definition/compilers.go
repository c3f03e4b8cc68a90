package definition

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/app/rules"
)

// compilers' words for a part, and the path to it.
var wherePaths = []struct {
	prefix string
	path   []string
	last   string
}{
	{"fee line ", []string{"fee", "lines"}, "amount"},
	{"fee minimum", []string{"fee", "minimum"}, ""},
	{"fee shown", []string{"fee", "shown"}, ""},
	{"output valid_until", []string{"output", "valid_until"}, ""},
	{"eligibility ", []string{"eligibility"}, "holds"},
	{"decision ", []string{"decision"}, "holds"},
	{"field ", []string{"form", "steps", "**"}, ""},
	{"step ", []string{"form", "steps"}, ""},
	{"form", []string{"form"}, ""},
	{"quota", []string{"quota"}, ""}, {"budget", []string{"budget"}, ""}, {"instalments", []string{"instalments"}, ""}, {"levels", []string{"levels"}, ""},
}

var firstKey = regexp.MustCompile(`^([a-z_]+)\b`)

// mistakesOfCompilers turns what the compilers of forms and rules complain of
// into mistakes with a path.
func mistakesOfCompilers(err error, scope *rules.Scope) Mistakes {
	var out Mistakes
	for _, e := range source.Each(err) {
		m := &Mistake{What: e.Error()}
		var wrong *rules.Wrong
		if errors.As(e, &wrong) {
			m.Path, m.What = pathOf(wrong), wrong.Err.Error()
		}
		m.What = strings.TrimPrefix(m.What, rules.ErrRule.Error()+": ")
		if errors.Is(e, rules.ErrRule) {
			m.What = "rule refused: " + strings.Replace(m.What, rules.ErrRule.Error()+": ", "", 1)
			m.Do = ruleAdvice(m.What, scope)
		}
		if m.Do == "" {
			m.Do = formAdvice(m.What)
		}
		out = append(out, m)
	}
	return out
}

func pathOf(w *rules.Wrong) []string {
	for _, p := range wherePaths {
		rest, ok := strings.CutPrefix(w.Where, p.prefix)
		if !ok {
			continue
		}
		path := slices.Clone(p.path)
		id, sub, _ := strings.Cut(rest, ", ")
		if group, inside, nested := strings.Cut(id, "."); nested && p.prefix == "field " {
			path = append(path, group, "fields", inside)
		} else if id != "" {
			path = append(path, id)
		}
		switch {
		case sub != "":
			path = append(path, sub)
		case p.last != "":
			path = append(path, p.last)
		case id != "":
			if key := firstKey.FindString(w.Err.Error()); key != "" && definitionKey(key) {
				path = append(path, key)
			}
		}
		return path
	}
	return []string{w.Where}
}

// definitionKey reports whether a word is a key of a step or a field.
func definitionKey(word string) bool {
	step := Shape().Key("form").Key("steps").Item
	return step.Key(word) != nil || step.Key("fields").Item.Key(word) != nil
}

var undeclared = regexp.MustCompile(`undeclared reference to '([^']+)'`)

func ruleAdvice(what string, scope *rules.Scope) string {
	if m := undeclared.FindStringSubmatch(what); m != nil && scope != nil {
		if near := source.Nearest(m[1], scope.Known()); near != "" {
			return "did you mean " + near + "?"
		}
		return "use a field of the form as answers.<id>, an amount as amounts.<name>, a limit as limits.<name>, or a fact of the register"
	}
	switch {
	case strings.Contains(what, "may cost"), strings.Contains(what, "nest"), strings.Contains(what, "limit"), strings.Contains(what, "at most"):
		return "make it shorter: split it into two conditions or lines, and let no list be gone through inside another"
	case strings.Contains(what, "was expected"):
		return "a condition is true or false, an amount a whole number of centimes: use times, percent or round5"
	case strings.Contains(what, "overload"):
		return "compare like with like: a number with decimals needs 20.0 or double(…), a day needs day('2026-01-31')"
	default:
		return "see «Rules» in ops/docs/guides/service.md"
	}
}

func formAdvice(what string) string {
	switch {
	case strings.Contains(what, "asked later"):
		return "move the question it reads before this one, so that no two conditions wait for each other"
	case strings.Contains(what, "two of them"):
		return "give one of them another id"
	case strings.Contains(what, "no Italian"):
		return "write the Italian words: they alone are binding"
	case strings.Contains(what, "unknown kind"):
		return "the kinds are those of app/forms/kind_*.go, listed in the schema"
	default:
		return ""
	}
}

// scarceMistakes are those of levels, quota and budget: each begins with its key.
func scarceMistakes(problems []error) Mistakes {
	var out Mistakes
	for _, err := range problems {
		key, what, _ := strings.Cut(err.Error(), ": ")
		m := &Mistake{Path: []string{key}, What: what, Do: "see levels, quota and budget in the schema of a service"}
		if what == "" || strings.Contains(key, " ") {
			m.Path, m.What = nil, err.Error()
		}
		out = append(out, m)
	}
	return out
}
