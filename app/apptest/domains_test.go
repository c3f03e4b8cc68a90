package apptest_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/domains"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/config"
	"github.com/sportello-ticino/sportello/pkg/dnstest"
)

// zone is a product whose domains are proved by a DNS server of the test.
type zone struct {
	*apptest.Env
	t   *testing.T
	dns *dnstest.Server
	now *clock.Fake
}

func newZone(t *testing.T, more ...apptest.Option) *zone {
	z := &zone{t: t, dns: dnstest.New(t), now: clock.NewFake(time.Now())}
	opts := append([]apptest.Option{func(c *config.Config, o *app.Options) {
		c.Domains.Resolver, o.Clock = z.dns.Addr, z.now
	}}, more...)
	z.Env = apptest.New(t, opts...)
	for _, slug := range apptest.Communes {
		z.dns.IP(slug+".localhost", "127.0.0.1")
	}
	return z
}

// at asks a host of the product for a page, as the proxy would hand it on.
func (z *zone) at(host, method, path string, header ...string) *http.Response {
	z.t.Helper()
	req := httptest.NewRequest(method, path, nil)
	req.Host = host
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	z.Web.ServeHTTP(w, req)
	return w.Result()
}

func (z *zone) known(host string) bool {
	w := httptest.NewRecorder()
	z.Ops().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/known-host?domain="+url.QueryEscape(host), nil))
	return w.Code == http.StatusOK
}

// publish enters what proves a host for a commune.
func (z *zone) publish(slug string, d domains.Domain) {
	z.dns.TXT(d.RecordName(), "something=else", d.Record())
	z.dns.CNAME(d.Host, slug+".localhost")
}

func (z *zone) ask(slug, host string) domains.Domain {
	z.t.Helper()
	c := z.Tenant(z.t, slug)
	d, err := z.Domains.Ask(z.t.Context(), identity.System(c), c, host)
	if err != nil {
		z.t.Fatal(err)
	}
	return d
}

func (z *zone) check(slug, host string) domains.Domain {
	z.t.Helper()
	c := z.Tenant(z.t, slug)
	d, err := z.Domains.Check(z.t.Context(), identity.System(c), c, host)
	if err != nil {
		z.t.Fatal(err)
	}
	return d
}

const own = "sportello.bernasca.test"

var proofPattern = regexp.MustCompile(`sportello=[0-9a-f]{32}`)

