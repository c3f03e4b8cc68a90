package swiss

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
)

func TestCaseRefAsPeopleTypeIt(t *testing.T) {
	check(t, "ParseCaseRef", ParseCaseRef, map[string]CaseRef{
		"LUG-2026-7K2M-4": "LUG-2026-7K2M-4", "lug-2026-7k2m-4": "LUG-2026-7K2M-4", "LUG 2026 7K2M 4": "LUG-2026-7K2M-4",
		"LUG20267K2M4": "LUG-2026-7K2M-4", "lug/2O26/7k2m/4": "LUG-2026-7K2M-4", "  LUG–2026–7K2M–4 ": "LUG-2026-7K2M-4",
	}, []string{
		"LUG-2026-7K2M-5", "LUG-2026-7K2M", "BEL-2026-7K2M-4", "LUG-2025-7K2M-4", "LUG-2026-K72M-4", "GLU-2026-7K2M-4",
		"LUG-2026-7U2M-4", "L-2026-7K2M-4", "LUGANO-2026-7K2M-4", "LUG-0026-7K2M-4", "LUG-2026-7Ż2M-4",
	})
}

func TestCaseRefReadsConfusableLetters(t *testing.T) {
	ref, err := NewCaseRef("CHI", 2026, bytes.NewReader([]byte{0, 1, 1, 0})) // body 0110
	if err != nil {
		t.Fatal(err)
	}
	head, tail := string(ref[:9]), string(ref[13:])
	for _, body := range []string{"OIIO", "oLi0", "01l0", "o11O"} {
		if got, err := ParseCaseRef(head + body + tail); err != nil || got != ref {
			t.Errorf("%s%s%s = %q, %v; want %q", head, body, tail, got, err, ref)
		}
	}
}

// Every single wrong character and every swap of two neighbours is noticed.
func TestCaseRefNoticesSlips(t *testing.T) {
	const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	for range 200 {
		ref, err := NewCaseRef("MEN", 2026, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseCaseRef(string(ref)); err != nil || got != ref {
			t.Fatalf("%s does not read back: %v", ref, err)
		}
		s := strings.ReplaceAll(string(ref), "-", "")
		for i := range len(s) {
			for _, c := range alphabet {
				if wrong := s[:i] + string(c) + s[i+1:]; wrong != s {
					if got, err := ParseCaseRef(wrong); err == nil {
						t.Errorf("%s accepted for %s as %s", wrong, ref, got)
					}
				}
			}
			if i > 0 && s[i] != s[i-1] {
				wrong := s[:i-1] + string(s[i]) + string(s[i-1]) + s[i+1:]
				if got, err := ParseCaseRef(wrong); err == nil {
					t.Errorf("swap %s accepted for %s as %s", wrong, ref, got)
				}
			}
		}
	}
}

func TestNewCaseRefRefuses(t *testing.T) {
	for _, prefix := range []string{"", "L", "LUGANO", "L1", "Lü"} {
		if got, err := NewCaseRef(prefix, 2026, rand.Reader); !errors.Is(err, ErrNotValid) {
			t.Errorf("prefix %q: %q, %v", prefix, got, err)
		}
	}
	if _, err := NewCaseRef("LUG", 26, rand.Reader); !errors.Is(err, ErrNotValid) {
		t.Errorf("year 26: %v", err)
	}
	if _, err := NewCaseRef("LUG", 2026, strings.NewReader("abc")); err == nil {
		t.Error("short random source accepted")
	}
}

func FuzzParsers(f *testing.F) {
	for _, s := range []string{"LUG-2026-7K2M-4", "756.9217.0769.85", "CHE-100.155.212", "CH93 0076 2011 6238 5295 7", "RF18539007547034", "TI 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := ParseCaseRef(s); err == nil {
			if again, err := ParseCaseRef(string(r)); err != nil || again != r {
				t.Errorf("case reference %q is not canonical", r)
			}
		}
		if r, err := ParseAVS(s); err == nil {
			if again, err := ParseAVS(r.String()); err != nil || again != r {
				t.Errorf("AVS %q is not canonical", r)
			}
		}
		if r, err := ParseUID(s); err == nil {
			if again, err := ParseUID(r.String()); err != nil || again != r {
				t.Errorf("UID %q is not canonical", r)
			}
		}
		if r, err := ParseIBAN(s); err == nil {
			if again, err := ParseIBAN(r.String()); err != nil || again != r {
				t.Errorf("IBAN %q is not canonical", r)
			}
		}
		_, _ = ParseQRReference(s)
		_, _ = ParseCreditorReference(s)
		_, _ = ParsePlate(s)
	})
}
