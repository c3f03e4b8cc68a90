// Package clock tells the time, so that terms, expiries and holidays can be
// tested on any day. It owns no time zone: callers convert to Europe/Zurich.
package clock

import (
	"sync"
	"time"
)

// Clock tells what time it is.
type Clock interface {
	Now() time.Time
}

// System is the clock of the machine.
type System struct{}

// Now is the current time of the machine.
func (System) Now() time.Time { return time.Now() }

// Fake is a clock that stands still until it is told otherwise. It is safe for
// concurrent use; its zero value stands at the zero time.
type Fake struct {
	mu  sync.RWMutex
	now time.Time
}

// NewFake returns a clock that stands at t.
func NewFake(t time.Time) *Fake { return &Fake{now: t} }

// Now is the time the clock stands at.
func (f *Fake) Now() time.Time {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.now
}

// Set moves the clock to t, forwards or backwards.
func (f *Fake) Set(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = t
}

// Advance moves the clock by d and returns the new time.
func (f *Fake) Advance(d time.Duration) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
	return f.now
}
