package definition

import (
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/tenants"
)

// The reader names the line of a moment that no case has.
func TestAMailOfAnUnknownMomentIsRefusedWithItsLine(t *testing.T) {
	_, err := Read("x.yaml", []byte("id: x\nnotifications:\n  mail:\n    redy: Porti il contrassegno vecchio.\n"))
	if err == nil || !strings.Contains(err.Error(), "x.yaml:4:") || !strings.Contains(err.Error(), "ready") {
		t.Errorf("%v", err)
	}
}

func TestNotificationsThatCannotBeAreRefused(t *testing.T) {
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	engine := testEngine(t)
	for what, c := range map[string]struct {
		service string
		patch   Tree
		want    string
	}{
		"fine":            {"zona-blu-contrassegno-residenti", Tree{"notifications": map[string]any{"reminder": map[string]any{"days": 10}}}, ""},
		"no Italian":      {"sala-prenotazione", Tree{"notifications": map[string]any{"mail": map[string]any{"granted": map[string]any{"it": "", "de": "Ja"}}}}, "notifications.mail.granted"},
		"placeholder":     {"sala-prenotazione", Tree{"notifications": map[string]any{"mail": map[string]any{"granted": "Pratica {ref}"}}}, "notifications.mail.granted"},
		"too long":        {"sala-prenotazione", Tree{"notifications": map[string]any{"mail": map[string]any{"granted": strings.Repeat("a", 501)}}}, "notifications.mail.granted"},
		"never ends":      {"sala-prenotazione", Tree{"notifications": map[string]any{"reminder": map[string]any{"days": 30}}}, "notifications.reminder"},
		"never sent":      {"sala-prenotazione", Tree{"notifications": map[string]any{"mail": map[string]any{"expiring": "Ciao"}}}, "notifications.mail.expiring"},
		"too early":       {"zona-blu-contrassegno-residenti", Tree{"notifications": map[string]any{"reminder": map[string]any{"days": 400}}}, "notifications.reminder"},
		"two ends":        {"zona-blu-contrassegno-residenti", Tree{"output": map[string]any{"valid_days": 3}}, "output.valid_until"},
		"end is no day":   {"zona-blu-contrassegno-residenti", Tree{"output": map[string]any{"valid_until": "1 + 1"}}, "output.valid_until"},
		"end of no field": {"zona-blu-contrassegno-residenti", Tree{"output": map[string]any{"valid_until": "answers.fine"}}, "output.valid_until"},
	} {
		def, err := Decode(overlay.Merge(shared[c.service], c.patch))
		if err != nil {
			t.Fatal(what, err)
		}
		_, err = Compile(def, engine)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A commune changes one sentence and keeps the rest.
func TestACommuneChangesOneSentence(t *testing.T) {
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	def, err := Decode(overlay.Merge(shared["zona-blu-contrassegno-residenti"], Tree{"notifications": map[string]any{
		"mail": map[string]any{"ready": map[string]any{"it": "Porti il contrassegno vecchio."}}, "office": map[string]any{"received": true},
	}}))
	if err != nil {
		t.Fatal(err)
	}
	n := def.Notifications
	if n.Mail.At(MomentReady).In("it") != "Porti il contrassegno vecchio." || n.Mail.At(MomentExpiring).Empty() || n.Reminder == nil || !n.Office.Received || n.Office.Paid {
		t.Errorf("%+v", n)
	}
}

// A confirmation names persons who can be written to, and somebody who signs in.
func TestAConfirmationNamesPersonsWithAnAddress(t *testing.T) {
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	engine := testEngine(t)
	for what, c := range map[string]struct {
		service string
		patch   Tree
		want    string
	}{
		"fine":            {"matrimonio-sala-prenotazione", Tree{}, ""},
		"nobody":          {"matrimonio-sala-prenotazione", Tree{"confirmation": map[string]any{"of": "richiedenti.qui"}}, "confirmation.of"},
		"no address":      {"notifica-costruzione", Tree{"confirmation": map[string]any{"of": "istanti.persona", "days": 14}}, "confirmation.of"},
		"for ever":        {"matrimonio-sala-prenotazione", Tree{"confirmation": map[string]any{"days": 61}}, "confirmation.days"},
		"reminded late":   {"matrimonio-sala-prenotazione", Tree{"confirmation": map[string]any{"remind": 14}}, "confirmation.remind"},
		"without sign-in": {"matrimonio-sala-prenotazione", Tree{"level": 0}, "confirmation"},
	} {
		def, err := Decode(overlay.Merge(shared[c.service], c.patch))
		if err != nil {
			t.Fatal(what, err)
		}
		_, err = Compile(def, engine)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
