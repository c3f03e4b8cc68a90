package source

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// Form says what a value of a definition looks like.
type Form string

// The forms.
const (
	Object Form = "object" // keys that are known
	List   Form = "list"
	Table  Form = "table" // names the author chooses → values of one shape
	Words  Form = "text"  // i18n.Text: a string or languages to strings
	Price  Form = "francs"
	String Form = "string"
	Whole  Form = "integer"
	Number Form = "number"
	YesNo  Form = "boolean"
	Free   Form = "any"
)

// Shape is what the Go types say of a part of a definition. The reader, the
// published schema and the writer all follow it, so that none knows a key the
// others do not.
type Shape struct {
	Form Form
	Name string // of the Go type: "Definition"
	Keys []Key
	Item *Shape // of a list or a table
}

// Key is one key of an object and what stands under it.
type Key struct {
	Name string
	*Shape
}

// Key is the shape under a key of an object; nil for one it does not know.
func (s *Shape) Key(name string) *Shape {
	for _, k := range s.Keys {
		if k.Name == name {
			return k.Shape
		}
	}
	return nil
}

// Names are the keys of an object, in the order of the Go type.
func (s *Shape) Names() []string {
	names := make([]string, len(s.Keys))
	for i, k := range s.Keys {
		names[i] = k.Name
	}
	return names
}

// Inside is the shape of what stands under a key of a value of any form; nil
// where nothing is known of it.
func (s *Shape) Inside(key string) *Shape {
	switch {
	case s == nil:
		return nil
	case s.Form == Object:
		return s.Key(key)
	case s.Form == Words:
		return &Shape{Form: String}
	}
	return s.Item
}

// OverlayOf is the shape of what may be written over data of a shape: in a list
// whose items are told apart by a key, an item may also say that it is taken away.
func OverlayOf(s *Shape) *Shape { return overlayOf(s, map[*Shape]*Shape{}) }

func overlayOf(s *Shape, seen map[*Shape]*Shape) *Shape {
	if s == nil || seen[s] != nil {
		return seen[s]
	}
	out := &Shape{Form: s.Form, Name: s.Name}
	seen[s] = out
	for _, k := range s.Keys {
		out.Keys = append(out.Keys, Key{k.Name, overlayOf(k.Shape, seen)})
	}
	out.Item = overlayOf(s.Item, seen)
	if out.Form == List && out.Item.Form == Object && out.Item.Key(overlay.RemoveKey) == nil &&
		slices.ContainsFunc(overlay.ItemKeys, func(key string) bool { return s.Item.Key(key) != nil }) {
		out.Item.Keys = append(out.Item.Keys, Key{overlay.RemoveKey, &Shape{Form: YesNo}})
	}
	return out
}

// ShapeOf is the shape of a Go type by its json tags; names gives types another
// name than their own.
func ShapeOf(t reflect.Type, names map[reflect.Type]string) *Shape {
	return shaper{names, map[reflect.Type]*Shape{}}.of(t)
}

type shaper struct {
	names map[reflect.Type]string
	seen  map[reflect.Type]*Shape
}

func (r shaper) of(t reflect.Type) *Shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[i18n.Text]():
		return &Shape{Form: Words}
	case reflect.TypeFor[Francs]():
		return &Shape{Form: Price}
	}
	switch t.Kind() {
	case reflect.String:
		return &Shape{Form: String, Name: t.Name()}
	case reflect.Bool:
		return &Shape{Form: YesNo}
	case reflect.Float32, reflect.Float64:
		return &Shape{Form: Number}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &Shape{Form: Whole}
	case reflect.Slice, reflect.Array:
		return &Shape{Form: List, Item: r.of(t.Elem())}
	case reflect.Map:
		return &Shape{Form: Table, Item: r.of(t.Elem())}
	case reflect.Struct:
		return r.object(t)
	default:
		return &Shape{Form: Free}
	}
}

func (r shaper) object(t reflect.Type) *Shape {
	if known := r.seen[t]; known != nil {
		return known // a group holds fields, which may be groups
	}
	s := &Shape{Form: Object, Name: t.Name()}
	if name := r.names[t]; name != "" {
		s.Name = name
	}
	r.seen[t] = s
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			s.Keys = append(s.Keys, r.of(f.Type).Keys...)
		case tag != "" && tag != "-" && f.IsExported():
			s.Keys = append(s.Keys, Key{tag, r.of(f.Type)})
		}
	}
	return s
}

// Francs is an amount written in francs in a definition: 12.50.
type Francs money.CHF

// UnmarshalYAML reads the digits as they stand, so that no cent is lost.
func (f *Francs) UnmarshalYAML(data []byte) error { return f.read(data) }

// UnmarshalJSON reads a number of francs.
func (f *Francs) UnmarshalJSON(data []byte) error { return f.read(data) }

func (f *Francs) read(data []byte) error {
	amount, err := money.Parse(string(data))
	if err != nil || amount < 0 {
		return fmt.Errorf("%s is not an amount in francs like 12.50", data)
	}
	*f = Francs(amount)
	return nil
}

// MarshalJSON writes a number of francs.
func (f Francs) MarshalJSON() ([]byte, error) {
	return json.Marshal(json.Number(money.CHF(f).Decimal()))
}
