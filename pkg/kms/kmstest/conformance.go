package kmstest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/kms"
)

// Kind is one kind of master key under test.
type Kind struct {
	Master kms.Master
	Other  kms.Master // another key of the same kind; nil where the kind has none
	Same   kms.Master // the same key, as another process opens it
	Away   func(bool) // makes the service disappear and return; nil for one that cannot
	Rotate func()     // adds a version to the key; nil for one that has none
}

// Conformance checks what every master key must do.
func Conformance(t *testing.T, k Kind) {
	ctx := context.Background()
	plain, place := []byte("a keyset of some commune"), []byte("keyset lugano/data")
	sealed, err := k.Master.EncryptWithContext(ctx, plain, place)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, plain) {
		t.Error("the ciphertext holds the plaintext")
	}
	if again, err := k.Master.EncryptWithContext(ctx, plain, place); err != nil || bytes.Equal(again, sealed) {
		t.Errorf("the same plaintext gives the same ciphertext: %v", err)
	}
	for name, m := range map[string]kms.Master{"the same": k.Master, "another process": k.Same} {
		if got, err := m.DecryptWithContext(ctx, sealed, place); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if m.Name() != k.Master.Name() || m.Name() == "" {
			t.Errorf("%s is called %q and %q", name, k.Master.Name(), m.Name())
		}
	}
	if _, err := k.Master.DecryptWithContext(ctx, sealed, []byte("keyset chiasso/data")); !errors.Is(err, kms.ErrOpen) {
		t.Errorf("opened in another place: %v", err)
	}
	broken := bytes.Clone(sealed)
	broken[len(broken)-6] ^= 1
	for _, bad := range [][]byte{nil, []byte("x"), broken} {
		if _, err := k.Master.DecryptWithContext(ctx, bad, place); !errors.Is(err, kms.ErrOpen) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if k.Other != nil {
		if _, err := k.Other.DecryptWithContext(ctx, sealed, place); err == nil {
			t.Error("another master key opens it")
		}
		if k.Other.Name() == k.Master.Name() {
			t.Error("two master keys have one name")
		}
	}
	if strings.Contains(k.Master.Name(), Token) {
		t.Error("the name holds the token")
	}
	if k.Rotate != nil {
		k.Rotate()
		if got, err := k.Master.DecryptWithContext(ctx, sealed, place); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("after a new version of the key: %v", err)
		}
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := k.Master.EncryptWithContext(ctx, plain, place)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := k.Same.DecryptWithContext(ctx, s, place); err != nil || !bytes.Equal(got, plain) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if k.Away != nil {
		k.Away(true)
		if _, err := k.Master.DecryptWithContext(ctx, sealed, place); !errors.Is(err, kms.ErrUnavailable) {
			t.Errorf("away: %v", err)
		}
		if _, err := k.Master.EncryptWithContext(ctx, plain, place); !errors.Is(err, kms.ErrUnavailable) {
			t.Errorf("away: %v", err)
		}
		k.Away(false)
		if err := kms.NewChain(k.Master).Check(ctx); err != nil {
			t.Errorf("back again: %v", err)
		}
	}
}
