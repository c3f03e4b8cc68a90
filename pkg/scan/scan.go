// Package scan asks whether a file is malware. Clamd talks to ClamAV's daemon;
// Off says that nothing is scanned. A scanner that is configured and away is an
// error, never a clean verdict: the upload is then refused.
package scan

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

var (
	// ErrUnavailable means that the scanner is configured and gave no verdict.
	ErrUnavailable = errors.New("scan: scanner is not available")
	// ErrTooLarge means that the file is beyond the scanner's limit (clamd:
	// StreamMaxLength, 25 MB unless set).
	ErrTooLarge = errors.New("scan: file is too large for the scanner")
)

// Verdict is what the scanner found.
type Verdict struct {
	Infected bool
	Name     string // of the malware, "Eicar-Test-Signature"; empty if clean
}

// Scanner looks into a file.
type Scanner interface {
	// Scan reads r to its end. Errors: ErrUnavailable, ErrTooLarge, or r's own.
	Scan(ctx context.Context, r io.Reader) (Verdict, error)
	// Ping tells whether the scanner would answer; `sportello doctor` calls it.
	Ping(ctx context.Context) error
}

// New is the scanner for a setting: clamd at addr (host:port or /path/to/socket),
// or Off when addr is empty.
func New(addr string, timeout time.Duration) Scanner {
	if addr == "" {
		return Off{}
	}
	return Clamd{Addr: addr, Timeout: timeout}
}

// Off scans nothing and calls everything clean.
type Off struct{}

// Scan reads nothing.
func (Off) Scan(context.Context, io.Reader) (Verdict, error) { return Verdict{}, nil }

// Ping always succeeds.
func (Off) Ping(context.Context) error { return nil }

// Clamd is ClamAV's daemon.
type Clamd struct {
	Addr    string        // host:port, or the path of a Unix socket
	Timeout time.Duration // one file; 0: 20 seconds
}

// Scan sends r to clamd as an INSTREAM (clamd(8)): chunks, each after its length
// in four bytes, and an empty one at the end.
func (c Clamd) Scan(ctx context.Context, r io.Reader) (Verdict, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return Verdict{}, err
	}
	defer conn.Close()
	sent := c.stream(conn, r)
	var broken *readError
	if errors.As(sent, &broken) {
		return Verdict{}, broken.error
	}
	// clamd may answer and hang up before the end (file too large): its answer
	// says more than our write error.
	answer, err := bufio.NewReader(io.LimitReader(conn, 4096)).ReadString(0)
	if err != nil {
		return Verdict{}, fmt.Errorf("%w: %w", ErrUnavailable, errors.Join(sent, err))
	}
	return parse(strings.TrimSuffix(answer, "\x00"))
}

func parse(answer string) (Verdict, error) {
	body := strings.TrimPrefix(answer, "stream: ")
	switch {
	case body == "OK":
		return Verdict{}, nil
	case strings.HasSuffix(body, " FOUND"):
		return Verdict{Infected: true, Name: strings.TrimSuffix(body, " FOUND")}, nil
	case strings.Contains(body, "size limit exceeded"):
		return Verdict{}, ErrTooLarge
	}
	return Verdict{}, fmt.Errorf("%w: clamd says %q", ErrUnavailable, answer)
}

// readError is an error of the file being read, not of clamd.
type readError struct{ error }

func (c Clamd) stream(w io.Writer, r io.Reader) error {
	if _, err := io.WriteString(w, "zINSTREAM\x00"); err != nil {
		return err
	}
	chunk := make([]byte, 4+64<<10)
	for {
		n, err := io.ReadFull(r, chunk[4:])
		if n > 0 {
			binary.BigEndian.PutUint32(chunk, uint32(n))
			if _, err := w.Write(chunk[:4+n]); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			_, err := w.Write([]byte{0, 0, 0, 0})
			return err
		case err != nil:
			return &readError{err}
		}
	}
}

// Ping asks clamd whether it is there.
func (c Clamd) Ping(ctx context.Context) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "zPING\x00"); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	answer, err := bufio.NewReader(io.LimitReader(conn, 64)).ReadString(0)
	if err != nil || answer != "PONG\x00" {
		return fmt.Errorf("%w: clamd answers %q to PING (%w)", ErrUnavailable, answer, err)
	}
	return nil
}

func (c Clamd) dial(ctx context.Context) (net.Conn, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 20 * time.Second
	}
	deadline := time.Now().Add(timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	network := "tcp"
	if strings.HasPrefix(c.Addr, "/") {
		network = "unix"
	}
	d := net.Dialer{Deadline: deadline}
	conn, err := d.DialContext(ctx, network, c.Addr)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrUnavailable, err), conn.Close())
	}
	return conn, nil
}
