package catalogue_test

import (
	"testing"
	"time"
)

// eventually waits for what reaches a process within a second or so.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatal("it did not happen within 15 seconds")
}
