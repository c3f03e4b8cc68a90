package blob_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/disktest"
)

// TestAFullDiskKeepsNothingHalf: on a real full disk a file is refused by name,
// nothing half written stays, and once there is room it goes in.
func TestAFullDiskKeepsNothingHalf(t *testing.T) {
	t.Parallel()
	disk := disktest.New(t, 1<<20)
	b, err := blob.Open(t.Context(), "file://"+disk.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	scope := b.For("lugano")
	if _, err := scope.Put(t.Context(), "before", "text/plain", []byte("before")); err != nil {
		t.Fatal(err)
	}
	disk.Fill(t)
	if b.NoRoom() {
		t.Error("it says that there is no room before anybody was refused")
	}
	if _, err := scope.Put(t.Context(), "paper", "application/pdf", make([]byte, 300<<10)); !errors.Is(err, blob.ErrFull) || !b.NoRoom() {
		t.Errorf("on a full disk: %v", err)
	}
	if _, _, err := scope.Get(t.Context(), "paper"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the refused file: %v", err)
	}
	if data, _, err := scope.Get(t.Context(), "before"); err != nil || string(data) != "before" {
		t.Errorf("what was there: %q, %v", data, err)
	}
	if err := disk.GiveRoom(); err != nil {
		t.Fatal(err)
	}
	if _, err := scope.Put(t.Context(), "paper", "application/pdf", make([]byte, 300<<10)); err != nil {
		t.Errorf("with room again: %v", err)
	}
	names, err := filepath.Glob(filepath.Join(disk.Dir, "lugano", "*"))
	if err != nil || len(names) != 4 { // each file and what is noted beside it
		t.Errorf("left there: %q, %v", names, err)
	}
	if _, err := os.Stat(filepath.Join(disk.Dir, "lugano", "paper")); err != nil {
		t.Error(err)
	}
}
