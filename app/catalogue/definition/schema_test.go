package definition

import (
	"bytes"
	"encoding/json"
	"flag"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/tenants"
)

var update = flag.Bool("update", false, "write the published schema anew")

// Each key of every type a definition is made of says what it is, and no words
// stand there for keys that are gone.
func TestEveryKeyIsDescribed(t *testing.T) {
	known := map[string]bool{}
	var walk func(s *source.Shape)
	walk = func(s *source.Shape) {
		if s == nil {
			return
		}
		for _, f := range s.Keys {
			key := s.Name + "." + f.Name
			if known[key] {
				continue
			}
			known[key] = true
			if schemaWords[key].says == "" {
				t.Errorf("%s has no words: add a line to schema_words.go", key)
			}
			walk(f.Shape)
		}
		walk(s.Item)
	}
	walk(Shape())
	for key := range schemaWords {
		if !known[key] {
			t.Errorf("schema_words.go describes %s, which no definition has", key)
		}
	}
}

// The published schema is the one the types make: run with -update after a
// change of the definition.
func TestSchemaIsUpToDate(t *testing.T) {
	made, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("../../../tenants/"+SchemaFile, made, 0o644); err != nil { //nolint:gosec // a published file
			t.Fatal(err)
		}
		return
	}
	published, err := fs.ReadFile(tenants.FS, SchemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(made, published) {
		t.Errorf("tenants/%s is not what the types make: go generate ./app/catalogue", SchemaFile)
	}
}

// compiledSchema also holds the schema to the meta schema of 2020-12, which the
// compiler checks.
func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(SchemaID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// Every definition, as it stands in its file and as each commune offers it, is
// valid against the schema.
func TestEveryDefinitionIsValidAgainstTheSchema(t *testing.T) {
	schema := compiledSchema(t)
	valid := func(name string, value any) {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	files, err := fs.Glob(tenants.FS, "shared/services/*.yaml")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := fs.ReadFile(tenants.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		var written map[string]any
		if err := yaml.Unmarshal(data, &written); err != nil {
			t.Fatal(err)
		}
		valid(file, written)
	}
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range communes(t) {
		overlays, err := Overlays(tenants.FS, c.Folder)
		if err != nil {
			t.Fatal(err)
		}
		for id, says := range overlays {
			valid(c.Folder+" "+id, overlay.Merge(shared[id], says))
		}
	}
}

// What the reader refuses the schema refuses too, so that an editor shows it
// while somebody writes.
func TestSchemaRefuses(t *testing.T) {
	schema := compiledSchema(t)
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{
		"unknown key":   `{"colour":"red"}`,
		"kind":          `{"kind":"clever"}`,
		"no Italian":    `{"title":{"it":null,"de":"Probe"}}`,
		"language":      `{"title":{"rm":"Emprova"}}`,
		"amount":        `{"fee":{"amounts":{"certificato":{"chf":1.234}}}}`,
		"category":      `{"category":"altro"}`,
		"level":         `{"level":5}`,
		"no examples":   `{"examples":null}`,
		"field kind":    `{"form":{"steps":[{"id":"x","title":"X","fields":[{"id":"y","kind":"hologram","label":"Y"}]}]}}`,
		"business":      `{"business_events":["sognare"]}`,
		"name of limit": `{"limits":{"Grande Cosa":{"value":1}}}`,
	} {
		merged := overlay.Merge(shared["certificato-domicilio"], parsed(t, says))
		data, err := json.Marshal(merged)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// A key of the schema stands in the order a definition is written in.
func TestSchemaKeepsTheOrder(t *testing.T) {
	keys := Shape().Names()
	if slices.Index(keys, "id") != 0 || slices.Index(keys, "title") > slices.Index(keys, "form") || keys[len(keys)-1] != "examples" {
		t.Errorf("%v", keys)
	}
}
