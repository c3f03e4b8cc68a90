package apptest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/pquerna/otp/totp"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/bulletin"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
)

// A new member enrols by a link that works once; a second factor that is reset
// ends the session; what was taken away counts at once.
func TestStaffIsInvitedAndReset(t *testing.T) {
	e := apptest.New(t)
	admin := e.As(t, "ente", "entity-admin")
	admin.Post("/personale", url.Values{"name": {"X"}, "email": {"x"}}, 422).Contains("main", "almeno un ruolo")
	invited := admin.Post("/personale", url.Values{"name": {"Prova Nuovi"}, "email": {"prova.nuovi@ente.example"}, "roles": {"entity-admin"}}, 200)
	link := regexp.MustCompile(`/iscrizione/[\w-]{43}`).FindString(invited.Text("main"))
	if link == "" {
		t.Fatal("no link")
	}
	admin.Post("/personale", url.Values{"name": {"Prova Nuovi"}, "email": {"prova.nuovi@ente.example"}, "roles": {"entity-admin"}}, 422).Contains("main", "appartiene già")

	c := e.Visit(t, "ente")
	page := c.Get(link, 200)
	secret := strings.ReplaceAll(page.Text("main .sp-facts dd"), " ", "")
	if page.Count("main svg.sp-qr path") != 1 || len(secret) < 16 {
		t.Fatalf("QR code %d, secret %q", page.Count("main svg.sp-qr path"), secret)
	}
	if i := strings.Index(secret, "prova.nuovi"); i > 0 {
		secret = secret[:i]
	}
	const password = "una frase che ricordo"
	now := func() string {
		code, err := totp.GenerateCode(secret, time.Now())
		if err != nil {
			t.Fatalf("%v: %q", err, secret)
		}
		return code
	}
	c.Post(link, url.Values{"password": {"corta"}, "code": {now()}}, 422).Contains("main", "dodici caratteri")
	c.Post(link, url.Values{"password": {password}, "code": {"000000"}}, 422)
	c.Post(link, url.Values{"password": {password}, "code": {now()}}, 200)
	c.Get(link, 404)
	c.Post("/accedi", url.Values{"email": {"prova.nuovi@ente.example"}, "password": {password}}, 200)
	c.Post("/codice", url.Values{"code": {now()}}, 422) // the code that enrolled is spent

	list, err := e.Staff.Members(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id := map[string]string{}
	for _, m := range list {
		id[m.Email] = m.ID.String()
	}
	// Nobody changes oneself, whoever they are.
	own := id["guido.modellini@ente.example"]
	for _, path := range []string{"/ruoli", "/accesso", "/fattore"} {
		body := []byte("roles=entity-operator&access=close")
		if res := admin.Send(http.MethodPost, "/personale/"+own+path, "application/x-www-form-urlencoded", body); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s of oneself: %s", path, res.Status)
		}
	}
	finance := e.As(t, "ente", "entity-finance")
	finance.Get("/costi", 200)
	if res := finance.Send(http.MethodPost, "/personale/"+own+"/accesso", "application/x-www-form-urlencoded", []byte("access=close")); res.StatusCode != http.StatusForbidden {
		t.Errorf("finance closes an administrator's access: %s", res.Status)
	}
	operator := e.As(t, "ente", "entity-operator")
	operator.Get("/comuni", 200)
	admin.Post("/personale/"+id["nora.facsimili@ente.example"]+"/fattore", nil, 200).Contains("main", "/iscrizione/")
	if res := operator.Send(http.MethodGet, "/comuni", "", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("after the reset the session goes on: %s", res.Status)
	}
	admin.Post("/personale/"+id["livia.provini@ente.example"]+"/accesso", url.Values{"access": {"close"}}, 200)
	if res := finance.Send(http.MethodGet, "/costi", "", nil); res.StatusCode != http.StatusSeeOther {
		t.Errorf("a closed access goes on: %s", res.Status)
	}
}

