package apptest_test

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/ui"
)

// together sends the same form n times at once and answers what came back.
func together(c *apptest.Client, n int, path string, form url.Values) []*http.Response {
	out := make([]*http.Response, n)
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { out[i] = c.Send(http.MethodPost, path, formType, []byte(form.Encode())) })
	}
	wait.Wait()
	return out
}

// groundTimes answers the step of a request for public ground that asks when.
func groundTimes() url.Values {
	return url.Values{"periodo_from": {day(10)}, "periodo_to": {day(12)}, "orario": {"07.00-18.00"}, "superficie": {"90"}, "carreggiata": {"true"}}
}

// Twenty windows send the same draft: one case, and every window is led to it;
// so is a click that comes later.
func TestOneDraftIsOneCase(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen")
	review := c.Upload(publicGround(t, c, false).AttrOf("main form", "action"), groundTimes(), nil, 200).Submit(c, "main form", url.Values{"condizioni": {"true"}})
	path := review.AttrOf("main form", "action")
	sent := url.Values{"confermo": {"true"}}
	to := map[string]int{}
	for _, res := range append(together(c, 20, path, sent), c.Send(http.MethodPost, path, formType, []byte(sent.Encode()))) {
		if res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s", res.Status)
		}
		to[res.Header.Get("Location")]++
	}
	var cases int
	asTenant(t, e, "lugano", "select count(*) from cases where service_id = 'suolo-occupazione-temporanea' and submitted_at > now() - interval '5 minutes'", &cases)
	if cases != 1 || len(to) != 1 {
		t.Errorf("%d cases, led to %v", cases, to)
	}
}

// Ten windows decide at once: one decision, one number.
func TestOneCaseIsDecidedOnce(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen")
	ref := refPattern.FindString(publicGround(t, c, true).Text("main"))
	head := e.As(t, "lugano", "office-head")
	desk := "/ufficio/pratiche/" + ref
	for _, res := range together(head, 5, desk+"/prendi", nil) {
		if res.StatusCode >= 500 {
			t.Errorf("take: %s", res.Status)
		}
	}
	for i, res := range together(head, 10, desk+"/decidi", url.Values{"ruling": {"granted"}, "reasons": {"Il passaggio resta libero."}}) {
		if res.StatusCode >= 500 {
			t.Errorf("decide %d: %s", i, res.Status)
		}
	}
	var decisions, numbers int
	asTenant(t, e, "lugano", "select count(*) from case_events v join cases c on c.id = v.case_id where c.ref = $1 and v.kind like 'decided-%'", &decisions, ref)
	asTenant(t, e, "lugano", "select coalesce(max(last), 0) from case_numbers", &numbers)
	if decisions != 1 {
		t.Errorf("%d decisions", decisions)
	}
}

// Money that comes after the request was withdrawn goes back.
func TestWithdrawnWhilePaying(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	pay := certificate(t, c).Submit(c, "main form", url.Values{"confermo": {"true"}})
	ref := refPattern.FindString(c.Get("/area/pratiche", 200).Text("main"))
	c.Post("/area/pratiche/"+ref+"/ritira", nil, 200).Contains("main", "itirata")
	pay.Submit(c, "form", url.Values{"esito": {"paga"}})
	apptest.Eventually(t, "the money went back", func() bool {
		var state string
		asTenant(t, e, "lugano", "select state from payments where case_ref = $1", &state, ref)
		return state == "refunded"
	})
	if res := c.Send(http.MethodPost, "/area/pratiche/"+ref+"/paga", "", nil); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/area") {
		t.Errorf("a withdrawn request can be paid: %s to %s", res.Status, res.Header.Get("Location"))
	}
}

// Ten clicks on "pay" open one payment.
func TestOneCaseOpensOnePayment(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	before := len(e.Sandbox.Transactions(915192))
	certificate(t, c).Submit(c, "main form", url.Values{"confermo": {"true"}})
	ref := refPattern.FindString(c.Get("/area/pratiche", 200).Text("main"))
	for _, res := range together(c, 10, "/area/pratiche/"+ref+"/paga", nil) {
		if res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s", res.Status)
		}
	}
	if n := len(e.Sandbox.Transactions(915192)) - before; n != 1 {
		t.Errorf("%d payments at the provider", n)
	}
}

