package apptest_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

const because = "Una pratica non si apre: dobbiamo vedere l’errore."

// glass is a commune with two cases of one office and one of another, an
// operator who asks and an administrator who decides.
type glass struct {
	*apptest.Env
	t                      *testing.T
	ref, beside, elsewhere string // cases; beside is of the same office
	upload                 string // a file of ref
	op, admin              *apptest.Client
}

func newGlass(t *testing.T) *glass {
	e := apptest.New(t)
	g := &glass{Env: e, t: t, op: e.As(t, "ente", "entity-operator"), admin: e.As(t, "lugano", "commune-admin")}
	c := e.As(t, "lugano", "citizen")
	g.ref = refPattern.FindString(publicGround(t, c, true).Text("main"))
	g.upload = regexp.MustCompile(`/allegati/([0-9a-f-]{36})`).FindStringSubmatch(string(c.Bytes("/area/pratiche/"+g.ref, 200)))[1]
	g.beside, g.elsewhere = g.copy("office"), g.copy("'controllo-abitanti'")
	return g
}

// copy makes another case like ref, in an office.
func (g *glass) copy(office string) string {
	g.t.Helper()
	ref, err := swiss.NewCaseRef("LUG", 2026, strings.NewReader(uuid.NewString()+uuid.NewString()))
	if err != nil {
		g.t.Fatal(err)
	}
	copies(g.t, g.Env, g.ref, 1)
	g.owner("update t_lugano.cases set ref = '" + string(ref) + "', office = " + office + " where ref = 'LUG-COPIA-0'")
	return string(ref)
}

