package apptest_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/demo"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
	files "github.com/sportello-ticino/sportello/configs/access"
	"github.com/sportello-ticino/sportello/pkg/config"
)

// world is two communes in which everything stands at least once, each full of
// its own canary, and a process that has never seen them.
type world struct {
	*apptest.Env
	t      *testing.T
	matrix *apptest.Matrix
	server http.Handler
	ops    http.Handler
	log    *syncBuffer
	blobs  string
	people map[string][]person          // by commune, and "ente"
	ids    map[string]map[string]string // by commune: kind → value
	probes atomic.Int64
	seen   sync.Map // canary word → *atomic.Int64: answers to its own people
	papers sync.Map // hash of a PDF → its text

	mu       sync.Mutex
	failures map[string]int
}

// person is who sends a probe: a session's cookie, and what its roles may do.
type person struct {
	name, cookie string
	roles        []string
	stranger     bool // of the entity, in a commune
}

func (p person) anonymous() bool { return p.roles == nil }

// may says what the policy file says, read without the code under test.
func (p person) may(action string) bool {
	if action == string(access.Public) {
		return true
	}
	for _, line := range strings.Split(files.Policy, "\n") {
		f := strings.Split(strings.ReplaceAll(line, " ", ""), ",")
		if len(f) == 3 && f[0] == "p" && slices.Contains(p.roles, f[1]) && (f[2] == action || strings.HasSuffix(f[2], ".*") && strings.HasPrefix(action, strings.TrimSuffix(f[2], "*"))) {
			return true
		}
	}
	return false
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

var homes = map[string][2]string{"lugano": {"6900", "Lugano"}, "bellinzona": {"6500", "Bellinzona"}}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, log: &syncBuffer{}, blobs: t.TempDir(), people: map[string][]person{}, ids: map[string]map[string]string{}, failures: map[string]int{}}
	var err error
	if w.matrix, err = apptest.ReadMatrix(); err != nil {
		t.Fatal(err)
	}
	logged := func(c *config.Config, o *app.Options) {
		c.Blob.URL = "file://" + w.blobs
		o.Log = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	w.Env = apptest.New(t, logged)
	opener, err := w.Opener()
	if err != nil {
		t.Fatal(err)
	}
	w.Background(t, opener.Run)
	made := map[string]map[string]string{}
	for _, slug := range apptest.Communes {
		w.SeedCanary(t, slug, false)
	}
	time.Sleep(1100 * time.Millisecond) // until no process trusts what it remembers
	for _, slug := range apptest.Communes {
		made[slug] = w.live(slug)
	}
	for _, slug := range apptest.Communes {
		apptest.Eventually(t, "the jobs of "+slug+" are done", func() bool {
			open := 0
			asTenant(t, w.Env, slug, "select count(*) from outbox where done_at is null and gave_up_at is null and run_after < now()", &open)
			return open == 0
		})
	}
	for _, slug := range apptest.Communes {
		w.SeedCanary(t, slug, true)
	}
	second := w.Second(t, logged)
	w.server, w.ops = second.Web, second.Ops()
	for _, slug := range apptest.Communes {
		site, err := second.Sites.Get(t.Context(), w.Tenant(t, slug))
		if err != nil {
			t.Fatal(err)
		}
		made[slug]["theme"], made[slug]["mark"] = strings.TrimPrefix(site.ThemePath, "/tema/"), strings.TrimPrefix(site.MarkPath, "/marchio/")
		w.ids[slug] = w.IDs(t, w.matrix, slug, made[slug])
		w.ids[slug]["commune"] = slug
		w.signIn(slug, slug)
	}
	w.signIn(web.EntityHost, demo.EntityDir)
	w.halfSignedIn()
	return w
}

var exportLink = regexp.MustCompile(`/console/esportazione/[A-Za-z0-9._-]+`)

