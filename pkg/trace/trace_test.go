package trace_test

import (
	"errors"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/trace"
)

// Most installations have no collector: what they pay for traces is nothing.
func TestCostsNothingWhenOff(t *testing.T) {
	ctx, err := t.Context(), errors.New("cause")
	if n := testing.AllocsPerRun(100, func() {
		_, s := trace.Start(ctx, trace.Request, "GET /", "chiasso")
		_, in := trace.Inside(ctx, trace.Transaction, "read", "chiasso")
		in.End(err)
		s.Status(500)
		s.End(nil)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
