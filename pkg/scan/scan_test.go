package scan_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sportello-ticino/sportello/pkg/scan"
	"github.com/sportello-ticino/sportello/pkg/scan/clamdtest"
)

func TestARealClamd(t *testing.T) {
	s := scan.New(clamdtest.Start(t), 10*time.Second)
	for name, c := range map[string]struct {
		data []byte
		want scan.Verdict
	}{
		"malware":     {clamdtest.EICAR, scan.Verdict{Infected: true, Name: clamdtest.Name}},
		"clean":       {[]byte("una planimetria"), scan.Verdict{}},
		"empty":       {nil, scan.Verdict{}},
		"many chunks": {bytes.Repeat([]byte("a"), 300<<10), scan.Verdict{}},
	} {
		if got, err := s.Scan(t.Context(), bytes.NewReader(c.data)); err != nil || got != c.want {
			t.Errorf("%s: %+v %v, want %+v", name, got, err, c.want)
		}
	}
	if _, err := s.Scan(t.Context(), io.LimitReader(zeros{}, 2*clamdtest.MaxStream)); !errors.Is(err, scan.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	broken := errors.New("disk on fire")
	if _, err := s.Scan(t.Context(), iotest.ErrReader(broken)); !errors.Is(err, broken) || errors.Is(err, scan.ErrUnavailable) {
		t.Errorf("a broken file is not a broken scanner: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestConfiguredButAwayIsNeverClean(t *testing.T) {
	// silent accepts and says nothing.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	odd, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer odd.Close()
	go func() {
		for {
			conn, err := odd.Accept()
			if err != nil {
				return
			}
			_, _ = io.CopyN(io.Discard, conn, 14)
			_, _ = conn.Write([]byte("stream: Can't allocate memory ERROR\x00"))
			conn.Close()
		}
	}()
	for name, addr := range map[string]string{
		"nobody there": "127.0.0.1:1", "no socket": "/does/not/exist", "silent": silent.Addr().String(), "in trouble": odd.Addr().String(),
	} {
		s := scan.New(addr, 200*time.Millisecond)
		if _, err := s.Scan(t.Context(), strings.NewReader("x")); !errors.Is(err, scan.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", name, err)
		}
		if err := s.Ping(t.Context()); !errors.Is(err, scan.ErrUnavailable) {
			t.Errorf("%s: ping: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := scan.New(silent.Addr().String(), time.Minute).Scan(ctx, strings.NewReader("x")); !errors.Is(err, scan.ErrUnavailable) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestOff(t *testing.T) {
	s := scan.New("", 0)
	if v, err := s.Scan(t.Context(), bytes.NewReader(clamdtest.EICAR)); err != nil || v.Infected || s.Ping(t.Context()) != nil {
		t.Errorf("%+v %v", v, err)
	}
}
