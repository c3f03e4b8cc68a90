package mail

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-message/mail"
	"github.com/emersion/go-smtp"
)

// Received is a mail as the inbox shows it.
type Received struct {
	ID        string // name in the inbox, "20261122T101500.000000001"
	At        time.Time
	MessageID string // without brackets
	From      string // "Comune di Esempio <sportello@esempio.example>"
	To        string // one address
	Subject   string
	Text      string
	HTML      string
	Header    mail.Header
	Raw       []byte
}

// maxKept bounds the inbox unless Keep says otherwise; the oldest mails go first.
const maxKept = 2000

// Inbox is a mail server on loopback for the demo and the tests. It accepts
// every mail, delivers none, and keeps them in memory and, given a folder, as
// .eml files that the next start reads again.
type Inbox struct {
	dir      string
	server   *smtp.Server
	listener net.Listener

	mu    sync.RWMutex
	kept  int
	mails []Received // oldest first
	last  time.Time
	fail  error
}

// OpenInbox reads the folder (empty: nothing is kept) and listens on addr, which
// must be loopback; "127.0.0.1:0" lets the system choose a port.
func OpenInbox(addr, dir string) (*Inbox, error) {
	in := &Inbox{dir: dir, kept: maxKept}
	if err := in.load(); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("inbox: %w", err)
	}
	if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		return nil, errors.Join(fmt.Errorf("inbox: %s is not loopback", addr), l.Close())
	}
	in.listener = l
	in.server = smtp.NewServer(in)
	in.server.Domain = "localhost"
	in.server.MaxMessageBytes = 10 << 20
	in.server.ReadTimeout, in.server.WriteTimeout = 30*time.Second, 30*time.Second
	in.server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	go func() { _ = in.server.Serve(l) }() // ends with Close
	return in, nil
}

// Keep bounds the inbox at n mails: whoever counts them needs them all.
func (in *Inbox) Keep(n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.kept = n
}

// ReadFolder reads the mails that an Inbox keeps in a folder, newest first: for
// a page that shows them in another process.
func ReadFolder(dir string) ([]Received, error) {
	in := &Inbox{dir: dir, kept: maxKept}
	if err := in.load(); err != nil {
		return nil, err
	}
	return in.List(""), nil
}

// Addr is host:port of the server.
func (in *Inbox) Addr() string { return in.listener.Addr().String() }

// Close ends the server.
func (in *Inbox) Close() error { return in.server.Close() }

// Fail makes the server answer every mail with err (an *smtp.SMTPError says
// whether for now or for good) until it is called with nil.
func (in *Inbox) Fail(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.fail = err
}

// List returns the mails to one address, newest first; "" means all.
func (in *Inbox) List(to string) []Received {
	in.mu.RLock()
	defer in.mu.RUnlock()
	var list []Received
	for _, m := range slices.Backward(in.mails) {
		if to == "" || strings.EqualFold(m.To, to) {
			list = append(list, m)
		}
	}
	return list
}

// Get returns one mail by its ID.
func (in *Inbox) Get(id string) (Received, bool) {
	in.mu.RLock()
	defer in.mu.RUnlock()
	for _, m := range in.mails {
		if m.ID == id {
			return m, true
		}
	}
	return Received{}, false
}

// Wait returns the first mail to an address for which match is true (nil: any),
// as soon as it is there.
func (in *Inbox) Wait(ctx context.Context, to string, match func(Received) bool) (Received, error) {
	for {
		for _, m := range slices.Backward(in.List(to)) {
			if match == nil || match(m) {
				return m, nil
			}
		}
		select {
		case <-ctx.Done():
			return Received{}, fmt.Errorf("inbox: no such mail to %s: %w", to, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Clear forgets all mails.
func (in *Inbox) Clear() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	var errs []error
	for _, m := range in.mails {
		errs = append(errs, in.forget(m))
	}
	in.mails = nil
	return errors.Join(errs...)
}

// NewSession begins one SMTP conversation (smtp.Backend).
func (in *Inbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{inbox: in}, nil }

type session struct {
	inbox *Inbox
	to    []string
}

func (s *session) Reset()                               { s.to = nil }
func (s *session) Logout() error                        { return nil }
func (s *session) Mail(string, *smtp.MailOptions) error { return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		if err := s.inbox.accept(to, raw); err != nil {
			return err
		}
	}
	return nil
}

func (in *Inbox) accept(to string, raw []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.fail != nil {
		return in.fail
	}
	now := time.Now().UTC()
	if !now.After(in.last) { // the ID is made of the time
		now = in.last.Add(1)
	}
	in.last = now
	m, err := parse(now.Format(idFormat), to, raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	if in.dir != "" {
		if err := os.WriteFile(in.file(m), append([]byte("X-Envelope-To: "+to+"\r\n"), raw...), 0o600); err != nil {
			return err
		}
	}
	in.mails = append(in.mails, m)
	for len(in.mails) > in.kept {
		if err := in.forget(in.mails[0]); err != nil {
			return err
		}
		in.mails = in.mails[1:]
	}
	return nil
}

const idFormat = "20060102T150405.000000000"

func (in *Inbox) file(m Received) string { return filepath.Join(in.dir, m.ID+".eml") }

func (in *Inbox) forget(m Received) error {
	if in.dir == "" {
		return nil
	}
	if err := os.Remove(in.file(m)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (in *Inbox) load() error {
	if in.dir == "" {
		return nil
	}
	if err := os.MkdirAll(in.dir, 0o700); err != nil {
		return fmt.Errorf("inbox: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(in.dir, "*.eml"))
	if err != nil {
		return err
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("inbox: %w", err)
		}
		first, rest, _ := bytes.Cut(raw, []byte("\r\n"))
		to, ok := strings.CutPrefix(string(first), "X-Envelope-To: ")
		m, err := parse(strings.TrimSuffix(filepath.Base(file), ".eml"), to, rest)
		if err != nil || !ok {
			continue // not a mail of ours, or cut short by a crash
		}
		in.mails = append(in.mails, m)
	}
	slices.SortFunc(in.mails, func(a, b Received) int { return cmp.Compare(a.ID, b.ID) })
	return nil
}

func parse(id, to string, raw []byte) (Received, error) {
	m := Received{ID: id, To: to, Raw: raw}
	var err error
	if m.At, err = time.Parse(idFormat, id); err != nil {
		return m, err
	}
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if err != nil {
		return m, err
	}
	m.Header = r.Header
	if m.Subject, err = r.Header.Subject(); err != nil {
		return m, err
	}
	if m.MessageID, err = r.Header.MessageID(); err != nil {
		return m, err
	}
	from, err := r.Header.AddressList("From")
	if err != nil {
		return m, err
	}
	for _, a := range from {
		m.From = a.Address
		if a.Name != "" {
			m.From = a.Name + " <" + a.Address + ">"
		}
	}
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return m, nil
		} else if err != nil {
			return m, err
		}
		h, ok := part.Header.(*mail.InlineHeader)
		if !ok {
			continue
		}
		body, err := io.ReadAll(part.Body)
		if err != nil {
			return m, err
		}
		switch kind, _, _ := h.ContentType(); kind {
		case "text/plain":
			m.Text = string(body)
		case "text/html":
			m.HTML = string(body)
		}
	}
}
