package costs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// monthName writes "ottobre 2026".
func monthName(month time.Time) string {
	_, rest, _ := strings.Cut(i18n.LongDateIn(i18n.Reference, month), " ")
	return rest
}

// monthKey is a month in an address: "2026-10".
func monthKey(month time.Time) string { return month.Format("2006-01") }

// perCent writes per mille as people read it: "30 %", "12.5 %".
func perCent(perMille int) string {
	if perMille%10 == 0 {
		return strconv.Itoa(perMille/10) + " %"
	}
	return fmt.Sprintf("%d.%d %%", perMille/10, perMille%10)
}

// parsePerCent reads "30" or "12.5" as per mille.
func parsePerCent(s string) (int, bool) {
	s = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(strings.ReplaceAll(s, ",", ".")), "%"))
	whole, tenth, dotted := strings.Cut(s, ".")
	n, err := strconv.Atoi(whole)
	if err != nil || n < 0 || n > 100 || dotted && len(tenth) != 1 {
		return 0, false
	}
	n *= 10
	if dotted {
		t, err := strconv.Atoi(tenth)
		if err != nil || t < 0 {
			return 0, false
		}
		n += t
	}
	return n, n <= 1000
}

// quantity writes what was used: a count, or bytes.
func quantity(meter string, n int64) string {
	if !meters.Level(meter) {
		return i18n.Number(n)
	}
	return Bytes(n)
}

// Bytes writes a size in the unit that fits, in powers of 1000.
func Bytes(n int64) string {
	units := []string{"byte", "kB", "MB", "GB", "TB"}
	v, i := float64(n), 0
	for v >= 1000 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	if i == 0 {
		return strconv.FormatInt(n, 10) + " byte"
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + units[i]
}

func meterName(ctx context.Context, name string) string { return i18n.T(ctx, "meters."+name) }

// keyWords says a key in one sentence.
func keyWords(ctx context.Context, k Key) string {
	return i18n.T(ctx, "costs.key.sentence", "fixed", perCent(k.Fixed), "inhabitants", perCent(k.Inhabitants), "use", perCent(k.Use))
}

// weightWords says how the part by use is weighed.
func weightWords(ctx context.Context, k Key) string {
	var parts []string
	for _, name := range meters.Names {
		if w := k.Weights[name]; w > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", meterName(ctx, name), w))
		}
	}
	return strings.Join(parts, ", ")
}
