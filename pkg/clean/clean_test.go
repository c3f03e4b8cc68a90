package clean_test

import (
	"testing"

	"github.com/sportello-ticino/sportello/pkg/clean"
)

func TestText(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"tutto bene", 20, "tutto bene"},
		{"è già", 1, ""},                        // è has two bytes
		{"perché", 6, "perch"},                  // and so has é
		{"Bo\xeete pleine", 20, "Bo�te pleine"}, // Latin-1
		{"a\x00b", 9, "ab"},
	} {
		if got := clean.Text(c.in, c.n); got != c.want {
			t.Errorf("%q at %d: %q, want %q", c.in, c.n, got, c.want)
		}
	}
}
