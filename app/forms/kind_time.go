package forms

import (
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/sportello-ticino/sportello/app/rules"
)

// timeKind is a time of day, to the minute.
type timeKind struct{}

func (timeKind) Type() rules.Type { return rules.Clock }

// Read takes 08.30 as Ticino writes it, 08:30 as time inputs send it, 8h30 and
// 0830.
func (timeKind) Read(f *Field, typed url.Values, _ Setting) (any, *Mistake) {
	text := first(typed, f.ID)
	if text == "" {
		return nil, nil
	}
	clock, err := readClock(text)
	if err != nil {
		return nil, mistake("time")
	}
	earliest, latest, err := clockLimits(f)
	switch {
	case err != nil:
		return nil, mistake("time")
	case earliest != "" && clock < earliest:
		return nil, mistake("time_not_before", "time", earliest)
	case latest != "" && clock > latest:
		return nil, mistake("time_not_after", "time", latest)
	}
	return clock, nil
}

func readClock(text string) (Clock, error) {
	minutes, err := rules.ParseClock(text)
	if err != nil {
		return "", err
	}
	return Clock(fmt.Sprintf("%02d:%02d", minutes/60, minutes%60)), nil
}

// clockLimits reads the field's limits; "" is none.
func clockLimits(f *Field) (earliest, latest Clock, err error) {
	if f.Earliest != "" {
		if earliest, err = readClock(f.Earliest); err != nil {
			return "", "", fmt.Errorf("earliest: a time like 08.30 was expected, not %q", f.Earliest)
		}
	}
	if f.Latest != "" {
		if latest, err = readClock(f.Latest); err != nil {
			return "", "", fmt.Errorf("latest: a time like 08.30 was expected, not %q", f.Latest)
		}
	}
	return earliest, latest, nil
}

func (timeKind) Write(f *Field, value any) url.Values {
	return url.Values{f.ID: {value.(Clock).String()}}
}

func (timeKind) Decode(_ *Field, data json.RawMessage) (any, error) {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	return readClock(text)
}

func (timeKind) Rule(value any) any                        { return value.(Clock).Minutes() }
func (timeKind) Show(_ *Field, value any, _ string) string { return value.(Clock).String() }
func (timeKind) Schema(*Field, string) map[string]any {
	return map[string]any{"type": "string", "pattern": `^([01]\d|2[0-3]):[0-5]\d$`}
}
