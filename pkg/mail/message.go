package mail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
)

// Message is one mail to one person.
type Message struct {
	From    netmail.Address // who it is from, with the name people see
	To      string          // one address, without a name
	ReplyTo string          // where answers go; empty: to From
	Subject string          // one line
	Text    string          // the plain body; always there
	HTML    string          // the same for those who prefer it; may be empty
	Lang    string          // language of the text, "it"
	Key     string          // identifies the mail for ever: the same key is the same mail
}

// Sender hands mails over. An error that wraps ErrRefused is final: sending the
// same mail again will fail again.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// ErrRefused means that the mail will never be accepted: a wrong address, or the
// relay said so for good (SMTP 5xx).
var ErrRefused = errors.New("mail: refused")

// ID is the Message-ID without brackets: the same for the same key and sender.
func (m Message) ID() string {
	sum := sha256.Sum256([]byte(m.Key))
	domain := "localhost"
	if i := strings.LastIndexByte(m.From.Address, '@'); i >= 0 {
		domain = m.From.Address[i+1:]
	}
	return hex.EncodeToString(sum[:16]) + "@" + domain
}

// Check refuses a message that cannot be sent. Line breaks in a header would let
// a form field add headers of its own.
func (m Message) Check() error {
	for name, s := range map[string]string{
		"From": m.From.Address + m.From.Name, "To": m.To, "Reply-To": m.ReplyTo, "Subject": m.Subject, "language": m.Lang,
	} {
		if strings.ContainsAny(s, "\r\n\x00") {
			return fmt.Errorf("%w: line break in %s", ErrRefused, name)
		}
	}
	if err := CheckAddress(m.To); err != nil {
		return err
	}
	if err := CheckAddress(m.From.Address); err != nil {
		return err
	}
	if m.ReplyTo != "" {
		if err := CheckAddress(m.ReplyTo); err != nil {
			return err
		}
	}
	if m.Key == "" || m.Subject == "" || m.Text == "" {
		return fmt.Errorf("%w: key, subject or text missing", ErrRefused)
	}
	return nil
}

// CheckAddress refuses what is not exactly one bare mail address.
func CheckAddress(address string) error {
	a, err := netmail.ParseAddress(address)
	if err != nil || a.Address != address || a.Name != "" || len(address) > 254 {
		return fmt.Errorf("%w: %q is not a mail address", ErrRefused, address)
	}
	return nil
}
