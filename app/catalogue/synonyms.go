package catalogue

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/pkg/finder"
)

const synonymsFile = "shared/synonyms.yaml"

// ReadSynonyms reads the words that lead to one another in a search. A folder
// without the file has none.
func ReadSynonyms(root fs.FS) (finder.Synonyms, error) {
	data, err := fs.ReadFile(root, synonymsFile)
	if errors.Is(err, fs.ErrNotExist) {
		return finder.Synonyms{}, nil
	}
	if err != nil {
		return finder.Synonyms{}, err
	}
	var table struct {
		Same  [][]string          `yaml:"same"`
		Leads map[string][]string `yaml:"leads"`
	}
	if err := yaml.UnmarshalWithOptions(data, &table, yaml.Strict()); err != nil {
		return finder.Synonyms{}, located(synonymsFile, err)
	}
	out := finder.Synonyms{Same: map[string][]string{}, Instead: table.Leads}
	for _, group := range table.Same {
		if len(group) < 2 {
			return finder.Synonyms{}, fmt.Errorf("%s: %v leads nowhere", synonymsFile, group)
		}
		for i, phrase := range group {
			others := slices.Concat(group[:i], group[i+1:])
			out.Same[phrase] = append(out.Same[phrase], others...)
		}
	}
	return out, nil
}

// located puts file and line before a mistake of the YAML reader.
func located(file string, err error) error {
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		return fmt.Errorf("%s:%d: %s", file, syntax.GetToken().Position.Line, syntax.GetMessage())
	}
	return fmt.Errorf("%s: %w", file, err)
}
