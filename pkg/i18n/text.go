package i18n

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Text is one text that data carries in several languages: language → words.
// In YAML and JSON it may be written as a plain string, which is Italian.
type Text map[string]string

// Italian makes a Text that has only Italian words.
func Italian(words string) Text { return Text{Reference: words} }

// In returns the words in lang, else in Italian, else "".
func (t Text) In(lang string) string {
	if words, ok := t[lang]; ok {
		return words
	}
	return t[Reference]
}

// For returns the words in the language of ctx, else in Italian, else "".
func (t Text) For(ctx context.Context) string { return t.In(Lang(ctx)) }

// Speaks reports whether the text has words of its own in lang; a page says
// «solo in italiano» where it has not.
func (t Text) Speaks(lang string) bool {
	_, ok := t[lang]
	return ok
}

// Empty reports whether the text lacks Italian, the language every text has.
func (t Text) Empty() bool { return t[Reference] == "" }

// UnmarshalYAML accepts a plain string or a mapping of languages to words.
func (t *Text) UnmarshalYAML(decode func(any) error) error { return t.read(decode) }

// UnmarshalJSON accepts the same two shapes.
func (t *Text) UnmarshalJSON(data []byte) error {
	return t.read(func(into any) error { return json.Unmarshal(data, into) })
}

func (t *Text) read(decode func(any) error) error {
	var words string
	if decode(&words) == nil {
		*t = Text{Reference: words}
		return nil
	}
	languages := map[string]string{}
	if err := decode(&languages); err != nil {
		return errors.New("a text is a string (Italian) or a mapping it, de, fr, en")
	}
	for lang := range languages {
		if !slices.Contains(Languages, lang) {
			return fmt.Errorf("a text knows no language %q, only it, de, fr, en", lang)
		}
	}
	*t = languages
	return nil
}

// Fill replaces {name} in text by the values of kv, pairs of name and value, as
// T does.
func Fill(text string, kv ...any) string { return fill(text, kv) }
