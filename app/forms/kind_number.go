package forms

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

// numberKind is a number; with decimals or without.
type numberKind struct{}

// Type is Decimal: only the field knows whether it is whole, see Field.ruleType.
func (numberKind) Type() rules.Type { return rules.Decimal }

var numberNoise = strings.NewReplacer("'", "", "’", "", " ", "", "\u00a0", "", ",", ".")

func (numberKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	text := numberNoise.Replace(first(typed, f.ID))
	if text == "" {
		return nil, nil
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.ContainsAny(text, "xXpPeEnN_") || math.IsInf(value, 0) {
		return nil, mistake("number")
	}
	if _, after, _ := strings.Cut(text, "."); len(strings.TrimRight(after, "0")) > f.Decimals {
		if f.Decimals == 0 {
			return nil, mistake("whole")
		}
		return nil, mistake("decimals", "n", f.Decimals)
	}
	if m := between(f, value, plainNumber); m != nil {
		return nil, m
	}
	if f.Decimals == 0 {
		return int64(value), nil
	}
	return value, nil
}

// maxNumber bounds numbers for which a field has no limit of its own.
const maxNumber = 1e9

func between(f *Field, value float64, write func(float64) string) *Mistake {
	least, most := -maxNumber, maxNumber
	if f.Min != nil {
		least = *f.Min
	}
	if f.Max != nil {
		most = *f.Max
	}
	switch {
	case value >= least && value <= most:
		return nil
	case f.Min != nil && f.Max != nil:
		return mistake("between", "min", write(least), "max", write(most))
	case value < least:
		return mistake("at_least", "min", write(least))
	default:
		return mistake("at_most", "max", write(most))
	}
}

func plainNumber(v float64) string {
	whole, after, _ := strings.Cut(strconv.FormatFloat(v, 'f', -1, 64), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return whole
	}
	if after != "" {
		return i18n.Number(n) + "." + after
	}
	return i18n.Number(n)
}

func (numberKind) Write(f *Field, value any) url.Values {
	return url.Values{f.ID: {strconv.FormatFloat(asFloat(value), 'f', -1, 64)}}
}

func asFloat(value any) float64 {
	if n, ok := value.(int64); ok {
		return float64(n)
	}
	return value.(float64)
}

func (numberKind) Decode(f *Field, data json.RawMessage) (any, error) {
	var n float64
	if err := json.Unmarshal(data, &n); err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	if f.Decimals > 0 {
		return n, nil
	}
	if n != math.Trunc(n) || math.Abs(n) > maxNumber {
		return nil, fmt.Errorf("forms: %v is not a whole number", n)
	}
	return int64(n), nil
}

func (numberKind) Rule(value any) any { return value }

func (numberKind) Show(f *Field, value any, lang string) string {
	text := plainNumber(asFloat(value))
	if unit := f.Unit.In(lang); unit != "" {
		text += " " + unit
	}
	return text
}

func (numberKind) Schema(f *Field, _ string) map[string]any {
	schema := map[string]any{"type": "number"}
	if f.Decimals == 0 {
		schema["type"] = "integer"
	}
	if f.Min != nil {
		schema["minimum"] = *f.Min
	}
	if f.Max != nil {
		schema["maximum"] = *f.Max
	}
	return schema
}

// moneyKind is an amount in francs.
type moneyKind struct{}

func (moneyKind) Type() rules.Type { return rules.Money }

func (moneyKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	text := first(typed, f.ID)
	if text == "" {
		return nil, nil
	}
	amount, err := money.Parse(text)
	if err != nil {
		return nil, mistake("money")
	}
	if m := between(f, float64(amount)/100, func(v float64) string { return money.CHF(math.Round(v * 100)).String() }); m != nil {
		return nil, m
	}
	return amount, nil
}

func (moneyKind) Write(f *Field, value any) url.Values {
	return url.Values{f.ID: {value.(money.CHF).Decimal()}}
}

func (moneyKind) Decode(_ *Field, data json.RawMessage) (any, error) {
	return decodeAs[money.CHF](data)
}
func (moneyKind) Rule(value any) any { return value }
func (moneyKind) Show(_ *Field, value any, _ string) string {
	return value.(money.CHF).String()
}

func (moneyKind) Schema(f *Field, _ string) map[string]any {
	schema := map[string]any{"type": "integer", "$comment": "centimes"}
	if f.Min != nil {
		schema["minimum"] = int64(math.Round(*f.Min * 100))
	}
	if f.Max != nil {
		schema["maximum"] = int64(math.Round(*f.Max * 100))
	}
	return schema
}

// yesnoKind is a question answered by yes or no.
type yesnoKind struct{}

func (yesnoKind) Type() rules.Type { return rules.YesNo }

func (yesnoKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	switch first(typed, f.ID) {
	case "":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return nil, mistake("choice")
	}
}

func (yesnoKind) Write(f *Field, value any) url.Values {
	return url.Values{f.ID: {strconv.FormatBool(value.(bool))}}
}

func (yesnoKind) Decode(_ *Field, data json.RawMessage) (any, error) { return decodeAs[bool](data) }
func (yesnoKind) Rule(value any) any                                 { return value }

var yesno = map[string][2]string{"it": {"no", "sì"}, "de": {"nein", "ja"}, "fr": {"non", "oui"}, "en": {"no", "yes"}}

func (yesnoKind) Show(_ *Field, value any, lang string) string {
	words, known := yesno[lang]
	if !known {
		words = yesno[i18n.Reference]
	}
	if value.(bool) {
		return words[1]
	}
	return words[0]
}

func (yesnoKind) Schema(*Field, string) map[string]any { return map[string]any{"type": "boolean"} }

// declarationKind is a sentence the person confirms by ticking it.
type declarationKind struct{ yesnoKind }

func (declarationKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	switch first(typed, f.ID) {
	case "", "false":
		return nil, nil
	case "true":
		return true, nil
	default:
		return nil, mistake("choice")
	}
}

func (declarationKind) Schema(f *Field, _ string) map[string]any {
	if f.Required {
		return map[string]any{"const": true}
	}
	return map[string]any{"type": "boolean"}
}
