package swiss

import "strings"

// UID is an enterprise identification number (IDI/UID/IDE), without points:
// "CHE100155212".
type UID string

// ParseUID reads "CHE-100.155.212", also without separators and with a VAT
// suffix (IVA, MWST, TVA, TPV) or a register suffix (RC, HR), which it drops.
// Rule: eCH-0097; weights 5 4 3 2 7 6 5 4, check digit (11 − Σ mod 11) mod 11,
// numbers whose check would be 10 are never issued.
func ParseUID(s string) (UID, error) {
	t := compact(s, ".-"+spaces)
	for _, suffix := range []string{"IVA", "MWST", "TVA", "TPV", "RC", "HR"} {
		if rest, ok := strings.CutSuffix(t, suffix); ok {
			t = rest
			break
		}
	}
	digits, ok := strings.CutPrefix(t, "CHE")
	if !ok {
		return "", notValid("UID", "must begin with CHE")
	}
	if len(digits) != 9 || !allDigits(digits) {
		return "", notValid("UID", "needs 9 digits after CHE")
	}
	check, ok := uidCheck(digits[:8])
	if !ok || check != digits[8] {
		return "", notValid("UID", "check digit does not match")
	}
	return UID(t), nil
}

// String prints the number as the register does: "CHE-100.155.212".
func (u UID) String() string {
	if len(u) != 12 {
		return string(u)
	}
	return string(u[:3] + "-" + u[3:6] + "." + u[6:9] + "." + u[9:])
}

func uidCheck(eight string) (byte, bool) {
	sum := 0
	for i, w := range [8]int{5, 4, 3, 2, 7, 6, 5, 4} {
		sum += w * int(eight[i]-'0')
	}
	c := (11 - sum%11) % 11
	return byte('0' + c), c != 10
}
