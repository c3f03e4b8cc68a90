// Package disktest gives a test a disk of its own that can be filled: a file
// system in memory (tmpfs) of a given size, mounted below a new folder and
// unmounted when the test ends. Mounting takes root, or a name space of one's
// own: `unshare --user --map-root-user --mount go test …`.
package disktest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// Disk is a small file system.
type Disk struct {
	Dir string // where it is mounted, open to every account

	temp string
}

// New mounts a disk of size bytes for the length of a test.
func New(t testing.TB, size int) *Disk {
	t.Helper()
	d, err := Mount(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Mount is New for a program; the caller unmounts it.
func Mount(size int) (*Disk, error) {
	temp, err := os.MkdirTemp("", "disk-") // of no test's folder: servers' accounts must reach it
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(temp, 0o755); err != nil { //nolint:gosec // as above
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	d, err := MountAt(filepath.Join(temp, "disk"), size)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	d.temp = temp
	return d, nil
}

// MountAt mounts a disk over a folder, which is made if it is missing.
func MountAt(dir string, size int) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // servers' accounts must reach it
		return nil, err
	}
	if err := mount(dir, size); err != nil {
		return nil, fmt.Errorf("disktest: mounting takes root, or `unshare --user --map-root-user --mount`: %w", err)
	}
	return &Disk{Dir: dir}, nil
}

// Unmount ends the disk with all that is on it, also when something still lies
// open there.
func (d *Disk) Unmount() error {
	err := unmount(d.Dir)
	if d.temp != "" {
		err = errors.Join(err, os.RemoveAll(d.temp))
	}
	return err
}

const filler = "filler"

// Fill takes all the room that is left.
func (d *Disk) Fill(t testing.TB) {
	t.Helper()
	if err := d.TakeRoom(); err != nil {
		t.Fatal(err)
	}
}

// TakeRoom is Fill for a program.
func (d *Disk) TakeRoom() (err error) {
	f, err := os.OpenFile(filepath.Join(d.Dir, filler), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		for {
			if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
				break
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// GiveRoom undoes Fill.
func (d *Disk) GiveRoom() error { return os.Remove(filepath.Join(d.Dir, filler)) }