// A commune asks for a domain, proves it, makes it its main address, and takes it
// away again; at every step the page says what is missing.
func TestOwnDomain(t *testing.T) {
	z := newZone(t)
	admin := z.As(t, "lugano", "commune-admin")
	for typed, says := range map[string]string{"": "per esempio sportello.comune.ch", "10.0.0.1": "non un indirizzo IP", "bellinzona.localhost": "riservato a questa installazione",
		"co.uk": "suffisso pubblico", "https://x.ch/pagina": "senza porte né pagine"} {
		page := admin.Post("/console/dominio", url.Values{"host": {typed}}, 422)
		page.Contains("main", says)
		if got := page.AttrOf("#f-host", "value"); got != typed {
			t.Errorf("typed %q, kept %q", typed, got)
		}
	}
	page := admin.Post("/console/dominio", url.Values{"host": {" Sportello.Bernasca.TEST. "}}, 200)
	page.Contains("main", "_sportello."+own)
	page.Contains("main", "lugano.localhost")
	proof := proofPattern.FindString(page.Text("main"))
	if proof == "" {
		t.Fatal("no token on the page")
	}
	if again := admin.Post("/console/dominio", url.Values{"host": {own}}, 200); proofPattern.FindString(again.Text("main")) != proof {
		t.Error("asked twice, the token has changed")
	}
	form := url.Values{"host": {own}}
	admin.Post("/console/dominio/controlla", form, 200).Contains("main", "Non troviamo ancora la riga TXT")
	z.dns.TXT("_sportello."+own, "sportello=00000000000000000000000000000000<script>")
	admin.Post("/console/dominio/controlla", form, 200).Contains("main", "contiene «sportello=00000000000000000000000000000000<script>»")
	z.dns.TXT("_sportello."+own, proof)
	admin.Post("/console/dominio/controlla", form, 200).Contains("main", "non porta ancora da nessuna parte")
	z.dns.IP(own, "127.0.0.1", "192.0.2.7")
	admin.Post("/console/dominio/controlla", form, 200).Contains("main", "127.0.0.1, 192.0.2.7")
	z.dns.Away(true)
	admin.Post("/console/dominio/controlla", form, 200).Contains("main", "Non riusciamo a interrogare il DNS")
	z.dns.Away(false)
	if z.known(own) || z.at(own, "GET", "/").StatusCode != http.StatusNotFound {
		t.Fatal("an unproved host answers")
	}
	if res := admin.Send("POST", "/console/dominio/principale", formType, []byte("host="+own)); res.StatusCode != http.StatusNotFound {
		t.Errorf("an unproved host becomes main: %s", res.Status)
	}
	second := z.Second(t, func(*config.Config, *app.Options) {})
	if known, _ := second.Web.Knows(t.Context(), own); known {
		t.Fatal("known elsewhere")
	}
	z.dns.IP(own)
	z.dns.CNAME(own, "lugano.localhost")
	page = admin.Post("/console/dominio/controlla", form, 200)
	page.Contains("main", "lo sportello risponde anche lì")
	page.Contains("main", "dovrà accedere di nuovo")
	if n := page.Count("main button.ds-button:not([data-variant])"); n != 1 {
		t.Errorf("%d filled buttons", n)
	}
	if !z.known(own) || z.at(own+":8443", "GET", "/").StatusCode != http.StatusOK {
		t.Error("the proved host does not answer")
	}
	apptest.Eventually(t, "the other process knows", func() bool { known, _ := second.Web.Knows(t.Context(), own); return known })
	if res := z.at("lugano.localhost", "GET", "/"); res.StatusCode != http.StatusOK {
		t.Errorf("before it is main: %s", res.Status)
	}

	admin.Post("/console/dominio/principale", form, 200).Contains("main", "L’indirizzo principale è cambiato.")
	if got := z.URL(z.Tenant(t, "lugano"), "/x"); got != "http://"+own+":"+z.Port+"/x" {
		t.Errorf("links lead to %s", got)
	}
	z.redirects()
	z.wellKnown()
	admin.Get("/console/dominio", 200).Contains("main", own) // whoever has signed in stays

	admin.Post("/console/dominio/togli", form, 200).Contains("main", "Il dominio è tolto.")
	if z.known(own) || z.at("lugano.localhost", "GET", "/").StatusCode != http.StatusOK {
		t.Error("a removed domain goes on")
	}
	if got := z.URL(z.Tenant(t, "lugano"), "/x"); got != z.URLOf("lugano", "/x") {
		t.Errorf("links lead to %s", got)
	}
	apptest.Eventually(t, "every step is on the commune's audit", func() bool {
		var n int
		asTenant(t, z.Env, "lugano", "select count(distinct action) from audit where action in ('domains.asked', 'domains.live', 'domains.main', 'domains.removed') and actor_id like 'account:%' and object = 'host:"+own+"'", &n)
		return n == 4
	})
	admin.Get("/console/operazioni?azione=domains", 200).Contains("main", "Dominio proprio attivo")
}

