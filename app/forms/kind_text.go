package forms

import (
	"encoding/json"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// stringKind is what all kinds share whose answer is a string.
type stringKind struct{}

func (stringKind) Type() rules.Type                                   { return rules.Text }
func (stringKind) Write(f *Field, value any) url.Values               { return url.Values{f.ID: {value.(string)}} }
func (stringKind) Decode(_ *Field, data json.RawMessage) (any, error) { return decodeAs[string](data) }
func (stringKind) Rule(value any) any                                 { return value }
func (stringKind) Show(_ *Field, value any, _ string) string          { return value.(string) }

// textKind is a text of one line, or of several.
type textKind struct {
	stringKind
	longest int // characters, where the field says nothing
	lines   bool
}

func (k textKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	text := k.clean(typed.Get(f.ID))
	if text == "" {
		return nil, nil
	}
	n, longest := utf8.RuneCountInString(text), k.longest
	if f.MaxLength > 0 {
		longest = f.MaxLength
	}
	switch {
	case n > longest:
		return nil, mistake("too_long", "max", longest, "n", n)
	case n < f.MinLength:
		return nil, mistake("too_short", "min", f.MinLength, "n", n)
	}
	if f.Pattern != "" {
		if pattern, err := compilePattern(f.Pattern); err != nil || !pattern.MatchString(text) {
			return nil, mistake("format")
		}
	}
	return text, nil
}

// clean drops characters that are not writing (control characters, zero-width
// signs) and makes line ends one character.
func (k textKind) clean(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' && k.lines:
			return r
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' || r == '\ufeff':
			return -1
		default:
			return r
		}
	}, text)
	return strings.TrimSpace(text)
}

func (k textKind) Schema(f *Field, _ string) map[string]any {
	schema := map[string]any{"type": "string", "maxLength": k.longest}
	if f.MaxLength > 0 {
		schema["maxLength"] = f.MaxLength
	}
	if f.MinLength > 0 {
		schema["minLength"] = f.MinLength
	}
	if f.Pattern != "" {
		schema["pattern"] = wholePattern(f.Pattern)
	}
	return schema
}

func wholePattern(pattern string) string { return "^(?:" + pattern + ")$" }

func compilePattern(pattern string) (*regexp.Regexp, error) {
	return regexp.Compile(wholePattern(pattern))
}

// emailKind is an e-mail address.
type emailKind struct{ stringKind }

func (emailKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	text := first(typed, f.ID)
	if text == "" {
		return nil, nil
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || len(text) > 254 || !strings.Contains(text[strings.LastIndexByte(text, '@'):], ".") {
		return nil, mistake("email")
	}
	return text, nil
}

func (emailKind) Schema(*Field, string) map[string]any {
	return map[string]any{"type": "string", "format": "email", "maxLength": 254}
}

// phoneKind is a telephone number, kept as +41 91 123 45 67 (a Swiss one) or
// with its country code.
type phoneKind struct{ stringKind }

var (
	phoneNoise   = strings.NewReplacer(" ", "", "/", "", "-", "", ".", "", "(0)", "", "(", "", ")", "", "\u00a0", "")
	swissPhone   = regexp.MustCompile(`^(?:\+41|0041|0)([1-9]\d)(\d{3})(\d{2})(\d{2})$`)
	foreignPhone = regexp.MustCompile(`^(?:\+|00)[1-9]\d{6,14}$`)
)

// Read follows the Swiss numbering plan (E.164/2002, nine national digits);
// numbers of other countries need their code.
func (phoneKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	text := phoneNoise.Replace(first(typed, f.ID))
	if text == "" {
		return nil, nil
	}
	if m := swissPhone.FindStringSubmatch(text); m != nil {
		return "+41 " + m[1] + " " + m[2] + " " + m[3] + " " + m[4], nil
	}
	if foreignPhone.MatchString(text) && !strings.HasPrefix(text, "+41") && !strings.HasPrefix(text, "0041") {
		return "+" + strings.TrimPrefix(strings.TrimPrefix(text, "00"), "+"), nil
	}
	return nil, mistake("phone")
}

func (phoneKind) Schema(*Field, string) map[string]any {
	return map[string]any{"type": "string", "pattern": `^\+[1-9][0-9 ]{6,20}$`}
}

// swissKind is a number of Swiss administrative life with check digits.
type swissKind struct {
	stringKind
	name    string // of the mistake
	parse   func(string) (string, error)
	pattern string
}

func (k swissKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	text := first(typed, f.ID)
	if text == "" {
		return nil, nil
	}
	canonical, err := k.parse(text)
	if err != nil {
		return nil, mistake(k.name)
	}
	return canonical, nil
}

func (k swissKind) Show(_ *Field, value any, _ string) string {
	if k.name == "iban" {
		return swiss.IBAN(value.(string)).String()
	}
	return value.(string)
}

func (k swissKind) Schema(*Field, string) map[string]any {
	return map[string]any{"type": "string", "pattern": k.pattern}
}

func parseAVS(s string) (string, error) {
	avs, err := swiss.ParseAVS(s)
	return avs.String(), err
}

func parseIBAN(s string) (string, error) {
	iban, err := swiss.ParseIBAN(s)
	return string(iban), err
}

func parseUID(s string) (string, error) {
	uid, err := swiss.ParseUID(s)
	return uid.String(), err
}

func parsePlate(s string) (string, error) { return swiss.ParsePlate(s) }
