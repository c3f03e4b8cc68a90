package i18n

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestTextReadsTwoShapes(t *testing.T) {
	for _, c := range []struct{ yaml, lang, want string }{
		{"Ciao", "de", "Ciao"},
		{"{it: Ciao, de: Hallo}", "de", "Hallo"},
		{"{it: Ciao, de: Hallo}", "fr", "Ciao"},
	} {
		var text Text
		if err := yaml.Unmarshal([]byte(c.yaml), &text); err != nil {
			t.Fatal(err)
		}
		if got := text.In(c.lang); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.yaml, c.lang, got, c.want)
		}
		data, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		var again Text
		if err := json.Unmarshal(data, &again); err != nil || again.In(c.lang) != c.want {
			t.Errorf("through JSON: %v %v", again, err)
		}
	}
	var text Text
	if err := yaml.Unmarshal([]byte("{rm: Bun di}"), &text); err == nil {
		t.Error("a language nobody reads was accepted")
	}
	if err := yaml.Unmarshal([]byte("[a]"), &text); err == nil {
		t.Error("a list is no text")
	}
	if got := Italian("Ciao {name}").For(context.Background()); Fill(got, "name", "Anna") != "Ciao Anna" {
		t.Error(got)
	}
}