// redirects tries who is sent on from the old address, and to where.
func (z *zone) redirects() {
	z.t.Helper()
	main := "http://" + own + ":" + z.Port
	for _, c := range []struct {
		host, method, path string
		to                 string // "" stays
		header             []string
	}{
		{"lugano.localhost", "GET", "/", main + "/", nil},
		{"LUGANO.localhost:80", "HEAD", "/servizi?q=a%20b", main + "/servizi?q=a%20b", nil},
		{"lugano.localhost", "GET", "/servizi/certificato-domicilio", main + "/servizi/certificato-domicilio", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "document"}},
		{"lugano.localhost", "GET", "//evil.example/", main + "//evil.example/", nil},
		{"lugano.localhost", "GET", "/%2f%2fevil.example", main + "/%2f%2fevil.example", nil},
		{"lugano.localhost", "GET", "/", main + "/", []string{"X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example"}},
		{own, "GET", "/", "", nil},
		{strings.ToUpper(own) + ":443", "GET", "/", "", nil},
		{"lugano.localhost", "POST", "/accedi", "", nil},
		{"lugano.localhost", "POST", "/hooks/pagamenti/postfinance", "", nil},
		{"lugano.localhost", "GET", "/api/v1/services", "", nil},
		{"lugano.localhost", "GET", "/stato", "", nil},
		{"lugano.localhost", "GET", "/area", "", nil},
		{"lugano.localhost", "GET", "/ufficio", "", nil},
		{"lugano.localhost", "GET", "/servizi", "", []string{"Sec-Fetch-Site", "same-origin"}},
		{"lugano.localhost", "GET", "/servizi", "", []string{"Sec-Fetch-Dest", "image"}},
		{"lugano.localhost", "GET", "/servizi", "", []string{"Cookie", "__Host-sportello=whatever"}},
		{"bellinzona.localhost", "GET", "/", "", nil},
		{"localhost", "GET", "/", "", nil},
		{"evil.example", "GET", "/", "", nil},
		{"x." + own, "GET", "/", "", nil},
		{own + ".evil.example", "GET", "/", "", nil},
	} {
		res := z.at(c.host, c.method, c.path, c.header...)
		if to := res.Header.Get("Location"); c.to != "" && (res.StatusCode != http.StatusPermanentRedirect || to != c.to || res.Header.Get("Cache-Control") != "no-store") {
			z.t.Errorf("%s %s%s: %d to %q (%s), want %q", c.method, c.host, c.path, res.StatusCode, to, res.Header.Get("Cache-Control"), c.to)
		} else if c.to == "" && res.StatusCode == http.StatusPermanentRedirect {
			z.t.Errorf("%s %s%s %v: is sent to %q", c.method, c.host, c.path, c.header, to)
		}
	}
	// A request line that names another host, written by hand.
	for _, line := range []string{"GET http://evil.example/servizi HTTP/1.1", "GET http:@evil.example HTTP/1.1"} {
		conn, err := net.Dial("tcp", "127.0.0.1:"+z.Port)
		if err != nil {
			z.t.Fatal(err)
		}
		_, _ = conn.Write([]byte(line + "\r\nHost: lugano.localhost\r\nConnection: close\r\n\r\n"))
		buf := make([]byte, 4096)
		n, _ := conn.Read(buf)
		_ = conn.Close()
		if strings.Contains(string(buf[:n]), "evil.example") {
			z.t.Errorf("%s: %.300s", line, buf[:n])
		}
	}
}

func (z *zone) wellKnown() {
	z.t.Helper()
	read := func(host string) string {
		res := z.at(host, "GET", "/.well-known/webauthn")
		b := make([]byte, 500)
		n, _ := res.Body.Read(b)
		return strconv.Itoa(res.StatusCode) + " " + res.Header.Get("Content-Type") + " " + string(b[:n])
	}
	if got, want := read("lugano.localhost"), `200 application/json {"origins":["http://`+own+":"+z.Port+`"]}`; got != want {
		z.t.Errorf("%s, want %s", got, want)
	}
	if got := read("bellinzona.localhost"); got != `200 application/json {"origins":[]}` {
		z.t.Errorf("the neighbour: %s", got)
	}
	if got := read(own); !strings.HasPrefix(got, "404") {
		z.t.Errorf("at the own domain: %s", got)
	}
	if !strings.Contains(string(readAll(z.t, z.at(own, "GET", "/servizi"))), `<link rel="canonical" href="http://`+own) {
		z.t.Error("no canonical link")
	}
}

func readAll(t *testing.T, res *http.Response) []byte {
	t.Helper()
	b := make([]byte, 0, 1<<16)
	for {
		var part [4096]byte
		n, err := res.Body.Read(part[:])
		b = append(b, part[:n]...)
		if err != nil {
			return b
		}
	}
}

