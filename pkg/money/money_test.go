package money

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
)

func TestWriting(t *testing.T) {
	for _, c := range []struct {
		in               CHF
		printed, machine string
	}{
		{0, "CHF 0.00", "0.00"},
		{5, "CHF 0.05", "0.05"},
		{123450, "CHF 1'234.50", "1234.50"},
		{100000000, "CHF 1'000'000.00", "1000000.00"},
		{-2000, "CHF -20.00", "-20.00"},
		{-123456789, "CHF -1'234'567.89", "-1234567.89"},
		{Max, "CHF 999'999'999.99", "999999999.99"},
		{math.MinInt64, "CHF -92'233'720'368'547'758.08", "-92233720368547758.08"},
	} {
		if got := c.in.String(); got != c.printed {
			t.Errorf("String(%d) = %q, want %q", int64(c.in), got, c.printed)
		}
		if got := c.in.Decimal(); got != c.machine {
			t.Errorf("Decimal(%d) = %q, want %q", int64(c.in), got, c.machine)
		}
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]CHF{
		"20": 2000, "20.5": 2050, "1'234.50": 123450, "1’234,50": 123450, "CHF 1'234.50": 123450,
		"Fr. 20.--": 2000, "20.–": 2000, "CHF 20.-": 2000, "-20": -2000, "0.05": 5, " 7 ": 700,
		"1 234.00": 123400, "1\u00a0234": 123400, "999'999'999.99": Max,
	} {
		got, err := Parse(in)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", in, int64(got), err, int64(want))
		}
	}
	for in, want := range map[string]error{
		"": ErrSyntax, "CHF": ErrSyntax, "1.234": ErrSyntax, "1'23.00": ErrSyntax, "12'34": ErrSyntax, "1'": ErrSyntax,
		"'123": ErrSyntax, "1.2.3": ErrSyntax, "abc": ErrSyntax, "--1": ErrSyntax, "+1": ErrSyntax, "1e3": ErrSyntax,
		"20.": ErrSyntax, ".50": ErrSyntax, "1234'567": ErrSyntax, "1,234.50": ErrSyntax, "٢٠": ErrSyntax, "-": ErrSyntax,
		"1000000000.00": ErrRange, "99999999999999999999": ErrRange,
	} {
		if got, err := Parse(in); !errors.Is(err, want) {
			t.Errorf("Parse(%q) = %d, %v; want %v", in, int64(got), err, want)
		}
	}
}

func TestRound5(t *testing.T) {
	for in, want := range map[CHF]CHF{
		0: 0, 1: 0, 2: 0, 3: 5, 4: 5, 5: 5, 7: 5, 8: 10, 1232: 1230, 1233: 1235, -2: 0, -3: -5, -7: -5, -8: -10,
	} {
		if got := in.Round5(); got != want {
			t.Errorf("Round5(%d) = %d, want %d", int64(in), int64(got), int64(want))
		}
	}
}

func TestArithmeticStaysInRange(t *testing.T) {
	if got, err := CHF(250).Times(12); err != nil || got != 3000 {
		t.Errorf("Times = %v, %v", got, err)
	}
	for _, n := range []int64{math.MaxInt64, math.MinInt64, 1 << 40} {
		if _, err := Max.Times(n); !errors.Is(err, ErrRange) {
			t.Errorf("Max × %d: %v, want ErrRange", n, err)
		}
	}
	if got, err := Sum(100, 250, -50); err != nil || got != 300 {
		t.Errorf("Sum = %v, %v", got, err)
	}
	if _, err := Sum(Max, 1); !errors.Is(err, ErrRange) {
		t.Errorf("Sum past Max: %v", err)
	}
	if _, err := Sum(math.MaxInt64, math.MaxInt64); !errors.Is(err, ErrRange) {
		t.Errorf("Sum of huge: %v", err)
	}
}

func TestFromFloat(t *testing.T) {
	for in, want := range map[float64]CHF{20: 2000, 20.05: 2005, 0.1 + 0.2: 30, -7.5: -750, 1234.55: 123455} {
		if got, err := FromFloat(in); err != nil || got != want {
			t.Errorf("FromFloat(%v) = %d, %v; want %d", in, int64(got), err, int64(want))
		}
	}
	for in, want := range map[float64]error{20.005: ErrSyntax, 1e10: ErrRange, math.Inf(1): ErrRange, math.NaN(): ErrRange} {
		if _, err := FromFloat(in); !errors.Is(err, want) {
			t.Errorf("FromFloat(%v): %v, want %v", in, err, want)
		}
	}
}

func TestStoredAsCentimes(t *testing.T) {
	raw, err := json.Marshal(struct{ Fee CHF }{123450})
	if err != nil || string(raw) != `{"Fee":123450}` {
		t.Fatalf("json: %s, %v", raw, err)
	}
	v, err := CHF(123450).Value()
	if err != nil || v != int64(123450) {
		t.Fatalf("value: %v, %v", v, err)
	}
	for _, src := range []any{int64(42), "42", []byte("42")} {
		var c CHF
		if err := c.Scan(src); err != nil || c != 42 {
			t.Errorf("Scan(%T) = %d, %v", src, int64(c), err)
		}
	}
	var c CHF
	for _, src := range []any{nil, 4.2, "x"} {
		if err := c.Scan(src); err == nil {
			t.Errorf("Scan(%v) accepted", src)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("1'234.50")
	f.Add("CHF 20.–")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(c.String())
		if err != nil || again != c {
			t.Errorf("%q → %s → %v, %v", s, c, again, err)
		}
	})
}
