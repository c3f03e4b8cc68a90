package rules

import (
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/sportello-ticino/sportello/pkg/money"
)

// part is a part of an answer that has several.
type part struct {
	name string
	typ  Type
}

// parts are those of the types that have some, in the order they are written.
var parts = map[Type][]part{
	Period:  {{"from", Day}, {"to", Day}, {"days", Whole}},
	Place:   {{"address", Text}, {"postcode", Text}, {"town", Text}},
	Person:  {{"first_name", Text}, {"last_name", Text}, {"born", Day}, {"age", Whole}, {"avs", Text}, {"email", Text}, {"phone", Text}},
	Company: {{"name", Text}, {"uid", Text}},
	Parcel:  {{"number", Text}, {"section", Text}},
	Point:   {{"east", Whole}, {"north", Whole}, {"words", Text}},
}

// simple are the types of one value, as CEL calls them.
var simple = map[Type]*cel.Type{
	Text: cel.StringType, Whole: cel.IntType, Money: cel.IntType, Files: cel.IntType, Clock: cel.IntType, Decimal: cel.DoubleType,
	Day: cel.TimestampType, YesNo: cel.BoolType, List: cel.ListType(cel.StringType),
}

func (t Type) known() bool { return simple[t] != nil || parts[t] != nil }

// What the names of CEL's object types begin with: a type with parts, an item
// of a group.
const (
	partsType = "parts."
	groupType = "group."
)

// celType is the type of a value inside an item.
func (t Type) celType() *cel.Type {
	if typ := simple[t]; typ != nil {
		return typ
	}
	return cel.ObjectType(partsType + string(t))
}

// declareAnswer declares an answer: each part is a variable of its own.
func declareAnswer(name string, typ Type, declare func(string, *cel.Type)) {
	if plain := simple[typ]; plain != nil {
		declare(name, plain)
		return
	}
	for _, p := range parts[typ] {
		declare(name+"."+p.name, simple[p.typ])
	}
}

// provider tells the checker which fields the items of groups have, so that a
// misspelt one is refused when the rule is read. The values are plain maps.
type provider struct {
	types.Provider
	groups map[string]map[string]Type
}

func (p provider) fields(typ string) (map[string]Type, bool) {
	if group, ok := strings.CutPrefix(typ, groupType); ok {
		fields, known := p.groups[group]
		return fields, known
	}
	if name, ok := strings.CutPrefix(typ, partsType); ok {
		fields := map[string]Type{}
		for _, part := range parts[Type(name)] {
			fields[part.name] = part.typ
		}
		return fields, len(fields) > 0
	}
	return nil, false
}

func (p provider) FindStructType(typ string) (*types.Type, bool) {
	if _, known := p.fields(typ); known {
		return types.NewTypeTypeWithParam(types.NewObjectType(typ)), true
	}
	return p.Provider.FindStructType(typ)
}

func (p provider) FindStructFieldNames(typ string) ([]string, bool) {
	if fields, known := p.fields(typ); known {
		return sortedKeys(fields), true
	}
	return p.Provider.FindStructFieldNames(typ)
}

func (p provider) FindStructFieldType(typ, field string) (*types.FieldType, bool) {
	fields, known := p.fields(typ)
	if !known {
		return p.Provider.FindStructFieldType(typ, field)
	}
	t, ok := fields[field]
	if !ok {
		return nil, false
	}
	return &types.FieldType{Type: t.celType()}, true
}

// today is the day of an evaluation.
func today(values Values) time.Time {
	t, _ := values["today"].(time.Time)
	return t
}

// bindAnswer gives an answer its value, or that of its parts.
func bindAnswer(out Values, name string, typ Type, value any, today time.Time) error {
	if parts[typ] == nil {
		bound, err := bindSimple(name, typ, value)
		out[name] = bound
		return err
	}
	bound, err := bindParts(name, typ, value, today)
	if err != nil {
		return err
	}
	for _, p := range parts[typ] {
		out[name+"."+p.name] = bound[p.name]
	}
	return nil
}

func bindSimple(name string, typ Type, value any) (any, error) {
	switch typ {
	case Text:
		return bindAs(name, value, "")
	case Whole, Files, Clock:
		return bindAs(name, value, int64(0))
	case Decimal:
		return bindAs(name, value, float64(0))
	case YesNo:
		return bindAs(name, value, false)
	case Day:
		return bindAs(name, value, time.Time{})
	case List:
		return bindAs(name, value, []string{})
	case Money:
		amount, ok := value.(money.CHF)
		if !ok && value != nil {
			return nil, fmt.Errorf("rules: %s: %T is no amount", name, value)
		}
		return int64(amount), nil
	default:
		return nil, fmt.Errorf("rules: %s has unknown type %q", name, typ)
	}
}

func bindAs[T any](name string, value any, none T) (any, error) {
	if value == nil {
		return none, nil
	}
	typed, ok := value.(T)
	if !ok {
		return nil, fmt.Errorf("rules: %s: %T where %T was expected", name, value, none)
	}
	return typed, nil
}

// bindParts is the value of every part of an answer.
func bindParts(name string, typ Type, value any, today time.Time) (map[string]any, error) {
	given := Parts{}
	switch v := value.(type) {
	case nil:
	case DayRange:
		given = Parts{"from": v.From, "to": v.To, "days": Days(v.From, v.To)}
	case Spot:
		given = Parts{"address": v.Address, "postcode": v.Postcode, "town": v.Town}
	case Parts:
		given = v
	default:
		return nil, fmt.Errorf("rules: %s: %T has no parts", name, value)
	}
	out := make(map[string]any, len(parts[typ]))
	for _, p := range parts[typ] {
		bound, err := bindSimple(name+"."+p.name, p.typ, given[p.name])
		if err != nil {
			return nil, err
		}
		out[p.name] = bound
	}
	if born, ok := out["born"].(time.Time); ok && typ == Person {
		out["age"] = Years(born, today)
	}
	return out, nil
}

// bindItems is the value of a group: every field of every item has one.
func bindItems(name string, fields map[string]Type, value any, today time.Time) ([]map[string]any, error) {
	items, ok := value.([]Item)
	if !ok && value != nil {
		return nil, fmt.Errorf("rules: %s: %T is no list of items", name, value)
	}
	out := make([]map[string]any, len(items))
	for i, item := range items {
		out[i] = make(map[string]any, len(fields))
		for field, typ := range fields {
			where := name + "." + field
			var bound any
			var err error
			if parts[typ] == nil {
				bound, err = bindSimple(where, typ, item[field])
			} else {
				bound, err = bindParts(where, typ, item[field], today)
			}
			if err != nil {
				return nil, err
			}
			out[i][field] = bound
		}
	}
	return out, nil
}