// Whoever proves a domain first has it; a claim alone keeps nobody out, a token
// proves for its own commune alone, and nobody touches the neighbour's.
func TestTwoCommunesRaceForADomain(t *testing.T) {
	z := newZone(t, apptest.WithoutWorker)
	squatter, owner := z.ask("lugano", own), z.ask("bellinzona", own)
	if squatter.Token == owner.Token {
		t.Fatal("one token for both")
	}
	z.publish("bellinzona", owner)
	if d := z.check("lugano", own); d.State != domains.Waiting || d.Proof {
		t.Fatalf("the squatter proves with the neighbour's token: %+v", d)
	}
	if d := z.check("bellinzona", own); d.State != domains.Live || !d.Well {
		t.Fatalf("the owner: %+v", d)
	}
	// Both tokens in the zone: the first who proved keeps it.
	z.dns.TXT(owner.RecordName(), owner.Record(), squatter.Record())
	if d := z.check("lugano", own); d.State != domains.Taken {
		t.Errorf("the squatter: %s", d.State)
	}
	if c, err := z.DB.Directory().ByHost(t.Context(), own); err != nil || c.Slug() != "bellinzona" {
		t.Errorf("the host belongs to %s, %v", c, err)
	}
	admin := z.As(t, "lugano", "commune-admin")
	for _, path := range []string{"/controlla", "/principale", "/togli"} {
		if res := admin.Send("POST", "/console/dominio"+path, formType, []byte("host="+own)); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s of the neighbour's domain: %s", path, res.Status)
		}
	}
	if text := admin.Get("/console/dominio", 200).Text("main"); strings.Contains(text, "Bellinzona") {
		t.Error("the page names the neighbour")
	}
	for _, host := range []string{own, "x." + own, "a.b." + own, "bernasca.test"} {
		page := admin.Post("/console/dominio", url.Values{"host": {host}}, 422)
		page.Contains("main", "già usato qui")
		if strings.Contains(page.Text("main"), "ellinzona") {
			t.Errorf("%s: says whose it is", host)
		}
	}
	// The entity's auditor sees, and changes nothing; the operator does the same as
	// the commune, and both audits know.
	auditor := z.As(t, "ente", "entity-auditor")
	page := auditor.Get("/comuni/bellinzona/dominio", 200)
	page.Contains("main", own)
	page.None("main form")
	if res := auditor.Send("POST", "/comuni/bellinzona/dominio/togli", formType, []byte("host="+own)); res.StatusCode != http.StatusForbidden {
		t.Errorf("the auditor removes it: %s", res.Status)
	}
	operator := z.As(t, "ente", "entity-operator")
	operator.Post("/comuni/bellinzona/dominio/principale", url.Values{"host": {own}}, 200).Contains("main", "Indirizzo principale")
	operator.Post("/comuni/bellinzona/dominio/principale", url.Values{}, 200)
	operator.Post("/comuni/bellinzona/dominio/togli", url.Values{"host": {own}}, 200)
	z.StartWorker(t)
	apptest.Eventually(t, "the commune's audit knows who", func() bool {
		var n int
		asTenant(t, z.Env, "bellinzona", "select count(*) from audit where action in ('domains.main', 'domains.removed') and actor_id like 'staff:%'", &n)
		return n == 3
	})
	if z.known(own) {
		t.Error("removed, and still known")
	}
}

// Two processes that prove one domain for two communes at the same moment: one
// has it.
func TestOneHostForOneCommune(t *testing.T) {
	z := newZone(t, apptest.WithoutWorker)
	a, b := z.ask("lugano", own), z.ask("bellinzona", own)
	z.dns.TXT(a.RecordName(), a.Record(), b.Record())
	z.dns.IP(own, "127.0.0.1")
	done := make(chan domains.State, 2)
	for _, slug := range apptest.Communes {
		go func() { done <- z.check(slug, own).State }()
	}
	if x, y := <-done, <-done; (x == domains.Live) == (y == domains.Live) || (x == domains.Taken) == (y == domains.Taken) {
		t.Errorf("%s and %s", x, y)
	}
}

// A proof that vanishes: links go back to the old address at once, the
// administrators are warned, and after thirty days the domain is off. One that
// comes back in between is well again.
func TestAProofVanishes(t *testing.T) {
	z := newZone(t)
	lugano := z.Tenant(t, "lugano")
	d := z.ask("lugano", own)
	z.publish("lugano", d)
	z.check("lugano", own)
	by := identity.System(lugano)
	if err := z.Domains.Main(t.Context(), by, lugano, own); err != nil {
		t.Fatal(err)
	}
	sent := func() bool { return z.at("lugano.localhost", "GET", "/").StatusCode == http.StatusPermanentRedirect }
	if !sent() {
		t.Fatal("not sent on while all is well")
	}
	due := func(after time.Duration) {
		t.Helper()
		z.now.Advance(after)
		if err := z.Domains.Due(t.Context(), z.Tenant(t, "lugano")); err != nil {
			t.Fatal(err)
		}
	}
	z.dns.TXT(d.RecordName())
	due(30 * time.Minute)
	if !sent() {
		t.Error("looked again too early")
	}
	due(31 * time.Minute)
	if sent() || !strings.Contains(z.URL(z.Tenant(t, "lugano"), ""), "lugano.localhost") {
		t.Error("a domain without its proof still gets the visitors")
	}
	if !z.known(own) {
		t.Error("off at once")
	}
	z.dns.TXT(d.RecordName(), d.Record())
	due(11 * time.Minute)
	if !sent() {
		t.Error("the proof is back, the visitors are not")
	}
	// A zone that somebody else has taken over, or that is lame.
	z.dns.CNAME(own, "")
	z.dns.IP(own, "192.0.2.66")
	due(61 * time.Minute)
	due(25 * time.Hour)
	z.WaitForMail(t, "carla.provini@lugano.example", own)
	due(22 * 24 * time.Hour)
	if !z.known(own) {
		t.Error("off before its time")
	}
	z.As(t, "lugano", "commune-admin").Get("/console/dominio", 200).Contains("main", "viene disattivato il")
	due(8 * 24 * time.Hour)
	if z.known(own) {
		t.Error("a foreign host is ours after thirty days")
	}
	z.WaitForMail(t, "carla.provini@lugano.example", "è disattivato")
	if err := z.Domains.Main(t.Context(), by, lugano, own); !errors.Is(err, domains.ErrNotFound) {
		t.Errorf("main after it is off: %v", err)
	}
}