// live lets a commune's people make one of everything, and returns what the
// product shows only once.
func (w *world) live(slug string) map[string]string {
	t, canary := w.t, apptest.CanaryOf(slug)
	c := w.As(t, slug, "citizen-verified")
	certificate(t, c).Submit(c, "main form", url.Values{"confermo": {"true"}}).Submit(c, "form", url.Values{"esito": {"paga"}})
	apptest.Eventually(t, "the document is there", func() bool { return strings.Contains(string(c.Bytes("/area/documenti", 200)), "/area/documenti/") })
	c = w.As(t, slug, "citizen")
	file := apptest.File{Field: "schizzo", Name: "schizzo " + canary.People + ".png", Data: append(sketch(t), canary.People...)}
	groundAt(t, c, homes[slug][0], homes[slug][1], file, true)
	groundAt(t, c, homes[slug][0], homes[slug][1], file, false)
	email := canary.People + "@posta.example"
	form := credentials(email, "una frase che ricordo")
	form.Set("name", "Prova "+canary.People)
	w.Visit(t, slug).Post("/registrati", form, 200)
	letter := w.WaitForMail(t, email, "/conferma/")
	admin := w.As(t, slug, "commune-admin")
	admin.Send(http.MethodPost, "/console/esportazione", formType, nil)
	var export string
	apptest.Eventually(t, "the export of "+slug+" is there", func() bool {
		export = strings.TrimPrefix(exportLink.FindString(string(admin.Bytes("/console/esportazione", 200))), "/console/esportazione/")
		return export != ""
	})
	asked := admin.Post("/console/assistenza", url.Values{"subject": {"Richiesta"}, "text": {"Richiesta di prova"}, "priority": {"low"}}, 200)
	request := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).FindString(asked.AttrOf("main form", "action"))
	admin.Upload("/console/ripresa", url.Values{"desk": {canary.People}}, []apptest.File{{Field: "people", Name: "persone.csv", Data: []byte("email;first_name;last_name\n" + canary.People + ".ripresa@posta.example;Prova;" + canary.People + "\n")}}, 200)
	apptest.Eventually(t, "the take-over is tried", func() bool {
		return strings.Contains(string(admin.Bytes("/console/ripresa", 200)), "Da decidere")
	})
	// The product invites only where nobody administers yet: this link is of an
	// account that waits, as an invitation's would be.
	invite := strings.Repeat(slug[:1], 43)
	if err := w.DB.In(t.Context(), w.Tenant(t, slug), func(tx *tenancy.Tx) error {
		n, err := tx.Exec(`insert into account_tokens (hash, account_id, kind, expires_at)
			select sha256($1::text::bytea), id, 'invite', now() + interval '1 day' from accounts where email = $2`, invite, email)
		if err == nil && n != 1 {
			err = errors.New("no account waits")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	people, err := demo.Read(w.TenantsFS, slug)
	if err != nil {
		t.Fatal(err)
	}
	second, _ := people.Find("represented")
	first, _ := people.Find("citizen")
	name := func(p demo.Person) (full string) { // as their account says it, canary and all
		asTenant(t, w.Env, slug, "select first_name || ' ' || last_name from accounts where email = $1", &full, p.Email)
		return full
	}
	if ref, text := marriage(c, name(first), name(second), second.Born, second.Email); ref == "" {
		t.Fatal(text)
	}
	confirmation := confirmLink.FindString(w.WaitForMail(t, second.Email, "/area/conferme/").Text)
	// Answered, so that it stays theirs when the canaries change everybody's name.
	w.As(t, slug, "represented").Post(confirmation, url.Values{"conferma": {"true"}}, 200)
	return map[string]string{"confirmation": strings.TrimPrefix(confirmation, "/area/conferme/"), "invite": invite, "export": export, "request": request, "token": strings.TrimPrefix(regexp.MustCompile(`/conferma/[^\s"<]+`).FindString(letter.Text), "/conferma/"), "mail": letter.ID}
}

// signIn opens a session for every persona of a place, and one whose account is
// then suspended.
func (w *world) signIn(host, folder string) {
	t := w.t
	people, err := demo.Read(w.TenantsFS, folder)
	if err != nil {
		t.Fatal(err)
	}
	w.people[host] = []person{{name: "visitor"}}
	for _, p := range people.All() {
		a := w.do(probe{host: host, method: http.MethodPost, path: "/dev/personas/" + p.Persona})
		if a.session == "" {
			t.Fatalf("%s does not sign in on %s: %d", p.Persona, host, a.code)
		}
		roles := append([]string{}, p.Roles...)
		if host != web.EntityHost {
			roles = append(roles, "citizen")
		}
		w.people[host] = append(w.people[host], person{name: p.Persona, cookie: a.session, roles: roles})
	}
	if host == web.EntityHost {
		return
	}
	email := "sospesa@" + host + ".example"
	if _, err := w.CreateUser(t.Context(), app.NewUser{Email: email, Name: "Conto Sospeso", Role: "commune-admin", Commune: host, Password: staffPassword}); err != nil {
		t.Fatal(err)
	}
	var account *identity.Account
	if err := w.DB.Read(t.Context(), w.Tenant(t, host), func(tx *tenancy.Tx) (err error) {
		account, err = identity.AccountByEmail(tx, email)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	token, err := w.Identity.Begin(t.Context(), w.Tenant(t, host), *account, "test")
	if err != nil {
		t.Fatal(err)
	}
	asOwner(t, w.Env, "update t_"+host+".accounts set disabled_at = now() where email = $1", email)
	time.Sleep(1100 * time.Millisecond)
	w.people[host] = append(w.people[host], person{name: "suspended account", cookie: token})
}

// halfSignedIn adds somebody of the entity who has not given the second factor.
func (w *world) halfSignedIn() {
	staff(w.t, w.Env, "meta@ente.example", "entity-admin")
	a := w.do(probe{host: web.EntityHost, method: http.MethodPost, path: "/accedi", body: credentials("meta@ente.example", staffPassword).Encode()})
	if a.session == "" {
		w.t.Fatalf("the first factor opens nothing: %d", a.code)
	}
	w.people[web.EntityHost] = append(w.people[web.EntityHost], person{name: "without second factor", cookie: a.session})
}

// probe is one request.
type probe struct {
	host         string // a commune, "ente", "" for the base; or a whole host name with a dot
	method, path string
	cookie       string // the session; with "=" a whole Cookie header
	body         string
	header       []string
}

type answer struct {
	code          int
	location      string
	session       string
	etag, changed string
	text          string
}

func (w *world) hostName(host string) string {
	switch {
	case host == "":
		return "localhost"
	case strings.ContainsAny(host, ".:"):
		return host
	}
	return host + ".localhost"
}

// do sends a probe to the handler itself, each from an address of its own.
func (w *world) do(p probe) answer {
	n := w.probes.Add(1)
	var body io.Reader
	if p.method == http.MethodPost {
		if p.body == "" {
			p.body = "a=b"
		}
		body = strings.NewReader(p.body)
	}
	req := httptest.NewRequest(p.method, p.path, body)
	req.Host = w.hostName(p.host)
	req.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:4711", n>>16&255, n>>8&255, n&255)
	if body != nil {
		req.Header.Set("Content-Type", formType)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	switch {
	case strings.Contains(p.cookie, "="):
		req.Header.Set("Cookie", p.cookie)
	case p.cookie != "":
		req.Header.Set("Cookie", web.SessionCookie+"="+p.cookie)
	}
	for i := 0; i+1 < len(p.header); i += 2 {
		req.Header.Set(p.header[i], p.header[i+1])
	}
	return w.serve(req)
}

func (w *world) serve(req *http.Request) answer {
	rec := httptest.NewRecorder()
	w.server.ServeHTTP(rec, req)
	res := rec.Result()
	a := answer{code: res.StatusCode, location: res.Header.Get("Location"), etag: res.Header.Get("ETag"), changed: res.Header.Get("Last-Modified")}
	for _, k := range res.Cookies() {
		if k.Name == web.SessionCookie && k.MaxAge >= 0 {
			a.session = k.Value
		}
	}
	a.text = fmt.Sprint(res.Header) + "\n" + w.readable(rec.Body.Bytes())
	return a
}

// readable is a body as a person reads it: PDFs and archives are compressed.
func (w *world) readable(b []byte) string {
	if archive, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); err == nil {
		var all strings.Builder
		for _, f := range archive.File {
			part, err := f.Open()
			if err != nil {
				continue
			}
			text, _ := io.ReadAll(part) // what cannot be read says nothing
			_ = part.Close()
			all.WriteString(f.Name + "\n" + string(text))
		}
		return all.String()
	}
	if !bytes.HasPrefix(b, []byte("%PDF")) {
		return string(b)
	}
	key := fmt.Sprintf("%d %x", len(b), b[len(b)-min(64, len(b)):])
	if known, ok := w.papers.Load(key); ok {
		return known.(string)
	}
	text := string(b) + pdfText(w.t, b)
	w.papers.Store(key, text)
	return text
}

// fail notes a failed probe; of many that are alike the first are told.
func (w *world) fail(group, format string, args ...any) {
	w.mu.Lock()
	w.failures[group]++
	n := w.failures[group]
	w.mu.Unlock()
	if n <= 3 {
		w.t.Errorf(group+": "+format, args...)
	}
}

// foreign are the words that must not stand in an answer given on a host.
func foreign(host string) (out []string) {
	for _, slug := range apptest.Communes {
		c := apptest.CanaryOf(slug)
		switch host {
		case slug:
		case web.EntityHost, "": // they name the communes and show what these publish
			out = append(out, c.People)
		default:
			out = append(out, c.Public, c.People)
		}
	}
	return out
}

// clean fails a probe whose answer holds a foreign canary, or is a fault.
func (w *world) clean(group, host string, p probe, who person, a answer) {
	for _, word := range foreign(host) {
		if strings.Contains(a.text, word) {
			at := strings.Index(a.text, word)
			w.fail(group, "%s %s%s as %s holds the canary %s: …%.160s…", p.method, p.host, p.path, who.name, word, a.text[max(0, at-100):])
		}
	}
	if c := apptest.CanaryOf; host == "lugano" || host == "bellinzona" {
		for _, word := range []string{c(host).Public, c(host).People} {
			if strings.Contains(a.text, word) {
				n, _ := w.seen.LoadOrStore(word, new(atomic.Int64))
				n.(*atomic.Int64).Add(1)
			}
		}
	}
	if a.code >= 500 && a.code != http.StatusServiceUnavailable {
		w.fail(group, "%s %s%s as %s: %d", p.method, p.host, p.path, who.name, a.code)
	}
}
