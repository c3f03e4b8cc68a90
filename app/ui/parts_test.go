package ui

import (
	"slices"
	"testing"
)

func TestSplitHours(t *testing.T) {
	tests := []struct {
		text string
		want []textPart
	}{
		{"", nil},
		{"Via della Posta 8", []textPart{{"Via della Posta 8", false}}},
		{"lu-ve 08.30-11.45", []textPart{{"lu-ve ", false}, {"08.30-11.45", true}}},
		{"09.00 – 11.45 e 14.00-16.30, su appuntamento", []textPart{{"09.00 – 11.45", true}, {" e ", false}, {"14.00-16.30", true}, {", su appuntamento", false}}},
		{"tel. 058 866 60 00, CHF 10.00", []textPart{{"tel. 058 866 60 00, CHF 10.00", false}}},
	}
	for _, tt := range tests {
		if got := splitHours(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("splitHours(%q) = %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestProblemsKeepTheOrderOfTheFields(t *testing.T) {
	got := Problems([]Input{{Name: "a", Error: "uno"}, {Name: "b"}, {Name: "c", Error: "tre"}})
	if want := []Problem{{"a", "uno"}, {"c", "tre"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFieldIDsHoldNoSyntax(t *testing.T) {
	for name, want := range map[string]string{"copie": "f-copie", "luogo.via": "f-luogo-via", "figli[0]": "f-figli-0-", "a b": "f-a-b"} {
		if got := FieldID(name); got != want {
			t.Errorf("FieldID(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestIconsAreDecoration(t *testing.T) {
	if !HasIcon("house") || HasIcon("casa") {
		t.Error("icons are known by their names")
	}
	for name, svg := range icons {
		if len(svg) < 100 || !slices.Contains([]string{"<svg class=\"sp-icon\""}, svg[:20]) {
			t.Errorf("%s: %.60s", name, svg)
		}
	}
}