// What a commune changes while somebody checks the answers changes nothing of a
// request that was begun: nobody agrees to one amount and owes another, nor pays
// another amount than the service's.
func TestTheFeeAgreedToIsTheFeeOwed(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen-verified")
	review := certificate(t, c)
	admin := e.As(t, "lugano", "commune-admin")
	publishFee(admin, "certificato-domicilio", "certificato", "99.00")
	forged := withConsent(review.Values("main form"))
	forged.Set("importo", "1")
	again := c.Post(review.AttrOf("main form", "action"), forged, 422)
	again.Contains("main button[type=submit]", "CHF 10.00")
	var cases int
	asTenant(t, e, "lugano", "select count(*) from cases c join accounts a on a.id = c.applicant_id where a.email = 'anna.esempi@lugano.example' and c.submitted_at > now() - interval '5 minutes'", &cases)
	if cases != 0 {
		t.Error("the request was taken at a price nobody agreed to")
	}
	again.Submit(c, "main form", url.Values{"confermo": {"true"}}).Contains("body", "10.00")
	// Who begins now is asked the new price.
	e.As(t, "lugano", "represented").Get("/servizi/certificato-domicilio", 200).Contains("main", "99.00")
}

func withConsent(form url.Values) url.Values {
	form.Set("confermo", "true")
	return form
}

// An office sees its own cases only; whoever may look may not act; and nobody
// works on a request of their own, nor reads what colleagues note about it.
func TestOfficesAndRolesKeepToTheirOwn(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen")
	ref := refPattern.FindString(publicGround(t, c, true).Text("main"))
	desk := "/ufficio/pratiche/" + ref
	// The case is of the police; this official works for another office.
	other := e.As(t, "lugano", "official")
	for _, path := range []string{desk, desk + "/chiedi", desk + "/decidi"} {
		if res := other.Send(http.MethodGet, path, "", nil); res.StatusCode != http.StatusNotFound {
			t.Errorf("another office: GET %s: %s", path, res.Status)
		}
	}
	if text := string(other.Bytes("/ufficio?vista=office&q="+ref, 200)); strings.Contains(text, desk) {
		t.Error("another office's list shows the case")
	}
	clerk, admin, officer := e.As(t, "lugano", "counter-clerk"), e.As(t, "lugano", "commune-admin"), e.As(t, "lugano", "data-protection-officer")
	for _, act := range []string{"/prendi", "/nota", "/chiedi", "/decidi"} {
		for who, p := range map[string]*apptest.Client{"clerk": clerk, "administrator": admin, "officer": officer} {
			if res := p.Send(http.MethodPost, desk+act, formType, []byte("testo=abc+def&note=abc+def&ruling=granted&reasons=perche")); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s: POST %s: %s", who, act, res.Status)
			}
		}
		if res := other.Send(http.MethodPost, desk+act, formType, []byte("testo=abc+def&note=abc+def&ruling=granted&reasons=perche")); res.StatusCode != http.StatusNotFound {
			t.Errorf("another office: POST %s: %s", act, res.Status)
		}
	}
	for who, p := range map[string]*apptest.Client{"administrator": admin, "officer": officer} {
		if res := p.Send(http.MethodGet, desk, "", nil); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s reads a case: %s", who, res.Status)
		}
	}
	// The head of the police asks for ground of the police's own office.
	head := e.As(t, "lugano", "office-head")
	own := refPattern.FindString(publicGround(t, head, true).Text("main"))
	for _, path := range []string{"/ufficio/pratiche/" + own, "/ufficio/pratiche/" + own + "/decidi"} {
		if res := head.Send(http.MethodGet, path, "", nil); res.StatusCode != http.StatusForbidden {
			t.Errorf("one's own request at the desk: %s: %s", path, res.Status)
		}
	}
	for _, act := range []string{"/prendi", "/nota", "/chiedi", "/decidi"} {
		if res := head.Send(http.MethodPost, "/ufficio/pratiche/"+own+act, formType, []byte("testo=abc+def&note=abc+def&ruling=granted&reasons=perche")); res.StatusCode != http.StatusForbidden {
			t.Errorf("one's own request: %s: %s", act, res.Status)
		}
	}
}

