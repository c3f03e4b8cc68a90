package i18n

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Reference is the language that every text must have and that all others
// fall back to: Italian alone is binding in Ticino.
const Reference = "it"

// Languages are the languages of the interface, in the order they are offered.
var Languages = []string{"it", "de", "fr", "en"}

// maxFile bounds one text file; a larger one is a mistake or an attack.
const maxFile = 1 << 20

// Bundle holds the texts of all languages. It does not change once loaded, so
// any number of requests may read it at once.
type Bundle struct {
	own    map[string]map[string]string // language → key → text, as written
	voices map[string]*voice            // the same, with Italian filled in
}

// Load reads every <dir>/<language>/*.yaml of fsys. A language without a folder
// has no texts of its own. The same key written twice in one language, in one
// file or in two, is an error that names both places.
func Load(fsys fs.FS, dir string) (*Bundle, error) {
	b := &Bundle{own: map[string]map[string]string{}}
	var problems []error
	for _, lang := range Languages {
		texts, err := loadLanguage(fsys, path.Join(dir, lang))
		if err != nil {
			problems = append(problems, err)
		}
		b.own[lang] = texts
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	b.merge()
	return b, nil
}

// FromMap makes a bundle from texts already in memory: language → key → text.
func FromMap(texts map[string]map[string]string) *Bundle {
	b := &Bundle{own: map[string]map[string]string{}}
	for _, lang := range Languages {
		b.own[lang] = map[string]string{}
		for key, text := range texts[lang] {
			b.own[lang][key] = text
		}
	}
	b.merge()
	return b
}

// With returns a bundle in which the texts of over replace those of b, language
// by language. Neither b nor over changes.
func (b *Bundle) With(over *Bundle) *Bundle {
	out := &Bundle{own: map[string]map[string]string{}}
	for _, lang := range Languages {
		texts := make(map[string]string, len(b.own[lang])+len(over.own[lang]))
		for key, text := range b.own[lang] {
			texts[key] = text
		}
		for key, text := range over.own[lang] {
			texts[key] = text
		}
		out.own[lang] = texts
	}
	out.merge()
	return out
}

// Text returns the text of key in lang, else in Italian; ok is false when
// neither has it.
func (b *Bundle) Text(lang, key string) (text string, ok bool) {
	text, ok = b.voice(lang).texts[key]
	return text, ok
}

// Keys lists the keys that lang has of its own, sorted.
func (b *Bundle) Keys(lang string) []string {
	keys := make([]string, 0, len(b.own[lang]))
	for key := range b.own[lang] {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Missing lists the Italian keys that lang has no text for, sorted.
func (b *Bundle) Missing(lang string) []string {
	var missing []string
	for _, key := range b.Keys(Reference) {
		if _, ok := b.own[lang][key]; !ok {
			missing = append(missing, key)
		}
	}
	return missing
}

// Unknown lists the keys of lang that Italian does not have, sorted: they are
// left over from a renamed text and are never shown.
func (b *Bundle) Unknown(lang string) []string {
	var unknown []string
	for _, key := range b.Keys(lang) {
		if _, ok := b.own[Reference][key]; !ok {
			unknown = append(unknown, key)
		}
	}
	return unknown
}

func (b *Bundle) merge() {
	b.voices = map[string]*voice{Reference: {Reference, b, b.own[Reference]}}
	for _, lang := range Languages {
		if lang == Reference {
			continue
		}
		texts := make(map[string]string, len(b.own[Reference]))
		for key, text := range b.own[Reference] {
			texts[key] = text
		}
		for key, text := range b.own[lang] {
			texts[key] = text
		}
		b.voices[lang] = &voice{lang, b, texts}
	}
}

// voice is b in a language; one that b does not know becomes Italian.
func (b *Bundle) voice(lang string) *voice {
	if v, known := b.voices[lang]; known {
		return v
	}
	return b.voices[Reference]
}

func loadLanguage(fsys fs.FS, dir string) (map[string]string, error) {
	texts := map[string]string{}
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return texts, nil
	}
	if err != nil {
		return nil, fmt.Errorf("i18n: %w", err)
	}
	places := map[string]string{}
	var problems []error
	for _, entry := range entries {
		if entry.IsDir() || path.Ext(entry.Name()) != ".yaml" {
			continue
		}
		name := path.Join(dir, entry.Name())
		if err := loadFile(fsys, name, texts, places); err != nil {
			problems = append(problems, err)
		}
	}
	return texts, errors.Join(problems...)
}

func loadFile(fsys fs.FS, name string, texts, places map[string]string) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("i18n: %w", err)
	}
	if len(data) > maxFile {
		return fmt.Errorf("i18n: %s: %d bytes, at most %d", name, len(data), maxFile)
	}
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return fmt.Errorf("i18n: %s: %w", name, err)
	}
	var problems []error
	put := func(key, text string, line int) {
		place := name + ":" + strconv.Itoa(line)
		if first, twice := places[key]; twice {
			problems = append(problems, fmt.Errorf("i18n: %s: key %q already written at %s", place, key, first))
			return
		}
		texts[key], places[key] = text, place
	}
	for _, doc := range file.Docs {
		if err := flatten(name, "", doc.Body, put); err != nil {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// flatten walks mappings down to their scalar texts. Sequences, aliases and
// other YAML machinery have no place in a text file and are refused.
func flatten(file, prefix string, node ast.Node, put func(key, text string, line int)) error {
	switch n := node.(type) {
	case nil:
		return nil
	case *ast.CommentGroupNode:
		return nil
	case *ast.MappingNode:
		var problems []error
		for _, value := range n.Values {
			key := value.Key.GetToken().Value
			if prefix != "" {
				key = prefix + "." + key
			}
			if err := flatten(file, key, value.Value, put); err != nil {
				problems = append(problems, err)
			}
		}
		return errors.Join(problems...)
	case *ast.StringNode:
		put(prefix, n.Value, n.GetToken().Position.Line)
		return nil
	case *ast.LiteralNode:
		put(prefix, strings.TrimSpace(n.Value.Value), n.GetToken().Position.Line)
		return nil
	case *ast.NullNode:
		return fmt.Errorf("i18n: %s:%d: key %q has no text", file, n.GetToken().Position.Line, prefix)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode: // written without quotes
		put(prefix, n.GetToken().Value, n.GetToken().Position.Line)
		return nil
	default:
		return fmt.Errorf("i18n: %s:%d: key %q: a text was expected, found %s",
			file, node.GetToken().Position.Line, prefix, node.Type())
	}
}