// owner does what only the owner of the database may.
func (g *glass) owner(sql string, args ...any) {
	g.t.Helper()
	conn, err := pgx.Connect(g.t.Context(), g.OwnerURL)
	if err != nil {
		g.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(g.t.Context(), sql, args...); err != nil {
		g.t.Fatal(err)
	}
}

// ask sends a request; its id is that of the newest.
func (g *glass) ask(c *apptest.Client, scope, object, hours string) string {
	g.t.Helper()
	form := url.Values{"reason": {because}, "scope": {scope}, "hours": {hours}, "ref": {object}, "office": {object}}
	c.Post("/comuni/lugano/accesso", form, 200).Contains("main", "La richiesta è arrivata al Comune")
	var id string
	if err := g.DB.Read(g.t.Context(), g.Tenant(g.t, "lugano"), func(tx *tenancy.Tx) error {
		return tx.QueryRow("select id::text from access_grants order by asked_at desc limit 1").Scan(&id)
	}); err != nil {
		g.t.Fatal(err)
	}
	return id
}

func (g *glass) grant(id, hours string, more ...string) {
	g.t.Helper()
	form := url.Values{"hours-" + id: {hours}}
	for i := 0; i+1 < len(more); i += 2 {
		form.Set(more[i]+"-"+id, more[i+1])
	}
	g.admin.Post("/console/accesso-ente/"+id+"/concedi", form, 200).Contains("main", "L’accesso è concesso")
}

// link is the hand-over link of a grant.
func (g *glass) link(c *apptest.Client, id string) string {
	g.t.Helper()
	return c.Post("/comuni/lugano/accesso/"+id+"/entra", nil, 200).AttrOf("main a.ds-button", "href")
}

// enter uses the link in a browser of its own on the commune's host.
func (g *glass) enter(id string) *apptest.Client {
	g.t.Helper()
	c := g.Visit(g.t, "lugano")
	link := g.link(g.op, id)
	c.Get(link, 200).Contains("main", "Può solo leggere")
	c.Post(link, nil, 200)
	return c
}

func status(c *apptest.Client, method, path string) int {
	return c.Send(method, path, "application/x-www-form-urlencoded", nil).StatusCode
}

func (g *glass) refused(c *apptest.Client, method string, paths ...string) {
	g.t.Helper()
	for _, p := range paths {
		res := c.Send(method, p, "application/x-www-form-urlencoded", nil)
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusNotFound {
			g.t.Errorf("%s %s: %s, want 404", method, p, res.Status)
		}
		for _, ref := range []string{g.beside, g.elsewhere} {
			if !strings.Contains(p, ref) && strings.Contains(string(body), ref) {
				g.t.Errorf("%s %s tells of %s", method, p, ref)
			}
		}
	}
}

func (g *glass) lines(where string, args ...any) (n int) {
	g.t.Helper()
	if err := g.DB.Read(g.t.Context(), g.Tenant(g.t, "lugano"), func(tx *tenancy.Tx) error {
		return tx.QueryRow("select count(*) from audit where "+where, args...).Scan(&n)
	}); err != nil {
		g.t.Fatal(err)
	}
	return n
}

// One case is granted: it can be read, with its file; nothing beside it, and
// nothing can be sent. Every reading is on the commune's audit with the grant.
func TestAGuestReadsOneCaseAndNothingElse(t *testing.T) {
	g := newGlass(t)
	id := g.ask(g.op, "case", g.ref, "2")
	g.WaitForMail(t, "carla.provini@lugano.example", "Nora Facsimili")
	g.admin.Get("/console", 200).None(".sp-banners")
	waiting := g.admin.Get("/console/accesso-ente", 200)
	waiting.Contains("main", because)
	waiting.Contains("main", "la pratica "+g.ref)
	g.grant(id, "2")
	g.admin.Get("/console/servizi", 200).Contains(".sp-banners", "Nora Facsimili")
	g.op.Get("/comuni/lugano", 200).Contains(".sp-banners", "Finora non ha letto niente")

	c := g.enter(id)
	page := c.Get("/ufficio/pratiche/"+g.ref, 200)
	page.Contains(".sp-banners", "la pratica "+g.ref)
	page.None("main form")
	c.Bytes("/ufficio/pratiche/"+g.ref+"/allegati/"+g.upload, 200)
	list := c.Get("/ufficio?vista=office", 200)
	list.Contains("main", g.ref)
	for _, path := range []string{"/ufficio?vista=office", "/ufficio?vista=office&q=" + g.beside, "/ufficio?q=Esempi&vista=office", "/ufficio?vista=closed", "/ufficio?vista=office&pagina=2"} {
		if text := string(c.Bytes(path, 200)); strings.Contains(strings.ReplaceAll(text, url.QueryEscape(g.beside), ""), `pratiche/`+g.beside) || strings.Contains(text, `pratiche/`+g.elsewhere) {
			t.Errorf("%s lists a neighbouring case", path)
		}
	}
	list.Contains(".sp-side, nav[aria-label]", "1") // the counts count one case
	g.refused(c, http.MethodGet, "/ufficio/pratiche/"+g.beside, "/ufficio/pratiche/"+g.elsewhere, "/ufficio/pratiche/"+g.beside+"/allegati/"+g.upload,
		"/ufficio/pratiche/"+g.ref+"/chiedi", "/ufficio/pratiche/"+g.ref+"/decidi", "/ufficio/documenti/"+uuid.NewString(),
		"/console", "/console/operazioni", "/console/operazioni.csv", "/console/accesso-ente", "/console/pagamenti", "/area", "/area/pratiche", "/area/pratiche/"+g.ref, "/area/documenti")
	g.refused(c, http.MethodPost, "/ufficio/pratiche/"+g.ref+"/nota", "/ufficio/pratiche/"+g.ref+"/prendi", "/ufficio/prossima", "/console/colori",
		"/console/accesso-ente/"+id+"/revoca", "/console/accesso-ente/"+id+"/concedi", "/accedi", "/registrati", "/area/pratiche/"+g.ref+"/ritira")
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
		if code := status(c, method, "/ufficio/pratiche/"+g.ref); code != http.StatusNotFound {
			t.Errorf("%s: %d", method, code)
		}
	}
	if code := status(c, http.MethodHead, "/ufficio/pratiche/"+g.beside); code != http.StatusNotFound {
		t.Errorf("HEAD on the neighbouring case: %d", code)
	}
	read := g.lines("action = 'cases.read'")
	if code := status(c, http.MethodHead, "/ufficio/pratiche/"+g.ref); code != http.StatusOK || g.lines("action = 'cases.read'") != read+1 {
		t.Errorf("HEAD leaves no line: %d", code)
	}
	if n := g.lines("object = $1 and action in ('cases.read', 'cases.read-file') and actor = 'Nora Facsimili' and actor_id like '%/grant:' || $2", "case:"+g.ref, id); n < 3 {
		t.Errorf("the audit holds %d readings of the case by the guest", n)
	}
	if n := g.lines("object like '%' || $1 and actor_id like 'staff:%' and action <> 'cases.searched'", g.beside); n > 0 {
		t.Error("the audit says that the guest has read the neighbouring case")
	}
	g.admin.Get("/console/accesso-ente", 200).Contains("main", "Pratica letta")
	g.admin.Get("/console", 200).Contains(".sp-banners", "Finora ha letto")

	// Revoked: the very next request finds nothing, HEAD and files too.
	g.admin.Post("/console/accesso-ente/"+id+"/revoca", nil, 200).Contains("main", "L’accesso è tolto")
	g.refused(c, http.MethodGet, "/ufficio/pratiche/"+g.ref, "/ufficio", "/ufficio/pratiche/"+g.ref+"/allegati/"+g.upload)
	g.refused(g.op, http.MethodPost, "/comuni/lugano/accesso/"+id+"/entra")
	g.op.Get("/comuni/lugano/accesso", 200).Contains("main", "Tolto")
	apptest.Eventually(t, "the banner is gone", func() bool {
		return !strings.Contains(string(g.admin.Bytes("/console", 200)), "sp-banner\"")
	})
	apptest.Eventually(t, "the entity's own record knows", func() bool {
		var n int
		_ = g.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error {
			return tx.QueryRow("select count(*) from access_events where request_id = $1", id).Scan(&n)
		})
		return n == 3 // granted, entered, revoked
	})
}

