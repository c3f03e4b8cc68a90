package definition

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/finder"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// listed is one entry of a list of services that another source gives: what it
// is and what it asks for, without rules.
type listed struct {
	ID          string   `yaml:"id"`
	Category    string   `yaml:"category"`
	TitleIT     string   `yaml:"title_it"`
	TitleDE     string   `yaml:"title_de"`
	TitleFR     string   `yaml:"title_fr"`
	TitleEN     string   `yaml:"title_en"`
	Purpose     string   `yaml:"purpose_it"`
	Audience    []string `yaml:"audience"`
	Office      string   `yaml:"office_key"`
	Identity    string   `yaml:"identity_level"`
	Fields      []asked  `yaml:"fields"`
	Attachments []asked  `yaml:"attachments"`
	Fee         *float64 `yaml:"fee_chf"`
	FeeNote     string   `yaml:"fee_note"`
	Output      string   `yaml:"output"`
	OutputIT    string   `yaml:"output_it"`
	Days        int      `yaml:"processing_days"`
	Law         string   `yaml:"legal_basis"`
}

type asked struct {
	Name     string   `yaml:"name"`
	Type     string   `yaml:"type"`
	Required bool     `yaml:"required"`
	Label    string   `yaml:"label_it"`
	Options  []string `yaml:"options"`
}

// The words of such a list, in ours.
var (
	listedKinds = map[string]string{
		"text": "text", "textarea": "longtext", "select": "choice", "multiselect": "many", "number": "number", "date": "date",
		"checkbox": "yesno", "money": "money", "person": "person", "company": "company", "address": "place", "daterange": "period",
		"map": "map", "child": "child", "iban": "iban", "time": "time", "parcel": "parcel", "plate": "plate", "avs": "avs",
		"email": "email", "phone": "phone", "uid": "uid",
	}
	listedLevels  = map[string]int{"none": 0, "self-declared": 1, "verified": 3}
	listedOutputs = map[string]OutputKind{"information": Receipt}
	notLetters    = regexp.MustCompile(`[^a-z0-9]+`)
)

// Convert makes drafts of the entries of a list of services: definition by
// identifier, in canonical YAML with a comment that says what is missing. An entry
// that is left out is among the problems.
func Convert(file string, data []byte) (map[string][]byte, []error) {
	var list []listed
	if err := yaml.Unmarshal(data, &list); err != nil {
		return nil, []error{source.Syntax(file, err)}
	}
	out, problems := map[string][]byte{}, []error(nil)
	for _, l := range list {
		tree, err := l.draft()
		if err == nil {
			var text []byte
			if text, err = Write(tree); err == nil {
				out[l.ID] = append([]byte("# Bozza da un elenco di servizi. Mancano: regole, esempi, rimedi di diritto,\n# testi in altre lingue. Da confermare: basi legali, tassa, termini.\n"), text...)
			}
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %s: %w", file, l.ID, err))
		}
	}
	return out, problems
}

