package problem_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/pkg/problem"
)

func TestEveryConstructorHasItsStatus(t *testing.T) {
	for _, c := range []struct {
		make   func(code, key string) *problem.Error
		status int
		name   string
	}{
		{problem.NotFound, http.StatusNotFound, "not-found"},
		{problem.Invalid, http.StatusUnprocessableEntity, "invalid"},
		{problem.Forbidden, http.StatusForbidden, "forbidden"},
		{problem.Unauthenticated, http.StatusUnauthorized, "unauthenticated"},
		{problem.Conflict, http.StatusConflict, "conflict"},
		{problem.TooMany, http.StatusTooManyRequests, "too-many"},
		{problem.Unavailable, http.StatusServiceUnavailable, "unavailable"},
		{problem.TooLarge, http.StatusRequestEntityTooLarge, "too-large"},
		{problem.Internal, http.StatusInternalServerError, "internal"},
	} {
		p := c.make("a.b", "a.text")
		if p.Status() != c.status || p.Kind.String() != c.name || p.Code != "a.b" || p.Key != "a.text" {
			t.Errorf("%s: got %d %q %q %q", c.name, p.Status(), p.Kind, p.Code, p.Key)
		}
	}
	if got := problem.Kind(200).Status(); got != http.StatusInternalServerError {
		t.Errorf("unknown kind: status %d, want 500", got)
	}
}

func TestRefiningLeavesTheSentinelAlone(t *testing.T) {
	sentinel := problem.Invalid("forms.invalid", "forms.invalid")
	got := sentinel.With("count", 2).WithField("birth_date", "forms.date").WithRetry(time.Second).Wrap(io.EOF)
	if sentinel.Params != nil || sentinel.Fields != nil || sentinel.RetryAfter != 0 || errors.Unwrap(sentinel) != nil {
		t.Fatalf("sentinel was changed: %+v", sentinel)
	}
	wrapped := fmt.Errorf("submit: %w", got)
	if !errors.Is(wrapped, sentinel) || !errors.Is(wrapped, io.EOF) {
		t.Error("a refined copy must be found as the sentinel and as its cause")
	}
	if errors.Is(wrapped, problem.Invalid("other", "other")) {
		t.Error("another code must not match")
	}
	if got.Params["count"] != 2 || got.Fields["birth_date"] != "forms.date" {
		t.Errorf("lost refinement: %+v", got)
	}
}

func TestFrom(t *testing.T) {
	if problem.From(nil) != nil {
		t.Error("nil must stay nil")
	}
	if p := problem.From(io.ErrUnexpectedEOF); p.Status() != 500 || !errors.Is(p, io.ErrUnexpectedEOF) {
		t.Errorf("a plain error must become internal and keep its cause: %v", p)
	}
	want := problem.Conflict("cases.already-submitted", "cases.already")
	if p := problem.From(fmt.Errorf("x: %w", want)); p != want {
		t.Errorf("got %v, want the wrapped problem itself", p)
	}
}
