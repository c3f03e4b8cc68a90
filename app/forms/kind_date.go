package forms

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// What a field of two inputs adds to its name.
const (
	suffixFrom     = "_from"
	suffixTo       = "_to"
	suffixAddress  = "_address"
	suffixPostcode = "_postcode"
	suffixTown     = "_town"
)

// dateKind is a calendar day.
type dateKind struct{}

func (dateKind) Type() rules.Type { return rules.Day }

func (dateKind) Read(f *Field, typed url.Values, in Setting) (any, *Mistake) {
	return readDay(f, first(typed, f.ID), in)
}

// readDay takes 2026-03-14, as date inputs send it, and 14.3.2026 or 14.03.26
// as people write it.
func readDay(f *Field, text string, in Setting) (any, *Mistake) {
	if text == "" {
		return nil, nil
	}
	var t time.Time
	var err error
	for _, layout := range []string{time.DateOnly, "2.1.2006", "2.1.06"} {
		if t, err = time.ParseInLocation(layout, text, i18n.Zurich); err == nil {
			break
		}
	}
	if err != nil || t.Year() < 1880 || t.Year() > 2199 {
		return nil, mistake("date")
	}
	earliest, latest, err := dayLimits(f, in.Today())
	switch {
	case err != nil:
		return nil, mistake("date")
	case !earliest.IsZero() && t.Before(earliest):
		return nil, mistake("not_before", "day", earliest)
	case !latest.IsZero() && t.After(latest):
		return nil, mistake("not_after", "day", latest)
	}
	return DayOf(t), nil
}

func dayLimits(f *Field, today time.Time) (earliest, latest time.Time, err error) {
	if earliest, err = limitDay(f.Earliest, today); err != nil {
		return
	}
	latest, err = limitDay(f.Latest, today)
	return
}

// limitDay reads "today", "today+8", "today-1095" or "2020-01-01"; "" is no
// limit.
func limitDay(limit string, today time.Time) (time.Time, error) {
	if limit == "" {
		return time.Time{}, nil
	}
	if rest, relative := strings.CutPrefix(limit, "today"); relative {
		n := 0
		if rest != "" {
			var err error
			if n, err = strconv.Atoi(rest); err != nil || (rest[0] != '+' && rest[0] != '-') {
				return time.Time{}, fmt.Errorf("forms: limit %q: today, today+8, today-8 or a day were expected", limit)
			}
		}
		return rules.Midnight(today).AddDate(0, 0, n), nil
	}
	t, err := time.ParseInLocation(time.DateOnly, limit, i18n.Zurich)
	if err != nil {
		return time.Time{}, fmt.Errorf("forms: limit %q: today, today+8, today-8 or a day were expected", limit)
	}
	return t, nil
}

func (dateKind) Write(f *Field, value any) url.Values {
	return url.Values{f.ID: {string(value.(Day))}}
}
func (dateKind) Decode(_ *Field, data json.RawMessage) (any, error) { return decodeAs[Day](data) }
func (dateKind) Rule(value any) any                                 { return value.(Day).Time() }
func (dateKind) Show(_ *Field, value any, _ string) string          { return value.(Day).String() }
func (dateKind) Schema(*Field, string) map[string]any {
	return map[string]any{"type": "string", "format": "date"}
}

// periodKind is from one day to another, both included.
type periodKind struct{}

func (periodKind) Type() rules.Type { return rules.Period }

func (periodKind) Read(f *Field, typed url.Values, in Setting) (any, *Mistake) {
	from, to := first(typed, f.ID+suffixFrom), first(typed, f.ID+suffixTo)
	switch {
	case from == "" && to == "":
		return nil, nil
	case from == "":
		return nil, mistake("period_from")
	case to == "":
		return nil, mistake("period_to")
	}
	begin, m := readDay(f, from, in)
	if m != nil {
		return nil, m
	}
	end, m := readDay(f, to, in)
	if m != nil {
		return nil, m
	}
	period := Period{From: begin.(Day), To: end.(Day)}
	switch {
	case period.To < period.From:
		return nil, mistake("period_order")
	case f.Max != nil && period.Days() > int(*f.Max):
		return nil, mistake("period_days", "max", int(*f.Max), "n", period.Days())
	}
	return period, nil
}

func (periodKind) Write(f *Field, value any) url.Values {
	p := value.(Period)
	return url.Values{f.ID + suffixFrom: {string(p.From)}, f.ID + suffixTo: {string(p.To)}}
}
func (periodKind) Decode(_ *Field, data json.RawMessage) (any, error) { return decodeAs[Period](data) }
func (periodKind) Rule(value any) any {
	p := value.(Period)
	return rules.DayRange{From: p.From.Time(), To: p.To.Time()}
}
func (periodKind) Show(_ *Field, value any, _ string) string { return value.(Period).String() }
func (periodKind) Schema(*Field, string) map[string]any {
	day := map[string]any{"type": "string", "format": "date"}
	return map[string]any{
		"type": "object", "required": []string{"from", "to"}, "additionalProperties": false,
		"properties": map[string]any{"from": day, "to": day},
	}
}
