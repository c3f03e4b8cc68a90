package forms

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/sportello-ticino/sportello/app/rules"
)

// placeKind is an address: street and number (or words that find the spot),
// postcode, town.
type placeKind struct{}

// Swiss postcodes have four digits, 1000 to 9699.
var swissPostcode = regexp.MustCompile(`^[1-9]\d{3}$`)

func (placeKind) Type() rules.Type { return rules.Place }

func (placeKind) Read(f *Field, typed url.Values, in Setting) (any, *Mistake) {
	line := textKind{longest: 200}
	place := Place{
		Address:  line.clean(typed.Get(f.ID + suffixAddress)),
		Postcode: first(typed, f.ID+suffixPostcode),
		Town:     line.clean(typed.Get(f.ID + suffixTown)),
	}
	switch {
	case place == (Place{}):
		return nil, nil
	case place.Address == "":
		return nil, mistake("place_address")
	case utf8.RuneCountInString(place.Address) > 200 || utf8.RuneCountInString(place.Town) > 100:
		return nil, mistake("too_long", "max", 200, "n", utf8.RuneCountInString(place.Address))
	case place.Postcode == "":
		return nil, mistake("place_postcode")
	case place.Town == "":
		return nil, mistake("place_town")
	case f.InCommune && len(in.Postcodes) > 0 && !slices.Contains(in.Postcodes, place.Postcode):
		return nil, mistake("place_commune", "postcode", place.Postcode)
	case !f.InCommune && !swissPostcode.MatchString(place.Postcode) && !foreignPostcode.MatchString(place.Postcode):
		return nil, mistake("postcode")
	}
	return place, nil
}

// foreignPostcode takes what other countries write, with their letters.
var foreignPostcode = regexp.MustCompile(`^[0-9A-Z][0-9A-Z -]{2,9}$`)

func (placeKind) Write(f *Field, value any) url.Values {
	p := value.(Place)
	return url.Values{f.ID + suffixAddress: {p.Address}, f.ID + suffixPostcode: {p.Postcode}, f.ID + suffixTown: {p.Town}}
}
func (placeKind) Decode(_ *Field, data json.RawMessage) (any, error) { return decodeAs[Place](data) }
func (placeKind) Rule(value any) any {
	p := value.(Place)
	return rules.Spot{Address: p.Address, Postcode: p.Postcode, Town: p.Town}
}
func (placeKind) Show(_ *Field, value any, _ string) string { return value.(Place).String() }
func (placeKind) Schema(*Field, string) map[string]any {
	text := map[string]any{"type": "string", "minLength": 1, "maxLength": 200}
	return map[string]any{
		"type": "object", "required": []string{"address", "postcode", "town"}, "additionalProperties": false,
		"properties": map[string]any{"address": text, "postcode": text, "town": text},
	}
}

// fileKind is a paper to attach. Files are uploaded beside the answers; the
// answer is how many there are.
type fileKind struct{}

func (fileKind) Type() rules.Type { return rules.Files }

func (fileKind) Read(f *Field, _ url.Values, in Setting) (any, *Mistake) {
	if n := in.Files[f.ID]; n > 0 {
		return int64(n), nil
	}
	return nil, nil
}

func (fileKind) Write(*Field, any) url.Values                       { return nil }
func (fileKind) Decode(_ *Field, data json.RawMessage) (any, error) { return decodeAs[int64](data) }
func (fileKind) Rule(value any) any                                 { return value }
func (fileKind) Show(*Field, any, string) string                    { return "" }
func (fileKind) Schema(f *Field, _ string) map[string]any {
	return map[string]any{
		"type": "array", "maxItems": f.maxFiles(),
		"items": map[string]any{"type": "string", "contentMediaType": "application/octet-stream", "contentEncoding": "base64"},
	}
}

// infoKind shows words between the questions and asks nothing.
type infoKind struct{}

func (infoKind) Type() rules.Type                                 { return "" }
func (infoKind) Read(*Field, url.Values, Setting) (any, *Mistake) { return nil, nil }
func (infoKind) Write(*Field, any) url.Values                     { return nil }
func (infoKind) Decode(*Field, json.RawMessage) (any, error)      { return nil, nil }
func (infoKind) Rule(any) any                                     { return nil }
func (infoKind) Show(*Field, any, string) string                  { return "" }
func (infoKind) Schema(*Field, string) map[string]any             { return nil }