// What people type is shown as text wherever it is shown, and in file names and
// mail headers it stays one value.
func TestTypedTextIsOnlyText(t *testing.T) {
	e := apptest.New(t)
	const nasty = `"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}`
	asOwner(t, e, "update t_lugano.accounts set first_name = $1, last_name = 'Prova' where email = 'luca.esempi@lugano.example'", nasty)
	c, head := e.As(t, "lugano", "citizen"), e.As(t, "lugano", "office-head")
	step := c.Get("/servizi/suolo-occupazione-temporanea/avvia", 200)
	step = step.Submit(c, "main form", url.Values{"luogo_address": {nasty}, "luogo_postcode": {"6900"}, "luogo_town": {nasty}, "scopo": {"benna"}})
	step = step.Submit(c, "main form", url.Values{"ditta": {nasty}})
	action := step.AttrOf("main form", "action")
	c.Upload(action, url.Values{"periodo_from": {nasty}, "superficie": {nasty}, "orario": {nasty}},
		[]apptest.File{{Field: "schizzo", Name: nasty + ".exe", Data: []byte("MZ this is no picture")}}, 422)
	step = c.Upload(action, url.Values{"periodo_from": {day(10)}, "periodo_to": {day(12)}, "orario": {nasty[:40]}, "superficie": {"90"}, "carreggiata": {"true"}},
		[]apptest.File{{Field: "schizzo", Name: "a\"><script>alert(1)</script>.png", Data: sketch(t)}}, 200)
	review := step.Submit(c, "main form", url.Values{"condizioni": {"true"}})
	sent := review.Submit(c, "main form", url.Values{"confermo": {"true"}}).Text("main")
	ref := refPattern.FindString(sent)
	if ref == "" {
		t.Fatal(sent)
	}
	desk := "/ufficio/pratiche/" + ref
	head.Post(desk+"/prendi", nil, 200)
	head.Post(desk+"/nota", url.Values{"note": {nasty}}, 200)
	head.Post(desk+"/chiedi", url.Values{"testo": {nasty}}, 200)
	c.Post("/area/pratiche/"+ref+"/rispondi", url.Values{"risposta": {nasty}}, 200)
	head.Post(desk+"/decidi", url.Values{"ruling": {"refused"}, "reasons": {nasty}, "facts": {nasty}, "conditions": {nasty}}, 200)
	q := url.QueryEscape(nasty)
	pages := map[*apptest.Client][]string{
		c: {"/area", "/area/pratiche", "/area/pratiche/" + ref, "/servizi?q=" + q, "/verifica?codice=" + q, "/v/" + url.PathEscape(nasty), "/accedi?next=" + q,
			"/?lang=" + q, action, "/servizi/suolo-occupazione-temporanea?x=" + q, "/nulla/" + url.PathEscape(nasty)},
		head:                               {"/ufficio?vista=office", "/ufficio?q=" + q, desk, "/ufficio?servizio=" + q + "&stato=" + q, "/ufficio?vista=closed"},
		e.As(t, "lugano", "commune-admin"): {"/console", "/console/operazioni?chi=" + q, "/console/operazioni?azione=" + q, "/console/colori?first=" + q + "&second=" + q + "&subtitle=" + q},
	}
	for who, list := range pages {
		for _, path := range list {
			res := who.Send(http.MethodGet, path, "", nil)
			body, _ := io.ReadAll(res.Body)
			if bytes.Contains(body, []byte("<script>alert")) || bytes.Contains(body, []byte("<img src=x")) {
				t.Errorf("%.60s: what was typed is markup", path)
			}
			if res.StatusCode >= 500 {
				t.Errorf("%.60s: %s", path, res.Status)
			}
		}
	}
	mail := e.WaitForMail(t, "luca.esempi@lugano.example", ref)
	if strings.Contains(mail.HTML, "<script>alert") || strings.Contains(mail.HTML, "<img src=x") {
		t.Error("what was typed is markup in the mail")
	}
}

