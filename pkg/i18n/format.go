package i18n

import (
	"context"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the binary finds Europe/Zurich on any machine
)

// Zurich is the time zone in which every date and time is shown and in which
// terms are reckoned.
var Zurich = mustLocation("Europe/Zurich")

func mustLocation(name string) *time.Location {
	loc, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // tzdata is embedded: only a misspelt name comes here
	}
	return loc
}

var months = map[string][12]string{
	"it": {"gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre"},
	"de": {"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	"fr": {"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
}

// Date writes the day as 14.03.2025, in every language. The zero time is "".
func Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(Zurich).Format("02.01.2006")
}

// Time writes the hour as 14.30, with the full stop of Ticino.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(Zurich).Format("15.04")
}

// DateTime writes day and hour: «14.03.2025, ore 14.30» in Italian, and as is
// usual in the other languages.
func DateTime(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	day, hour := Date(t), Time(t)
	switch Lang(ctx) {
	case "de":
		return day + ", " + hour + " Uhr"
	case "fr":
		return day + ", " + t.In(Zurich).Format("15h04")
	case "en":
		return day + ", " + t.In(Zurich).Format("15:04")
	default:
		return day + ", ore " + hour
	}
}

// LongDate writes the month in words: «14 marzo 2025», «1° agosto 2025»,
// "14. März 2025", "1er août 2025", "14 March 2025".
func LongDate(ctx context.Context, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return LongDateIn(Lang(ctx), t)
}

// LongDateIn is LongDate for a language by its code, for papers whose language
// is not that of the page they are asked on.
func LongDateIn(lang string, t time.Time) string {
	if _, known := months[lang]; !known {
		lang = Reference
	}
	t = t.In(Zurich)
	day := strconv.Itoa(t.Day())
	switch {
	case lang == "de":
		day += "."
	case t.Day() == 1 && lang == "it":
		day = "1°"
	case t.Day() == 1 && lang == "fr":
		day = "1er"
	}
	return day + " " + months[lang][t.Month()-1] + " " + strconv.Itoa(t.Year())
}

// Number groups the thousands of a whole number by apostrophes: 1'234'567.
func Number[T ~int | ~int64](n T) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "'" + digits[at:]
	}
	return sign + digits
}

// Money writes an amount given in centimes as CHF 1'234.50.
func Money[T ~int64](centimes T) string {
	value, sign := int64(centimes), ""
	if value < 0 {
		value, sign = -value, "-"
	}
	cents := strconv.FormatInt(value%100, 10)
	if len(cents) < 2 {
		cents = "0" + cents
	}
	return "CHF " + sign + Number(value/100) + "." + cents
}

// Size writes a number of bytes as people do: "412 KB", "2.4 MB".
func Size(bytes int64) string {
	switch {
	case bytes < 1<<20:
		return strconv.FormatInt(max(bytes>>10, 1), 10) + " KB"
	case bytes < 1<<30:
		return strconv.FormatFloat(float64(bytes)/(1<<20), 'f', 1, 64) + " MB"
	}
	return strconv.FormatFloat(float64(bytes)/(1<<30), 'f', 1, 64) + " GB"
}
