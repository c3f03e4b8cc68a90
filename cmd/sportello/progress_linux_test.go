package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo terminal: what a person types at, and what they see.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// TestProgressIsOneLineOnATerminal and plain lines elsewhere.
func TestProgressIsOneLineOnATerminal(t *testing.T) {
	person, program := terminal(t)
	p := progressTo(program, "lugano")
	p.say(5, "table", "cases")
	p.say(60, "files", strings.Repeat("x", 300))
	p.end()
	seen, err := bufio.NewReader(person).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(seen, "\n") != 1 || strings.Count(seen, "\r\x1b[K") != 2 || !strings.Contains(seen, "5%") || len(seen) > 300 {
		t.Errorf("on a terminal: %q", seen)
	}

	var log bytes.Buffer
	p = progressTo(&log, "lugano")
	p.say(5, "table", "cases")
	p.say(60, "files", "")
	p.end()
	if got := log.String(); strings.Count(got, "\n") != 2 || strings.ContainsAny(got, "\r\x1b") {
		t.Errorf("in a log: %q", got)
	}
}
