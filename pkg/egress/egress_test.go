package egress_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/pkg/egress"
)

func guard(t *testing.T, allow ...string) *egress.Guard {
	t.Helper()
	g, err := egress.NewGuard(egress.Options{Allow: allow})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestPublic(t *testing.T) {
	for ip, want := range map[string]bool{
		"195.141.1.1": true, "8.8.8.8": true, "2a00:1450:4001::1": true, "172.32.0.1": true,
		"127.0.0.1": false, "127.9.9.9": false, "10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false, "0.1.2.3": false,
		"224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false,
		"::1": false, "::": false, "fe80::1": false, "fe80::1%eth0": false, "fc00::1": false, "fd12::1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:0:1::": false, "fec0::1": false,
	} {
		if got := egress.Public(netip.MustParseAddr(ip)); got != want {
			t.Errorf("Public(%s) = %t", ip, got)
		}
	}
	if egress.Public(netip.Addr{}) {
		t.Error("no address is not public")
	}
}

func TestPrivateIsRefusedUnlessAllowed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	named := "http://payments.localhost:" + port
	for _, c := range []struct {
		name, url string
		allow     []string
		reached   bool
	}{
		{"by address", s.URL, nil, false},
		{"by a name that resolves there", "http://localhost:" + port, nil, false},
		{"under .localhost", named, nil, false},
		{"IPv6-mapped", "http://[::ffff:127.0.0.1]:" + port, nil, false},
		{"range allowed", s.URL, []string{"127.0.0.0/8"}, true},
		{"host allowed", named, []string{"payments.localhost:" + port}, true},
		{"host in capitals", "http://PAYMENTS.localhost:" + port, []string{"payments.localhost:" + port}, true},
		{"another port allowed", named, []string{"payments.localhost:1"}, false},
		{"another name allowed", "http://x.localhost:" + port, []string{"payments.localhost:" + port}, false},
	} {
		resp, err := guard(t, c.allow...).Client().Get(c.url)
		if err == nil {
			resp.Body.Close()
		}
		if reached := err == nil; reached != c.reached {
			t.Errorf("%s: reached %t, %v", c.name, reached, err)
		}
		if !c.reached && !errors.Is(err, egress.ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", c.name, err)
		}
	}
}

func TestRedirectsStayWithTheHost(t *testing.T) {
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			u, _ := url.Parse(s.URL)
			http.Redirect(w, r, "http://other.localhost:"+u.Port()+"/there", http.StatusFound)
		case "/near":
			http.Redirect(w, r, "/there", http.StatusFound)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	defer s.Close()
	c := guard(t, "127.0.0.0/8").Client()
	for path, want := range map[string]int{"/away": http.StatusFound, "/near": http.StatusNoContent} {
		resp, err := c.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestCheckURL(t *testing.T) {
	g := guard(t, "10.1.0.0/16", "sandbox.localhost:8091")
	for address, ok := range map[string]bool{
		"https://checkout.example.ch/api": true, "http://10.1.2.3/x": true, "http://sandbox.localhost:8091": true,
		"http://10.2.0.1": false, "http://sandbox.localhost": false, "http://[::1]:80": false, "http://169.254.169.254/latest": false,
		"ftp://x.ch": false, "https://u:p@x.ch": false, "x.ch": false, "https://": false, "": false,
	} {
		if err := g.CheckURL(address); (err == nil) != ok {
			t.Errorf("CheckURL(%q) = %v", address, err)
		}
	}
	if _, err := egress.NewGuard(egress.Options{Allow: []string{"everything"}}); err == nil {
		t.Error("a meaningless entry was accepted")
	}
}

func TestLocalClientStaysHere(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Host)) }))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	resp, err := egress.LocalClient().Get("http://ente.localhost:" + port)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v", err)
	}
	resp.Body.Close()
	if _, err := egress.LocalClient().Get("http://192.0.2.1"); err == nil || !strings.Contains(err.Error(), "not this machine") {
		t.Errorf("it left the machine: %v", err)
	}
}
