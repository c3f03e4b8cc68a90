package catalogue

import (
	"reflect"
	"strings"
	"sync"

	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// form says what a value of a definition looks like.
type form string

const (
	object form = "object" // keys that are known
	list   form = "list"
	table  form = "table" // names the author chooses → values of one shape
	words  form = "text"  // i18n.Text: a string or languages to strings
	francs form = "francs"
	str    form = "string"
	whole  form = "integer"
	number form = "number"
	yesno  form = "boolean"
	free   form = "any"
)

// shape is what the Go types say of a part of a definition. The reader, the
// published schema and the writer all follow it, so that none knows a key the
// others do not.
type shape struct {
	form   form
	name   string // of the Go type: "Definition"
	fields []shapeField
	item   *shape // of a list or a table
}

type shapeField struct {
	key string
	*shape
}

func (s *shape) field(key string) *shape {
	for _, f := range s.fields {
		if f.key == key {
			return f.shape
		}
	}
	return nil
}

func (s *shape) keys() []string {
	keys := make([]string, len(s.fields))
	for i, f := range s.fields {
		keys[i] = f.key
	}
	return keys
}

// definitionShape is the shape of a whole service.
var definitionShape = sync.OnceValue(func() *shape {
	return shapeOf(reflect.TypeFor[Definition](), map[reflect.Type]*shape{})
})

func shapeOf(t reflect.Type, seen map[reflect.Type]*shape) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[i18n.Text]():
		return &shape{form: words}
	case reflect.TypeFor[Francs]():
		return &shape{form: francs}
	}
	switch t.Kind() {
	case reflect.String:
		return &shape{form: str, name: t.Name()}
	case reflect.Bool:
		return &shape{form: yesno}
	case reflect.Float32, reflect.Float64:
		return &shape{form: number}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &shape{form: whole}
	case reflect.Slice, reflect.Array:
		return &shape{form: list, item: shapeOf(t.Elem(), seen)}
	case reflect.Map:
		return &shape{form: table, item: shapeOf(t.Elem(), seen)}
	case reflect.Struct:
		return structShape(t, seen)
	default:
		return &shape{form: free}
	}
}

func structShape(t reflect.Type, seen map[reflect.Type]*shape) *shape {
	if known := seen[t]; known != nil {
		return known // a group holds fields, which may be groups
	}
	s := &shape{form: object, name: t.Name()}
	if t == reflect.TypeFor[forms.Definition]() {
		s.name = "Form"
	}
	seen[t] = s
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			s.fields = append(s.fields, shapeOf(f.Type, seen).fields...)
		case tag != "" && tag != "-" && f.IsExported():
			s.fields = append(s.fields, shapeField{tag, shapeOf(f.Type, seen)})
		}
	}
	return s
}
