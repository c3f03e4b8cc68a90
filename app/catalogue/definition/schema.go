package definition

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/sportello-ticino/sportello/app/catalogue/source"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// SchemaID is the name of the published schema of a service; each deployment
// serves it at /api/v1/schemas/service.json.
const SchemaID = "https://sportello.example/schemas/service.json"

// SchemaFile is where the schema lies in the tenants folder, for editors.
const SchemaFile = "shared/service.schema.json"

// pairs is a JSON object whose keys keep their order: it is the order in which
// a definition is written.
type pairs []pair

type pair struct {
	key   string
	value any
}

// MarshalJSON writes the keys in their order.
func (p pairs) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, entry := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, v := range []any{entry.key, entry.value} {
			if j > 0 {
				b.WriteByte(':')
			}
			encoder := json.NewEncoder(&b)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(v); err != nil {
				return nil, fmt.Errorf("definition: schema: %w", err)
			}
			b.Truncate(b.Len() - 1) // the encoder ends a line
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Schema is the JSON Schema 2020-12 of a service's file, made from the Go types
// that read it and the words of schemaWords. Properties stand in the order in
// which a definition is written.
func Schema() ([]byte, error) {
	defs := pairs{
		{"Text", pairs{
			{"description", "Words in several languages; a plain string is Italian. Italian alone is binding and must be there."},
			{"oneOf", []any{pairs{{"type", "string"}, {"minLength", 1}}, textObject()}},
		}},
		{"Francs", pairs{{"description", "An amount in Swiss francs, at most two decimals: 12.50."}, {"type", "number"}, {"minimum", 0}, {"multipleOf", 0.01}}},
	}
	root := Shape()
	collectDefs(root, map[string]bool{}, &defs)
	schema := pairs{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", SchemaID},
		{"title", "Service of a commune"},
		{"description", "One service of the shared catalogue: what it is, who may ask, its form, fee, rules, papers and terms. " +
			"x-cpsv names the term of CPSV-AP 3.2 a property corresponds to, x-source where its rule comes from."},
	}
	schema = append(schema, objectSchema(root)...)
	schema = append(schema, pair{"$defs", defs})
	data, err := json.Marshal(schema)
	if err != nil {
		return nil, fmt.Errorf("definition: schema: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, data, "", "  "); err != nil {
		return nil, fmt.Errorf("definition: schema: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func textObject() pairs {
	var properties pairs
	for _, lang := range i18n.Languages {
		properties = append(properties, pair{lang, pairs{{"type", "string"}}})
	}
	return pairs{{"type", "object"}, {"properties", properties}, {"required", []string{i18n.Reference}}, {"additionalProperties", false}}
}

// collectDefs adds the types a shape is made of, each once, inner ones after; the
// root itself stands at the top of the schema.
func collectDefs(s *source.Shape, done map[string]bool, defs *pairs) {
	switch {
	case s == nil:
	case s.Form != source.Object:
		collectDefs(s.Item, done, defs)
	case !done[s.Name]:
		done[s.Name] = true
		if s != Shape() {
			*defs = append(*defs, pair{s.Name, objectSchema(s)})
		}
		for _, f := range s.Keys {
			collectDefs(f.Shape, done, defs)
		}
	}
}

func objectSchema(s *source.Shape) pairs {
	var properties pairs
	required := []string{}
	for _, f := range s.Keys {
		word := schemaWords[s.Name+"."+f.Name]
		properties = append(properties, pair{f.Name, word.schema(f.Shape)})
		if word.required {
			required = append(required, f.Name)
		}
	}
	out := pairs{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		out = append(out, pair{"required", required})
	}
	return append(out, pair{"additionalProperties", false})
}

// schema is a property: what the shape says and what the words say.
func (w word) schema(s *source.Shape) pairs {
	out := pairs{}
	if w.says != "" {
		out = append(out, pair{"description", w.says})
	}
	out = append(out, shapeSchema(s, w)...)
	if w.cpsv != "" {
		out = append(out, pair{"x-cpsv", w.cpsv})
	}
	if w.source != "" {
		out = append(out, pair{"x-source", w.source})
	}
	return out
}

func shapeSchema(s *source.Shape, w word) pairs {
	switch s.Form {
	case source.Object:
		return pairs{{"$ref", "#/$defs/" + s.Name}}
	case source.Words:
		return pairs{{"$ref", "#/$defs/Text"}}
	case source.Price:
		return pairs{{"$ref", "#/$defs/Francs"}}
	case source.List:
		out := pairs{{"type", "array"}, {"items", shapeSchema(s.Item, word{enum: w.enum})}}
		if w.required {
			out = append(out, pair{"minItems", 1})
		}
		return out
	case source.Table:
		out := pairs{{"type", "object"}, {"additionalProperties", shapeSchema(s.Item, word{enum: w.enum})}}
		if w.pattern != "" {
			out = append(out, pair{"propertyNames", pairs{{"pattern", w.pattern}}})
		}
		return out
	case source.Free:
		return pairs{}
	}
	out := pairs{{"type", string(s.Form)}}
	if len(w.enum) > 0 {
		out = append(out, pair{"enum", w.enum})
	}
	if w.pattern != "" {
		out = append(out, pair{"pattern", w.pattern})
	}
	if w.least != nil {
		out = append(out, pair{"minimum", *w.least})
	}
	if w.most != nil {
		out = append(out, pair{"maximum", *w.most})
	}
	return out
}
