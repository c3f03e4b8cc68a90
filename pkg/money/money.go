// Package money holds amounts of Swiss francs as whole centimes.
//
// It owns the one representation of money in Sportello: an int64 of centimes,
// which is also what JSON and PostgreSQL (bigint) see. It does not know
// currencies other than the franc, nor languages: package i18n writes amounts
// for people who read another language than Italian.
package money

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// CHF is an amount in centimes: 150 is CHF 1.50. Negative amounts are refunds.
type CHF int64

// Max is the largest amount Sportello accepts, in centimes: CHF 999'999'999.99,
// the limit of the amount field of a Swiss QR-bill (SIX Implementation
// Guidelines QR-bill v2.3, element Amt).
const Max CHF = 999_999_999_99

var (
	// ErrSyntax means that a text is not an amount of francs.
	ErrSyntax = errors.New("money: not an amount in francs")
	// ErrRange means that an amount lies beyond ±Max.
	ErrRange = errors.New("money: amount out of range")
)

// Francs returns n whole francs.
func Francs(n int64) CHF { return CHF(n * 100) }

// String writes the amount as it is printed in Ticino: "CHF 1'234.50",
// "CHF -20.00".
func (c CHF) String() string { return "CHF " + c.Grouped() }

// Grouped is String without the currency: "1'234.50".
func (c CHF) Grouped() string {
	sign, francs, cents := c.split()
	digits := strconv.FormatUint(francs, 10)
	var b strings.Builder
	b.WriteString(sign)
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte('\'')
		}
		b.WriteRune(d)
	}
	fmt.Fprintf(&b, ".%02d", cents)
	return b.String()
}

// Decimal is the machine form with a point and two digits, no grouping:
// "1234.50". Payment interfaces and the QR-bill use it.
func (c CHF) Decimal() string {
	sign, francs, cents := c.split()
	return fmt.Sprintf("%s%d.%02d", sign, francs, cents)
}

func (c CHF) split() (sign string, francs, cents uint64) {
	u := uint64(c)
	if c < 0 {
		sign, u = "-", -u // two's complement: right even for the smallest int64
	}
	return sign, u / 100, u % 100
}

// Round5 rounds to the nearest five centimes, halves away from zero, as cash
// in Switzerland is rounded since the one- and two-centime coins are gone.
func (c CHF) Round5() CHF {
	rest := c % 5
	switch {
	case rest >= 3:
		return c + 5 - rest
	case rest <= -3:
		return c - 5 - rest
	default:
		return c - rest
	}
}

// Times multiplies by a whole number, such as days or square metres.
// It answers ErrRange when the product lies beyond ±Max.
func (c CHF) Times(n int64) (CHF, error) {
	if c == 0 || n == 0 {
		return 0, nil
	}
	p := int64(c) * n
	if p/n != int64(c) || CHF(p) > Max || CHF(p) < -Max {
		return 0, fmt.Errorf("%w: %s × %d", ErrRange, c, n)
	}
	return CHF(p), nil
}

// Sum adds amounts. It answers ErrRange when the sum lies beyond ±Max.
func Sum(amounts ...CHF) (CHF, error) {
	var total CHF
	for _, a := range amounts {
		if a > Max || a < -Max {
			return 0, fmt.Errorf("%w: %d centimes", ErrRange, int64(a))
		}
		total += a
		if total > Max || total < -Max {
			return 0, fmt.Errorf("%w: sum %d centimes", ErrRange, int64(total))
		}
	}
	return total, nil
}

// Parse reads what people in Switzerland type: "1234.5", "1'234.50",
// "1’234,50", "CHF 20.–", "Fr. 20.--", "-20". It answers ErrSyntax for
// anything else, more than two decimals included, and ErrRange beyond ±Max.
func Parse(s string) (CHF, error) {
	t := strings.TrimSpace(s)
	for _, name := range []string{"CHF", "Fr.", "fr.", "SFr."} {
		if rest, ok := strings.CutPrefix(t, name); ok {
			t = strings.TrimSpace(rest)
			break
		}
	}
	t, negative := strings.CutPrefix(t, "-")
	for _, dash := range []string{".--", ".–", ".—", ".-"} {
		if rest, ok := strings.CutSuffix(t, dash); ok {
			t = rest
			break
		}
	}
	whole, decimals, hasPoint := strings.Cut(strings.Replace(t, ",", ".", 1), ".")
	if hasPoint && (decimals == "" || len(decimals) > 2) {
		return 0, fmt.Errorf("%w: %q", ErrSyntax, s)
	}
	digits, ok := ungroup(whole)
	if !ok {
		return 0, fmt.Errorf("%w: %q", ErrSyntax, s)
	}
	digits += (decimals + "00")[:2]
	for _, r := range digits {
		if r < '0' || r > '9' {
			return 0, fmt.Errorf("%w: %q", ErrSyntax, s)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || CHF(n) > Max {
		return 0, fmt.Errorf("%w: %q", ErrRange, s)
	}
	if negative {
		n = -n
	}
	return CHF(n), nil
}

// ungroup takes the apostrophes or spaces out of "1'234'567" and refuses
// groups that are not of three digits.
func ungroup(s string) (string, bool) {
	isMark := func(r rune) bool { return strings.ContainsRune("'’ \u00a0\u202f", r) }
	if s == "" {
		return "", false
	}
	if !strings.ContainsFunc(s, isMark) {
		return s, true
	}
	groups := strings.FieldsFunc(s, isMark)
	marks := 0
	for _, r := range s {
		if isMark(r) {
			marks++
		}
	}
	if len(groups) != marks+1 || len(groups[0]) > 3 {
		return "", false
	}
	for _, g := range groups[1:] {
		if len(g) != 3 {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

// FromFloat converts a decimal number of francs that another system sent as a
// JSON number. It answers ErrRange for anything beyond ±Max, and ErrSyntax for
// a fraction of a centime (tolerance: a millionth of a franc).
func FromFloat(francs float64) (CHF, error) {
	if math.IsNaN(francs) || math.Abs(francs)*100 > float64(Max) {
		return 0, fmt.Errorf("%w: %v", ErrRange, francs)
	}
	cents := math.Round(francs * 100)
	if math.Abs(cents/100-francs) > 1e-6 {
		return 0, fmt.Errorf("%w: %v has fractions of a centime", ErrSyntax, francs)
	}
	return CHF(cents), nil
}

// Value stores the centimes. It is explicit because a type with a String
// method is otherwise sent as text by some drivers.
func (c CHF) Value() (driver.Value, error) { return int64(c), nil }

// Scan reads centimes from a bigint or numeric column.
func (c *CHF) Scan(src any) error {
	switch v := src.(type) {
	case int64:
		*c = CHF(v)
		return nil
	case string: // numeric: the sum of bigints
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return fmt.Errorf("money: scan %q: %w", v, ErrSyntax)
		}
		*c = CHF(n)
		return nil
	case []byte:
		return c.Scan(string(v))
	default:
		return fmt.Errorf("money: cannot read centimes from %T", src)
	}
}