func (l listed) draft() (Tree, error) {
	fields := []any{}
	seen := map[string]bool{}
	for _, a := range l.Fields {
		field, err := a.field(seen)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field)
	}
	for i, a := range l.Attachments {
		a.Name, a.Type = fmt.Sprintf("allegato_%d", i+1), "file"
		field, err := a.field(seen)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field)
	}
	if len(fields) == 0 {
		fields = append(fields, map[string]any{"id": "osservazioni", "kind": "longtext", "label": "Osservazioni"})
	}
	output := OutputKind(l.Output)
	if other, ok := listedOutputs[l.Output]; ok {
		output = other
	}
	title := map[string]any{"it": l.TitleIT}
	for lang, words := range map[string]string{"de": l.TitleDE, "fr": l.TitleFR, "en": l.TitleEN} {
		if words != "" {
			title[lang] = words
		}
	}
	fee := map[string]any{}
	if l.Fee != nil && *l.Fee > 0 {
		fee = map[string]any{
			"amounts": map[string]any{"tassa": map[string]any{"chf": *l.Fee, "label": "Tassa"}},
			"lines":   []any{map[string]any{"id": "tassa", "label": "Tassa", "amount": "amounts.tassa"}},
			"shown":   "amounts.tassa", "verified": false,
		}
	}
	if l.FeeNote != "" {
		fee["note"] = l.FeeNote
	}
	body := map[string]any{"kind": string(output), "title": l.TitleIT, "summary": l.OutputIT}
	if output == Certificate {
		body["body"] = "{name}, {today}"
	}
	return overlay.Of(map[string]any{
		"id": l.ID, "version": 1, "category": l.Category, "kind": string(Traditional), "title": title, "summary": l.Purpose,
		"audience": l.Audience, "office": l.Office, "level": listedLevels[l.Identity], "who": l.Purpose,
		"term": map[string]any{"working_days": l.Days}, "output": body, "legal_basis": []string{l.Law},
		"form": map[string]any{"steps": []any{map[string]any{"id": "domanda", "title": "La domanda", "fields": fields}}}, "fee": fee,
	})
}

// field is one question; names that are taken get a number.
func (a asked) field(seen map[string]bool) (map[string]any, error) {
	kind := listedKinds[a.Type]
	if a.Type == "file" {
		kind = "file"
	}
	if kind == "" {
		return nil, fmt.Errorf("field %s: no kind is like %q", a.Name, a.Type)
	}
	id := identifierOf(a.Name)
	for n := 2; seen[id]; n++ {
		id = fmt.Sprintf("%s_%d", identifierOf(a.Name), n)
	}
	seen[id] = true
	out := map[string]any{"id": id, "kind": kind, "label": a.Label}
	if a.Required {
		out["required"] = true
	}
	if kind == "choice" || kind == "many" {
		options, values := []any{}, map[string]bool{}
		for _, label := range a.Options {
			value := identifierOf(label)
			for n := 2; values[value]; n++ {
				value = fmt.Sprintf("%s_%d", identifierOf(label), n)
			}
			values[value] = true
			options = append(options, map[string]any{"value": value, "label": label})
		}
		if len(options) == 0 {
			return nil, fmt.Errorf("field %s: no options", a.Name)
		}
		out["options"] = options
	}
	return out, nil
}

// identifierOf makes an identifier of words: small letters, digits and _.
func identifierOf(words string) string {
	id := strings.Trim(notLetters.ReplaceAllString(finder.Fold(words), "_"), "_")
	if id == "" || id[0] < 'a' {
		id = "x_" + id
	}
	return strings.TrimRight(id[:min(len(id), 36)], "_")
}

// ReadDrafts reads the definitions that nobody offers yet, <root>/shared/drafts/*.yaml,
// and compiles each as if it had the examples and the remedy that are still to be
// written. It returns how many there are.
func ReadDrafts(root fs.FS, engine *rules.Engine) (int, error) {
	files, err := fs.Glob(root, "shared/drafts/*.yaml")
	if err != nil {
		return 0, fmt.Errorf("definition: %w", err)
	}
	for _, file := range slices.Sorted(slices.Values(files)) {
		data, err := fs.ReadFile(root, file)
		if err != nil {
			return 0, fmt.Errorf("definition: %w", err)
		}
		tree, err := Read(file, data)
		if err != nil {
			return 0, err
		}
		def, err := Decode(tree)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		def.Examples, def.Remedy = []Example{{Name: "bozza"}}, i18n.Italian("–")
		if _, err := Compile(def, engine); err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
	}
	return len(files), nil
}

// Undrafted leaves out what is a service already.
func Undrafted(drafts map[string][]byte, services map[string]Tree) map[string][]byte {
	out := maps.Clone(drafts)
	maps.DeleteFunc(out, func(id string, _ []byte) bool { return services[id] != nil })
	return out
}
