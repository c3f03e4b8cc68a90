package forms

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// parcelKind is a plot of the commune's land register: its number and, where the
// register has sections, which one.
type parcelKind struct{ recordKind }

// parcelNumber is a number with at most one letter: 1234, 1234 A. Rule: art. 18
// ORF leaves the numbering to the cantons; Ticino counts within a section.
var parcelNumber = regexp.MustCompile(`^[1-9]\d{0,5} ?[A-Za-z]?$`)

func parcelParts(*Field) []part {
	section, commune := textPart("section", 60), textPart("commune", 100)
	section.optional, commune.optional = true, true
	return []part{{name: "number", kind: parcelNumberKind{textKind{longest: 10}}, field: Field{ID: "number", Kind: "text", MaxLength: 10}}, section, commune}
}

// parcelNumberKind also takes a number that is none of JSON's texts.
type parcelNumberKind struct{ textKind }

func (k parcelNumberKind) Decode(f *Field, data json.RawMessage) (any, error) {
	if len(data) > 0 && data[0] != '"' {
		var n json.Number
		if err := json.Unmarshal(data, &n); err == nil {
			return n.String(), nil
		}
	}
	return k.textKind.Decode(f, data)
}

func (parcelNumberKind) Schema(*Field, string) map[string]any {
	return map[string]any{"type": "string", "pattern": parcelNumber.String()}
}

// Read names the commune itself: nobody asks one for land in another.
func (k parcelKind) Read(f *Field, typed url.Values, in Setting) (any, *Mistake) {
	asked := url.Values{f.ID + "_number": typed[f.ID+"_number"], f.ID + "_section": typed[f.ID+"_section"]}
	record, wrong := k.read(f, asked, in)
	if len(record) == 0 && wrong == nil {
		return nil, nil
	}
	var more []*Mistake
	if wrong != nil {
		more = append([]*Mistake{wrong}, wrong.Also...)
	} else if !parcelNumber.MatchString(record.text("number")) {
		more = append(more, mistake("parcel_number").in("number"))
	}
	// The list of sections is the commune's word and may lack one: what is not on it
	// refuses nobody.
	if len(in.Sections) > 0 && record.text("section") == "" {
		more = append(more, mistake("parcel_section").in("section"))
	}
	if len(more) > 0 {
		return nil, together(more)
	}
	record["number"] = parcelForm(record.text("number"))
	if in.Commune != "" {
		record["commune"] = in.Commune
	}
	return record, nil
}

// sectionUnknown is chosen by who does not find the section in the list.
const sectionUnknown = "?"

func parcelForm(number string) string {
	return strings.ToUpper(strings.ReplaceAll(number, " ", ""))
}

func (parcelKind) Rule(value any) any {
	r := value.(Record)
	section := r.text("section")
	if section == sectionUnknown {
		section = ""
	}
	return rules.Parts{"number": r.text("number"), "section": section}
}

// landWords are how a parcel is called: with the commune, with the section.
var landWords = map[string][4]string{
	"it": {"mappale n. ", " RFD ", ", sezione ", ", sezione da verificare"}, "de": {"Grundstück Nr. ", ", Grundbuch ", ", Sektion ", ", Sektion zu prüfen"},
	"fr": {"bien-fonds n° ", ", registre foncier ", ", section ", ", section à vérifier"}, "en": {"parcel no. ", ", land register of ", ", section ", ", section to be checked"},
}

func showParcel(r Record, lang string) string {
	words, known := landWords[lang]
	if !known {
		words = landWords[i18n.Reference]
	}
	out := words[0] + r.text("number")
	if commune := r.text("commune"); commune != "" {
		out += words[1] + commune
	}
	switch section := r.text("section"); section {
	case "":
	case sectionUnknown:
		out += words[3]
	default:
		out += words[2] + section
	}
	return out
}

// mapKind is a spot: coordinates, or words that find it, or both.
type mapKind struct{ recordKind }

func mapParts(*Field) []part {
	words := textPart("words", 200)
	words.optional = true
	east := part{name: "east", kind: metresKind{}, field: Field{ID: "east", Kind: "number"}, optional: true}
	north := part{name: "north", kind: metresKind{}, field: Field{ID: "north", Kind: "number"}, optional: true}
	return []part{words, east, north}
}

// metresKind is one of two coordinates, written without separators.
type metresKind struct{ numberKind }

func (metresKind) Write(f *Field, value any) url.Values {
	return url.Values{f.ID: {strconv.FormatInt(value.(int64), 10)}}
}

func (metresKind) Schema(*Field, string) map[string]any {
	return map[string]any{"type": "integer", "$comment": "LV95, metres"}
}

// Read takes LV95, LV03 or degrees in either order; the answer is LV95. It must
// lie in Switzerland and, where the field says so, near the commune.
func (k mapKind) Read(f *Field, typed url.Values, in Setting) (any, *Mistake) {
	line := textKind{longest: 200}
	record := Record{}
	if words := line.clean(typed.Get(f.ID + "_words")); utf8.RuneCountInString(words) > 200 {
		return nil, mistake("too_long", "max", 200, "n", utf8.RuneCountInString(words)).in("words")
	} else if words != "" {
		record["words"] = words
	}
	east, north := first(typed, f.ID+"_east"), first(typed, f.ID+"_north")
	switch {
	case east == "" && north == "" && len(record) == 0:
		return nil, nil
	case east == "" && north == "":
		return record, nil
	case north == "":
		return nil, mistake("map_north").in("north")
	case east == "":
		return nil, mistake("map_east").in("east")
	}
	a, errA := coordinate(east)
	b, errB := coordinate(north)
	if errA != nil || errB != nil {
		return nil, mistake("map_number").in("east")
	}
	point, err := swiss.ParsePoint(a, b)
	switch {
	case err != nil:
		return nil, mistake("map_abroad").in("east")
	case f.InCommune && !in.Extent.near(point.East, point.North):
		return nil, mistake("map_commune").in("east")
	}
	record["east"], record["north"] = int64(point.East), int64(point.North)
	return record, nil
}

var coordinateNoise = strings.NewReplacer("'", "", "’", "", " ", "", "\u00a0", "", "\u202f", "", ",", ".", "°", "")

func coordinate(text string) (float64, error) {
	text = coordinateNoise.Replace(text)
	if len(text) > 20 || strings.ContainsAny(text, "xXpPeEnN_iI+") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

func showPoint(r Record, _ string) string {
	east, at := r["east"].(int64)
	north, _ := r["north"].(int64)
	if !at {
		return r.text("words")
	}
	return commas(r.text("words"), i18n.Number(east)+" / "+i18n.Number(north))
}