// An office is granted: its cases, no other's; the configuration: pages of the
// console without people.
func TestAGuestOfAnOfficeAndOfTheConfiguration(t *testing.T) {
	g := newGlass(t)
	office := ""
	_ = g.DB.Read(t.Context(), g.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		return tx.QueryRow("select office from cases where ref = $1", g.ref).Scan(&office)
	})
	id := g.ask(g.op, "office", office, "8")
	g.grant(id, "3")
	c := g.enter(id)
	c.Get("/ufficio/pratiche/"+g.ref, 200)
	c.Get("/ufficio/pratiche/"+g.beside, 200)
	list := c.Get("/ufficio?vista=office", 200)
	list.Contains("main", g.beside)
	if strings.Contains(list.Text("main"), g.elsewhere) {
		t.Error("another office's case is listed")
	}
	g.refused(c, http.MethodGet, "/ufficio/pratiche/"+g.elsewhere, "/console")

	// Narrowed to one case by the administrator.
	id = g.ask(g.op, "office", office, "8")
	wrong := g.admin.Post("/console/accesso-ente/"+id+"/concedi", url.Values{"hours-" + id: {"1"}, "ref-" + id: {g.elsewhere}}, 422)
	wrong.Contains("main", "non c’è nell’ufficio")
	g.grant(id, "1", "ref", g.ref)
	c = g.enter(id)
	c.Get("/ufficio/pratiche/"+g.ref, 200)
	g.refused(c, http.MethodGet, "/ufficio/pratiche/"+g.beside, "/ufficio/pratiche/"+g.elsewhere)

	id = g.ask(g.op, "configuration", "", "1")
	g.grant(id, "1")
	c = g.enter(id)
	overview := c.Get("/console", 200)
	for _, name := range []string{"Carla Provini", "Luca Esempi", g.ref} {
		if strings.Contains(overview.Text("main"), name) {
			t.Errorf("the configuration shows %s", name)
		}
	}
	c.Get("/console/servizi", 200)
	c.Get("/console/colori", 200)
	g.refused(c, http.MethodGet, "/ufficio", "/ufficio/pratiche/"+g.ref, "/console/operazioni", "/console/accesso-ente")
	g.refused(c, http.MethodPost, "/console/colori", "/console/servizi/certificato-domicilio/attiva", "/console/pagamenti")
	if n := g.lines("action = 'access.read' and object = 'page:/console/servizi' and actor_id like '%/grant:' || $1", id); n != 1 {
		t.Errorf("%d lines for one page of the configuration", n)
	}
	if n := g.lines("action = 'access.read' and object like 'page:/ufficio%'"); n != 0 {
		t.Errorf("a list of cases has %d coarse lines beside its own", n)
	}
}

