//go:build unix

package doctor

import "golang.org/x/sys/unix"

// freeBytes is how much an ordinary account may still write below dir.
func freeBytes(dir string) (uint64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true //nolint:gosec,unconvert // types differ between systems
}
