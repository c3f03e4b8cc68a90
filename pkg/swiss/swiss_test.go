package swiss

import (
	"errors"
	"strings"
	"testing"
)

// Vectors marked "stdnum" are facts taken from the tests of python-stdnum
// (github.com/arthurdejong/python-stdnum); those marked "qrbill" from the tests
// of SwissQRBill 3.4.0 (github.com/manuelbl/SwissQRBill).

func check[T ~string](t *testing.T, name string, parse func(string) (T, error), valid map[string]T, invalid []string) {
	t.Helper()
	for in, want := range valid {
		if got, err := parse(in); err != nil || got != want {
			t.Errorf("%s(%q) = %q, %v; want %q", name, in, got, err, want)
		}
	}
	for _, in := range append(invalid, "", " ", "é", strings.Repeat("1", 1000)) {
		if got, err := parse(in); !errors.Is(err, ErrNotValid) {
			t.Errorf("%s(%q) = %q, %v; want ErrNotValid", name, in, got, err)
		}
	}
}

func TestAVS(t *testing.T) {
	check(t, "ParseAVS", ParseAVS, map[string]AVS{ // stdnum
		"756.9217.0769.85": "7569217076985", "7569217076985": "7569217076985", " 756 9217 0769 85 ": "7569217076985",
	}, []string{"756.9217.0769.84", "123.4567.8910.19", "756.9217.0769.8", "756.9217.0769.8x"})
	if got := AVS("7569217076985").String(); got != "756.9217.0769.85" {
		t.Errorf("String = %q", got)
	}
	if got, err := AVSWithCheck("756000000001"); err != nil || got[:12] != "756000000001" {
		t.Errorf("AVSWithCheck = %q, %v", got, err)
	}
}

func TestUID(t *testing.T) {
	check(t, "ParseUID", ParseUID, map[string]UID{ // stdnum
		"CHE-100.155.212": "CHE100155212", "che100155212": "CHE100155212", "CHE-107.787.577 IVA": "CHE107787577",
		"CHE-107.787.577 MWST": "CHE107787577",
	}, []string{"CHE-100.155.213", "CHE-107.787.578 IVA", "100.155.212", "CHE-100.155.21", "CHE-100.155.2121"})
	if got := UID("CHE100155212").String(); got != "CHE-100.155.212" {
		t.Errorf("String = %q", got)
	}
}

func TestUIDNeverIssuesCheckTen(t *testing.T) {
	refused := 0
	for _, eight := range []string{"00000003", "90000000"} {
		if _, ok := uidCheck(eight); !ok {
			refused++
			for c := '0'; c <= '9'; c++ {
				if _, err := ParseUID("CHE" + eight + string(c)); err == nil {
					t.Errorf("CHE%s%c accepted", eight, c)
				}
			}
		}
	}
	if refused == 0 {
		t.Error("no vector reached check 10")
	}
}

func TestIBAN(t *testing.T) {
	check(t, "ParseIBAN", ParseIBAN, map[string]IBAN{ // qrbill; the first is SIX's printed example
		"CH93 0076 2011 6238 5295 7": "CH9300762011623852957", "FR7630066100410001057380116": "FR7630066100410001057380116",
		"FR76 3006 6100 4100 0105 7380 116": "FR7630066100410001057380116", " DE12500105170648489890 ": "DE12500105170648489890",
		"MT98mmeb44093000000009027293051": "MT98MMEB44093000000009027293051",
	}, []string{
		"CH04", "CH 04", "SE64-1200-0000-0121-7014-5230", "0K9311110000001057361004", "S 056031001001300933",
		" GBF2ESSE40486562136016", "FR7A30066100410001057380116", "DK5650510001322617", "CH9300762011623852958",
	})
	if got := IBAN("CH9300762011623852957").String(); got != "CH93 0076 2011 6238 5295 7" {
		t.Errorf("String = %q", got)
	}
	for in, want := range map[string]bool{ // the accounts of the qrbill payloads
		"CH4431999123000889012": true, "CH5800791123000889012": false, "CH3709000000304442225": false, "DE12500105170648489890": false,
	} {
		i, err := ParseIBAN(in)
		if err != nil || i.IsQR() != want {
			t.Errorf("IsQR(%s) = %v, %v; want %v", in, i.IsQR(), err, want)
		}
	}
}

func TestQRReference(t *testing.T) {
	check(t, "ParseQRReference", ParseQRReference, map[string]string{ // qrbill, stdnum
		"210000000003139471430009017": "210000000003139471430009017", "21 00000 00003 13947 14300 09017": "210000000003139471430009017",
	}, []string{
		"2100000003139471430009017", "210000S00003139471430009017", "210000000%03139471430009017", "210000000003139471430009016",
		"000000000000000000000000000", "00 00000 00000 00000 00000 00000",
	})
	if got, err := NewQRReference("123456"); err != nil || got != "000000000000000000001234565" { // qrbill
		t.Errorf("NewQRReference = %q, %v", got, err)
	}
	if got := FormatQRReference("210000000003139471430009017"); got != "21 00000 00003 13947 14300 09017" {
		t.Errorf("FormatQRReference = %q", got)
	}
}

func TestCreditorReference(t *testing.T) {
	check(t, "ParseCreditorReference", ParseCreditorReference, map[string]string{ // qrbill
		"RF49N73GBST73AKL38ZX": "RF49N73GBST73AKL38ZX", "RF08 B370 0321": "RF08B3700321", "RF 44 all lower case": "RF44ALLLOWERCASE",
		" RF19N8BG33KQ9HSS7BG ": "RF19N8BG33KQ9HSS7BG", "RF66qs9H7NJ4fvs99SPO": "RF66QS9H7NJ4FVS99SPO", "RF040": "RF040",
		"RF18539007547034": "RF18539007547034",
	}, []string{
		"RF04", "RF 04", "RF04GHJ74CV9B4DFH99RXPLMMQ43JKL0", "RF20.0000.3", "DK5750510001322617", " RO49AAAA1B31007593840000",
		" RFA8FN3DD938494", "RF0CNHF",
	})
	for body, want := range map[string]string{"B334BOPQE39D902DC": "RF91B334BOPQE39D902DC", "7": "RF097"} { // qrbill
		if got, err := NewCreditorReference(body); err != nil || got != want {
			t.Errorf("NewCreditorReference(%q) = %q, %v; want %q", body, got, err, want)
		}
	}
}

func TestPlate(t *testing.T) {
	check(t, "ParsePlate", ParsePlate, map[string]string{
		"TI 123456": "TI 123456", "ti123456": "TI 123456", "TI·7": "TI 7", "ZH 1": "ZH 1", "GR-42": "GR 42",
	}, []string{"TI", "TI 0123", "TI 1234567", "XX 123", "123456", "TI 12A", "IT AB123"})
}
