// Package swiss checks and writes the numbers of Swiss administrative life:
// AVS number, enterprise number (IDI), IBAN, payment references, coordinates, number
// plates, and the case references of Sportello.
//
// It holds rules of form alone: whether a number was ever issued is for the
// registers to say. Every Parse accepts what a person types (spaces, points,
// small letters) and answers the one canonical form; errors wrap ErrNotValid.
package swiss

import (
	"errors"
	"fmt"
	"strings"
)

// ErrNotValid means that a text is not a number of the kind asked for: wrong
// length, wrong characters or wrong check digit.
var ErrNotValid = errors.New("swiss: not a valid number")

func notValid(kind, reason string) error {
	return fmt.Errorf("%w: %s: %s", ErrNotValid, kind, reason)
}

// compact upper-cases s and drops the given separators.
func compact(s, separators string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(separators, r):
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		default:
			return r
		}
	}, strings.TrimSpace(s))
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

const spaces = " \u00a0\u202f\t"
