package definition

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// inspection collects mistakes.
type inspection struct{ found Mistakes }

func (f *inspection) wrong(bad bool, path []string, do, format string, args ...any) {
	if bad {
		f.found = append(f.found, &Mistake{Path: path, What: fmt.Sprintf(format, args...), Do: do})
	}
}

// oneOf sees to it that a word is of a vocabulary.
func (f *inspection) oneOf(path []string, what, word string, known []string) {
	f.wrong(!slices.Contains(known, word), path, "use one of "+strings.Join(known, ", "), "%s %q is unknown", what, word)
}

func pathTo(path ...string) []string { return path }

const italianAdvice = "write the Italian words: they alone are binding"

// check looks at what no compiler sees.
func (d Definition) check() Mistakes {
	var f inspection
	f.wrong(!serviceID.MatchString(d.ID), pathTo("id"), "use small letters, digits and hyphens", "id %q", d.ID)
	f.wrong(d.Version < 1, pathTo("version"), "count from 1", "version %d", d.Version)
	f.oneOf(pathTo("category"), "category", d.Category, categories)
	f.oneOf(pathTo("kind"), "kind", string(d.Kind), serviceKinds)
	f.wrong(d.Level < 0 || d.Level > 4, pathTo("level"), "trust levels are 0 to 4", "level %d", d.Level)
	f.wrong(d.Office == "", pathTo("office"), "name the office that answers, by its key in tenant.yaml", "no office")
	f.wrong(len(d.LegalBasis) == 0, pathTo("legal_basis"), "name the law, regulation or ordinance", "no legal basis")
	f.wrong(len(d.Audience) == 0, pathTo("audience"), "use some of "+strings.Join(audiences, ", "), "no audience")
	f.wrong(d.Term.WorkingDays < 0 || d.Term.WorkingDays > 1000, pathTo("term", "working_days"), "use 0 to 1000", "term of %d working days", d.Term.WorkingDays)
	f.wrong(d.Retention < 0 || d.Retention > 36500, pathTo("retention"), "use 0 to 36500 days", "retention of %d days", d.Retention)
	f.wrong(d.Minutes < 0 || d.Minutes > 240, pathTo("minutes"), "use 0 to 240", "%d minutes to fill in the form", d.Minutes)
	d.checkWords(&f)
	d.checkTexts(&f)
	d.checkNotifications(&f)
	d.checkConfirmation(&f)
	f.wrong(d.Output.Kind == Certificate && d.Output.Body.Empty(), pathTo("output", "body"), "write the text of the paper", "a certificate needs an output body")
	f.wrong(d.Kind == Traditional && d.Output.Kind != Receipt && d.Remedy.Empty(), pathTo("remedy"), "say how a decision is challenged", "a service decided by an official needs its remedy")
	f.wrong(len(d.Fee.Lines) > 0 && d.Fee.Shown == "", pathTo("fee", "shown"), "write the amount people read on the card, as amounts.<name>", "a fee needs the price shown on the card")
	f.wrong(len(d.Examples) == 0, pathTo("examples"), "write at least one that passes and one that is refused", "no example")
	d.checkNames(&f)
	return f.found
}

func (d Definition) checkWords(f *inspection) {
	for _, a := range d.Audience {
		f.oneOf(pathTo("audience"), "audience", a, audiences)
	}
	for _, e := range d.LifeEvents {
		f.oneOf(pathTo("life_events"), "life event", e, lifeEvents)
	}
	for _, e := range d.BusinessEvents {
		f.oneOf(pathTo("business_events"), "business event", e, businessEvents)
	}
	for _, c := range d.Channels {
		f.oneOf(pathTo("channels"), "channel", c, channels)
	}
	f.oneOf(pathTo("output", "kind"), "output kind", string(d.Output.Kind), outputKinds)
	f.oneOf(pathTo("fee", "due"), "fee due", string(d.Fee.Due), dues)
}

