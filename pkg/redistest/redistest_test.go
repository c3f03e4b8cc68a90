package redistest_test

import (
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/redistest"
)

func TestEachTestHasItsOwn(t *testing.T) {
	a, b := redistest.New(t), redistest.New(t)
	if err := redistest.Client(t, a).Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n := redistest.Client(t, b).Exists(t.Context(), "k").Val(); n != 0 {
		t.Error("one test sees the other's key")
	}
}

func TestAServerThatExistsIsShared(t *testing.T) {
	server := redistest.New(t)
	t.Setenv("SPORTELLO_REDIS_URL", server)
	var first string
	t.Run("one", func(t *testing.T) {
		first = redistest.New(t)
		second := redistest.New(t)
		if first == second || strings.HasSuffix(first, "/0") {
			t.Errorf("databases %s and %s", first, second)
		}
		redistest.Client(t, first).Set(t.Context(), "k", "v", 0)
	})
	again := redistest.New(t)
	if again != first {
		t.Errorf("a database given back is taken again: got %s, want %s", again, first)
	}
	if n := redistest.Client(t, again).DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("the borrowed database holds %d keys of the test before", n)
	}
}
