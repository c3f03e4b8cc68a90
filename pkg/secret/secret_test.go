package secret

import (
	"bytes"
	"errors"
	"testing"
)

func TestOpensOnlyWhereItWasSealed(t *testing.T) {
	master := bytes.Repeat([]byte{7}, 32)
	box, err := New(master, "payments")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := box.Seal([]byte("top"), "lugano:account")
	if err != nil {
		t.Fatal(err)
	}
	again, _ := box.Seal([]byte("top"), "lugano:account")
	if bytes.Equal(sealed, again) {
		t.Error("two seals of one secret are the same")
	}
	if got, err := box.Open(sealed, "lugano:account"); err != nil || string(got) != "top" {
		t.Fatalf("%q %v", got, err)
	}
	other, _ := New(master, "staff")
	for name, open := range map[string]func() ([]byte, error){
		"another commune": func() ([]byte, error) { return box.Open(sealed, "chiasso:account") },
		"another purpose": func() ([]byte, error) { return other.Open(sealed, "lugano:account") },
		"one bit": func() ([]byte, error) {
			b := bytes.Clone(sealed)
			b[len(b)-1] ^= 1
			return box.Open(b, "lugano:account")
		},
		"another version": func() ([]byte, error) { b := bytes.Clone(sealed); b[0] = 9; return box.Open(b, "lugano:account") },
		"cut":             func() ([]byte, error) { return box.Open(sealed[:10], "lugano:account") },
		"nothing":         func() ([]byte, error) { return box.Open(nil, "") },
	} {
		if _, err := open(); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New([]byte("short"), ""); err == nil {
		t.Error("a short master key was taken")
	}
}
