package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/sportello-ticino/sportello/pkg/trace"
)

// SMTPOptions says how to reach the relay.
type SMTPOptions struct {
	Addr               string        // host:port
	TLS                string        // "none", "opportunistic", "required" (STARTTLS) or "implicit"
	Username, Password string        // empty: no sign-in
	Timeout            time.Duration // one delivery; 0: 15 seconds
}

// SMTP sends through a relay, one connection per mail.
type SMTP struct {
	host    string
	options []gomail.Option
	timeout time.Duration
}

var tlsPolicies = map[string]gomail.Option{
	"none":          gomail.WithTLSPolicy(gomail.NoTLS),
	"opportunistic": gomail.WithTLSPolicy(gomail.TLSOpportunistic),
	"required":      gomail.WithTLSPolicy(gomail.TLSMandatory),
	"implicit":      gomail.WithSSL(),
}

// NewSMTP checks the options; it does not connect.
func NewSMTP(o SMTPOptions) (*SMTP, error) {
	host, portText, err := net.SplitHostPort(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("mail: relay %q is not host:port", o.Addr)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("mail: relay %q: the port is not a number", o.Addr)
	}
	policy, ok := tlsPolicies[o.TLS]
	if !ok {
		return nil, fmt.Errorf("mail: unknown TLS policy %q", o.TLS)
	}
	s := &SMTP{host: host, timeout: o.Timeout}
	if s.timeout == 0 {
		s.timeout = 15 * time.Second
	}
	// The port comes last: the TLS options of go-mail set one of their own.
	s.options = append(s.options, gomail.WithTimeout(s.timeout), policy)
	if o.Username != "" {
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(o.Username), gomail.WithPassword(o.Password))
	}
	s.options = append(s.options, gomail.WithPort(port))
	if _, err := gomail.NewClient(host, s.options...); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return s, nil
}

// Send delivers one mail to the relay within the timeout.
func (s *SMTP) Send(ctx context.Context, m Message) (err error) {
	ctx, span := trace.Inside(ctx, trace.Mail, "smtp", "")
	defer func() { span.End(err) }()
	msg, err := m.compose()
	if err != nil {
		return err
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err = client.DialAndSendWithContext(ctx, msg)
	if err == nil {
		return nil
	}
	var refused *gomail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() >= 500 {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("mail: %w", err)
}

// Ping connects to the relay and leaves; `sportello doctor` calls it.
func (s *SMTP) Ping(ctx context.Context) error {
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return client.Close()
}

// compose writes the headers. Auto-Submitted (RFC 3834) keeps holiday answers away.
func (m Message) compose() (*gomail.Msg, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.FromFormat(m.From.Name, m.From.Address), msg.To(m.To)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(m.ReplyTo); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrRefused, err)
		}
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID())
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	if m.Lang != "" {
		msg.SetGenHeader("Content-Language", m.Lang)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}
