package forms

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy"
)

// post keeps the mails that are sent, by their keys.
type post struct {
	keys  []string
	mails []map[string]string
	langs []string
}

func (p *post) SendTemplate(_ *tenancy.Tx, to, template, lang string, params map[string]string, key string) error {
	params["to"], params["template"] = to, template
	p.keys, p.mails, p.langs = append(p.keys, key), append(p.mails, params), append(p.langs, lang)
	return nil
}

func TestADraftIsCalledToMindOnce(t *testing.T) {
	b, ctx, mails := newDraftBench(t), context.Background(), &post{}
	b.Mail, b.URL = mails, func(_ tenancy.Tenant, path string) string { return "https://lugano.example" + path }
	id, err := b.Begin(ctx, b.anna, "ground", "it")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Env.DB.In(ctx, b.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update accounts set lang = 'de', confirmed_at = now()")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	remind := func(after time.Duration, want int) {
		t.Helper()
		b.clock.Advance(after)
		for range 2 {
			if err := b.Remind(ctx, b.Lugano); err != nil {
				t.Fatal(err)
			}
		}
		if len(mails.keys) != want {
			t.Errorf("%d mails after %s, want %d", len(mails.keys), after, want)
		}
	}
	remind(24*24*time.Hour, 0)
	remind(2*24*time.Hour, 1)
	first := mails.mails[0]
	if mails.langs[0] != "de" || first["to"] != "anna@lugano.example" || first["service"] != "Suolo" || !strings.HasSuffix(first["until"], "Dezember 2026") ||
		first["link"] != "https://lugano.example/area/bozze/"+id.String() {
		t.Errorf("%v %v", mails.langs, first)
	}
	remind(24*time.Hour, 1)

	// Resumed: kept for another thirty days, and called to mind before they end.
	if _, err := b.Begin(ctx, b.anna, "ground", "it"); err != nil {
		t.Fatal(err)
	}
	remind(24*24*time.Hour, 1)
	remind(2*24*time.Hour, 2)
	if mails.keys[0] == mails.keys[1] {
		t.Error("two occasions are the same mail")
	}

	// What was submitted meanwhile is not called to mind.
	if _, err := b.Begin(ctx, b.anna, "ground", "it"); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(26 * 24 * time.Hour)
	if err := b.Env.DB.In(ctx, b.Lugano, func(tx *tenancy.Tx) error { return b.Submitted(tx, id, id) }); err != nil {
		t.Fatal(err)
	}
	remind(0, 2)
	if err := b.Remind(ctx, b.Chiasso); err != nil || len(mails.keys) != 2 {
		t.Error("the neighbour's people were told", err)
	}
}