// Two administrators who close each other's access at the same moment: one stays.
func TestAnAdministratorIsAlwaysLeft(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	secret := func() string {
		k, _ := totp.Generate(totp.GenerateOpts{Issuer: "x", AccountName: "x"})
		return k.Secret()
	}
	admins := make([]*apptest.Client, 2)
	ids := make([]string, 2)
	for i := range admins {
		email := fmt.Sprintf("capo%d@ente.example", i)
		id, err := e.Staff.Create(t.Context(), "Capo Prova", email, "una frase che ricordo", secret(), []string{identity.StaffAdmin})
		if err != nil {
			t.Fatal(err)
		}
		m, err := e.Staff.Find(t.Context(), email)
		if err != nil {
			t.Fatal(err)
		}
		token, err := e.Staff.Begin(t.Context(), *m)
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = id.String()
		admins[i] = e.Visit(t, "ente")
		admins[i].SetCookie("ente", "__Host-sportello", token)
	}
	asOwner(t, e, "update platform.staff set disabled_at = now() where email = 'guido.modellini@ente.example'")
	var wg sync.WaitGroup
	for i := range admins {
		wg.Go(func() {
			admins[i].Send(http.MethodPost, "/personale/"+ids[1-i]+"/accesso", "application/x-www-form-urlencoded", []byte("access=close"))
		})
	}
	wg.Wait()
	list, err := e.Staff.Members(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, m := range list {
		if !m.Disabled && len(m.Roles) == 1 && m.Roles[0] == identity.StaffAdmin {
			left++
		}
	}
	if left != 1 {
		t.Errorf("%d administrators are left", left)
	}
}

// An announcement stands on the desks, a maintenance window also on the
// portal's pages, which stay served from memory.
func TestAnnouncementsStandOnThePages(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	op, head, anybody := e.As(t, "ente", "entity-operator"), e.As(t, "lugano", "office-head"), e.Visit(t, "lugano")
	anybody.Get("/servizi", 200).None(".sp-announcement")
	at := time.Now().In(i18n.Zurich)
	form := func(kind string, from, to time.Time) url.Values {
		return url.Values{"kind": {kind}, "text_it": {"Prova " + kind}, "text_de": {"Probe " + kind}, "from_day": {from.Format(time.DateOnly)}, "from_time": {from.Format("15.04")},
			"to_day": {to.Format(time.DateOnly)}, "to_time": {to.Format("15.04")}, "slugs": {"lugano"}}
	}
	op.Post("/annunci", url.Values{"kind": {"info"}}, 422).Contains("main", "Scriva il testo italiano")
	op.Post("/annunci", form("info", at.Add(-time.Hour), at.Add(time.Hour)), 200).Contains("main", "L’annuncio è pubblicato.")
	apptest.Eventually(t, "officials read it", func() bool { return head.Get("/ufficio", 200).Count(".sp-announcement") == 1 })
	anybody.Get("/servizi", 200).None(".sp-announcement")
	op.Post("/annunci", form("maintenance", at.Add(20*time.Hour), at.Add(21*time.Hour)), 200)
	apptest.Eventually(t, "citizens read of the maintenance", func() bool { return anybody.Get("/servizi", 200).Count(".sp-announcement") == 1 })
	anybody.Get("/servizi?lang=de", 200).Contains(".sp-announcement", "Probe maintenance")
	e.Visit(t, "bellinzona").Get("/servizi", 200).None(".sp-announcement")
	quiet(e)
	if n := statements(t, e, func(int) (*apptest.Client, string) { return anybody, "/servizi/certificato-domicilio" }, 1); n[0] != 0 {
		t.Errorf("a page with an announcement sends %d statements", n[0])
	}
	// Withdrawn, it is gone everywhere.
	second := &bulletin.Board{DB: e.DB, Clock: e.Clock}
	list, err := second.Recent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		op.Post("/annunci/"+a.ID.String()+"/ritira", nil, 200)
	}
	apptest.Eventually(t, "it is gone", func() bool { return anybody.Get("/servizi", 200).Count(".sp-announcement") == 0 })
}

