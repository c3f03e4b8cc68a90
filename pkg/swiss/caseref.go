package swiss

import (
	"fmt"
	"io"
	"strings"
)

// CaseRef is the reference of a case, readable aloud: "LUG-2026-7K2M-4":
// letters of the commune, year, four characters of Crockford base 32, one
// check character. Four characters give about a million references per
// commune and year; whoever stores them tries again on a clash.
type CaseRef string

// crockford is Douglas Crockford's base 32: no I, L, O and U, so that a
// reference read over the telephone cannot be mistaken.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// caseRefSeed begins the check computation. It has no meaning; it keeps a
// reference from sharing its check character with the same sequence elsewhere.
const caseRefSeed = 22

// NewCaseRef draws a reference for a commune's prefix (2 to 4 letters) and a
// year of four digits. Random is crypto/rand.Reader outside of tests.
func NewCaseRef(prefix string, year int, random io.Reader) (CaseRef, error) {
	p := compact(prefix, "")
	if !isPrefix(p) {
		return "", notValid("case reference", "prefix needs 2 to 4 letters")
	}
	if year < 2000 || year > 9999 {
		return "", notValid("case reference", "year needs four digits")
	}
	body, err := RandomCrockford(random, 4)
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf("%s%04d%s", p, year, body)
	return CaseRef(fmt.Sprintf("%s-%04d-%s-%c", p, year, body, caseRefCheck(head))), nil
}

// ParseCaseRef reads a reference as people type it: small letters, other
// separators or none, I and L for 1, O for 0. One wrong character and two
// swapped neighbours are always noticed.
func ParseCaseRef(s string) (CaseRef, error) {
	t := compact(s, "-–—./_"+spaces)
	n := len(t) - 9 // year 4, body 4, check 1
	if n < 2 || n > 4 || !isPrefix(t[:n]) {
		return "", notValid("case reference", "must look like AAA-2026-7K2M-4")
	}
	rest := NormalizeCrockford(t[n:])
	if len(rest) != 9 {
		return "", notValid("case reference", "must look like AAA-2026-7K2M-4")
	}
	year, body, check := rest[:4], rest[4:8], rest[8]
	if !allDigits(year) || year[0] == '0' || year[0] == '1' {
		return "", notValid("case reference", "year needs four digits")
	}
	if !isCrockford(body) {
		return "", notValid("case reference", "letter that is never used")
	}
	if caseRefCheck(t[:n]+year+body) != check {
		return "", notValid("case reference", "check character does not match")
	}
	return CaseRef(fmt.Sprintf("%s-%s-%s-%c", t[:n], year, body, check)), nil
}

// RandomCrockford draws n characters of 5 bits each: 16 characters are 80 bits.
func RandomCrockford(random io.Reader, n int) (string, error) {
	raw := make([]byte, n)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("swiss: draw random characters: %w", err)
	}
	for i, b := range raw {
		raw[i] = crockford[b&31] // 256 is a multiple of 32: no bias
	}
	return string(raw), nil
}

// NormalizeCrockford upper-cases, drops separators and reads I and L as 1, O as 0.
func NormalizeCrockford(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case 'I', 'L':
			return '1'
		case 'O':
			return '0'
		default:
			return r
		}
	}, compact(s, "-–—./_"+spaces))
}

// IsCrockford tells whether s is n characters of the alphabet, already normalized.
func IsCrockford(s string, n int) bool { return len(s) == n && isCrockford(s) }

func isCrockford(s string) bool {
	for i := range len(s) {
		if strings.IndexByte(crockford, s[i]) < 0 {
			return false
		}
	}
	return true
}

func isPrefix(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 4
}

// caseRefCheck is Damm's scheme over the field of 32 elements (polynomial
// x⁵+x²+1): interim ← 2·(interim + value). It notices every single wrong
// character and every swap of neighbours (Damm, "Total anti-symmetrische
// Quasigruppen", 2004), and its result is a character of the same alphabet.
// Letters of the prefix count 1 to 26.
func caseRefCheck(head string) byte {
	interim := caseRefSeed
	inPrefix := true
	for i := range len(head) {
		c := head[i]
		inPrefix = inPrefix && isLetter(c)
		value := strings.IndexByte(crockford, c)
		if inPrefix {
			value = int(c-'A') + 1
		}
		interim = (interim ^ value) << 1
		if interim >= 32 {
			interim ^= 0b100101
		}
	}
	return crockford[interim]
}
