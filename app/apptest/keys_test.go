package apptest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// onDisk keeps files in a folder, where a test can look at their bytes.
func onDisk(dir string) apptest.Option {
	return func(c *config.Config, _ *app.Options) { c.Blob.URL = "file://" + filepath.ToSlash(dir) }
}

// dump is every row of every table of a commune as text, by table.
func dump(t *testing.T, e *apptest.Env, c tenancy.Tenant) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := e.DB.Read(t.Context(), c, func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select table_name from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE'")
		if err != nil {
			return err
		}
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, name := range names {
			rows, err := tx.Query(fmt.Sprintf("select t::text from %s t", name))
			if err != nil {
				return err
			}
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				return err
			}
			out[name] = strings.Join(lines, "\n")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// filesIn are the bytes of every file in a folder.
func filesIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	if err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[p], err = os.ReadFile(p)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// numbers are the AVS numbers of the commune's residents and accounts, as digits
// and as people write them.
func numbers(t *testing.T, e *apptest.Env, c tenancy.Tenant) []string {
	t.Helper()
	k, err := e.Keys.For(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	err = e.DB.Read(t.Context(), c, func(tx *tenancy.Tx) error {
		rows, err := tx.Query("select id::text, avs_sealed from residents limit 2000")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var sealed []byte
			if err := rows.Scan(&id, &sealed); err != nil {
				return err
			}
			plain, err := k.Open(sealed, "residents/"+id)
			if err != nil {
				return err
			}
			n := string(plain)
			out = append(out, n, n[:3]+"."+n[3:7]+"."+n[7:11]+"."+n[11:])
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// issued lets a citizen have a certificate and answers where the paper is.
func issued(t *testing.T, c *apptest.Client) (link string) {
	t.Helper()
	pay := certificate(t, c).Submit(c, "main form", url.Values{"confermo": {"true"}})
	pay.Submit(c, "form", url.Values{"esito": {"paga"}})
	apptest.Eventually(t, "the certificate is ready", func() bool {
		return strings.Contains(c.Get("/area/documenti", 200).Text("main"), "Certificato di domicilio")
	})
	return c.Get("/area/documenti", 200).AttrOf("main a[href^='/area/documenti/']", "href")
}

// After a citizen has had a certificate, no column of the commune's schema holds an
// AVS number, and no file on the disk can be read.
func TestWhatACommuneKeepsHoldsNoNumberAndNoReadableFile(t *testing.T) {
	dir := t.TempDir()
	e := apptest.New(t, onDisk(dir))
	lugano := e.Tenant(t, "lugano")
	citizen := e.As(t, "lugano", "citizen-verified")
	issued(t, citizen)
	all := numbers(t, e, lugano)
	if len(all) < 1000 {
		t.Fatalf("%d numbers: nobody lives there", len(all))
	}
	for table, text := range dump(t, e, lugano) {
		for _, n := range all {
			if strings.Contains(text, n) {
				i := strings.Index(text, n)
				t.Errorf("table %s holds %s: …%s…", table, n, text[max(0, i-60):min(len(text), i+40)])
				break
			}
		}
	}
	seen := 0
	for path, data := range filesIn(t, dir) {
		if strings.HasSuffix(path, ".attrs") {
			continue
		}
		seen++
		for _, plain := range []string{"%PDF", "/Type", "JFIF", "endobj"} {
			if bytes.Contains(data, []byte(plain)) {
				t.Errorf("%s can be read: %q", path, plain)
			}
		}
	}
	if seen == 0 {
		t.Error("no file on the disk: nothing was looked at")
	}
}

// A commune's key is replaced while people read and write, and nobody notices.
func TestRotationWhileTheDeskGoesOn(t *testing.T) {
	dir := t.TempDir()
	e := apptest.New(t, onDisk(dir))
	lugano := e.Tenant(t, "lugano")
	citizen := e.As(t, "lugano", "citizen-verified")
	paper := issued(t, citizen)
	ref := submitted(t, e)
	second := e.Second(t, func(*config.Config, *app.Options) {})
	r, err := e.Rotator(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Settle = 2200 * time.Millisecond
	before, err := e.Keys.For(t.Context(), lugano)
	if err != nil {
		t.Fatal(err)
	}
	first, err := before.Primary()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var done atomic.Int64
	// Two processes seal and open for each other without pause.
	for i := range 4 {
		all.Go(func() {
			from, to := e.Keys, second.Keys
			if i%2 == 1 {
				from, to = to, from
			}
			for ctx.Err() == nil {
				if err := hand(from, to, lugano, fmt.Sprint("place/", i)); err != nil {
					t.Errorf("sealed here, not opened there: %v", err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Go(func() {
		for ctx.Err() == nil {
			citizen.Get("/area/pratiche/"+ref, http.StatusOK)
			if !bytes.HasPrefix(citizen.Bytes(paper, http.StatusOK), []byte("%PDF")) {
				t.Error("a paper could not be read")
			}
			done.Add(1)
		}
	})
	err = r.Rotate(t.Context(), lugano)
	stop()
	all.Wait()
	if err != nil {
		t.Fatal(err)
	}
	now, err := before.Primary()
	if err != nil || now == first {
		t.Errorf("key %08x before, %08x after: %v", first, now, err)
	}
	if left, err := r.Left(t.Context(), lugano); err != nil || left.Left() != 0 || left.Sealed == 0 {
		t.Errorf("left: %+v, %v", left, err)
	}
	t.Logf("%d operations while the key changed", done.Load())
}

func hand(from, to *keys.Ring, c tenancy.Tenant, place string) error {
	a, err := from.For(context.Background(), c)
	if err != nil {
		return err
	}
	sealed, err := a.Seal([]byte("something"), place)
	if err != nil {
		return err
	}
	b, err := to.For(context.Background(), c)
	if err != nil {
		return err
	}
	_, err = b.Open(sealed, place)
	return err
}

// Destroyed keys: every process forgets them within a second, and neither the
// master key nor a backup of the commune brings back what they sealed.
func TestDestroyedKeysLeaveNothingToRead(t *testing.T) {
	dir := t.TempDir()
	e := apptest.New(t, onDisk(dir))
	lugano := e.Tenant(t, "lugano")
	citizen := e.As(t, "lugano", "citizen-verified")
	paper := issued(t, citizen)
	second := e.Second(t, func(*config.Config, *app.Options) {})
	k, err := second.Keys.For(t.Context(), lugano)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := k.Seal([]byte("kept"), "place")
	if err != nil {
		t.Fatal(err)
	}
	var backup bytes.Buffer
	w, err := k.EncryptingWriter(&backup, "backup")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("a whole commune")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	owner, _, err := app.KeysOwner(e.Config)
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Destroy(t.Context(), "lugano"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1050 * time.Millisecond)
	for name, r := range map[string]*keys.Ring{"this process": e.Keys, "the other": second.Keys, "a fresh one": e.Second(t, func(*config.Config, *app.Options) {}).Keys} {
		if _, err := r.For(t.Context(), lugano); !errors.Is(err, keys.ErrDestroyed) {
			t.Errorf("%s still has the keys: %v", name, err)
		}
	}
	if _, err := k.Open(sealed, "place"); !errors.Is(err, keys.ErrDestroyed) {
		t.Errorf("who held the keys still opens: %v", err)
	}
	if _, err := k.DecryptingReader(&backup, "backup"); !errors.Is(err, keys.ErrDestroyed) {
		t.Errorf("the backup opens: %v", err)
	}
	citizen.Bytes(paper, http.StatusInternalServerError)
	// Neither is anything of them left in the table, nor made again.
	if err := owner.Destroy(t.Context(), "lugano"); err != nil {
		t.Errorf("destroyed twice: %v", err)
	}
	var wrapped int
	if err := e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select count(*) from keysets where slug = 'lugano' and (wrapped is not null or versions <> '[]')").Scan(&wrapped)
	}); err != nil || wrapped != 0 {
		t.Errorf("%d wrapped keys are left: %v", wrapped, err)
	}
	if _, err := e.Keys.For(t.Context(), e.Tenant(t, "bellinzona")); err != nil {
		t.Errorf("the neighbour's keys: %v", err)
	}
}

// A number that somebody writes into a request, a reply or a remark is sealed,
// and read by those who may; a row from before is still read, and a pass seals it
// and brings it under the newest key.
func TestNumbersInWhatPeopleWriteAreSealed(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	const number = "756.1234.5678.97"
	c, head := e.As(t, "bellinzona", "citizen"), e.As(t, "bellinzona", "office-head")
	ref := refPattern.FindString(groundAt(t, c, "6500", "Bellinzona", apptest.File{Field: "schizzo", Name: "s.png", Data: sketch(t)}, true).Text("main"))
	desk, own := "/ufficio/pratiche/"+ref, "/area/pratiche/"+ref
	head.Get(desk, 200).Submit(head, "aside form", nil)
	head.Post(desk+"/nota", url.Values{"note": {"Chiarire 7561234567897 al telefono"}}, 200)
	head.Get(desk+"/chiedi", 200).Submit(head, "main form", url.Values{"testo": {"Il suo numero è " + number + "?"}})
	c.Get(own, 200).Contains("main", "Il suo numero è "+number)
	c.Upload(own+"/rispondi", url.Values{"risposta": {"Sì, 756 1234 5678 97."}}, nil, 200)
	page := head.Get(desk, 200)
	for _, want := range []string{"Chiarire 7561234567897 al telefono", "Il suo numero è " + number, "Sì, 756 1234 5678 97."} {
		page.Contains("main", want)
	}
	bellinzona := e.Tenant(t, "bellinzona")
	clear := func() (tables []string) {
		for table, rows := range dump(t, e, bellinzona) {
			for _, n := range []string{number, "7561234567897", "756 1234 5678 97"} {
				if strings.Contains(rows, n) {
					tables = append(tables, table)
				}
			}
		}
		return tables
	}
	if found := clear(); len(found) > 0 {
		t.Fatalf("in the clear: %v", found)
	}
	asOwner(t, e, "update t_bellinzona.case_requests set text = 'Di prima: "+number+"'")
	head.Get(desk, 200).Contains("main", "Di prima: "+number)
	k, err := e.Keys.For(t.Context(), bellinzona)
	if err != nil {
		t.Fatal(err)
	}
	plain := 0
	for _, w := range e.Cases.Sealed() {
		n, err := w.Pass(t.Context(), keys.Env{DB: e.DB, Tenant: bellinzona, Keys: k}, false)
		if err != nil {
			t.Fatal(err)
		}
		plain += n.Plain
	}
	if found := clear(); len(found) > 0 || plain != 1 {
		t.Errorf("after the pass: %v, %d were plain", found, plain)
	}
	head.Get(desk, 200).Contains("main", "Di prima: "+number)
}
