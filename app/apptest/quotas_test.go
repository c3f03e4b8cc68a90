package apptest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/notifications"
	"github.com/sportello-ticino/sportello/app/quotas"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// atNoon stops the product's clock at noon in the middle of this month.
func atNoon(c *clock.Fake) apptest.Option {
	now := time.Now().In(i18n.Zurich)
	c.Set(time.Date(now.Year(), now.Month(), 15, 12, 0, 0, 0, i18n.Zurich))
	return func(_ *config.Config, o *app.Options) { o.Clock = c }
}

func grant(t *testing.T, e *apptest.Env, slug, kind string, n int64) {
	t.Helper()
	if err := e.Quotas.Set(t.Context(), identity.System(tenancy.Tenant{}), e.Tenant(t, slug), map[string]*int64{kind: &n}); err != nil {
		t.Fatal(err)
	}
}

func within(t *testing.T, e *apptest.Env, slug string, fn func(tx *tenancy.Tx) error) {
	t.Helper()
	if err := e.DB.In(t.Context(), e.Tenant(t, slug), fn); err != nil {
		t.Fatal(err)
	}
}

func watchQuotas(t *testing.T, e *apptest.Env, slug string) {
	t.Helper()
	if err := e.Quotas.Watch(t.Context(), e.Tenant(t, slug)); err != nil {
		t.Fatal(err)
	}
}

// used is what a commune uses of a quota, as its console says.
func used(t *testing.T, e *apptest.Env, slug, kind string) quotas.Use {
	t.Helper()
	list, err := e.Quotas.Uses(t.Context(), e.Tenant(t, slug))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range list {
		if u.Kind == kind {
			return u
		}
	}
	t.Fatal("no quota of the kind " + kind)
	return quotas.Use{}
}

// With the storage full no file is taken, and everything else goes on: what was
// typed stays, cases come in, certificates are issued, the neighbour notices nothing.
func TestQuotaOfStorageRefusesFilesAlone(t *testing.T) {
	e := apptest.New(t)
	c, neighbour := e.As(t, "lugano", "citizen"), e.As(t, "bellinzona", "citizen")
	asked := refPattern.FindString(publicGround(t, c, true).Text("main"))
	before := used(t, e, "lugano", quotas.Storage).Used
	if before < int64(len(sketch(t))) {
		t.Fatalf("%d bytes are used after a file", before)
	}
	grant(t, e, "lugano", quotas.Storage, before+10)

	step := c.Get("/servizi/suolo-occupazione-temporanea/avvia", 200)
	step = step.Submit(c, "main form", url.Values{"luogo_address": {"Via dell’Esempio 5"}, "luogo_postcode": {"6900"}, "luogo_town": {"Lugano"}, "scopo": {"benna"}})
	action := step.Submit(c, "main form", nil).AttrOf("main form", "action")
	refused := c.Upload(action, groundTimes(), []apptest.File{{Field: "schizzo", Name: "schizzo.png", Data: sketch(t)}}, 422)
	refused.Contains("main", "non può ricevere altri allegati")
	face, err := e.Sites.Get(t.Context(), e.Tenant(t, "lugano"))
	if err != nil {
		t.Fatal(err)
	}
	phone := face.PhoneOf("polizia")
	if text := strings.ReplaceAll(refused.Text("main"), "\u00a0", " "); phone == "" || !strings.Contains(text, "chiami il "+phone) {
		t.Errorf("nobody is named to call at %q: %s", phone, text)
	}
	refused.Attr("main input[name=orario]", "value", "07.00-18.00")
	refused.Attr("main input[name=superficie]", "value", "90")
	c.Get(action+"?lang=de", 200)
	c.Upload(action, groundTimes(), []apptest.File{{Field: "schizzo", Name: "schizzo.png", Data: sketch(t)}}, 422).Contains("main", "keine weiteren Beilagen")
	c.Get(action+"?lang=it", 200)
	// A file that is refused leaves nothing behind.
	if now := used(t, e, "lugano", quotas.Storage).Used; now != before {
		t.Errorf("%d bytes are used, %d before", now, before)
	}

	// Words for a case that waits for a paper are taken, the paper is not.
	head := e.As(t, "lugano", "office-head")
	desk, own := "/ufficio/pratiche/"+asked, "/area/pratiche/"+asked
	head.Post(desk+"/prendi", nil, 200)
	head.Post(desk+"/chiedi", url.Values{"testo": {"Manca la larghezza del passaggio."}}, 200)
	page := c.Upload(own+"/rispondi", url.Values{"risposta": {"Porto il foglio domani."}}, []apptest.File{{Field: "file", Name: "passaggio.png", Data: sketch(t)}}, 422)
	page.Contains("main", "non può ricevere altri allegati")
	if got := page.Text("main textarea[name=risposta]"); got != "Porto il foglio domani." {
		t.Errorf("what was typed came back as %q", got)
	}
	c.Upload(own+"/rispondi", url.Values{"risposta": {"Porto il foglio domani."}}, nil, 200)

	// What the commune issues is never refused.
	v := e.As(t, "lugano", "citizen-verified")
	certificate(t, v).Submit(v, "main form", url.Values{"confermo": {"true"}}).Submit(v, "form", url.Values{"esito": {"paga"}})
	apptest.Eventually(t, "the certificate is issued", func() bool {
		return strings.Contains(v.Get("/area/documenti", 200).Text("main"), "Certificato di domicilio")
	})
	if now := used(t, e, "lugano", quotas.Storage); now.Used <= before+10 || !now.Full() {
		t.Errorf("%d bytes are used after a certificate", now.Used)
	}

	groundAt(t, neighbour, "6500", "Bellinzona", apptest.File{Field: "schizzo", Name: "schizzo.png", Data: sketch(t)}, true)
	grant(t, e, "lugano", quotas.Storage, quotas.GB)
	c.Upload(action, groundTimes(), []apptest.File{{Field: "schizzo", Name: "schizzo.png", Data: sketch(t)}}, 200)
	full := used(t, e, "lugano", quotas.Storage).Used
	c.Post(action[:strings.LastIndex(action, "/")]+"/elimina", nil, 200)
	if now := used(t, e, "lugano", quotas.Storage).Used; now != full-int64(len(sketch(t))) {
		t.Errorf("%d bytes are used after a draft with its file was thrown away, %d before", now, full)
	}
	// What the counter says is what the tables hold.
	var real int64
	asTenant(t, e, "lugano", "select ((select coalesce(sum(size), 0) from uploads) + (select coalesce(sum(size), 0) from documents))::bigint", &real)
	if now := used(t, e, "lugano", quotas.Storage).Used; now != real {
		t.Errorf("the counter says %d, the tables %d", now, real)
	}
}

