package life_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/life"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

// upload puts a file into the store and the row that names it.
func upload(t *testing.T, l *life.Life, c tenancy.Tenant, key, content string) {
	t.Helper()
	if _, err := l.Blobs.For(c.Slug()).Put(t.Context(), key, "text/plain", []byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := l.DB.In(t.Context(), c, func(tx *tenancy.Tx) error {
		_, err := tx.Exec(`insert into uploads (id, account_id, name, size, sha256, content_type, blob_key, created_at)
			values ($1, $2, 'nota.txt', $3, '', 'text/plain', $4, now())`, [16]byte(uuid.New()), [16]byte(uuid.New()), len(content), key)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestBackupAndRestore: what was there at the backup is there again, what came
// after is gone, files included, and the neighbour notices nothing.
func TestBackupAndRestore(t *testing.T) {
	e := tenancytest.New(t)
	l := newLife(t, e)
	fillAccounts(t, e, 3000)
	upload(t, l, e.Lugano, "a/note", "contenuto della nota privata")
	if err := e.DB.In(t.Context(), e.Chiasso, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("insert into settings (key, value) values ('vicino', '1')")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	label, err := l.Backup(t.Context(), "lugano", quiet)
	if err != nil {
		t.Fatal(err)
	}
	if label.Rows < 3000 || label.Files != 1 {
		t.Fatalf("backup: %+v", label)
	}
	path := filepath.Join(l.Dir, "lugano", label.File)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, plain := range []string{"nota privata", "p77@persone.example", "manifest.json"} {
		if bytes.Contains(raw, []byte(plain)) {
			t.Errorf("the backup shows %q without its key", plain)
		}
	}

	// Everything changes.
	if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		if _, err := tx.Exec("delete from accounts where last_name like '%7'"); err != nil {
			return err
		}
		if _, err := tx.Exec("update accounts set first_name = 'Altro'"); err != nil {
			return err
		}
		_, err := tx.Exec("delete from uploads")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := l.Blobs.For("lugano").Delete(t.Context(), "a/note"); err != nil {
		t.Fatal(err)
	}
	r, err := l.Restore(t.Context(), "lugano", label.File, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rows != label.Rows || r.Files != 1 {
		t.Errorf("restored %d rows and %d files of %+v", r.Rows, r.Files, label)
	}
	var people, renamed int
	if err := e.DB.Read(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		return tx.QueryRow("select count(*), count(*) filter (where first_name = 'Altro') from accounts").Scan(&people, &renamed)
	}); err != nil {
		t.Fatal(err)
	}
	if people != 3000 || renamed != 0 {
		t.Errorf("%d people, %d of them changed after the backup", people, renamed)
	}
	if data, _, err := l.Blobs.For("lugano").Get(t.Context(), "a/note"); err != nil || string(data) != "contenuto della nota privata" {
		t.Errorf("the file: %q, %v", data, err)
	}
	// It can be written to, numbers go on, and it can be backed up and restored again.
	if err := e.DB.In(t.Context(), e.Lugano, func(tx *tenancy.Tx) error {
		_, err := tx.Exec("insert into outbox (kind, payload) values ('test', '1')")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if label, err = l.Backup(t.Context(), "lugano", quiet); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Restore(t.Context(), "lugano", label.File, quiet); err != nil {
		t.Fatal(err)
	}
	if count(t, e, e.Chiasso, "select count(*) from settings where key = 'vicino'") != 1 {
		t.Error("the neighbour lost something")
	}
}

func count(t *testing.T, e *tenancytest.Env, c tenancy.Tenant, sql string) (n int) {
	t.Helper()
	if err := e.DB.Read(t.Context(), c, func(tx *tenancy.Tx) error { return tx.QueryRow(sql).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestDamagedBackupIsRefused: changed, cut, exchanged or a neighbour's.
func TestDamagedBackupIsRefused(t *testing.T) {
	e := tenancytest.New(t)
	l := newLife(t, e)
	fillAccounts(t, e, 200)
	label, err := l.Backup(t.Context(), "lugano", quiet)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(l.Dir, "lugano", label.File)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before := count(t, e, e.Lugano, "select count(*) from accounts")
	refused := func(what string, data []byte, relabel bool) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if relabel { // whoever changes the file changes the label too
			if err := life.Relabel(path); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Restore(t.Context(), "lugano", label.File, quiet); err == nil {
			t.Errorf("%s: restored", what)
		}
		if n := count(t, e, e.Lugano, "select count(*) from accounts"); n != before {
			t.Errorf("%s: %d accounts instead of %d", what, n, before)
		}
	}
	changed := bytes.Clone(good)
	changed[len(changed)/2] ^= 1
	refused("one bit changed", changed, false)
	refused("one bit changed, label too", changed, true)
	refused("cut", good[:len(good)/2], true)
	refused("empty", nil, true)

	// Lugano's backup is not Chiasso's, whatever it is called.
	other := filepath.Join(l.Dir, "chiasso", strings.Replace(label.File, "lugano", "chiasso", 1))
	if err := os.MkdirAll(filepath.Dir(other), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := life.Relabel(other); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Restore(t.Context(), "chiasso", filepath.Base(other), quiet); err == nil {
		t.Error("a neighbour's backup was restored")
	}
	for _, name := range []string{"../lugano/" + label.File, "/etc/passwd", label.File + "/..", ""} {
		if _, err := l.Restore(t.Context(), "chiasso", name, quiet); err == nil {
			t.Errorf("%q was restored", name)
		}
	}
}
