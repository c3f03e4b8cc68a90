package swiss

import "strings"

// cantons are the letters on number plates, also the official abbreviations.
const cantons = "AG AI AR BE BL BS FR GE GL GR JU LU NE NW OW SG SH SO SZ TG TI UR VD VS ZG ZH"

// ParsePlate reads a Swiss number plate, "TI 123456" or "ti123456", and
// answers it with one space. Rule: canton, then 1 to 6 digits without leading
// zero (Ordinance on road traffic registration, art. 84 OAC).
func ParsePlate(s string) (string, error) {
	t := compact(s, ".-·•"+spaces)
	if len(t) < 3 || len(t) > 8 {
		return "", notValid("number plate", "needs a canton and 1 to 6 digits")
	}
	canton, digits := t[:2], t[2:]
	if !isLetter(canton[0]) || !isLetter(canton[1]) || !strings.Contains(" "+cantons+" ", " "+canton+" ") {
		return "", notValid("number plate", "unknown canton")
	}
	if !allDigits(digits) || digits[0] == '0' {
		return "", notValid("number plate", "needs 1 to 6 digits, the first not 0")
	}
	return canton + " " + digits, nil
}