// Mails that can wait do so over the quota and go in the next month, each once;
// those that somebody waits for go, and so do the neighbour's.
func TestQuotaOfMailsPutsOff(t *testing.T) {
	now := clock.NewFake(time.Time{})
	e := apptest.New(t, atNoon(now))
	const to = "posta.esempi@persone.example"
	send := func(slug, kind, ref string) {
		t.Helper()
		within(t, e, slug, func(tx *tenancy.Tx) error {
			return e.Notifications.Send(tx, notifications.Message{To: to, Template: kind, Lang: "it", Key: ref + kind,
				Params: map[string]string{"name": "Posta Esempi", "ref": ref, "service": "Prova", "link": "http://lugano.localhost/area"}})
		})
	}
	arrived := func(ref string) (n int) {
		for _, m := range e.Inbox.List(to) {
			if strings.Contains(m.Subject, ref) {
				n++
			}
		}
		return n
	}
	send("lugano", notifications.CaseReceived, "LUG-1")
	e.WaitForMail(t, to, "LUG-1")
	apptest.Eventually(t, "it is counted", func() bool { return used(t, e, "lugano", quotas.Mails).Used == 1 })
	grant(t, e, "lugano", quotas.Mails, 1)
	for i := range 3 {
		send("lugano", notifications.CaseReceived, "LUG-ASPETTA-"+strconv.Itoa(i))
	}
	for _, kind := range []string{notifications.Decision, notifications.DocumentReady, notifications.MissingPaper} {
		send("lugano", kind, "LUG-PARTE-"+kind)
		e.WaitForMail(t, to, "LUG-PARTE-"+kind)
	}
	send("bellinzona", notifications.CaseReceived, "BEL-1")
	e.WaitForMail(t, to, "BEL-1")
	apptest.Eventually(t, "the others wait", func() bool { return used(t, e, "lugano", quotas.Mails).Waiting == 3 })
	if n := arrived("LUG-ASPETTA"); n != 0 {
		t.Fatalf("%d mails went over the quota", n)
	}
	var due time.Time
	asTenant(t, e, "lugano", "select now() + ($1::timestamptz - $2::timestamptz)", &due, meters.NextMonth(now.Now()), now.Now())
	var late int
	asTenant(t, e, "lugano", "select count(*) from outbox where kind = 'notifications.send' and done_at is null and (abs(extract(epoch from run_after - $1)) > 60 or last_error <> '')", &late, due)
	if late != 0 {
		t.Errorf("%d jobs are not put off to the next month", late)
	}
	e.As(t, "lugano", "commune-admin").Get("/console/quote", 200).Contains("main", "3 e-mail che possono aspettare partono il "+i18n.LongDateIn("it", meters.NextMonth(now.Now())))
	watchQuotas(t, e, "lugano") // there is no room yet
	if u := used(t, e, "lugano", quotas.Mails); u.Waiting != 3 {
		t.Errorf("%d mails wait", u.Waiting)
	}

	// One more: the oldest goes, the others go on waiting.
	apptest.Eventually(t, "all that went are counted, and the notice", func() bool { return used(t, e, "lugano", quotas.Mails).Used == 5 })
	grant(t, e, "lugano", quotas.Mails, 6)
	watchQuotas(t, e, "lugano")
	e.WaitForMail(t, to, "LUG-ASPETTA-0")
	apptest.Eventually(t, "two wait", func() bool { return used(t, e, "lugano", quotas.Mails).Waiting == 2 })

	now.Set(meters.NextMonth(now.Now()).Add(time.Minute))
	watchQuotas(t, e, "lugano")
	for i := range 3 {
		ref := "LUG-ASPETTA-" + strconv.Itoa(i)
		e.WaitForMail(t, to, ref)
		if n := arrived(ref); n != 1 {
			t.Errorf("%s went out %d times", ref, n)
		}
	}
	apptest.Eventually(t, "the month has its two mails", func() bool {
		u := used(t, e, "lugano", quotas.Mails)
		return u.Used == 2 && u.Waiting == 0
	})
}