// What must not be possible around a grant.
func TestAttacksOnAGrant(t *testing.T) {
	g := newGlass(t)
	other := g.As(t, "ente", "entity-admin")

	// Without a grant nothing of the commune exists, whoever asks.
	for _, c := range []*apptest.Client{g.op, other} {
		c.CarryCookies("ente", "lugano")
		g.refused(c, http.MethodGet, g.URLOf("lugano", "/ufficio"), g.URLOf("lugano", "/ufficio/pratiche/"+g.ref), g.URLOf("lugano", "/console"), g.URLOf("lugano", "/area"))
		g.refused(c, http.MethodPost, g.URLOf("lugano", "/ufficio/prossima"))
	}

	// Nine hours, no hours, no reason, a wrong reference, another office: not asked.
	for field, value := range map[string]string{"hours": "9", "reason": "x", "ref": "LUG-2026-0000-0", "scope": "everything"} {
		form := url.Values{"reason": {because}, "scope": {"case"}, "ref": {g.ref}, "hours": {"2"}}
		form.Set(field, value)
		g.op.Post("/comuni/lugano/accesso", form, 422)
	}
	g.op.Post("/comuni/lugano/accesso", url.Values{"reason": {because}, "scope": {"office"}, "office": {"nobody"}, "hours": {"2"}}, 422)
	if res := g.As(t, "ente", "entity-auditor").Send(http.MethodPost, "/comuni/lugano/accesso", "application/x-www-form-urlencoded", nil); res.StatusCode != http.StatusForbidden {
		t.Errorf("an auditor asks: %s", res.Status)
	}

	// Nine hours, more than asked, or nothing: not granted; the table refuses too.
	id := g.ask(g.op, "case", g.ref, "2")
	for _, hours := range []string{"9", "3", "0", "-1", "x"} {
		g.admin.Post("/console/accesso-ente/"+id+"/concedi", url.Values{"hours-" + id: {hours}}, 422)
	}
	if err := g.DB.In(t.Context(), g.Tenant(t, "lugano"), func(tx *tenancy.Tx) error {
		_, err := tx.Exec("update access_grants set state = 'granted', scope = 'case', object = 'x', decided_at = now(), granted_until = now() + interval '9 hours' where id = $1", id)
		return err
	}); err == nil {
		t.Error("the table takes nine hours")
	}
	// Not yet granted: no link.
	g.refused(g.op, http.MethodPost, "/comuni/lugano/accesso/"+id+"/entra")

	// An administrator who is the asker as well decides nothing; others who are
	// no administrators neither.
	g.owner("update t_lugano.access_grants set staff_email = 'Carla.Provini@Lugano.example' where id = $1", id)
	if code := g.admin.Send(http.MethodPost, "/console/accesso-ente/"+id+"/concedi", "application/x-www-form-urlencoded", []byte("hours-"+id+"=1")).StatusCode; code != http.StatusForbidden {
		t.Errorf("self-grant: %d", code)
	}
	g.owner("update t_lugano.access_grants set staff_email = 'nora.facsimili@ente.example' where id = $1", id)
	for _, persona := range []string{"official", "office-head", "data-protection-officer", "citizen"} {
		if code := g.As(t, "lugano", persona).Send(http.MethodPost, "/console/accesso-ente/"+id+"/concedi", "application/x-www-form-urlencoded", []byte("hours-"+id+"=1")).StatusCode; code != http.StatusForbidden {
			t.Errorf("%s grants: %d", persona, code)
		}
	}
	// The neighbour's administrator does not find it.
	neighbour := g.As(t, "bellinzona", "commune-admin")
	for _, what := range []string{"concedi", "rifiuta", "revoca"} {
		g.refused(neighbour, http.MethodPost, "/console/accesso-ente/"+id+"/"+what)
	}
	g.grant(id, "1")
	if code := status(g.admin, http.MethodPost, "/console/accesso-ente/"+id+"/concedi"); code != http.StatusConflict && code != 422 {
		t.Errorf("granting twice: %d", code)
	}

	// Another member makes no link of it, nor through another commune.
	g.refused(other, http.MethodPost, "/comuni/lugano/accesso/"+id+"/entra")
	g.refused(g.op, http.MethodPost, "/comuni/bellinzona/accesso/"+id+"/entra")

	// A link works once, on one host.
	link := g.link(g.op, id)
	path := strings.TrimPrefix(link, g.URLOf("lugano", ""))
	g.refused(g.Visit(t, "bellinzona"), http.MethodPost, path)
	c := g.Visit(t, "lugano")
	if res := c.Send(http.MethodPost, path, "application/x-www-form-urlencoded", nil, "Sec-Fetch-Site", "cross-site"); res.StatusCode != http.StatusForbidden {
		t.Errorf("entering from a foreign page: %s", res.Status)
	}
	c.Post(path, nil, 200)
	g.refused(g.Visit(t, "lugano"), http.MethodPost, path)
	c.Get("/ufficio/pratiche/"+g.ref, 200)

	// The session is none on the neighbour's host nor on the entity's.
	c.CarryCookies("lugano", "bellinzona")
	if code := status(c, http.MethodGet, g.URLOf("bellinzona", "/ufficio")); code != http.StatusSeeOther {
		t.Errorf("the guest's session at the neighbour's: %d", code)
	}
	c.CarryCookies("lugano", "ente")
	if code := status(c, http.MethodGet, g.URLOf("ente", "/comuni")); code != http.StatusSeeOther {
		t.Errorf("the guest's session at the entity: %d", code)
	}

	// No line, no page.
	g.owner("revoke insert on t_lugano.audit from " + g.role())
	res := c.Send(http.MethodGet, "/ufficio/pratiche/"+g.ref, "", nil)
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode < 500 || strings.Contains(string(body), "Luca Esempi") {
		t.Errorf("without an audit the case is shown: %s", res.Status)
	}
	g.owner("grant insert on t_lugano.audit to " + g.role())
	c.Get("/ufficio/pratiche/"+g.ref, 200)

	// A member who is disabled, or loses the role, is out with the next request.
	g.owner("update platform.staff set disabled_at = now() where email = 'nora.facsimili@ente.example'")
	g.refused(c, http.MethodGet, "/ufficio/pratiche/"+g.ref)
	g.owner("update platform.staff set disabled_at = null, roles = '{entity-auditor}' where email = 'nora.facsimili@ente.example'")
	g.refused(c, http.MethodGet, "/ufficio/pratiche/"+g.ref)
	g.owner("update platform.staff set roles = '{entity-operator}' where email = 'nora.facsimili@ente.example'")
	c.Get("/ufficio/pratiche/"+g.ref, 200)

	// Over: by the database's clock, whether or not anybody wrote it down. A
	// grant that begins in the future (a clock put back) does not hold either.
	g.owner("update t_lugano.access_grants set decided_at = now() + interval '1 hour', granted_until = now() + interval '2 hours' where id = $1", id)
	g.refused(c, http.MethodGet, "/ufficio/pratiche/"+g.ref)
	g.owner("update t_lugano.access_grants set decided_at = now() - interval '2 hours', granted_until = now() - interval '1 second' where id = $1", id)
	g.refused(c, http.MethodGet, "/ufficio/pratiche/"+g.ref, "/ufficio", "/console")
	g.refused(g.op, http.MethodPost, "/comuni/lugano/accesso/"+id+"/entra")
	g.admin.Get("/console/accesso-ente", 200).Contains("main", "Concluso")

	// Refused: nothing to enter by.
	id = g.ask(g.op, "case", g.ref, "2")
	g.admin.Post("/console/accesso-ente/"+id+"/rifiuta", nil, 200).Contains("main", "rifiutata")
	g.refused(g.op, http.MethodPost, "/comuni/lugano/accesso/"+id+"/entra")
}