// A file is what its bytes say, whatever it is called: its name can neither lead
// out of the store, nor end a header, nor give it another kind when it is opened.
func TestFilesAreWhatTheirBytesSay(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen")
	action := publicGround(t, c, false).AttrOf("main form", "action")
	form := groundTimes()
	c.Post(action, withRemove(form, c.Get(action, 200).AttrOf("main a[href*='/documenti/']", "href")), 200)
	png := sketch(t)
	for name, data := range map[string][]byte{
		"pagina.pdf": []byte("<!doctype html><script>alert(1)</script>"), "disegno.png": []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`),
		"archivio.pdf": []byte("PK\x03\x04zip"), "programma.pdf": []byte("MZ\x90\x00 this program"), "vuoto.pdf": nil, "macro.pdf": {0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1},
	} {
		page := c.Upload(action, form, []apptest.File{{Field: "schizzo", Name: name, Data: data}}, 422)
		page.Contains("main", name)
		page.Attr("main input[name=orario]", "value", "07.00-18.00")
	}
	for sent, want := range map[string]string{
		"../../../etc/passwd.png": "passwd.png", `C:\Users\io\piano.PNG`: "piano.PNG", "piano.png.html": "piano.png.html.png", "piano.pdf": "piano.pdf.png",
		"piano": "piano.png", "a\u202egnp.exe": "agnp.exe.png", "a\"b;c=d.png": "a\"b;c=d.png", "...": "documento.png", "è più.png": "è più.png",
	} {
		c.Upload(action, form, []apptest.File{{Field: "schizzo", Name: sent, Data: png}}, 200)
		page := c.Get(action, 200)
		link := page.AttrOf("main a[href*='/documenti/']:last-of-type", "href")
		res := c.Send(http.MethodGet, link, "", nil)
		_, params, err := mime.ParseMediaType(res.Header.Get("Content-Disposition"))
		if err != nil || params["filename"] != want {
			t.Errorf("%q is kept as %q (%v), want %q", sent, params["filename"], err, want)
		}
		if res.Header.Get("Content-Type") != "image/png" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "sandbox") || res.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q is sent as %v", sent, res.Header)
		}
		c.Post(action, withRemove(form, link), 200)
	}
}

// withRemove presses the button that takes a file away.
func withRemove(form url.Values, link string) url.Values {
	out := url.Values{ui.RemoveName: {link[strings.LastIndex(link, "/")+1:]}}
	for k, v := range form {
		out[k] = v
	}
	return out
}

// A form of thousands of parts or fields is refused, not worked through.
func TestFormsOfManyPartsAreRefused(t *testing.T) {
	e := apptest.New(t)
	c := e.As(t, "lugano", "citizen")
	action := publicGround(t, c, false).AttrOf("main form", "action")
	var b bytes.Buffer
	for i := range 3000 {
		fmt.Fprintf(&b, "--x\r\nContent-Disposition: form-data; name=\"f%d\"; filename=\"a.png\"\r\n\r\nx\r\n", i)
	}
	b.WriteString("--x--\r\n")
	if res := c.Send(http.MethodPost, action, "multipart/form-data; boundary=x", b.Bytes()); res.StatusCode < 400 || res.StatusCode >= 500 {
		t.Errorf("3000 files: %s", res.Status)
	}
	for _, broken := range []string{"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=y", "application/json", "text/xml", ""} {
		if res := c.Send(http.MethodPost, action, broken, b.Bytes()); res.StatusCode >= 500 {
			t.Errorf("%q: %s", broken, res.Status)
		}
	}
}
