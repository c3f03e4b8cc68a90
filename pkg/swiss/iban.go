package swiss

import "strings"

// IBAN is an account number without spaces: "CH9300762011623852957".
type IBAN string

// ParseIBAN reads an IBAN of any country, with or without spaces. Rule:
// ISO 13616, 15 to 34 characters, mod 97 = 1; Swiss and Liechtenstein numbers
// have exactly 21 characters.
func ParseIBAN(s string) (IBAN, error) {
	t := compact(s, spaces)
	switch {
	case len(t) < 15 || len(t) > 34:
		return "", notValid("IBAN", "needs 15 to 34 characters")
	case !isLetter(t[0]) || !isLetter(t[1]) || !allDigits(t[2:4]):
		return "", notValid("IBAN", "must begin with two letters and two digits")
	case (t[:2] == "CH" || t[:2] == "LI") && len(t) != 21:
		return "", notValid("IBAN", "a Swiss IBAN has 21 characters")
	}
	rest, ok := mod97(t[4:] + t[:4])
	if !ok {
		return "", notValid("IBAN", "only letters and digits")
	}
	if rest != 1 {
		return "", notValid("IBAN", "check digits do not match")
	}
	return IBAN(t), nil
}

// IsSwiss tells whether the account is in Switzerland or Liechtenstein, the
// only ones that may stand on a QR-bill.
func (i IBAN) IsSwiss() bool {
	return strings.HasPrefix(string(i), "CH") || strings.HasPrefix(string(i), "LI")
}

// IsQR tells whether this is a QR-IBAN, which must go with a QR reference: a
// Swiss IBAN whose institution number (IID) lies in 30000–31999 (SIX
// Implementation Guidelines QR-bill v2.3).
func (i IBAN) IsQR() bool {
	return i.IsSwiss() && len(i) == 21 && i[4:9] >= "30000" && i[4:9] <= "31999"
}

// String prints groups of four: "CH93 0076 2011 6238 5295 7".
func (i IBAN) String() string { return grouped(string(i), 4, 0) }

// ParseQRReference reads a QR reference of 27 digits, with or without spaces.
// Rule: last digit recursive modulo 10; a reference of zeros is refused.
func ParseQRReference(s string) (string, error) {
	t := compact(s, spaces)
	switch {
	case len(t) != 27 || !allDigits(t):
		return "", notValid("QR reference", "needs 27 digits")
	case strings.Trim(t, "0") == "":
		return "", notValid("QR reference", "must not be all zeros")
	case mod10Recursive(t[:26]) != t[26]:
		return "", notValid("QR reference", "check digit does not match")
	}
	return t, nil
}

// NewQRReference pads up to 26 digits with zeros on the left and adds the check digit.
func NewQRReference(digits string) (string, error) {
	t := compact(digits, spaces)
	if len(t) > 26 || !allDigits(t) {
		return "", notValid("QR reference", "needs 1 to 26 digits")
	}
	t = strings.Repeat("0", 26-len(t)) + t
	return ParseQRReference(t + string(mod10Recursive(t)))
}

// FormatQRReference prints "21 00000 00003 13947 14300 09017".
func FormatQRReference(ref string) string { return grouped(ref, 5, len(ref)%5) }

// ParseCreditorReference reads an ISO 11649 reference ("RF18 5390 0754 7034"):
// RF, two check digits by mod 97, 1 to 21 letters and digits.
func ParseCreditorReference(s string) (string, error) {
	t := compact(s, spaces)
	if len(t) < 5 || len(t) > 25 || !strings.HasPrefix(t, "RF") || !allDigits(t[2:4]) {
		return "", notValid("creditor reference", "must be RF, two digits and up to 21 characters")
	}
	if rest, ok := mod97(t[4:] + t[:4]); !ok || rest != 1 {
		return "", notValid("creditor reference", "check digits do not match")
	}
	return t, nil
}

// NewCreditorReference puts RF and check digits before 1 to 21 letters and digits.
func NewCreditorReference(body string) (string, error) {
	t := compact(body, spaces)
	if t == "" || len(t) > 21 {
		return "", notValid("creditor reference", "needs 1 to 21 characters")
	}
	rest, ok := mod97(t + "RF00")
	if !ok {
		return "", notValid("creditor reference", "only letters and digits")
	}
	check := 98 - rest
	return "RF" + string([]byte{byte('0' + check/10), byte('0' + check%10)}) + t, nil
}

// mod97 reads letters as 10…35 (ISO 7064); false for other characters.
func mod97(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			n = (n*10 + int(c-'0')) % 97
		case isLetter(c):
			n = (n*100 + int(c-'A') + 10) % 97
		default:
			return 0, false
		}
	}
	return n, true
}

func mod10Recursive(digits string) byte {
	table := [10]int{0, 9, 4, 6, 8, 2, 7, 1, 3, 5}
	carry := 0
	for i := range len(digits) {
		carry = table[(carry+int(digits[i]-'0'))%10]
	}
	return byte('0' + (10-carry)%10)
}

func isLetter(c byte) bool { return c >= 'A' && c <= 'Z' }

// grouped puts a space after the first characters and then after each size.
func grouped(s string, size, first int) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && i >= first && (i-first)%size == 0 {
			b.WriteByte(' ')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
