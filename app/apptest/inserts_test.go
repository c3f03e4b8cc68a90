package apptest_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/registers/providers/local"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// mostInserts bounds how many inserts of one table are made to fail, one per journey.
const mostInserts = 3

// saboteur makes the n-th insert into one table of Lugano fail, once.
type saboteur struct {
	e       *apptest.Env
	conn    *pgx.Conn
	blobs   string
	numbers []string
}

// Each insert of a journey (a file, a submission, a payment, a paper, a mail)
// fails once, table by table: no case, job or file is left half made, and doing
// it again succeeds.
func TestNthInsertFails(t *testing.T) {
	s := &saboteur{blobs: t.TempDir()}
	s.e = apptest.New(t, func(c *config.Config, _ *app.Options) { c.Blob.URL = "file://" + s.blobs })
	var err error
	if s.conn, err = pgx.Connect(t.Context(), s.e.OwnerURL); err != nil {
		t.Fatal(err)
	}
	defer s.conn.Close(t.Context())
	tables, err := tenancy.Tables()
	if err != nil {
		t.Fatal(err)
	}
	s.residents(t)
	s.exec(t, "create sequence t_lugano.drill_count")
	s.exec(t, `create function t_lugano.drill() returns trigger language plpgsql security definer as $$
		begin
			if nextval('t_lugano.drill_count') = tg_argv[0]::bigint then
				raise exception 'drill: insert % into %', tg_argv[0], tg_table_name;
			end if;
			return new;
		end $$`)
	journeys := 0
	for _, table := range tables {
		if strings.HasPrefix(table.Name, "schema_") || table.Name == "insert_only_tables" {
			continue // written by migrations alone
		}
		for n := 1; n <= mostInserts; n++ {
			s.exec(t, fmt.Sprintf("create trigger drill before insert on t_lugano.%s for each row execute function t_lugano.drill(%d)", table.Name, n))
			s.exec(t, "alter sequence t_lugano.drill_count restart")
			what := fmt.Sprintf("insert %d into %s", n, table.Name)
			s.journey(t, what)
			journeys++
			var called bool
			var last int64
			if err := s.conn.QueryRow(t.Context(), "select is_called, last_value from t_lugano.drill_count").Scan(&called, &last); err != nil {
				t.Fatal(err)
			}
			s.exec(t, "drop trigger drill on t_lugano."+table.Name)
			if !called || last <= int64(n) { // the journey writes no more than this there
				break
			}
		}
	}
	t.Logf("%d journeys", journeys)
}