// At 80 and at 95 per cent every administrator has one mail, whoever looks and how
// often; console, overview and metrics say the same, and nobody speaks of the neighbour.
func TestQuotaIsSeenComing(t *testing.T) {
	now := clock.NewFake(time.Time{})
	e := apptest.New(t, atNoon(now))
	second := e.Second(t, func(_ *config.Config, o *app.Options) { o.Clock = now })
	const admin = "carla.provini@lugano.example"
	told := func() (n int) {
		for _, m := range e.Inbox.List(admin) {
			if strings.Contains(m.Subject, "della quota") {
				n++
			}
		}
		return n
	}
	api := func(n int64) {
		t.Helper()
		if err := e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
			_, err := tx.Exec("insert into api_calls (slug, day, n) values ('lugano', $1, $2) on conflict (slug, day) do update set n = excluded.n", meters.Day(now.Now()), n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	everybody := func() {
		t.Helper()
		var g sync.WaitGroup
		for i := range 8 {
			g.Go(func() {
				who := []*apptest.Env{e, second}[i%2]
				if err := who.Quotas.Watch(t.Context(), who.Tenant(t, "lugano")); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
	}
	grant(t, e, "lugano", quotas.API, 1000)
	api(799)
	everybody()
	console := e.As(t, "lugano", "commune-admin")
	if text := console.Get("/console", 200).Text("main"); strings.Contains(text, "Chiamate API") {
		t.Errorf("at 79 %% the console says %q", text)
	}
	api(800)
	everybody()
	first := e.WaitForMail(t, admin, "80 % della quota")
	if !strings.Contains(first.Text, "/console/quote") || !strings.Contains(first.Subject, "chiamate API del giorno") {
		t.Errorf("the mail says %q: %s", first.Subject, first.Text)
	}
	api(970)
	everybody()
	e.WaitForMail(t, admin, "97 % della quota")
	everybody()
	if n := told(); n != 2 {
		t.Errorf("%d mails, want one per threshold", n)
	}
	page := console.Get("/console", 200)
	page.Contains("main .sp-tasks", "Chiamate API: usato il 97 % della quota")
	page.Contains("main .sp-tasks", "Assistenza")
	own := console.Get("/console/quote", 200)
	own.Contains("main table", "Quasi esaurita")
	own.Contains("main table", "Al ritmo attuale basta fino alle ore 12.22")
	if own.Count("main svg.sp-bars rect") < 4 || own.Count("main .ds-button") != 1 {
		t.Errorf("%d bars, %d buttons", own.Count("main svg.sp-bars rect"), own.Count("main .ds-button"))
	}
	op := e.As(t, "ente", "entity-operator")
	op.Get("/comuni", 200).Contains("main table", "Chiamate API 97 %")
	op.Get("/comuni/lugano", 200).Contains("main", "Chiamate API 97 %")
	if text := op.Get("/comuni/bellinzona", 200).Text("main"); strings.Contains(text, "97 %") {
		t.Error("the neighbour is marked")
	}
	if text := e.As(t, "bellinzona", "commune-admin").Get("/console", 200).Text("main"); strings.Contains(text, "quota") {
		t.Errorf("the neighbour reads %q", text)
	}
	for _, where := range []*apptest.Env{e, second} {
		answer := httptest.NewRecorder()
		where.Ops().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		if want := `sportello_quota_used_ratio{commune="lugano",kind="api"} 0.97`; !strings.Contains(answer.Body.String(), want) {
			t.Errorf("a process does not say %s", want)
		}
	}

	// Tomorrow is another day: nothing is near, until it is.
	now.Set(now.Now().AddDate(0, 0, 1))
	next := e.As(t, "lugano", "commune-admin").Get("/console", 200) // the session of yesterday is over
	next.Contains("main h1", "Panoramica")
	if strings.Contains(next.Text("main"), "Chiamate API") {
		t.Error("yesterday's notice stands on the console")
	}
	api(999)
	everybody()
	e.WaitForMail(t, admin, "99 % della quota")
	api(1000)
	everybody()
	if n := told(); n != 3 {
		t.Errorf("%d mails, want three: past two thresholds at once is one", n)
	}
}

// Calls over the day's quota get a problem document and are told when there are
// more; pages stay open, and so does the neighbour's interface.
func TestQuotaOfCallsIsToldToMachines(t *testing.T) {
	now := clock.NewFake(time.Time{})
	e := apptest.New(t, apptest.WithoutWorker, atNoon(now), func(c *config.Config, _ *app.Options) { c.Quotas.API = 1000 })
	c, neighbour := e.Visit(t, "lugano"), e.Visit(t, "bellinzona")
	grant(t, e, "lugano", quotas.API, 3)
	call := func(c *apptest.Client) *http.Response {
		return c.Send(http.MethodGet, "/api/v1/services", "", nil)
	}
	for i := range 3 {
		res := call(c)
		want := fmt.Sprintf(`"day";r=%d;t=%d`, 2-i, 12*3600)
		if res.StatusCode != http.StatusOK || res.Header.Get("RateLimit") != want || res.Header.Get("RateLimit-Policy") != `"day";q=3;w=86400, "minute";q=600;w=60` {
			t.Fatalf("call %d: %s, %q %q", i, res.Status, res.Header.Get("RateLimit"), res.Header.Get("RateLimit-Policy"))
		}
	}
	for range 3 {
		res := call(c)
		var doc struct {
			Status       int
			Code, Detail string
		}
		if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Content-Type") != "application/problem+json" || res.Header.Get("Retry-After") != strconv.Itoa(12*3600) ||
			doc.Status != 429 || doc.Code != "web.calls" || !strings.Contains(doc.Detail, "domani") {
			t.Fatalf("over the quota: %s %v %+v", res.Status, res.Header, doc)
		}
	}
	c.Get("/servizi", 200)
	if res := call(neighbour); res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("RateLimit"), `"day";r=999;`) {
		t.Errorf("the neighbour: %s %q", res.Status, res.Header.Get("RateLimit"))
	}
	apptest.Eventually(t, "three calls are written down", func() bool { return used(t, e, "lugano", quotas.API).Used == 3 })
	// Another process learns of it with its first call.
	second := e.Second(t, func(_ *config.Config, o *app.Options) { o.Clock = now })
	apptest.Eventually(t, "the other process refuses too", func() bool { return second.Quotas.Calls(e.Tenant(t, "lugano")).Over })
	now.Set(now.Now().Add(12 * time.Hour))
	if res := call(c); res.StatusCode != http.StatusOK {
		t.Errorf("on the next day: %s", res.Status)
	}
}

// One address cannot take the whole interface in a minute.
func TestQuotaOfCallsPerMinute(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker, func(c *config.Config, _ *app.Options) { c.Quotas.APIPerMinute = 5 })
	c := e.Visit(t, "lugano")
	var last *http.Response
	for range 6 {
		last = c.Send(http.MethodGet, "/api/v1/services", "", nil)
	}
	wait, err := strconv.Atoi(last.Header.Get("Retry-After"))
	if err != nil || last.StatusCode != http.StatusTooManyRequests || wait < 1 || wait > 60 {
		t.Errorf("the sixth call: %s, Retry-After %q", last.Status, last.Header.Get("Retry-After"))
	}
	c.Get("/servizi", 200)
}

// The entity grants, the audit tells, what was typed wrong comes back; the auditor
// looks on; a commune that does not exist is not found.
func TestQuotasAreGranted(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	op, auditor := e.As(t, "ente", "entity-operator"), e.As(t, "ente", "entity-auditor")
	const path = "/comuni/lugano/quote"
	page := op.Get(path, 200)
	page.Contains("main form", "Valore predefinito: 50.0 GB")
	wrong := op.Post(path, url.Values{"storage": {"tanto"}, "mails": {"-1"}, "api": {"77"}}, 422)
	wrong.Contains("main", "Scriva i gigabyte")
	wrong.Attr("main input[name=storage]", "value", "tanto")
	wrong.Attr("main input[name=api]", "value", "77")
	op.Post(path, url.Values{"storage": {"100001"}}, 422)
	if u := used(t, e, "lugano", quotas.API); u.Own {
		t.Error("half a form was saved")
	}
	saved := op.Post(path, url.Values{"storage": {"2,5"}, "mails": {"200'000"}, "api": {""}}, 200)
	saved.Contains("main", "Le quote sono salvate.")
	saved.Attr("main input[name=storage]", "value", "2.5")
	for kind, want := range map[string]int64{quotas.Storage: 2_500_000_000, quotas.Mails: 200_000, quotas.API: int64(e.Config.Quotas.API)} {
		if u := used(t, e, "lugano", kind); u.Quota != want || u.Own == (kind == quotas.API) {
			t.Errorf("%s: %+v, want %d", kind, u, want)
		}
		if u := used(t, e, "bellinzona", kind); u.Own {
			t.Errorf("the neighbour has its own %s", kind)
		}
	}
	op.Post(path, url.Values{"storage": {"2.5"}, "mails": {"200000"}}, 200) // nothing changes, nothing is told
	op.Post(path, url.Values{"mails": {"200000"}}, 200)
	if u := used(t, e, "lugano", quotas.Storage); u.Own || u.Quota != 50*quotas.GB {
		t.Errorf("an empty field is %+v", u)
	}
	var lines int
	var details string
	if err := e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select count(*), min(details::text) filter (where details::text like '%mails%') from audit where action = 'quotas.set' and object = 'commune:lugano'").Scan(&lines, &details)
	}); err != nil {
		t.Fatal(err)
	}
	if lines != 2 || !strings.Contains(details, "200000") || !strings.Contains(details, "100000") {
		t.Errorf("%d lines on the audit: %s", lines, details)
	}
	auditor.Get(path, 200).None("main form")
	if res := auditor.Send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte("mails=1")); res.StatusCode != http.StatusForbidden {
		t.Errorf("the auditor grants: %s", res.Status)
	}
	if res := e.As(t, "ente", "entity-finance").Send(http.MethodGet, path, "", nil); res.StatusCode != http.StatusForbidden {
		t.Errorf("finance sees: %s", res.Status)
	}
	op.Get("/comuni/nessuno/quote", 404)
	e.As(t, "lugano", "commune-admin").Get("/console/quote", 200).Contains("main table", "50.0 GB")
	if res := e.As(t, "lugano", "office-head").Send(http.MethodGet, "/console/quote", "", nil); res.StatusCode != http.StatusForbidden {
		t.Errorf("an official sees: %s", res.Status)
	}
}
