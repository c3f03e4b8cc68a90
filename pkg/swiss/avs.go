package swiss

import "strings"

// AVS is an old-age insurance number of 13 digits (AHV/AVS/OASI number),
// without points: "7569217076985".
type AVS string

// ParseAVS reads "756.9217.0769.85" or the bare digits. Rule: country prefix
// 756, nine digits, EAN-13 check digit (Central Compensation Office).
func ParseAVS(s string) (AVS, error) {
	d := compact(s, "."+spaces)
	switch {
	case len(d) != 13 || !allDigits(d):
		return "", notValid("AVS number", "needs 13 digits")
	case !strings.HasPrefix(d, "756"):
		return "", notValid("AVS number", "must begin with 756")
	case ean13(d[:12]) != d[12]:
		return "", notValid("AVS number", "check digit does not match")
	}
	return AVS(d), nil
}

// AVSWithCheck completes twelve digits that begin with 756 by their check
// digit. It serves the invented people of demo and tests.
func AVSWithCheck(twelve string) (AVS, error) {
	if len(twelve) != 12 || !allDigits(twelve) {
		return "", notValid("AVS number", "needs 12 digits before the check digit")
	}
	return ParseAVS(twelve + string(ean13(twelve)))
}

// String prints the number with points: "756.9217.0769.85".
func (a AVS) String() string {
	if len(a) != 13 {
		return string(a)
	}
	return string(a[:3] + "." + a[3:7] + "." + a[7:11] + "." + a[11:])
}

func ean13(twelve string) byte {
	sum := 0
	for i := range 12 {
		d := int(twelve[i] - '0')
		if i%2 == 1 {
			d *= 3
		}
		sum += d
	}
	return byte('0' + (10-sum%10)%10)
}