func (s *saboteur) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := s.conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// residents are people who can ask for a certificate, one for each journey.
func (s *saboteur) residents(t *testing.T) {
	t.Helper()
	lugano := s.e.Tenant(t, "lugano")
	list, err := local.Generate(local.Sample{BFS: lugano.BFS() + 1, Town: "Lugano", Places: []local.SamplePlace{{Postcode: "6900", Name: "Lugano"}},
		Quarters: []string{"Centro"}, Today: time.Now()}, 300)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.Status == "domicile" && !r.Protected && !r.Blocked && r.Born < time.Now().AddDate(-20, 0, 0).Format(time.DateOnly) {
			s.numbers = append(s.numbers, r.AVS.String())
		}
	}
	if err := s.e.DB.In(t.Context(), lugano, func(tx *tenancy.Tx) error {
		_, err := local.Import(tx, list, time.Now(), false)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// journey is one person who asks for public ground with a sketch, and pays for a
// certificate; what fails is done again.
func (s *saboteur) journey(t *testing.T, what string) {
	t.Helper()
	now := time.Now()
	a := identity.Account{ID: uuid.New(), FirstName: "Prova", LastName: "Guasto", Level: identity.LevelVerified, Lang: "it", ConfirmedAt: &now, CreatedAt: now}
	a.Email, a.AVS, s.numbers = "guasto-"+a.ID.String()+"@example.ch", &s.numbers[0], s.numbers[1:]
	lugano := s.e.Tenant(t, "lugano")
	s.again(t, what, func() error {
		return s.e.DB.In(t.Context(), lugano, func(tx *tenancy.Tx) error { a := a; return identity.SaveAccount(tx, &a) })
	})
	c := s.e.Visit(t, "lugano")
	s.again(t, what, func() error {
		token, err := s.e.Identity.Begin(t.Context(), lugano, a, "drill")
		c.SetSession("lugano", token)
		return err
	})
	begin := func(service, answers string) string {
		var id uuid.UUID
		s.again(t, what, func() (err error) {
			id, err = s.e.Forms.Begin(t.Context(), identity.Person(lugano, a, nil), service, "it")
			return err
		})
		s.again(t, what, func() error {
			return s.e.DB.In(t.Context(), lugano, func(tx *tenancy.Tx) error {
				_, err := tx.Exec("update drafts set answers = $1 where id = $2", answers, id)
				return err
			})
		})
		return "/area/bozze/" + id.String()
	}
	ground := begin("suolo-occupazione-temporanea", `{"luogo": {"address": "Via dell’Esempio 5", "postcode": "6900", "town": "Lugano"}, "scopo": "benna"}`)
	times := groundTimes()
	contentType, body := multipartOf(t, times, apptest.File{Field: "schizzo", Name: "schizzo.png", Data: sketch(t)})
	s.send(t, c, what, ground+"/periodo", contentType, body)
	s.send(t, c, what, ground+"/conferma", formType, []byte("condizioni=true"))
	s.send(t, c, what, ground+"/riepilogo", formType, []byte("confermo=true"))

	paper := begin("certificato-domicilio", `{"per_chi": "me", "motivo": "locazione", "lingua": "it", "consegna": "casella"}`)
	to := s.send(t, c, what, paper+"/riepilogo", formType, []byte("confermo=true"))
	for tries := 0; !strings.Contains(to, "/pay/"); tries++ {
		ref := refPattern.FindString(to)
		if ref == "" || tries == 5 {
			t.Fatalf("%s: the certificate leads to %q", what, to)
		}
		to = s.send(t, c, what, "/area/pratiche/"+ref+"/paga", formType, nil)
	}
	if res := c.Send(http.MethodPost, to, formType, []byte("esito=paga")); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s: the provider's page answers %s", what, res.Status)
	}
	s.complete(t, what, a)
}

// send posts a form until it is taken; after each failure nothing half made is there.
func (s *saboteur) send(t *testing.T, c *apptest.Client, what, path, contentType string, body []byte) (to string) {
	t.Helper()
	s.again(t, what, func() error {
		res := c.Send(http.MethodPost, path, contentType, body)
		if res.StatusCode != http.StatusSeeOther {
			return fmt.Errorf("%s answers %s", path, res.Status)
		}
		to = res.Header.Get("Location")
		return nil
	})
	return to
}

func (s *saboteur) again(t *testing.T, what string, do func() error) {
	t.Helper()
	for try := 1; ; try++ {
		err := do()
		if err == nil {
			return
		}
		s.whole(t, what)
		if try == 4 {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// whole checks that nothing is half made: what belongs together is there
// together, and every file of the store belongs to a row.
func (s *saboteur) whole(t *testing.T, what string) {
	t.Helper()
	var half int
	asTenant(t, s.e, "lugano", `select (select count(*) from cases c where not exists (select from case_events e where e.case_id = c.id and e.kind = 'submitted'))
		+ (select count(*) from case_events e where not exists (select from cases c where c.id = e.case_id))
		+ (select count(*) from cases c where not exists (select from case_definitions d where d.hash = c.definition_hash))
		+ (select count(*) from cases c join drafts d on d.id = c.draft_id where d.submitted_at is null)
		+ (select count(*) from drafts d where d.submitted_at is not null and not exists (select from cases c where c.draft_id = d.id))
		+ (select count(*) from uploads u where u.case_id is not null and not exists (select from cases c where c.id = u.case_id))
		+ (select count(*) from payments p where not exists (select from cases c where c.id = p.case_id))
		+ (select count(*) from documents d where not exists (select from cases c where c.id = d.case_id))
		+ (select count(*) from outbox o where o.payload ? 'case_id' and not exists (select from cases c where c.id::text = o.payload->>'case_id'))`, &half)
	if half > 0 {
		t.Errorf("%s: %d rows are half of something", what, half)
	}
}

// complete waits for the end and counts it.
func (s *saboteur) complete(t *testing.T, what string, a identity.Account) {
	t.Helper()
	var state string
	for end := time.Now().Add(40 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		asTenant(t, s.e, "lugano", `select (select count(*) from outbox where done_at is null) || ' open jobs; ' || coalesce((select string_agg(c.service_id || ' ' || c.state || ' ' || c.payment
			|| ' ' || (select count(*) from payments p where p.case_id = c.id and p.state = 'fulfilled')
			|| ' ' || (select count(*) from documents d where d.case_id = c.id and d.sha256 <> ''), ', ' order by c.service_id)
			from cases c where c.applicant_id = $1), '') || '; ' || (select count(*) from notifications where recipient = $2 and sent_at is not null) || ' mails'`, &state, a.ID, a.Email)
		if state == "0 open jobs; certificato-domicilio completed paid 1 1, suolo-occupazione-temporanea received none 0 0; 2 mails" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %s", what, state)
		}
	}
	s.whole(t, what)
	var known, files int
	asTenant(t, s.e, "lugano", "select (select count(*) from uploads) + (select count(*) from documents where blob_key <> '')", &known)
	if err := filepath.WalkDir(s.blobs, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(name, ".attrs") {
			files++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if files != known {
		t.Errorf("%s: %d files lie in the store, rows know of %d", what, files, known)
	}
}

// multipartOf is a form with a file as a browser sends it.
func multipartOf(t *testing.T, form url.Values, f apptest.File) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, values := range form {
		if err := w.WriteField(name, values[0]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile(f.Field, f.Name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(f.Data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}
