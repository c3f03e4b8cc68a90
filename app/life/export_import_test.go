package life_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/life"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

var avs = "756.0000.0000.02"

// person is somebody with an AVS number, sealed as the product does it.
func person(t *testing.T, e *tenancytest.Env, c tenancy.Tenant, email, firstName string) uuid.UUID {
	t.Helper()
	id := uuid.Must(uuid.NewV7())
	if err := e.DB.In(t.Context(), c, func(tx *tenancy.Tx) error {
		return identity.SaveAccount(tx, &identity.Account{ID: id, Email: email, FirstName: firstName, LastName: "Prova", AVS: &avs, Level: 3, Lang: "it"})
	}); err != nil {
		t.Fatal(err)
	}
	return id
}

func whole(t *testing.T, z *zip.ReadCloser, name string) string {
	t.Helper()
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestExportAndImport: what leaves one commune can be read by anybody and comes in
// at another, sealed anew, with every odd sign that people type.
func TestExportAndImport(t *testing.T) {
	e := tenancytest.New(t)
	l := newLife(t, e)
	l.Sealed = identity.SealedNumbers()
	odd := "riga uno\r\nriga due\t\"virgolette\" \\N \\ fine\n\r"
	id := person(t, e, e.Lugano, "anna@persone.example", odd)
	nulls := []string{`\N`, `\\N`, "", "N", `\`}
	for i, n := range nulls {
		person2(t, e, e.Lugano, i, n)
	}
	upload(t, l, e.Lugano, "a/note", "contenuto")
	path := filepath.Join(t.TempDir(), "lugano.zip")
	p, err := l.Export(t.Context(), "lugano", path, quiet)
	if err != nil {
		t.Fatal(err)
	}
	_, z, err := life.ReadPackage(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if text := whole(t, z, "data/account_avs.csv"); !strings.Contains(text, avs) {
		t.Errorf("the export does not open what is sealed:\n%s", text)
	}
	for _, secret := range []string{"seal_keys", "payment_accounts", "account_tokens", "outbox"} {
		if _, err := z.Open("data/" + secret + ".csv"); err == nil {
			t.Errorf("the export holds %s", secret)
		}
	}
	if len(p.Resources) < 15 {
		t.Errorf("only %d files", len(p.Resources))
	}

	if _, err := l.Import(t.Context(), "chiasso", path, quiet); err != nil {
		t.Fatal(err)
	}
	if err := e.DB.Read(t.Context(), e.Chiasso, func(tx *tenancy.Tx) error {
		a, err := identity.AccountByEmail(tx, "anna@persone.example")
		if err != nil {
			return err
		}
		if a == nil || a.ID != id || a.FirstName != odd {
			t.Errorf("came in as %+v", a)
		}
		for i, n := range nulls {
			var got string
			if err := tx.QueryRow("select last_name from accounts where email = $1", nullMail(i)).Scan(&got); err != nil {
				return err
			}
			if got != n {
				t.Errorf("%q came in as %q", n, got)
			}
		}
		var raw []byte
		if err := tx.QueryRow("select avs_sealed from account_avs where account_id = $1", [16]byte(id)).Scan(&raw); err != nil {
			return err
		}
		if bytes.Contains(raw, []byte("756")) {
			t.Error("the number is not sealed")
		}
		k, err := tx.Keys()
		if err != nil {
			return err
		}
		if number, err := k.Open(raw, "account_avs/"+id.String()); err != nil || string(number) != avs {
			t.Errorf("the number came in as %q, %v", number, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if data, _, err := l.Blobs.For("chiasso").Get(t.Context(), "a/note"); err != nil || string(data) != "contenuto" {
		t.Errorf("the file: %q, %v", data, err)
	}
	if again, err := l.Import(t.Context(), "chiasso", path, quiet); err != nil || again.Rows != 0 {
		t.Errorf("the same once more, as after a crash: %d rows, %v", again.Rows, err)
	}
	other := filepath.Join(t.TempDir(), "later.zip")
	if _, err := l.Export(t.Context(), "lugano", other, quiet); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Import(t.Context(), "chiasso", other, quiet); err == nil {
		t.Error("a commune in use was overwritten")
	}
}

func nullMail(i int) string { return string(rune('a'+i)) + "@nulli.example" }

func person2(t *testing.T, e *tenancytest.Env, c tenancy.Tenant, i int, last string) {
	t.Helper()
	if err := e.DB.In(t.Context(), c, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("insert into accounts (id, email, first_name, last_name) values ($1, $2, 'N', $3)", [16]byte(uuid.New()), nullMail(i), last)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestChangedExportIsRefused: one byte, anywhere.
func TestChangedExportIsRefused(t *testing.T) {
	e := tenancytest.New(t)
	l := newLife(t, e)
	fillAccounts(t, e, 50)
	path := filepath.Join(t.TempDir(), "lugano.zip")
	if _, err := l.Export(t.Context(), "lugano", path, quiet); err != nil {
		t.Fatal(err)
	}
	_, z, err := life.ReadPackage(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed.zip")
	out, err := os.Create(changed)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(out)
	for _, f := range z.File {
		in, err := w.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		body := whole(t, z, f.Name)
		if f.Name == "data/accounts.csv" {
			body = strings.Replace(body, "Prova 7", "Prova 8", 1)
		}
		if _, err := io.WriteString(in, body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), out.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Import(t.Context(), "chiasso", changed, quiet); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a changed export: %v", err)
	}
	if n := count(t, e, e.Chiasso, "select count(*) from accounts"); n != 0 {
		t.Errorf("%d accounts came in", n)
	}
}

// TestArchive: what is left of an archived commune cannot be read, not even with
// the master key and a backup from before; its neighbour notices nothing.
func TestArchive(t *testing.T) {
	e, _ := tenancytest.NewTwo(t) // roles of its own: it drops some
	l := newLife(t, e)
	l.KeysOwner, l.Redis = e.KeysOwner, e.Redis
	l.Blobs.UseKeys(keys.ForFiles(e.DB, e.Keys))
	person(t, e, e.Lugano, "anna@persone.example", "Anna")
	upload(t, l, e.Lugano, "a/note", "contenuto")
	upload(t, l, e.Chiasso, "a/note", "del vicino")
	if err := e.Redis.Set(t.Context(), e.Lugano.Key("session", "x"), "1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	label, err := l.Backup(t.Context(), "lugano", quiet)
	if err != nil {
		t.Fatal(err)
	}
	place, err := e.Owner.PlaceOf(t.Context(), "lugano")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Archive(t.Context(), "lugano", "fusione", quiet); !errors.Is(err, life.ErrActive) {
		t.Fatalf("an active commune was archived: %v", err)
	}
	if err := e.Owner.SetState(t.Context(), "lugano", tenancy.Suspended, "fusione"); err != nil {
		t.Fatal(err)
	}
	// Interrupted after the keys are gone: run again, it ends what it began.
	ctx, cancel := context.WithCancel(t.Context())
	if err := l.Archive(ctx, "lugano", "fusione", func(_ int, step, _ string) {
		if step == "files" {
			cancel()
		}
	}); err == nil {
		t.Fatal("an interrupted archiving succeeded")
	}
	if err := l.Archive(t.Context(), "lugano", "fusione", quiet); err != nil {
		t.Fatal(err)
	}
	if err := l.Archive(t.Context(), "lugano", "fusione", quiet); err != nil {
		t.Fatalf("a second time: %v", err)
	}
	if _, err := e.DB.Directory().BySlug(t.Context(), "lugano"); !errors.Is(err, tenancy.ErrUnknown) {
		t.Errorf("the directory still knows it: %v", err)
	}
	if err := e.DB.In(t.Context(), e.Lugano, func(*tenancy.Tx) error { return nil }); err == nil {
		t.Error("whoever still held the commune could open a transaction in it")
	}
	if n, err := e.Redis.Exists(t.Context(), e.Lugano.Key("session", "x")).Result(); err != nil || n != 0 {
		t.Errorf("sessions are left: %d, %v", n, err)
	}
	for what, name := range map[string]string{"schema": place.Schema, "role": place.Role, "login": place.Login} {
		conn, err := e.Owner.Connect(t.Context(), place.Cluster)
		if err != nil {
			t.Fatal(err)
		}
		var there bool
		err = conn.QueryRow(t.Context(), "select exists (select from pg_namespace where nspname = $1 union all select from pg_roles where rolname = $1)", name).Scan(&there)
		if err := errors.Join(err, conn.Close(t.Context())); err != nil || (there && what == "schema") {
			t.Errorf("its %s is left (%v)", what, err)
		}
	}
	// A fresh process with the master key, and the backup from before.
	fresh, err := tenancy.Open(e.RuntimeURL, tenancytest.MasterKey, "localhost", tenancy.Options{Clusters: map[string]string{tenancytest.North: e.North}})
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	ring, err := keys.NewRing(fresh, tenancytest.Masters(), tenancytest.MasterKey)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ring.For(t.Context(), e.Lugano); !errors.Is(err, keys.ErrDestroyed) {
		t.Errorf("its keys: %v", err)
	}
	if _, err := l.Restore(t.Context(), "lugano", label.File, quiet); err == nil {
		t.Error("its backup was restored")
	}
	if data, _, err := l.Blobs.For("chiasso").Get(t.Context(), "a/note"); err != nil || string(data) != "del vicino" {
		t.Errorf("the neighbour's file: %q, %v", data, err)
	}
}
