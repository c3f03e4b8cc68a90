package blob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/blob"
)

func open(t *testing.T, address string) *blob.Bucket {
	t.Helper()
	b, err := blob.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func TestFilesStayInTheirScope(t *testing.T) {
	for _, address := range []string{"mem://", "file://" + filepath.Join(t.TempDir(), "blobs")} {
		b := open(t, address)
		one, two := b.For("one"), b.For("two")
		put, err := one.Put(t.Context(), "documents/a.pdf", "application/pdf", []byte("paper"))
		if err != nil || put.Size != 5 || len(put.SHA256) != 64 {
			t.Fatalf("%s: %+v %v", address, put, err)
		}
		data, got, err := one.Get(t.Context(), "documents/a.pdf")
		if err != nil || string(data) != "paper" || got != put {
			t.Errorf("%s: %q %+v %v", address, data, got, err)
		}
		if _, _, err := two.Get(t.Context(), "documents/a.pdf"); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("%s: the neighbour gets %v", address, err)
		}
		if ok, err := one.Exists(t.Context(), "documents/a.pdf"); !ok || err != nil {
			t.Errorf("%s: Exists %t %v", address, ok, err)
		}
		for range 2 {
			if err := one.Delete(t.Context(), "documents/a.pdf"); err != nil {
				t.Errorf("%s: %v", address, err)
			}
		}
		if ok, err := one.Exists(t.Context(), "documents/a.pdf"); ok || err != nil {
			t.Errorf("%s: after Delete: %t %v", address, ok, err)
		}
	}
}

func TestNamesThatLeaveAreRefused(t *testing.T) {
	b := open(t, "mem://")
	for _, c := range [][2]string{
		{"one", "../two/a"}, {"one", "a/../../two/a"}, {"one", "/a"}, {"one", ""}, {"one", "a//b"}, {"one", "a/"}, {"one", ".hidden"},
		{"one", "a\x00b"}, {"one", "è"}, {"one", "a.attrs"}, {"one", strings.Repeat("a", 501)},
		{"", "a"}, {"One", "a"}, {"..", "a"}, {"one/two", "a"},
	} {
		s := b.For(c[0])
		_, err1 := s.Put(t.Context(), c[1], "text/plain", nil)
		_, _, err2 := s.Get(t.Context(), c[1])
		_, err3 := s.Exists(t.Context(), c[1])
		for _, err := range []error{err1, err2, err3, s.Delete(t.Context(), c[1])} {
			if !errors.Is(err, blob.ErrName) {
				t.Errorf("%q %q: %v", c[0], c[1], err)
			}
		}
	}
	if _, err := (blob.Scope{}).Put(t.Context(), "a", "", nil); !errors.Is(err, blob.ErrName) {
		t.Errorf("zero scope: %v", err)
	}
}

func TestAFileChangedOnTheDiskIsNoticed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	s := open(t, "file://"+dir).For("one")
	if _, err := s.Put(t.Context(), "a.pdf", "application/pdf", []byte("paper")); err != nil {
		t.Fatal(err)
	}
	changed := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "a.pdf") {
			changed++
			return os.WriteFile(path, []byte("Paper"), 0o600)
		}
		return err
	})
	if err != nil || changed != 1 {
		t.Fatal(changed, err)
	}
	if _, _, err := s.Get(t.Context(), "a.pdf"); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("got %v, want ErrChanged", err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v %v", info.Mode(), err)
	}
}

func TestOtherPlacesAreRefused(t *testing.T) {
	if _, err := blob.Open(t.Context(), "s3://bucket"); err == nil {
		t.Error("accepted")
	}
}
