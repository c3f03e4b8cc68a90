package notifications_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/htmlcheck"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/mail"
	"github.com/sportello-ticino/sportello/tenants"
)

const anna = "anna.esempio@posta.example"

type desk struct {
	*tenancytest.Env
	inbox   *mail.Inbox
	service *notifications.Service
}

// open runs a real worker over two communes and a mail server.
func open(t *testing.T) *desk {
	t.Helper()
	d := &desk{Env: tenancytest.New(t)}
	for _, c := range []tenancy.Tenant{d.Lugano, d.Chiasso} {
		folder, err := site.ReadFolder(tenants.FS, c.Slug())
		if err != nil {
			t.Fatal(err)
		}
		d.in(t, c, func(tx *tenancy.Tx) error { _, err := site.Apply(tx, folder, false); return err })
	}
	var err error
	if d.inbox, err = mail.OpenInbox("127.0.0.1:0", ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.inbox.Close() })
	relay, err := mail.NewSMTP(mail.SMTPOptions{Addr: d.inbox.Addr(), TLS: "none", Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	shared := bundle(t)
	reg := outbox.NewRegistry()
	d.service = notifications.New(notifications.Deps{
		DB: d.DB, Outbox: outbox.New(reg, d.Redis), Sites: site.NewSites(d.DB), Mail: relay, Clock: clock.System{},
		Texts: func(tenancy.Tenant) *i18n.Bundle { return shared }, Fallback: "sportello@sportello.example",
	})
	d.service.Jobs(reg)
	worker := outbox.NewWorker(outbox.WorkerDeps{DB: d.DB, Registry: reg, Redis: d.Redis, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- worker.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return d
}

func bundle(t *testing.T) *i18n.Bundle {
	t.Helper()
	b, err := i18n.Load(tenants.FS, "shared/texts")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (d *desk) in(t *testing.T, c tenancy.Tenant, fn func(tx *tenancy.Tx) error) {
	t.Helper()
	if err := d.DB.In(t.Context(), c, fn); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) send(t *testing.T, c tenancy.Tenant, m notifications.Message) {
	t.Helper()
	d.in(t, c, func(tx *tenancy.Tx) error { return d.service.Send(tx, m) })
}

func (d *desk) wait(t *testing.T, to, subject string) mail.Received {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	m, err := d.inbox.Wait(ctx, to, func(m mail.Received) bool { return strings.Contains(m.Subject, subject) })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func message(key string) notifications.Message {
	return notifications.Message{
		To: anna, Template: notifications.MissingPaper, Lang: "it", Key: key,
		Params: map[string]string{
			"name": "Anna Esempio", "ref": "LUG-2026-7K2M-4", "service": "Occupazione del suolo pubblico",
			"link": "http://lugano.localhost:8080/area/pratiche/LUG-2026-7K2M-4",
			"text": "Ci mandi la planimetria <b>firmata</b>.",
		},
	}
}

func TestAMailCarriesALinkAndTheCommunesFace(t *testing.T) {
	d := open(t)
	d.send(t, d.Lugano, message("a"))
	got := d.wait(t, anna, "LUG-2026-7K2M-4")
	if got.From != "Sportello online – Città di Lugano <sportello@lugano.example>" || got.Header.Get("Content-Language") != "it" {
		t.Errorf("from %q, language %q", got.From, got.Header.Get("Content-Language"))
	}
	link := "http://lugano.localhost:8080/area/pratiche/LUG-2026-7K2M-4"
	if !strings.Contains(got.Text, "Buongiorno Anna Esempio,") || !strings.Contains(got.Text, link) || strings.Contains(got.Text, "{") {
		t.Errorf("text:\n%s", got.Text)
	}
	if strings.Contains(got.Text+got.HTML, "planimetria") {
		t.Error("the mail repeats what the office wrote in the case")
	}
	page := htmlcheck.Parse(t, strings.NewReader(got.HTML))
	page.Attr("html", "lang", "it")
	page.Attr("a", "href", link)
	page.Contains("title", "manca ancora qualcosa")

	// The neighbour writes in its own name, and to somebody who reads German.
	other := message("a")
	other.Lang, other.To = "de", "beat.esempio@posta.example"
	d.send(t, d.Chiasso, other)
	german := d.wait(t, "beat.esempio@posta.example", "Vorgang")
	if !strings.Contains(german.From, "chiasso.example") || !strings.Contains(german.Text, "Guten Tag") || german.MessageID == got.MessageID {
		t.Errorf("from %q, id %q:\n%s", german.From, german.MessageID, german.Text)
	}
	var lines int
	d.in(t, d.Chiasso, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select count(*) from notifications where recipient = $1", anna).Scan(&lines)
	})
	if lines != 0 {
		t.Error("a commune's log holds the neighbour's mail")
	}
}

func TestTheSameKeyIsOneMailAndARollbackNone(t *testing.T) {
	d := open(t)
	changed := errors.New("changed its mind")
	err := d.DB.In(t.Context(), d.Lugano, func(tx *tenancy.Tx) error {
		return errors.Join(d.service.Send(tx, message("rolled back")), changed)
	})
	if !errors.Is(err, changed) {
		t.Fatal(err)
	}
	for range 3 {
		d.send(t, d.Lugano, message("once"))
	}
	d.send(t, d.Lugano, message("last"))
	d.eventually(t, 2, "sent_at is not null")
	if got := d.inbox.List(anna); len(got) != 2 {
		t.Errorf("%d mails, want 2", len(got))
	}
}

func TestARelayThatIsAwayOnlyDelays(t *testing.T) {
	d := open(t)
	d.inbox.Fail(&smtp.SMTPError{Code: 451, Message: "later"})
	d.send(t, d.Lugano, message("later"))
	time.Sleep(300 * time.Millisecond)
	d.inbox.Fail(nil)
	d.wait(t, anna, "LUG-2026")

	d.inbox.Fail(&smtp.SMTPError{Code: 550, Message: "no such person"})
	d.send(t, d.Lugano, message("never"))
	d.eventually(t, 1, "refused_at is not null and error like '%no such person%'")
}

func (d *desk) eventually(t *testing.T, want int, where string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var n int
		d.in(t, d.Lugano, func(tx *tenancy.Tx) error {
			return tx.QueryRow("select count(*) from notifications where " + where).Scan(&n)
		})
		if n == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d lines where %s, want %d", n, where, want)
		}
	}
}

func TestMistakesOfTheCallerAreErrors(t *testing.T) {
	d := open(t)
	for name, change := range map[string]func(*notifications.Message){
		"kind":    func(m *notifications.Message) { m.Template = "greeting" },
		"key":     func(m *notifications.Message) { m.Key = "" },
		"address": func(m *notifications.Message) { m.To = "Anna" },
		"value":   func(m *notifications.Message) { delete(m.Params, "ref") },
		"link":    func(m *notifications.Message) { m.Params["link"] = "/area" },
	} {
		m := message(name)
		change(&m)
		if err := d.DB.In(t.Context(), d.Lugano, func(tx *tenancy.Tx) error { return d.service.Send(tx, m) }); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Every kind of mail has its words in every language of the interface.
func TestWordsAreComplete(t *testing.T) {
	b := bundle(t)
	for _, lang := range i18n.Languages {
		ctx := i18n.WithLang(t.Context(), b, lang)
		for _, kind := range notifications.Kinds() {
			for _, part := range []string{"subject", "text", "button"} {
				if key := "mail." + strings.ReplaceAll(kind, "-", "_") + "." + part; !i18n.Translated(ctx, key) {
					t.Errorf("%s: %s has no words", lang, key)
				}
			}
		}
	}
}