func (d Definition) checkTexts(f *inspection) {
	for _, text := range []struct {
		what string
		path []string
		text i18n.Text
	}{
		{"title", pathTo("title"), d.Title}, {"summary", pathTo("summary"), d.Summary}, {"who", pathTo("who"), d.Who},
		{"output title", pathTo("output", "title"), d.Output.Title}, {"output summary", pathTo("output", "summary"), d.Output.Summary},
	} {
		f.wrong(text.text.Empty(), text.path, italianAdvice, "%s has no Italian text", text.what)
	}
	// A text that is there at all must be there in Italian: the others fall back on it.
	for _, text := range []struct {
		what string
		path []string
		text i18n.Text
	}{
		{"remedy", pathTo("remedy"), d.Remedy}, {"note", pathTo("note"), d.Note}, {"paused", pathTo("paused"), d.Paused},
		{"fee note", pathTo("fee", "note"), d.Fee.Note}, {"term text", pathTo("term", "text"), d.Term.Text}, {"output body", pathTo("output", "body"), d.Output.Body},
	} {
		f.wrong(len(text.text) > 0 && text.text.Empty(), text.path, italianAdvice, "%s has no Italian text", text.what)
	}
	for _, listed := range []struct {
		key  string
		list []i18n.Text
	}{{"who_list", d.WhoList}, {"needs", d.Needs}} {
		for i, text := range listed.list {
			f.wrong(text.Empty(), pathTo(listed.key, fmt.Sprint(i)), italianAdvice, "line %d of %s has no Italian text", i+1, listed.key)
		}
	}
}

func (d Definition) checkNames(f *inspection) {
	for _, key := range slices.Sorted(maps.Keys(d.Fee.Amounts)) {
		f.wrong(!name.MatchString(key), pathTo("fee", "amounts", key), "use small letters, digits and _", "amount %q", key)
	}
	for _, key := range slices.Sorted(maps.Keys(d.Limits)) {
		f.wrong(!name.MatchString(key), pathTo("limits", key), "use small letters, digits and _", "limit %q", key)
	}
	conditions := map[string]bool{}
	for _, c := range d.Eligibility {
		f.condition("eligibility", c.ID, c.Reason, conditions)
	}
	for _, c := range d.Decision {
		f.condition("decision", c.ID, c.Reason, conditions)
	}
	lines, examples := map[string]bool{}, map[string]bool{}
	for _, line := range d.Fee.Lines {
		f.wrong(line.Label.Empty(), pathTo("fee", "lines", line.ID, "label"), italianAdvice, "fee line %q has no Italian label", line.ID)
		f.wrong(lines[line.ID], pathTo("fee", "lines", line.ID), "give one of them another id", "there are two fee lines %q", line.ID)
		lines[line.ID] = true
	}
	for _, e := range d.Examples {
		f.wrong(e.Name == "", pathTo("examples"), "say in some words what it shows", "an example has no name")
		f.wrong(examples[e.Name], pathTo("examples", e.Name), "give one of them another name", "there are two examples %q", e.Name)
		examples[e.Name] = true
	}
}

func (f *inspection) condition(list, id string, reason i18n.Text, seen map[string]bool) {
	f.wrong(reason.Empty(), pathTo(list, id, "reason"), "say in Italian what people read when it does not hold", "condition %q has no Italian reason", id)
	f.wrong(seen[id], pathTo(list, id), "give one of them another id", "there are two conditions %q", id)
	seen[id] = true
}

// checkBody sees to it that the paper's text names only what there is.
func (s *Service) checkBody() Mistakes {
	known := slices.Concat(bodyWords, registers.WordNames())
	for id := range s.Definition.Form.Names() {
		known = append(known, "answers."+id)
	}
	var f inspection
	for _, lang := range i18n.Languages {
		for _, m := range bodyFields.FindAllStringSubmatch(s.Output.Body[lang], -1) {
			do := "use {commune}, {name}, {today}, {register.…} or {answers.<field>}"
			if near := source.Nearest(m[1], known); near != "" {
				do = "did you mean {" + near + "}?"
			}
			f.wrong(!slices.Contains(known, m[1]), pathTo("output", "body", lang), do, "output body (%s) names {%s}, which is not known", lang, m[1])
		}
	}
	return f.found
}