// An unproved request ends after fourteen days.
func TestARequestExpires(t *testing.T) {
	z := newZone(t, apptest.WithoutWorker)
	z.ask("lugano", own)
	for i := range 4 {
		z.ask("lugano", "a"+strconv.Itoa(i)+".bernasca.test")
	}
	lugano := z.Tenant(t, "lugano")
	if _, err := z.Domains.Ask(t.Context(), identity.System(lugano), lugano, "viel.bernasca.test"); !errors.Is(err, domains.ErrMany) {
		t.Errorf("a sixth request: %v", err)
	}
	z.now.Advance(14*24*time.Hour + time.Minute)
	if d := z.check("lugano", own); d.State != domains.Expired {
		t.Errorf("after fourteen days: %s", d.State)
	}
	if again := z.ask("lugano", own); again.State != domains.Waiting {
		t.Errorf("asked again: %s", again.State)
	}
}

// With TLS a domain is well once its certificate was seen, and the guard keeps
// the look from private addresses.
func TestACertificateIsSeen(t *testing.T) {
	cert, roots := selfSigned(t, own)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if h.ServerName != own {
			return nil, errors.New("unknown host")
		}
		return cert(), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = c.(*tls.Conn).HandshakeContext(context.Background()); _ = c.Close() }()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	allow := func(allowed bool) apptest.Option {
		return func(c *config.Config, o *app.Options) {
			c.Server.PublicScheme, o.Roots = "https", roots
			c.Server.PublicPort, _ = strconv.Atoi(port)
			if allowed {
				c.Egress.Allow = append(c.Egress.Allow, "127.0.0.1/32")
			}
		}
	}
	z := newZone(t, apptest.WithoutWorker, allow(false))
	d := z.ask("lugano", own)
	z.publish("lugano", d)
	if d = z.check("lugano", own); d.State != domains.Live || d.Well || d.Certificate != nil {
		t.Fatalf("through the guard: %+v", d)
	}
	lugano := z.Tenant(t, "lugano")
	if err := z.Domains.Main(t.Context(), identity.System(lugano), lugano, own); !errors.Is(err, domains.ErrNotWell) {
		t.Errorf("main without a certificate: %v", err)
	}
	open := &zone{Env: z.Second(t, func(c *config.Config, o *app.Options) {
		allow(true)(c, o)
		c.Domains.Resolver = z.dns.Addr
	}), t: t, dns: z.dns}
	if d = open.check("lugano", own); !d.Well || d.Certificate == nil || time.Until(*d.Certificate) > 25*time.Hour {
		t.Fatalf("with a certificate: %+v", d)
	}
	if err := open.Domains.Main(t.Context(), identity.System(lugano), lugano, own); err != nil {
		t.Fatal(err)
	}
	if res := open.at("lugano.localhost", "GET", "/"); res.Header.Get("Location") != "https://"+own+":"+port+"/" {
		t.Errorf("sent to %q", res.Header.Get("Location"))
	}
	_ = l.Close() // the proxy is away
	if d = open.check("lugano", own); d.Well || open.at("lugano.localhost", "GET", "/").StatusCode != http.StatusOK {
		t.Errorf("without TLS: %+v", d)
	}
}

// selfSigned makes certificates of one day for a host.
func selfSigned(t *testing.T, host string) (func() *tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return func() *tls.Certificate { return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key} }, pool
}