// A commune asks, the entity answers, both are told; the neighbour finds nothing.
func TestServiceDesk(t *testing.T) {
	e := apptest.New(t)
	admin, op, neighbour := e.As(t, "lugano", "commune-admin"), e.As(t, "ente", "entity-operator"), e.As(t, "bellinzona", "commune-admin")
	admin.Post("/console/assistenza", url.Values{"subject": {"x"}, "text": {"y"}}, 422).Contains("main", "Scriva l’oggetto")
	asked := admin.Post("/console/assistenza", url.Values{"subject": {"I documenti non partono"}, "text": {"Da stamattina\nnessun documento."}, "priority": {"urgent"}}, 200)
	asked.Contains("main", "La richiesta è inviata.")
	path := asked.AttrOf("main form", "action")
	id := strings.TrimPrefix(path, "/console/assistenza/")
	if uuid.Validate(id) != nil {
		t.Fatal(path)
	}
	e.WaitForMail(t, "info@ente.example", "I documenti non partono")
	neighbour.Get("/console/assistenza", 200).None("main .sp-rows")
	neighbour.Get(path, 404)
	if res := neighbour.Send(http.MethodPost, path, "application/x-www-form-urlencoded", []byte("text=ciao+ciao&done=solved")); res.StatusCode != http.StatusNotFound {
		t.Errorf("the neighbour writes: %s", res.Status)
	}
	op.Get("/assistenza", 200).Contains("main", "I documenti non partono")
	op.Post("/assistenza/"+id, url.Values{"text": {""}}, 422).Contains("main", "Scriva il testo")
	op.Post("/assistenza/"+id, url.Values{"text": {"È ripartito tutto."}}, 200).Contains("main", "La risposta è inviata.")
	e.WaitForMail(t, "carla.provini@lugano.example", "Risposta dell’ente")
	page := admin.Get(path, 200)
	page.Contains("main", "È ripartito tutto.")
	page.Contains("main", "Risposta data")
	admin.Post(path, url.Values{"text": {""}, "done": {"solved"}}, 200).Contains("main", "Risolta")
	op.Get("/assistenza", 200).Contains(".sp-tiles", "100 %")
	auditor := e.As(t, "ente", "entity-auditor")
	auditor.Get("/assistenza/"+id, 200).None("main form")
}

// A commune reads the projects, sub-processors and contract that concern it.
func TestAgreementsAreReadByThoseConcerned(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	op, admin, neighbour := e.As(t, "ente", "entity-operator"), e.As(t, "lugano", "commune-admin"), e.As(t, "bellinzona", "commune-admin")
	project := url.Values{"name": {"Archivio delle licenze"}, "state": {"running"}, "share": {"inhabitants"}, "total": {"1000.01"}, "slugs": {"lugano"}, "milestones": {"fatto 31.1.2026 Concetto\n1.12.2026 Prova"}}
	op.Post("/progetti/nuovo", url.Values{"name": {"x"}, "milestones": {"domani"}, "total": {"-1"}}, 422).Contains("main", "Ogni riga comincia con la data")
	op.Post("/progetti/nuovo", project, 200).Contains("main", "1'000.01")
	op.Post("/registri", url.Values{"name": {"Centro di calcolo Esempio SA"}, "service": {"Server"}, "location": {"Lugano"}, "since": {"2026-01-01"}, "slugs": {"lugano"}}, 200)
	op.Post("/registri/contratti/lugano", url.Values{"number": {"=1+1"}, "signed": {"2026-01-10"}, "location": {"Svizzera"}, "dpo": {"dpo@ente.example"}}, 200)
	op.Post("/registri/contratti/lugano", url.Values{"number": {"1"}, "signed": {"2026-01-10"}, "valid_to": {"2025-01-01"}, "location": {"Svizzera"}, "dpo": {"dpo@ente.example"}}, 422)
	page := admin.Get("/console/accordi", 200)
	for _, want := range []string{"Archivio delle licenze", "CHF 1'000.01", "Centro di calcolo Esempio SA", "=1+1", "Prova"} {
		page.Contains("main", want)
	}
	csv := string(admin.Bytes("/console/accordi/csv", 200))
	if !strings.HasPrefix(csv, "\ufeff") || !strings.Contains(csv, ";'=1+1;2026-01-10;") || strings.Contains(csv, "Bellinzona") {
		t.Errorf("CSV: %q", csv)
	}
	if text := neighbour.Get("/console/accordi", 200).Text("main"); strings.Contains(text, "Archivio") || strings.Contains(text, "calcolo") || strings.Contains(text, "=1+1") {
		t.Errorf("the neighbour reads %q", text)
	}
	if err := e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
		var n int
		err := tx.QueryRow("select count(*) from audit where action like 'agreements.%'").Scan(&n)
		if n != 3 {
			t.Errorf("%d lines on the audit, want 3", n)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// The overview counts the requests of a commune that failed.
func TestFailedRequestsAreCounted(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	asOwner(t, e, "alter table t_lugano.documents rename to hidden")
	e.As(t, "lugano", "citizen-verified").Get("/area/documenti", 500)
	op := e.As(t, "ente", "entity-operator")
	apptest.Eventually(t, "the failure is counted", func() bool {
		for _, errors := range op.Get("/comuni", 200).Texts("main tbody td:nth-child(6)") {
			if errors == "1" {
				return true
			}
		}
		return false
	})
}
