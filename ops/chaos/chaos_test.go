package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A minute of faults, and then every process replaced while people go on: what
// `make chaos` does for ten minutes.
func TestFaultsAndRollingRestart(t *testing.T) {
	dir, err := os.MkdirTemp("", "sportello-chaos-") // not the test's own folder: the databases' account must reach it
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "sportello")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/sportello")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	redis.SetLogger(silent{})
	d, err := deploy(t.Context(), dir, binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			_ = logs(dir, t.Output())
		}
		if err := d.stop(); err != nil {
			t.Error(err)
		}
		if err := forget(dir); err != nil {
			t.Error(err)
		}
	})
	seed := uint64(time.Now().UnixNano()) //nolint:gosec // any number will do; it is printed
	if err := faults(t.Context(), d, options{lasts: time.Minute, seed: seed}, t.Output()); err != nil {
		t.Fatal(err)
	}
	if err := rolling(t.Context(), d, options{lasts: 8 * time.Second}, t.Output()); err != nil {
		t.Fatal(err)
	}
}
