package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"

	"github.com/sportello-ticino/sportello/pkg/blob"
)

type cipher struct {
	*subtle.AESGCM
	only bool
}

func (c *cipher) Seal(plain []byte, place string) ([]byte, error) {
	return c.Encrypt(plain, []byte(place))
}
func (c *cipher) Open(sealed []byte, place string) ([]byte, error) {
	return c.Decrypt(sealed, []byte(place))
}
func (c *cipher) OnlySealed() bool { return c.only }

func newCipher(t *testing.T, fill byte) *cipher {
	t.Helper()
	a, err := subtle.NewAESGCM(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &cipher{AESGCM: a}
}

// bytesOn are all files under a folder, by their path from it.
func bytesOn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	if err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		out[rel], err = os.ReadFile(p)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSealedFilesOpenOnlyWhereTheyWerePut(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	b, err := blob.Open(ctx, "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte("%PDF-1.7 il contenuto di un documento")
	if _, err := b.For("lugano").Put(ctx, "a/before", "application/pdf", plain); err != nil {
		t.Fatal(err)
	}
	keys := map[string]*cipher{"lugano": newCipher(t, 1), "chiasso": newCipher(t, 2)}
	b.UseKeys(func(_ context.Context, scope string) (blob.Cipher, error) {
		if c := keys[scope]; c != nil {
			return c, nil
		}
		return nil, errors.New("unknown commune")
	})
	here := b.For("lugano")
	o, err := here.Put(ctx, "a/one", "application/pdf", plain)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a/one", "a/before"} {
		got, read, err := here.Get(ctx, key)
		if err != nil || !bytes.Equal(got, plain) || read.SHA256 != o.SHA256 || read.ContentType != "application/pdf" || read.Size != int64(len(plain)) {
			t.Errorf("%s: %q %+v %v", key, got, read, err)
		}
	}
	if err := here.Reseal(ctx, "a/before"); err != nil {
		t.Fatal(err)
	}
	for name, data := range bytesOn(t, dir) {
		if bytes.Contains(data, []byte("contenuto")) || bytes.Contains(data, []byte(o.SHA256)) {
			t.Errorf("%s tells what is in the file", name)
		}
	}
	stored := filepath.Join(dir, "lugano", "a", "one")
	copied := func(to string) {
		t.Helper()
		for _, end := range []string{"", ".attrs"} {
			data, err := os.ReadFile(stored + end)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, to)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, to)+end, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	copied("lugano/a/two")
	copied("chiasso/a/one")
	if _, _, err := here.Get(ctx, "a/two"); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("copied to another place: %v", err)
	}
	if _, _, err := b.For("chiasso").Get(ctx, "a/one"); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("copied to the neighbour: %v", err)
	}
	if _, err := b.For("nowhere").Put(ctx, "a/one", "text/plain", plain); err == nil {
		t.Error("a commune without keys stores files")
	}
	data, err := os.ReadFile(stored)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(stored, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := here.Get(ctx, "a/one"); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("changed on the disk: %v", err)
	}
	// Once nothing unsealed is left, a file without a seal was put by a stranger.
	forged, err := blob.Open(ctx, "file://"+dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := forged.For("lugano").Put(ctx, "a/forged", "application/pdf", plain); err != nil {
		t.Fatal(err)
	}
	if _, _, err := here.Get(ctx, "a/forged"); err != nil {
		t.Errorf("while old files are read: %v", err)
	}
	keys["lugano"].only = true
	if _, _, err := here.Get(ctx, "a/forged"); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("a forged file: %v", err)
	}
	if _, _, err := forged.For("lugano").Get(ctx, "a/before"); !errors.Is(err, blob.ErrSealed) {
		t.Errorf("a process without keys: %v", err)
	}
}
