package check_test

import (
	"io"
	"log"
	"os"
	"testing"
)

// Helm tells of every link it follows, each time.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}
