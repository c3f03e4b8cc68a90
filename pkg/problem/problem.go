package problem

import (
	"errors"
	"maps"
	"time"
)

// Error is a problem told to a visitor. Its methods never change the receiver,
// so a package may keep its problems as variables and refine a copy per use.
type Error struct {
	Kind   Kind
	Code   string            // stable and searchable: "cases.already-submitted"
	Key    string            // text key of the sentence shown
	Params map[string]any    // values for the sentence's placeholders
	Fields map[string]string // form field → text key; filled only when Kind is KindInvalid

	// RetryAfter is how long the visitor should wait, sent as Retry-After with
	// 429 and 503. Zero: no such header.
	RetryAfter time.Duration

	cause error
}

// Error is the line for the log: code, kind and cause. It is never shown to a visitor.
func (e *Error) Error() string {
	s := e.Code + " (" + e.Kind.String() + ")"
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap gives the cause kept with Wrap.
func (e *Error) Unwrap() error { return e.cause }

// Is makes two problems equal when their codes are, whatever their parameters
// and cause, so that errors.Is(err, ErrAlreadySubmitted) finds a refined copy.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && e.Code != "" && t.Code == e.Code
}

// Status is the HTTP status of the answer.
func (e *Error) Status() int { return e.Kind.Status() }

// Wrap returns a copy that keeps err as the cause, for the log.
func (e *Error) Wrap(err error) *Error {
	c := e.copy()
	c.cause = err
	return c
}

// With returns a copy with values for the sentence's placeholders, given as
// name, value, name, value. A name without a value is ignored.
func (e *Error) With(kv ...any) *Error {
	c := e.copy()
	if c.Params == nil {
		c.Params = make(map[string]any, len(kv)/2)
	}
	for i := 0; i+1 < len(kv); i += 2 {
		if name, ok := kv[i].(string); ok {
			c.Params[name] = kv[i+1]
		}
	}
	return c
}

// WithField returns a copy that also says what is wrong with one form field.
func (e *Error) WithField(field, key string) *Error {
	c := e.copy()
	if c.Fields == nil {
		c.Fields = make(map[string]string, 1)
	}
	c.Fields[field] = key
	return c
}

// WithRetry returns a copy that asks the visitor to come back after d.
func (e *Error) WithRetry(d time.Duration) *Error {
	c := e.copy()
	c.RetryAfter = d
	return c
}

func (e *Error) copy() *Error {
	c := *e
	c.Params = maps.Clone(e.Params)
	c.Fields = maps.Clone(e.Fields)
	return &c
}

// NotFound says that the thing does not exist or is not this visitor's: the two
// are told alike, so that nothing leaks.
func NotFound(code, key string) *Error { return &Error{Kind: KindNotFound, Code: code, Key: key} }

// Invalid says that what was sent cannot be accepted; add the fields with WithField.
func Invalid(code, key string) *Error { return &Error{Kind: KindInvalid, Code: code, Key: key} }

// Forbidden says that the visitor is known and may not do this.
func Forbidden(code, key string) *Error { return &Error{Kind: KindForbidden, Code: code, Key: key} }

// Unauthenticated says that the visitor must sign in, or at a higher trust level.
func Unauthenticated(code, key string) *Error {
	return &Error{Kind: KindUnauthenticated, Code: code, Key: key}
}

// Conflict says that the state has moved on: already done, or changed by somebody else.
func Conflict(code, key string) *Error { return &Error{Kind: KindConflict, Code: code, Key: key} }

// TooMany says that this came too often; add the wait with WithRetry.
func TooMany(code, key string) *Error { return &Error{Kind: KindTooMany, Code: code, Key: key} }

// Unavailable says that something we need is away for now.
func Unavailable(code, key string) *Error {
	return &Error{Kind: KindUnavailable, Code: code, Key: key}
}

// TooLarge says that more bytes were sent than are accepted.
func TooLarge(code, key string) *Error { return &Error{Kind: KindTooLarge, Code: code, Key: key} }

// Internal says that the fault is ours; always Wrap the cause.
func Internal(code, key string) *Error { return &Error{Kind: KindInternal, Code: code, Key: key} }

// From returns the problem inside err. Any other error becomes an internal
// problem with the code "internal" and err as its cause; nil stays nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var p *Error
	if errors.As(err, &p) {
		return p
	}
	return Internal("internal", "problem.internal").Wrap(err)
}
