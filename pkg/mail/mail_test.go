package mail_test

import (
	"context"
	"errors"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/sportello-ticino/sportello/pkg/mail"
)

func message() mail.Message {
	return mail.Message{
		From: netmail.Address{Name: "Città di Valmora – Sportello", Address: "sportello@valmora.example"},
		To:   "anna@esempio.example", ReplyTo: "cancelleria@valmora.example", Subject: "Il suo documento è pronto — già oggi",
		Text: "Buongiorno Anna\n\nperché no?\n", HTML: "<p>perché no?</p>", Lang: "it", Key: "document-ready:1",
	}
}

func open(t *testing.T, dir string) (*mail.Inbox, *mail.SMTP) {
	t.Helper()
	in, err := mail.OpenInbox("127.0.0.1:0", dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	s, err := mail.NewSMTP(mail.SMTPOptions{Addr: in.Addr(), TLS: "opportunistic"})
	if err != nil {
		t.Fatal(err)
	}
	return in, s
}

func TestAMailArrivesAsWritten(t *testing.T) {
	dir := t.TempDir()
	in, s := open(t, dir)
	m := message()
	for range 2 { // sent again after a crash
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got, err := in.Wait(t.Context(), "Anna@Esempio.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != m.Subject || got.From != "Città di Valmora – Sportello <sportello@valmora.example>" || got.HTML != m.HTML ||
		strings.ReplaceAll(got.Text, "\r\n", "\n") != m.Text || got.Header.Get("Auto-Submitted") != "auto-generated" ||
		got.Header.Get("Content-Language") != "it" || got.Header.Get("Reply-To") != "<cancelleria@valmora.example>" {
		t.Errorf("got %+v", got)
	}
	all := in.List("")
	if len(all) != 2 || all[0].MessageID != all[1].MessageID || all[0].MessageID != m.ID() || !strings.HasSuffix(m.ID(), "@valmora.example") {
		t.Errorf("the same key must be the same Message-ID: %+v", all)
	}
	if one, ok := in.Get(all[0].ID); !ok || one.Subject != m.Subject {
		t.Error("Get does not find it")
	}
	if len(in.List("altri@esempio.example")) != 0 {
		t.Error("listed to somebody else")
	}

	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := open(t, dir)
	if kept := again.List("anna@esempio.example"); len(kept) != 2 || kept[0].Subject != m.Subject || kept[0].ID != all[0].ID {
		t.Errorf("after a restart: %+v", kept)
	}
	if err := again.Clear(); err != nil {
		t.Fatal(err)
	}
	third, _ := open(t, dir)
	if len(third.List("")) != 0 {
		t.Error("Clear left files")
	}
}

func TestRefusalsAreToldFromFaults(t *testing.T) {
	in, s := open(t, "")
	in.Fail(&smtp.SMTPError{Code: 550, Message: "no such person"})
	if err := s.Send(t.Context(), message()); !errors.Is(err, mail.ErrRefused) {
		t.Errorf("550: %v, want ErrRefused", err)
	}
	in.Fail(&smtp.SMTPError{Code: 451, Message: "later"})
	if err := s.Send(t.Context(), message()); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("451: %v, want an error worth another try", err)
	}
	in.Fail(nil)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("ping: %v", err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Send(t.Context(), message()); err == nil || errors.Is(err, mail.ErrRefused) {
		t.Errorf("away: %v, want an error worth another try", err)
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("ping of a relay that is away succeeded")
	}
}

func TestHeadersCannotBeSmuggled(t *testing.T) {
	for name, change := range map[string]func(*mail.Message){
		"subject":   func(m *mail.Message) { m.Subject = "x\r\nBcc: all@x.example" },
		"to":        func(m *mail.Message) { m.To = "a@x.example\nBcc: b@x.example" },
		"two":       func(m *mail.Message) { m.To = "a@x.example, b@x.example" },
		"name":      func(m *mail.Message) { m.To = "Anna <a@x.example>" },
		"from":      func(m *mail.Message) { m.From.Name = "x\nBcc: b@x.example" },
		"reply":     func(m *mail.Message) { m.ReplyTo = "nobody" },
		"lang":      func(m *mail.Message) { m.Lang = "it\nX: y" },
		"no text":   func(m *mail.Message) { m.Text = "" },
		"no key":    func(m *mail.Message) { m.Key = "" },
		"long":      func(m *mail.Message) { m.To = strings.Repeat("a", 250) + "@x.example" },
		"no sender": func(m *mail.Message) { m.From.Address = "" },
	} {
		m := message()
		change(&m)
		if err := m.Check(); !errors.Is(err, mail.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWaitGivesUp(t *testing.T) {
	in, _ := open(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := in.Wait(ctx, "nobody@x.example", nil); err == nil {
		t.Error("a mail from nowhere")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []mail.SMTPOptions{{Addr: "relay"}, {Addr: "relay:x", TLS: "none"}, {Addr: "relay:25", TLS: "ssl"}} {
		if _, err := mail.NewSMTP(o); err == nil {
			t.Errorf("accepted %+v", o)
		}
	}
	if _, err := mail.OpenInbox("0.0.0.0:0", ""); err == nil {
		t.Error("an inbox for all the world was opened")
	}
}
