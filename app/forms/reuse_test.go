package forms

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

const reusing = `
steps:
  - id: a
    title: A
    fields:
      - {id: tel, kind: phone, label: Telefono, reuse: phone}
      - {id: conto, kind: iban, label: IBAN, reuse: iban}
      - {id: chi, kind: person, label: Contatto, reuse: contact, parts: [avs]}
      - {id: nota, kind: text, label: Nota}
`

func TestAnswersOfferThemselvesAgain(t *testing.T) {
	b, ctx := newDraftBench(t), context.Background()
	form, err := compileText(t, reusing)
	if err != nil {
		t.Fatal(err)
	}
	b.offer.Form = form
	id, err := b.Begin(ctx, b.anna, "ground", "it")
	if err != nil {
		t.Fatal(err)
	}
	given := Answers{
		"tel": "+41 91 123 45 67", "conto": "CH9300762011623852957", "nota": "una volta",
		"chi": Record{"first_name": "Luca", "last_name": "Esempi", "born": Day("1980-01-02"), "avs": "756.9217.0769.85"},
	}
	b.remember(ctx, b.anna, form, given)
	if err := b.Env.DB.In(ctx, b.Lugano, func(tx *tenancy.Tx) error { return b.Submitted(tx, id, id) }); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(24 * time.Hour)
	again, err := b.Begin(ctx, b.anna, "ground", "it")
	if err != nil {
		t.Fatal(err)
	}
	o, err := b.open(ctx, b.anna, again)
	if err != nil {
		t.Fatal(err)
	}
	want := given.Clone()
	delete(want, "nota")
	if !reflect.DeepEqual(o.Answers, want) || o.Facts.Reused["tel"] != "2026-11-20" || len(o.Facts.Reused) != 3 {
		t.Errorf("%#v %v", o.Answers, o.Facts.Reused)
	}
	inputs := o.inputs(italian(t), form.fields["tel"].Field, nil, form.Typed(o.Answers), nil)
	if inputs[0].Source != "dalla sua domanda del 20 novembre 2026" {
		t.Errorf("%q", inputs[0].Source)
	}
	// Another answer is no longer that of the request.
	before := o.Answers.Clone()
	o.Answers["tel"] = "+41 91 765 43 21"
	o.forgetChanged(before)
	if _, still := o.Facts.Reused["tel"]; still || len(o.Facts.Reused) != 2 {
		t.Errorf("%v", o.Facts.Reused)
	}
	// Nobody else is offered them.
	if kept, err := b.keptAnswers(ctx, b.other); err != nil || len(kept) != 0 {
		t.Errorf("%v %v", kept, err)
	}
	// A newer answer replaces the older; the person forgets one, then all.
	b.remember(ctx, b.anna, form, Answers{"tel": "+41 91 765 43 21"})
	kept, err := b.keptAnswers(ctx, b.anna)
	if err != nil || len(kept) != 3 || string(kept["phone"].Value) != `"+41 91 765 43 21"` {
		t.Errorf("%v %v", kept, err)
	}
	for meaning, left := range map[string]int{"iban": 2} {
		if err := b.forgetKept(ctx, b.other, meaning); err != nil {
			t.Fatal(err)
		}
		if err := b.forgetKept(ctx, b.anna, meaning); err != nil {
			t.Fatal(err)
		}
		if kept, err := b.keptAnswers(ctx, b.anna); err != nil || len(kept) != left {
			t.Errorf("%d left, %v", len(kept), err)
		}
	}
	// After a year they are gone.
	b.clock.Advance(366 * 24 * time.Hour)
	if kept, err := b.keptAnswers(ctx, b.anna); err != nil || len(kept) != 0 {
		t.Errorf("%v %v", kept, err)
	}
	if err := b.Expire(ctx, b.Lugano); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.Env.DB.In(ctx, b.Lugano, func(tx *tenancy.Tx) error { return tx.QueryRow("select count(*) from kept_answers").Scan(&n) }); err != nil || n != 0 {
		t.Errorf("%d rows stay, %v", n, err)
	}
}

func TestReuseIsChecked(t *testing.T) {
	for form, want := range map[string]string{
		"{id: x, kind: text, label: X, reuse: shoe_size}":                                        `reuse "shoe_size" is unknown: one of address, `,
		"{id: x, kind: text, label: X, reuse: iban}":                                             "reuse iban is for fields of kind iban",
		"{id: g, kind: group, label: G, fields: [{id: x, kind: phone, label: X, reuse: phone}]}": "no reuse in a group",
	} {
		if _, err := compileText(t, "steps: [{id: a, title: A, fields: ["+form+"]}]"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", form, err)
		}
	}
	ctx := italian(t)
	for _, meaning := range Meanings() {
		if got := i18n.T(ctx, "forms.reuse."+meaning); got == "" || strings.HasPrefix(got, "forms.") {
			t.Errorf("%s has no title", meaning)
		}
	}
}
