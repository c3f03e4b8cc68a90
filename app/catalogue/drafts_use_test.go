package catalogue

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/tenants"
)

// draft is one open draft of a service with answers.
func (b bench) draft(t *testing.T, tenant tenancy.Tenant, id, answers string) {
	t.Helper()
	if err := b.DB.In(t.Context(), tenant, func(tx *tenancy.Tx) error {
		account := &identity.Account{ID: uuid.Must(uuid.NewV7()), Email: uuid.NewString() + "@lugano.example", FirstName: "Prova", LastName: "Esempi", Level: 3, Lang: "it", CreatedAt: now}
		if err := identity.SaveAccount(tx, account); err != nil {
			return err
		}
		_, err := tx.Exec(`insert into drafts (id, account_id, service_id, service_version, service_hash, answers, created_at, updated_at, expires_at)
			values ($1, $2, $3, 1, 'x', $4, $5, $5, $6)`, uuid.Must(uuid.NewV7()), account.ID, id, answers, now, now.Add(time.Hour))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

const withFields = `  zona-blu-contrassegno-residenti:
    form:
      steps:
        - id: STEP
          fields:
            - {id: nota, kind: text, label: Nota}
            - id: persone
              kind: group
              label: Persone
              fields:
                - {id: nome, kind: text, label: Nome}
                - {id: eta, kind: number, label: Età}
`

// rooted is tenants.FS where Lugano says something else of one service.
func rooted(t *testing.T, entry string) fs.FS {
	t.Helper()
	root := fstest.MapFS{}
	if err := fs.WalkDir(tenants.FS, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(tenants.FS, name)
		if name == "lugano/services.yaml" {
			data = []byte("services:\n" + entry)
		}
		root[name] = &fstest.MapFile{Data: data}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return root
}

// No way of taking a field away passes over a draft that has answered it: neither
// the commune's folder nor its console, and neither for a field nor for a part of a
// repeated group.
func TestNoFieldGoesUnderADraft(t *testing.T) {
	b := newBench(t, false)
	ctx, by := t.Context(), admin(b.Lugano)
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	form, _ := shared[blue].Get("form", "steps").([]any)
	step, _ := form[0].(map[string]any)["id"].(string)
	entry := strings.Replace(withFields, "STEP", step, 1)
	b.apply(t, rooted(t, entry), b.Lugano, Options{})
	b.draft(t, b.Lugano, blue, `{"nota": "una", "persone": [{"nome": "Ada"}, {"nome": "Eva", "eta": 3}]}`)
	b.draft(t, b.Lugano, blue, `{"persone": [], "nota": "due"}`)
	b.draft(t, b.Lugano, "altro", `{"nota": "tre"}`)

	for name, c := range map[string]struct{ old, new, want string }{
		"a field":   {"            - {id: nota, kind: text, label: Nota}\n", "", "the field goes, and 2 open drafts have answered it"},
		"a part":    {"                - {id: eta, kind: number, label: Età}\n", "", "form.steps." + step + ".fields.persone.fields.eta: the field goes, and 1 open drafts"},
		"its kind":  {"nota, kind: text", "nota, kind: number", "lugano/services.yaml:7:15: form.steps." + step + ".fields.nota: the field goes"},
		"a group":   {entry[strings.Index(entry, "            - id: persone"):], "", "fields.persone: the field goes, and 2 open drafts"},
		"only seen": {"label: Nota}", "label: Appunto}", ""},
	} {
		folder, err := ReadFolder(ctx, rooted(t, strings.Replace(entry, c.old, c.new, 1)), "lugano", "ticino")
		if err != nil {
			t.Fatal(name, err)
		}
		rollback := errors.New("only looked at")
		err = b.DB.In(ctx, b.Lugano, func(tx *tenancy.Tx) error {
			if _, err := Apply(ctx, tx, folder, Options{Now: now}); err != nil {
				return err
			}
			return rollback
		})
		if c.want == "" {
			if !errors.Is(err, rollback) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "lugano/services.yaml:") || !strings.Contains(err.Error(), "--keep-drafts") {
			t.Errorf("%s: %v", name, err)
		}
	}

	// The console's own edit.
	publish := func(keep bool, value any, path ...string) error {
		t.Helper()
		if clash, err := b.module.Amend(ctx, by, blue, []Set{{Path: path, Value: value}}); err != nil || len(clash) > 0 {
			t.Fatal(clash, err)
		}
		w, err := b.module.Workbench(ctx, by, blue)
		if err != nil {
			t.Fatal(err)
		}
		if gone, err := b.module.DraftsUsing(ctx, by, w); err != nil || len(gone) != 1 || gone[0].Drafts != 1 {
			t.Fatalf("%+v %v", gone, err)
		}
		return b.module.PublishEdit(ctx, by, blue, w.Edit.Revision, "", keep)
	}
	part := []string{"form", "steps", step, "fields", "persone", "fields", "eta"}
	if err := publish(false, nil, part...); !errors.Is(err, ErrDraftsUse) {
		t.Fatalf("%v", err)
	}
	if got := b.tree(t, blue).Get(part...); got == nil {
		t.Fatal("refused, and gone")
	}
	if err := publish(true, nil, part...); err != nil {
		t.Fatal(err)
	}
	if got := b.tree(t, blue).Get(part...); got != nil {
		t.Fatalf("still there: %v", got)
	}
}

func (b bench) tree(t *testing.T, id string) Tree {
	t.Helper()
	s, err := b.module.Known(t.Context(), b.Lugano, id)
	if err != nil {
		t.Fatal(err)
	}
	return s.Tree
}