// role is the commune's role in the database.
func (g *glass) role() (name string) {
	g.t.Helper()
	if err := g.DB.Platform(g.t.Context(), func(tx *tenancy.PlatformTx) error {
		return tx.QueryRow("select role_name from communes where slug = 'lugano'").Scan(&name)
	}); err != nil {
		g.t.Fatal(err)
	}
	return name
}

// The entity's auditor reads how much was read under each grant, and nothing of
// what: neither the case nor the reason.
func TestTheAuditorCountsReads(t *testing.T) {
	g := newGlass(t)
	id := g.ask(g.op, "case", g.ref, "1")
	g.grant(id, "1")
	guest := g.enter(id)
	for range 3 {
		guest.Get("/ufficio/pratiche/"+g.ref, 200)
	}
	auditor := g.As(t, "ente", "entity-auditor")
	var want string
	asTenant(t, g.Env, "lugano", "select count(*)::text from audit where actor_id like 'staff:%/grant:%' and action <> 'access.entered'", &want)
	if want == "0" {
		t.Fatal("nothing was read")
	}
	g.owner("update t_lugano.tick_runs set began_at = began_at - interval '1 hour' where name = 'breakglass.count'")
	g.StartWorker(t) // a worker that begins counts at once
	apptest.Eventually(t, "the reads are counted", func() bool {
		for _, n := range auditor.Get("/accessi?comune=lugano", 200).Texts("main tbody tr td:last-child") {
			if n == want || strings.HasPrefix(n, want+" ") || strings.HasPrefix(n, want+"contate") {
				return true
			}
		}
		return false
	})
	page := auditor.Get("/accessi", 200)
	for _, secret := range []string{g.ref, because} {
		if strings.Contains(page.Text("main"), secret) {
			t.Errorf("the auditor reads %q", secret)
		}
	}
	if n := auditor.Get("/comuni/lugano", 200).Count("main a[href='/accessi?comune=lugano']"); n != 1 {
		t.Errorf("%d links on the commune's page", n)
	}
	auditor.Get("/accessi?comune=nowhere", 404)
	if res := g.op.Send("GET", "/accessi", "", nil); res.StatusCode != http.StatusForbidden {
		t.Errorf("an operator counts: %s", res.Status)
	}
}
