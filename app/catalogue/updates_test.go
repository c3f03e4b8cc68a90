package catalogue

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/tenants"
)

// shelf is two communes that stand on published shared versions.
type shelf struct {
	bench
	shared map[string]Tree
	entity identity.Actor
}

func newShelf(t *testing.T) shelf {
	t.Helper()
	s := shelf{bench: newBench(t, true), entity: identity.System(tenancy.Tenant{})}
	registry := outbox.NewRegistry()
	s.module.Jobs(registry)
	s.module.Outbox = outbox.New(registry, s.Redis)
	var err error
	if s.shared, err = Shared(tenants.FS); err != nil {
		t.Fatal(err)
	}
	if _, err := s.module.PublishFolder(t.Context(), s.entity, s.shared); err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []tenancy.Tenant{s.Lugano, s.Chiasso} {
		s.takeIn(t, tenant)
	}
	return s
}

// takeIn brings a commune's folder in as `tenant apply` does.
func (s shelf) takeIn(t *testing.T, tenant tenancy.Tenant) []string {
	t.Helper()
	o := Options{Demo: true, Now: now}
	var err error
	if o.Shared, err = s.module.SharedTrees(t.Context()); err != nil {
		t.Fatal(err)
	}
	face, err := site.ReadFolder(tenants.FS, tenant.Slug())
	if err != nil {
		t.Fatal(err)
	}
	folder, err := ReadFolder(t.Context(), tenants.FS, tenant.Slug(), "ticino")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	if err := s.DB.In(t.Context(), tenant, func(tx *tenancy.Tx) error {
		if _, err := site.Apply(tx, face, false); err != nil {
			return err
		}
		lines, err = Apply(t.Context(), tx, folder, o)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return lines
}

// publish makes a shared service's next version of an overlay.
func (s shelf) publish(t *testing.T, id, overlay string, size Size) SharedVersion {
	t.Helper()
	_, newest, err := s.module.SharedTree(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	done, err := s.module.Publish(t.Context(), s.entity, []Candidate{{Tree: Merge(newest, parsed(t, overlay)), Why: "Perché sì.", Size: size, NextVersion: true}})
	if err != nil || len(done) != 1 {
		t.Fatalf("%v %v", done, err)
	}
	return done[0]
}

// bytes are a commune's row of a service as they lie in the table.
func (s shelf) bytes(t *testing.T, tenant tenancy.Tenant, id string) (out string) {
	t.Helper()
	if err := s.DB.Read(t.Context(), tenant, func(tx *tenancy.Tx) error {
		return tx.QueryRow(`select concat_ws('|', definition, overlay, console, folder, version, kind, origin, base_version, fee_confirmed, fee_confirmed_by, fee_confirmed_at)
			from services where id = $1`, id).Scan(&out)
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func (s shelf) update(t *testing.T, tenant tenancy.Tenant, id string) Update {
	t.Helper()
	u, err := s.module.Update(t.Context(), admin(tenant), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (s shelf) inForce(t *testing.T, tenant tenancy.Tenant, id string) *Service {
	t.Helper()
	found, err := s.module.Service(t.Context(), tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const blue = "zona-blu-contrassegno-residenti"

func TestAcceptAndUndo(t *testing.T) {
	s := newShelf(t)
	by := admin(s.Lugano)
	first := s.inForce(t, s.Lugano, blue)
	before := s.bytes(t, s.Lugano, blue)
	if err := s.module.Accept(t.Context(), by, blue, Decision{}); !errors.Is(err, ErrNoUpdate) {
		t.Fatalf("accepted though nothing is new: %v", err)
	}
	s.publish(t, blue, `{"fee":{"amounts":{"anno":{"chf":500}}},"term":{"working_days":5},"needs":["La targa"]}`, Large)

	// Nothing is live before the commune accepts, and taking the folder in again
	// accepts nothing.
	if lines := s.takeIn(t, s.Lugano); len(lines) != 0 {
		t.Errorf("the folder brought %v", lines)
	}
	if got := s.bytes(t, s.Lugano, blue); got != before {
		t.Fatal("publishing has changed a commune's service")
	}
	waiting, err := s.module.Waiting(t.Context(), by)
	if err != nil || len(waiting) != 1 || waiting[0].Service.ID != blue {
		t.Fatalf("%v %v", waiting, err)
	}
	// Lugano states its own amount: a conflict. The term follows.
	u := s.update(t, s.Lugano, blue)
	if len(u.Conflicts) != 1 || strings.Join(u.Conflicts[0].Trail, ".") != "fee.amounts.anno.chf" {
		t.Fatalf("%+v", u.Conflicts)
	}
	if err := s.module.Accept(t.Context(), by, blue, Decision{State: u.State}); !errors.Is(err, ErrUndecided) {
		t.Fatalf("%v", err)
	}
	decision := Decision{State: "of another day", Choices: map[string]Resolution{u.Conflicts[0].Key: {Choice: Ours}}}
	if err := s.module.Accept(t.Context(), by, blue, decision); !errors.Is(err, ErrMoved) {
		t.Fatalf("%v", err)
	}
	decision.State = u.State
	if err := s.module.Accept(t.Context(), by, blue, decision); err != nil {
		t.Fatal(err)
	}
	second := s.inForce(t, s.Lugano, blue)
	if second.Term.WorkingDays != 5 || second.Version != 2 || second.Fee.Amounts["anno"].CHF != 48000 {
		t.Errorf("term %d, version %d, amount %v", second.Term.WorkingDays, second.Version, second.Fee.Amounts["anno"].CHF)
	}
	if _, err := s.module.Update(t.Context(), by, blue); !errors.Is(err, ErrNoUpdate) {
		t.Errorf("accepted, and it still waits: %v", err)
	}
	// Who began with the first version goes on with it.
	old, err := s.module.At(t.Context(), s.Lugano, blue, first.Hash)
	if err != nil || old.Hash != first.Hash || old.Term.WorkingDays != 10 {
		t.Fatalf("%+v %v", old, err)
	}
	offer, err := s.module.OfferAt(t.Context(), s.Lugano, blue, first.Hash)
	if err != nil || offer.Newer == nil || offer.Newer.Hash != second.Hash || offer.Newer.Required {
		t.Fatalf("%+v %v", offer, err)
	}

	// The console changes something after that; undoing says that it would be lost.
	setFee(t, s.module, by, blue, "anno", 510)
	undo, err := s.module.LookAtUndo(t.Context(), by, blue)
	if err != nil || !undo.Lost() {
		t.Fatalf("lost %t, %v", undo.Lost(), err)
	}
	if err := s.module.Undo(t.Context(), by, blue, "of another day", false); !errors.Is(err, ErrMoved) {
		t.Fatalf("%v", err)
	}
	if err := s.module.Undo(t.Context(), by, blue, undo.State, false); err != nil {
		t.Fatal(err)
	}
	if got := s.bytes(t, s.Lugano, blue); got != before {
		t.Errorf("undone to other bytes:\n%s\n%s", before, got)
	}
	if got := s.inForce(t, s.Lugano, blue); got.Hash != first.Hash {
		t.Errorf("%s is in force, expected %s", got.Hash, first.Hash)
	}
	if err := s.module.Undo(t.Context(), by, blue, undo.State, false); !errors.Is(err, ErrNothingToUndo) {
		t.Errorf("undone twice: %v", err)
	}
	steps, err := s.module.Steps(t.Context(), by, blue)
	if err != nil || len(steps) != 2 || steps[0].Kind != "undone" || !steps[1].Undone {
		t.Errorf("%+v %v", steps, err)
	}
	// The neighbour has seen nothing of all this.
	if got, err := s.module.Steps(t.Context(), admin(s.Chiasso), blue); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}

func TestRefuseAndStandings(t *testing.T) {
	s := newShelf(t)
	const id = "certificato-domicilio"
	s.publish(t, id, `{"summary":"Il certificato che attesta il domicilio, in una pagina."}`, Large)
	by := admin(s.Chiasso)
	u := s.update(t, s.Chiasso, id)
	if err := s.module.Refuse(t.Context(), by, id, u.State, " "); !errors.Is(err, ErrWhy) {
		t.Fatalf("%v", err)
	}
	if err := s.module.Refuse(t.Context(), by, id, u.State, "Il nostro testo basta."); err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []tenancy.Tenant{s.Lugano, s.Chiasso} {
		if err := s.module.Count(t.Context(), tenant); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.module.Standings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, x := range all {
		if x.Service != id {
			continue
		}
		seen++
		switch x.Slug {
		case s.Chiasso.Slug():
			if x.Waiting != nil || x.RefusedVersion != 2 || x.RefusedWhy != "Il nostro testo basta." {
				t.Errorf("%+v", x)
			}
		default:
			if x.Waiting == nil || *x.Waiting != 2 || x.Drift == 0 || *x.Base != 1 {
				t.Errorf("%+v", x)
			}
		}
	}
	if seen != 2 {
		t.Errorf("%d standings of %s", seen, id)
	}
	// A newer version waits again.
	s.publish(t, id, `{"minutes":7}`, Large)
	if got := s.update(t, s.Chiasso, id); got.Refused || got.To.Version != 3 {
		t.Errorf("%+v", got.To)
	}
}

func TestSmallChangesByThemselves(t *testing.T) {
	s := newShelf(t)
	const id = "cane-notifica-possesso"
	s.publish(t, id, `{"keywords":["cane","Hund","guinzaglio"]}`, Small)
	if err := s.module.acceptByItself(t.Context(), s.Lugano, outbox.Job{}); err != nil {
		t.Fatal(err)
	}
	if got := s.inForce(t, s.Lugano, id); got.Version != 1 {
		t.Fatal("accepted by itself though the commune has not said so")
	}
	if err := s.module.AcceptSmall(t.Context(), admin(s.Lugano), true); err != nil {
		t.Fatal(err)
	}
	s.publish(t, blue, `{"fee":{"amounts":{"anno":{"chf":500}}}}`, Large)
	if err := s.module.acceptByItself(t.Context(), s.Lugano, outbox.Job{}); err != nil {
		t.Fatal(err)
	}
	if got := s.inForce(t, s.Lugano, id); got.Version != 2 {
		t.Error("the small version was not accepted")
	}
	if got := s.inForce(t, s.Lugano, blue); got.Version != 1 {
		t.Error("a large version was accepted by itself")
	}
	// What calls itself small and is not is refused at the door.
	_, newest, err := s.module.SharedTree(t.Context(), blue, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.module.Publish(t.Context(), s.entity, []Candidate{{Tree: Merge(newest, parsed(t, `{"fee":{"amounts":{"anno":{"chf":900}}}}`)), Why: "Solo parole.", Size: Small, NextVersion: true}})
	if !errors.Is(err, ErrNotPublishable) {
		t.Errorf("%v", err)
	}
}

func TestWhatCannotBePublishedOrAccepted(t *testing.T) {
	s := newShelf(t)
	const id = "certificato-domicilio"
	_, newest, err := s.module.SharedTree(t.Context(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, overlay := range map[string]string{
		"a rule that does not compile": `{"eligibility":[{"id":"domicilio","holds":"register.nobody"}]}`,
		"an example that fails":        `{"fee":{"lines":[{"id":"certificato","amount":"centimes(1)"}]}}`,
		"an unknown key":               `{"colour":"blue"}`,
		"a text that no table holds":   "{\"note\":\"a\\u0000b\"}",
	} {
		tree := Merge(newest, parsed(t, overlay))
		if _, err := s.module.Publish(t.Context(), s.entity, []Candidate{{Tree: tree, Why: "Prova.", Size: Large, NextVersion: true}}); !errors.Is(err, ErrNotPublishable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	tree := Merge(newest, parsed(t, `{"minutes":9}`))
	if _, err := s.module.Publish(t.Context(), s.entity, []Candidate{{Tree: tree, File: "x.yaml", Why: "Prova.", Size: Large}}); !errors.Is(err, ErrNotPublishable) {
		t.Errorf("the number of a version that is there was taken: %v", err)
	}
	if _, err := s.module.Publish(t.Context(), s.entity, []Candidate{{Tree: tree, Size: Large, NextVersion: true}}); !errors.Is(err, ErrWhy) {
		t.Errorf("published without a reason: %v", err)
	}

	// Lugano's own example expects its own amount: taking the shared one breaks it.
	s.publish(t, id, `{"fee":{"amounts":{"certificato":{"chf":25}}}}`, Large)
	u := s.update(t, s.Lugano, id)
	before := s.bytes(t, s.Lugano, id)
	d := Decision{State: u.State, Choices: map[string]Resolution{}}
	for _, c := range u.Conflicts {
		d.Choices[c.Key] = Resolution{Choice: Theirs}
	}
	if err := s.module.Accept(t.Context(), admin(s.Lugano), id, d); !errors.Is(err, ErrExamplesFail) {
		t.Errorf("%v", err)
	}
	if s.bytes(t, s.Lugano, id) != before {
		t.Error("a refused acceptance has changed the service")
	}
}

func TestAFieldThatDraftsUseGoes(t *testing.T) {
	s := newShelf(t)
	by := admin(s.Lugano)
	if err := s.DB.In(t.Context(), s.Lugano, func(tx *tenancy.Tx) error {
		account := &identity.Account{ID: uuid.Must(uuid.NewV7()), Email: "prova@lugano.example", FirstName: "Prova", LastName: "Esempi", Level: 3, Lang: "it", CreatedAt: now}
		if err := identity.SaveAccount(tx, account); err != nil {
			return err
		}
		_, err := tx.Exec(`insert into drafts (id, account_id, service_id, service_version, service_hash, answers, created_at, updated_at, expires_at)
			values ($1, $2, $3, 1, $4, '{"targa": "TI 12345"}', $5, $5, $6)`, uuid.Must(uuid.NewV7()), account.ID, blue, s.inForce(t, s.Lugano, blue).Hash, now, now.Add(time.Hour))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// The field is asked for under another name, in every example as well.
	_, newest, err := s.module.SharedTree(t.Context(), blue, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(canonical(t, newest), `"targa"`, `"contrassegno"`)
	text = strings.ReplaceAll(text, "answers.targa", "answers.contrassegno")
	if _, err := s.module.Publish(t.Context(), s.entity, []Candidate{{Tree: parsed(t, text), Why: "Un altro nome.", Size: Large, NextVersion: true}}); err != nil {
		t.Fatal(err)
	}
	u := s.update(t, s.Lugano, blue)
	if len(u.Removed) != 1 || u.Removed[0].Drafts != 1 || u.Removed[0].ID != "targa" {
		t.Fatalf("%+v", u.Removed)
	}
	first := s.inForce(t, s.Lugano, blue)
	if err := s.module.Accept(t.Context(), by, blue, Decision{State: u.State}); !errors.Is(err, ErrDraftsUse) {
		t.Fatalf("%v", err)
	}
	if err := s.module.Accept(t.Context(), by, blue, Decision{State: u.State, KeepDrafts: true}); err != nil {
		t.Fatal(err)
	}
	// The draft keeps its version as long as it is there.
	if n, err := s.module.forgetVersions(t.Context(), s.Lugano); err != nil || n != 0 {
		t.Errorf("%d versions forgotten, %v", n, err)
	}
	s.old(t, s.Lugano)
	if _, err := s.module.forgetVersions(t.Context(), s.Lugano); err != nil {
		t.Fatal(err)
	}
	if got, err := s.module.At(t.Context(), s.Lugano, blue, first.Hash); err != nil || got.Hash != first.Hash {
		t.Errorf("a version that a draft needs is gone: %v", err)
	}
	if err := s.DB.In(t.Context(), s.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("delete from drafts")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.module.forgetVersions(t.Context(), s.Lugano); err != nil || n != 1 {
		t.Errorf("%d versions forgotten, %v", n, err)
	}
}

// old lets all versions have been kept for some days.
func (s shelf) old(t *testing.T, tenant tenancy.Tenant) {
	t.Helper()
	if err := s.DB.In(t.Context(), tenant, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update service_versions set published_at = published_at - interval '3 days'")
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAdoptAndOffer(t *testing.T) {
	s := newShelf(t)
	const boats = "ormeggio-posto-barca"
	by := admin(s.Chiasso)
	list, err := s.module.Adoptable(t.Context(), by)
	if err != nil || len(list) == 0 {
		t.Fatalf("%v %v", list, err)
	}
	if err := s.module.Adopt(t.Context(), by, "nothing"); !errors.Is(err, ErrNotShared) {
		t.Errorf("%v", err)
	}
	if err := s.module.Adopt(t.Context(), by, boats); err != nil {
		t.Fatal(err)
	}
	if err := s.module.Adopt(t.Context(), by, boats); !errors.Is(err, ErrOffered) {
		t.Errorf("adopted twice: %v", err)
	}
	entry, err := s.module.Entry(t.Context(), by, boats)
	if err != nil || entry.Published {
		t.Fatalf("%+v %v", entry, err)
	}
	// The folder, which does not list it, leaves it alone.
	if lines := s.takeIn(t, s.Chiasso); len(lines) != 0 {
		t.Errorf("%v", lines)
	}

	// Lugano offers its own ports to all.
	own := admin(s.Lugano)
	mine, err := s.module.Own(t.Context(), own, boats)
	if err != nil || len(mine.Parts) == 0 {
		t.Fatalf("%+v %v", mine, err)
	}
	if err := s.module.OfferToAll(t.Context(), own, boats, "Utile a tutti.", nil); !errors.Is(err, ErrNothingToOffer) {
		t.Errorf("%v", err)
	}
	var keys []string
	for _, p := range mine.Parts {
		keys = append(keys, p.Key)
	}
	if err := s.module.OfferToAll(t.Context(), own, boats, "Utile a tutti.", keys); err != nil {
		t.Fatal(err)
	}
	if err := s.module.OfferToAll(t.Context(), own, boats, "Ancora.", keys); !errors.Is(err, ErrOfferWaits) {
		t.Errorf("offered twice: %v", err)
	}
	offers, err := s.module.Proposals(t.Context(), "", "waiting")
	if err != nil || len(offers) != 1 || offers[0].Slug != s.Lugano.Slug() {
		t.Fatalf("%v %v", offers, err)
	}
	if got, err := s.module.Proposals(t.Context(), s.Chiasso.Slug(), ""); err != nil || len(got) != 0 {
		t.Errorf("the neighbour reads what Lugano offers: %v %v", got, err)
	}
	v, err := s.module.TakeIn(t.Context(), s.entity, offers[0].ID, "Accolta.", Large)
	if err != nil || v.Version != 2 || v.OfferedBy != s.Lugano.Slug() {
		t.Fatalf("%+v %v", v, err)
	}
	if _, err := s.module.TakeIn(t.Context(), s.entity, offers[0].ID, "Ancora.", Large); !errors.Is(err, ErrAnswered) {
		t.Errorf("taken in twice: %v", err)
	}
	if err := s.module.Decline(t.Context(), s.entity, offers[0].ID, "No."); !errors.Is(err, ErrAnswered) {
		t.Errorf("%v", err)
	}
	// Lugano says the same as the new version: nothing is in conflict. Chiasso
	// follows it.
	if u := s.update(t, s.Lugano, boats); len(u.Conflicts) != 0 {
		t.Errorf("%+v", u.Conflicts)
	}
	u := s.update(t, s.Chiasso, boats)
	if err := s.module.Accept(t.Context(), by, boats, Decision{State: u.State}); err != nil {
		t.Fatal(err)
	}
	known, err := s.module.Known(t.Context(), s.Chiasso, boats)
	if err != nil || known.Version != 2 {
		t.Errorf("%+v %v", known, err)
	}
}

// A service of one commune alone can be there, be offered, and become shared.
func TestACommunesOwnService(t *testing.T) {
	s := newShelf(t)
	by := admin(s.Lugano)
	own := Merge(s.shared["segnalazione-guasti"], parsed(t, `{"id":"segnalazione-panchine","title":"Segnalare una panchina rotta"}`))
	if err := s.DB.In(t.Context(), s.Lugano, func(tx *tenancy.Tx) error {
		return saveRow(tx, row{ID: "segnalazione-panchine", Definition: Tree{}, Overlay: Tree{}, Console: own, Version: 1, Kind: "traditional", Offered: true, Published: true, PublishedOrigin: "console", Origin: originOwn, UpdatedBy: "Carla", UpdatedAt: now})
	}); err != nil {
		t.Fatal(err)
	}
	s.takeIn(t, s.Lugano)
	if got := s.inForce(t, s.Lugano, "segnalazione-panchine"); got.Title.In("it") != "Segnalare una panchina rotta" {
		t.Errorf("%v", got.Title)
	}
	if err := s.module.OfferToAll(t.Context(), by, "segnalazione-panchine", "Serve a tutti.", nil); err != nil {
		t.Fatal(err)
	}
	offers, err := s.module.Proposals(t.Context(), "", "waiting")
	if err != nil || len(offers) != 1 {
		t.Fatalf("%v %v", offers, err)
	}
	if _, err := s.module.TakeIn(t.Context(), s.entity, offers[0].ID, "Benvenuta.", Large); err != nil {
		t.Fatal(err)
	}
	u := s.update(t, s.Lugano, "segnalazione-panchine")
	if len(u.Conflicts) != 0 || u.From != nil {
		t.Fatalf("%+v", u)
	}
	if err := s.module.Accept(t.Context(), by, "segnalazione-panchine", Decision{State: u.State}); err != nil {
		t.Fatal(err)
	}
	var console, base string
	if err := s.DB.Read(t.Context(), s.Lugano, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select console::text, base_version::text from services where id = 'segnalazione-panchine'").Scan(&console, &base)
	}); err != nil {
		t.Fatal(err)
	}
	if console != "{}" || base != "1" {
		t.Errorf("the service stands on version %s and still says all of it itself: %s", base, console)
	}
}

const blueV1 = `{"id":"zona","version":1,"title":{"it":"Zona blu","de":"Blaue Zone"},"office":"polizia","legal_basis":["a","b"],
	"fee":{"amounts":{"anno":{"chf":480,"label":"Anno"}},"note":"All’anno."},
	"form":{"steps":[{"id":"veicolo","title":"Il veicolo","fields":[{"id":"targa","kind":"plate","label":"Targa"},{"id":"inizio","kind":"date","label":"Dal"}]}]}}`

func TestChangesInWords(t *testing.T) {
	from := parsed(t, blueV1)
	to := Merge(from, parsed(t, `{"fee":{"amounts":{"anno":{"chf":500.5}},"note":"All’anno, per veicolo."},"form":{"steps":[{"id":"veicolo","fields":[{"id":"nota","kind":"text","label":"Nota"},{"id":"targa","label":"Numero di targa"}]}]}}`))
	ctx := context.Background()
	var told []string
	for _, g := range Changes(ctx, from, to) {
		for _, c := range g.Changes {
			line := c.Title + " " + c.Tag + " " + c.Old + ">" + c.New
			for _, p := range c.Parts {
				if p.Put {
					line += " +" + p.Text
				}
			}
			told = append(told, line)
		}
	}
	text := strings.Join(told, "\n")
	for _, want := range []string{"CHF 480.00>CHF 500.50", "+, per veicolo", "change.new"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q:\n%s", want, text)
		}
	}
}

// What a definition can hold has a name that people read in a difference.
func TestEveryPartHasAName(t *testing.T) {
	texts, err := i18n.Load(tenants.FS, "shared/texts")
	if err != nil {
		t.Fatal(err)
	}
	ctx := i18n.WithLang(t.Context(), texts, i18n.Reference)
	seen := map[reflect.Type]bool{}
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			walk(typ.Elem())
			return
		case reflect.Struct:
		default:
			return
		}
		if seen[typ] || typ == reflect.TypeFor[Example]() || !strings.Contains(typ.PkgPath(), "sportello") {
			return
		}
		seen[typ] = true
		for f := range typ.Fields() {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if key == "" || key == "-" || key == "id" || key == "version" {
				continue
			}
			if !i18n.Has(ctx, "change.part."+key) && !i18n.Has(ctx, "change.item."+key) {
				t.Errorf("%s.%s: no text change.part.%s", typ, f.Name, key)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Definition]())
	if len(seen) < 10 {
		t.Errorf("only %d types looked at", len(seen))
	}
}

func parsed(t testing.TB, text string) Tree {
	t.Helper()
	out, err := overlay.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func canonical(t testing.TB, tr Tree) string {
	t.Helper()
	b, err := tr.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
