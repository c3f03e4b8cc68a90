package forms_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/registers/providers/local"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/tenants"
)

// withEverything offers a service that asks every kind of question beside those
// of the catalogue.
type withEverything struct {
	forms.Services
	offer *forms.Offer
}

func (s withEverything) Offer(ctx context.Context, t tenancy.Tenant, id string) (*forms.Offer, error) {
	if id == s.offer.ID {
		return s.offer, nil
	}
	return s.Services.Offer(ctx, t, id)
}

func (s withEverything) OfferAt(ctx context.Context, t tenancy.Tenant, id, hash string) (*forms.Offer, error) {
	if id == s.offer.ID {
		return s.offer, nil
	}
	return s.Services.OfferAt(ctx, t, id, hash)
}

func (s withEverything) Keep(ctx context.Context, tx *tenancy.Tx, id, hash string) error {
	if id == s.offer.ID {
		return nil
	}
	return s.Services.Keep(ctx, tx, id, hash)
}

const everything = "/servizi/tutto/avvia"

func newEverything(t *testing.T) *apptest.Env {
	t.Helper()
	e := apptest.New(t, apptest.WithoutWorker)
	text, err := os.ReadFile("testdata/every_kind.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var def forms.Definition
	if err := yaml.UnmarshalWithOptions(text, &def, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	engine, err := rules.NewEngine(rules.NoHolidays{})
	if err != nil {
		t.Fatal(err)
	}
	scope, err := engine.Scope(rules.Names{Answers: def.Names(), Groups: def.Groups()})
	if err != nil {
		t.Fatal(err)
	}
	offer := &forms.Offer{ID: "tutto", Version: 1, Hash: "h", Title: i18n.Italian("Tutto"), Office: "polizia", Level: 1, OnlyItalian: func(string) bool { return false }}
	if offer.Form, err = forms.Compile(def, scope); err != nil {
		t.Fatal(err)
	}
	if offer.Rules, err = scope.Compile(rules.Definition{Service: "tutto", Version: 1}); err != nil {
		t.Fatal(err)
	}
	sample, err := local.ReadSample(tenants.FS, "lugano", e.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	err = e.DB.In(t.Context(), e.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		_, err := local.Import(tx, sample.First, e.Clock.Now(), false) // with a daughter
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Forms.Services = withEverything{e.Forms.Services, offer}
	return e
}

// Items are added and dropped by buttons that need no JavaScript, and nothing
// typed is lost on the way, right or wrong.
func TestItemsOnPages(t *testing.T) {
	e := newEverything(t)
	c := e.As(t, "lugano", "citizen-verified")
	simple := c.Get(everything, 200)
	parts := simple.Submit(c, "main form", nil)
	parts.Contains("main h1", "Più parti")
	parts.Contains("main", "Emma Esempi") // a child of the household, from the register
	parts.Contains("[name=parcel_section]", "Pregassona")
	wrong := parts.Submit(c, "main form", url.Values{"person_first_name": {"Anna"}, "parcel_number": {"12x4"}, "map_east": {"9.19"}, "map_north": {"45.46"}, "company_name": {"Esempio SA"}, "company_uid": {"CHE-100.155.213"}})
	for _, want := range []string{"Inserisca il cognome", "Inserisca la data di nascita", "Inserisca il numero di mappale", "Scelga la sezione", "Queste coordinate non sono in Svizzera", "Il numero IDI non è corretto"} {
		wrong.Contains("[role=alert]", want)
	}
	wrong.Attr("[name=company_uid]", "aria-invalid", "true")
	wrong.Attr("[name=map_east]", "value", "9.19")

	// What is wrong is still there on another device.
	path := wrong.AttrOf("main form", "action")
	other := c.Copy("citizen-verified").Get(path, 200)
	other.Attr("[name=company_uid]", "value", "CHE-100.155.213")
	other.None("[role=alert]")
	group := other.Submit(c, "main form", url.Values{"person_first_name": {""}, "person_last_name": {""}, "parcel_number": {""}, "map_east": {"2717000"}, "map_north": {"1096000"}, "company_uid": {"CHE-100.155.212"}, "child_pick": {"Emma|Esempi|2019-05-17"}})
	group.Contains("main h1", "Più persone")
	group.Contains("legend", "Persona 1")

	path = group.AttrOf("main form", "action")
	form := group.Values("main form")
	form.Set("people.0.name", "Lia")
	form.Set("people.0.age", "sette")
	form.Set("add", "people")
	two := c.Post(path, form, 200)
	two.Contains("main", "Persona 2")
	two.Attr("[name='people.0.age']", "value", "sette")
	two.None("[role=alert]")
	form = two.Values("main form")
	form.Set("people.1.name", "Max")
	form.Set("people.1.plate", "TI 123")
	form.Set("drop", "people.0")
	one := c.Post(path, form, 200)
	one.Attr("[name='people.0.name']", "value", "Max")
	one.None("[name='people.1.name']")

	// An answer of an item opens a question of that item.
	school := one.Submit(c, "main form", url.Values{"people.0.age": {"7"}})
	school.Contains("main", "Le sue risposte aprono un’altra domanda")
	review := school.Submit(c, "main form", url.Values{"people.0.school": {"Molino Nuovo"}})
	review.Contains("main", "1. Nome: Max; Età: 7; Scuola: Molino Nuovo; Targa: TI 123")
	review.Contains("main", "Emma Esempi, 17.05.2019")
	review.Contains("main", "Esempio SA, CHE-100.155.212")
	review.Contains("main", "2'717'000 / 1'096'000")
	review.Contains("main", "La bozza resta salvata fino al")
}

// What is typed is kept as it stands, without being checked, and is not sent on
// before it is right.
func TestTypedIsKeptAsItStands(t *testing.T) {
	e := newEverything(t)
	c := e.As(t, "lugano", "citizen")
	page := c.Get(everything, 200)
	path, keep := page.AttrOf("main form", "action"), page.AttrOf("main form", "data-keep")
	typed := page.Values("main form")
	typed.Set("text", "metà di una fra")
	typed.Set("date", "31.02.2026")
	typed.Set("number", "dodici")
	typed.Set("not_asked", "x")
	said := c.Post(keep, typed, 200)
	if !strings.Contains(said.Text("body"), "Salvato alle ") {
		t.Errorf("%q", said.Text("body"))
	}

	other := c.Copy("citizen")
	again := other.Get(everything, 200)
	again.Attr("[name=text]", "value", "metà di una fra")
	again.Attr("[name=date]", "value", "31.02.2026")
	again.Attr("[name=number]", "value", "dodici")
	review := other.Get(strings.TrimSuffix(path, "/simple")+"/riepilogo", 200)
	review.Contains("main", "nessuna risposta")
	refused := review.Submit(other, "main form", url.Values{"confermo": {"true"}})
	refused.Contains("[role=alert]", "«Una risposta»: c’è ancora qualcosa da correggere.")

	// What is right by now becomes an answer, and the review shows it.
	typed.Set("date", "28.02.2026")
	typed.Set("number", "12")
	c.Post(keep, typed, 200)
	other.Get(strings.TrimSuffix(path, "/simple")+"/riepilogo", 200).Contains("main", "28.02.2026")

	typed.Set("text", strings.Repeat("a", 200_000))
	c.Post(keep, typed, 413)
	e.As(t, "lugano", "citizen-verified").Post(keep, typed, 404)
	e.As(t, "bellinzona", "citizen").Post(keep, typed, 404)
	c.Post(strings.Replace(keep, "/simple/", "/nessuno/", 1), typed, 404)
}
