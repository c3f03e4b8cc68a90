package catalogue

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/tenants"
)

var now = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

type bench struct {
	*tenancytest.Env
	module *Module
}

func newBench(t *testing.T, demo bool) bench {
	t.Helper()
	env := tenancytest.New(t)
	return bench{env, New(Deps{
		DB: env.DB, Sites: site.NewSites(env.DB), Clock: clock.NewFake(now), Root: tenants.FS, Demo: demo,
		URL: func(_ tenancy.Tenant, path string) string { return "http://lugano.localhost" + path },
	})}
}

func (b bench) apply(t *testing.T, root fs.FS, tenant tenancy.Tenant, o Options) []string {
	t.Helper()
	ctx := context.Background()
	face, err := site.ReadFolder(tenants.FS, tenant.Slug())
	if err != nil {
		t.Fatal(err)
	}
	folder, err := ReadFolder(ctx, root, tenant.Slug(), "ticino")
	if err != nil {
		t.Fatal(err)
	}
	o.Now = now
	var lines []string
	err = b.DB.In(ctx, tenant, func(tx *tenancy.Tx) error {
		if _, err := site.Apply(tx, face, false); err != nil {
			return err
		}
		lines, err = Apply(ctx, tx, folder, o)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func admin(tenant tenancy.Tenant) identity.Actor {
	return identity.Person(tenant, identity.Account{ID: uuid.New(), FirstName: "Carla", LastName: "Provini", Level: 3}, nil)
}

// offeredIn counts the services that a commune's folder offers.
func offeredIn(t *testing.T, slug string) int {
	t.Helper()
	overlays, err := Overlays(tenants.FS, slug)
	if err != nil {
		t.Fatal(err)
	}
	return len(overlays)
}

func TestApplyAndOffer(t *testing.T) {
	b, ctx := newBench(t, true), context.Background()
	if lines := b.apply(t, tenants.FS, b.Lugano, Options{Demo: true}); len(lines) != offeredIn(t, "lugano") {
		t.Errorf("%v", lines)
	}
	b.apply(t, tenants.FS, b.Chiasso, Options{Demo: true})
	if lines := b.apply(t, tenants.FS, b.Lugano, Options{Demo: true}); len(lines) != 0 {
		t.Errorf("nothing changed, yet: %v", lines)
	}
	s, err := b.module.Service(ctx, b.Lugano, "certificato-domicilio")
	if err != nil || s.Kind != Smart || !s.DemoFee() {
		t.Fatalf("%+v %v", s, err)
	}
	there, err := b.module.Service(ctx, b.Chiasso, "certificato-domicilio")
	if err != nil || there.Kind != Traditional {
		t.Fatalf("%+v %v", there, err)
	}
	for _, id := range []string{"ormeggio-posto-barca", "nothing", ""} {
		if _, err := b.module.Service(ctx, b.Chiasso, id); !errors.Is(err, ErrNotOffered) {
			t.Errorf("%q: %v", id, err)
		}
	}
	for query, want := range map[string]string{
		"domicilio": "certificato-domicilio", "CANI": "cane-notifica-possesso", "Müld": "suolo-occupazione-temporanea",
		"bici elettrica": "contributo-ebike", "Zona Blu": "zona-blu-contrassegno-residenti", "notifica di arrivo": "notifica-arrivo",
	} {
		found, err := b.module.Search(ctx, b.Lugano, query, "it")
		if err != nil || len(found.Services) == 0 || found.Services[0].ID != want {
			t.Errorf("%q finds %v, %v", query, found, err)
		}
	}
	if found, err := b.module.Search(ctx, b.Lugano, "astronave", "it"); err != nil || len(found.Services) != 0 {
		t.Errorf("%v %v", found, err)
	}
}

// changedRoot is tenants.FS with another tariff for the certificate in Lugano,
// and one service fewer.
func changedRoot(t *testing.T) fs.FS {
	t.Helper()
	root := fstest.MapFS{}
	err := fs.WalkDir(tenants.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tenants.FS, name)
		if name == "lugano/services.yaml" {
			text := strings.Replace(string(data), "certificato: {chf: 10.00}", "certificato: {chf: 11.00}", 1)
			text = strings.Replace(text, "expect: {fee: 10.00, verdict: granted}", "expect: {fee: 11.00, verdict: granted}", 1)
			data = []byte(strings.Replace(text, "  sala-prenotazione: {}\n", "", 1))
		}
		root[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// setFee puts an amount of a service's fee into the console's layer and confirms
// the fee, as publishing an edit does, but at once.
func setFee(t *testing.T, m *Module, by identity.Actor, id, name string, francs float64) {
	t.Helper()
	err := m.change(t.Context(), by, id, "test", func(_ *tenancy.Tx, r *row) (map[string]any, error) {
		r.Console = Merge(r.Console, Tree{"fee": map[string]any{"amounts": map[string]any{name: map[string]any{"chf": francs}}}})
		return nil, nil
	})
	if err == nil {
		err = m.ConfirmFee(t.Context(), by, id)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestConsoleChangesSurviveTheFolder(t *testing.T) {
	b, ctx := newBench(t, false), context.Background()
	by := admin(b.Lugano)
	b.apply(t, tenants.FS, b.Lugano, Options{})
	const id = "certificato-domicilio"

	// Outside the demo a fee nobody confirmed is not charged.
	if _, err := b.module.Service(ctx, b.Lugano, id); !errors.Is(err, ErrNotOffered) {
		t.Fatalf("published with a fee to be confirmed: %v", err)
	}
	if err := b.module.Switch(ctx, by, id, true); !errors.Is(err, ErrFeeNotConfirmed) {
		t.Fatal(err)
	}
	setFee(t, b.module, by, id, "certificato", 13.50)
	if err := b.module.Switch(ctx, by, id, true); err != nil {
		t.Fatal(err)
	}
	if got := b.price(t, id); got != "CHF 13.50" {
		t.Error(got)
	}

	lines := b.apply(t, changedRoot(t), b.Lugano, Options{})
	text := strings.Join(lines, "\n")
	if !strings.Contains(text, "certificato-domicilio: fee.amounts.certificato.chf: 10 → 11") || !strings.Contains(text, "sala-prenotazione: no longer offered") {
		t.Errorf("%s", text)
	}
	if got := b.price(t, id); got != "CHF 13.50" {
		t.Errorf("the folder undid the console: %s", got)
	}
	entry, err := b.module.Entry(ctx, by, id)
	if err != nil || !entry.CanPublish || entry.FeeConfirmedBy != "Carla Provini" || len(entry.Changed) != 1 || entry.Changed[0].String() != "fee.amounts.certificato.chf: 11 → 13.5" {
		t.Errorf("%+v %v", entry.Changed, err)
	}

	// Overwriting brings the folder back, whose fee waits to be confirmed.
	b.apply(t, changedRoot(t), b.Lugano, Options{Overwrite: true})
	if _, err := b.module.Service(ctx, b.Lugano, id); !errors.Is(err, ErrNotOffered) {
		t.Errorf("%v", err)
	}
	if err := b.module.ConfirmFee(ctx, by, id); err != nil {
		t.Fatal(err)
	}
	if err := b.module.Switch(ctx, by, id, true); err != nil {
		t.Fatal(err)
	}
	if got := b.price(t, id); got != "CHF 11.00" {
		t.Error(got)
	}
	err = b.DB.Read(ctx, b.Lugano, func(tx *tenancy.Tx) error {
		lines, err := audit.Search(tx, audit.Filter{})
		if len(lines) < 4 {
			t.Errorf("%d lines of audit", len(lines))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := b.module.Entries(ctx, by)
	if err != nil || len(entries) != offeredIn(t, "lugano")-1 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func (b bench) price(t *testing.T, id string) string {
	t.Helper()
	s, err := b.module.Service(context.Background(), b.Lugano, id)
	if err != nil {
		t.Fatal(err)
	}
	price, _ := s.Price(context.Background())
	return price.String()
}
