package ui

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// QR draws a QR code as SVG: one path, black on white, with the quiet zone of
// four modules that ISO/IEC 18004 asks for.
func QR(text, label string) (QRCode, error) {
	code, err := qr.Encode(text, qr.M, qr.Unicode)
	if err != nil {
		return QRCode{}, fmt.Errorf("ui: QR code: %w", err)
	}
	size := code.Bounds().Dx()
	var b strings.Builder
	for y := range size {
		for x := range size {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+4, y+4)
			}
		}
	}
	return QRCode{Label: label, Path: b.String(), Size: size + 8}, nil
}

// QRCode is a drawn code.
type QRCode struct {
	Label, Path string
	Size        int // modules
}
