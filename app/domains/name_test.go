package domains

import (
	"errors"
	"testing"
	"time"
)

// What somebody may type, and what nobody may have.
func TestNames(t *testing.T) {
	const base = "sportello.example"
	for _, c := range []struct {
		typed, want string
		err         error
	}{
		{"sportello.bernasca.ch", "sportello.bernasca.ch", nil},
		{"  Sportello.Bernasca.CH. ", "sportello.bernasca.ch", nil},
		{"https://sportello.bernasca.ch/", "sportello.bernasca.ch", nil},
		{"città.example.ch", "xn--citt-3na.example.ch", nil},
		{"xn--citt-3na.example.ch", "xn--citt-3na.example.ch", nil},
		{"ſportello.bernasca.ch", "sportello.bernasca.ch", nil}, // one letter alike
		{"bernasca.ch", "bernasca.ch", nil},
		{"", "", ErrName},
		{"bernasca", "", ErrName},
		{"sportello bernasca.ch", "", ErrName},
		{"sportello.bernasca.ch:8443", "", ErrName},
		{"https://sportello.bernasca.ch/servizi", "", ErrName},
		{"https://x:y@sportello.bernasca.ch", "", ErrName},
		{"ftp://sportello.bernasca.ch", "", ErrName},
		{"_sportello.bernasca.ch", "", ErrName},
		{"-a.bernasca.ch", "", ErrName},
		{"a..bernasca.ch", "", ErrName},
		{"*.bernasca.ch", "", ErrName},
		{"sportello.bernasca.ch\r\nX: y", "", ErrName},
		{"sportello.local", "", ErrName},
		{"x.localhost", "", ErrName},
		{"1.168.192.in-addr.arpa", "", ErrName},
		{"192.168.1.1", "", ErrAddress},
		{"[::1]", "", ErrAddress},
		{"::1", "", ErrAddress},
		{"127.1", "", ErrAddress},
		{"10.0.0.0x7f", "", ErrAddress},
		{base, "", ErrOurs},
		{"vicino." + base, "", ErrOurs},
		{"ente." + base, "", ErrOurs},
		{"ENTE." + base + ".", "", ErrOurs},
		{"a.b." + base, "", ErrOurs},
		{"co.uk", "", ErrSuffix},
		{"github.io", "", ErrSuffix},
	} {
		got, err := Normal(c.typed, base)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: %q, %v; want %q, %v", c.typed, got, err, c.want, c.err)
		}
	}
	if _, err := Normal("example", "desk.sportello.example"); err == nil {
		t.Error("a parent of ours")
	}
	if _, err := Normal("sportello.example", "desk.sportello.example"); !errors.Is(err, ErrOurs) {
		t.Errorf("a parent of ours: %v", err)
	}
}

// The words of a stranger's zone are shortened, and stay on their line.
func TestForeignWords(t *testing.T) {
	if got := cut("a\r\nb\x00\xff"); got != "ab" {
		t.Errorf("%q", got)
	}
	long := make([]rune, 500)
	for i := range long {
		long[i] = 'è'
	}
	if n := len([]rune(cut(string(long)))); n != seenMax+1 {
		t.Errorf("%d letters", n)
	}
}

// Somebody waits at first; what works is left in peace.
func TestWhenToLookAgain(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	failing := now.Add(-time.Hour)
	for _, c := range []struct {
		d    Domain
		want time.Duration
	}{
		{Domain{State: Waiting, AskedAt: now.Add(-time.Minute)}, time.Minute},
		{Domain{State: Waiting, AskedAt: now.Add(-2 * time.Hour)}, 10 * time.Minute},
		{Domain{State: Waiting, AskedAt: now.Add(-72 * time.Hour)}, time.Hour},
		{Domain{State: Live, AskedAt: now}, time.Hour},
		{Domain{State: Live, AskedAt: now, FailingSince: &failing}, 10 * time.Minute},
	} {
		if got := c.d.again(now).Sub(now); got != c.want {
			t.Errorf("%s, asked %s: after %s, want %s", c.d.State, c.d.AskedAt, got, c.want)
		}
	}
}
