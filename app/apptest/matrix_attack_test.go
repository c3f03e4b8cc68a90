package apptest_test

import (
	"bufio"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/web"
)

// TestMatrix tries every route × everybody × whatever the neighbour has. The
// probes are made from matrix.txt, the personas and the policy: whoever adds a
// route, a role or a table adds its attacks.
//
// Five breaks on purpose and the probe that caught each:
// ops/docs/decisions/isolation.md.
func TestMatrix(t *testing.T) {
	w := newWorld(t)
	w.roles()
	for _, d := range [][2]string{{"bellinzona", "lugano"}, {"lugano", "bellinzona"}} {
		before := w.digest(d[1])
		w.neighbourIDs(d[0], d[1])
		w.sessions(d[0], d[1])
		w.kept(d[0], d[1])
		if after := w.digest(d[1]); after != before {
			t.Errorf("somebody in %s changed what %s holds: %s", d[0], d[1], differ(before, after))
		}
		w.hosts(d[0], d[1])
	}
	w.entity()
	w.changes()
	w.after()
	w.explain()
	t.Logf("%d probes on %d routes, %d people: %d kinds of probe failed", w.probes.Load(), len(w.matrix.Rows), len(w.people["lugano"])+len(w.people["bellinzona"])+len(w.people["ente"]), len(w.failures))
	if w.probes.Load() < 20_000 {
		t.Errorf("only %d probes: the matrix is not tried in full", w.probes.Load())
	}
}

// communal tells whether a route answers on a commune's host.
func communal(r apptest.Row) bool {
	return r.Area != string(web.AreaOperator) && r.Area != string(web.AreaRoot)
}

// each runs f for every row and person, four at a time.
func (w *world) each(people []person, f func(person)) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, p := range people {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			f(p)
		})
	}
	wait.Wait()
}

// standing fails an answer that does not fit who asked: a visitor is led to the
// sign-in, somebody without the action is refused, whoever has it is not.
func (w *world) standing(group string, r apptest.Row, p probe, who person, a answer) {
	switch {
	case who.stranger: // somebody of the entity without a commune's grant: there is nothing here
		if a.code != http.StatusNotFound && (r.Action != string(access.Public) || a.code == http.StatusUnauthorized || a.code == http.StatusForbidden) {
			w.fail(group, "%s: %s gets %d, want 404", r, who.name, a.code)
		}
	case r.Action == string(access.Public):
		if a.code == http.StatusUnauthorized || a.code == http.StatusForbidden && r.Area != string(web.AreaHooks) {
			w.fail(group, "%s: a public route answers %s with %d", r, who.name, a.code)
		}
	case who.name == "without second factor":
		if a.code != http.StatusSeeOther || a.location != "/codice" {
			w.fail(group, "%s: %s gets %d %s", r, who.name, a.code, a.location)
		}
	case who.anonymous() && r.Method == http.MethodGet && r.Area != string(web.AreaAPI):
		if a.code != http.StatusSeeOther || !strings.HasPrefix(a.location, "/accedi") {
			w.fail(group, "%s: %s gets %d %s, not the sign-in", r, who.name, a.code, a.location)
		}
	case who.anonymous():
		if a.code != http.StatusUnauthorized {
			w.fail(group, "%s: %s gets %d, want 401", r, who.name, a.code)
		}
	case !who.may(r.Action):
		if a.code != http.StatusForbidden {
			w.fail(group, "%s: %s may not and gets %d, want 403", r, who.name, a.code)
		}
	case a.code == http.StatusUnauthorized || strings.HasPrefix(a.location, "/accedi"):
		w.fail(group, "%s: %s may and gets %d %s", r, who.name, a.code, a.location)
	}
}

// roles tries every route as everybody at home, with ids of the same commune. An
// id that nobody can open would make every other attack empty: so one must.
func (w *world) roles() {
	for _, slug := range apptest.Communes {
		var mu sync.Mutex
		opened := map[string]bool{}
		w.each(w.people[slug], func(who person) {
			for _, r := range w.matrix.Rows {
				bare := slices.Contains([]string{"represented", "mandate-holder", "firm-signatory"}, who.name) && r.Private && r.Area == string(web.AreaPortal)
				if !communal(r) || r.Method == http.MethodPost && who.may(r.Action) && !bare {
					continue // what changes something is sent at the end
				}
				p := probe{host: slug, method: r.Method, path: r.Fill(w.ids[slug]), cookie: who.cookie}
				a := w.do(p)
				w.clean("at home", slug, p, who, a)
				w.standing("at home", r, p, who, a)
				asked := who.name == "represented" && r.IDs["token"] == "confirmation" // the one it was written to
				if bare && !asked && strings.HasPrefix(r.Path, "/area/") && a.code != http.StatusNotFound {
					w.fail("at home", "%s: %s, who has none, opens somebody else's: %d, want 404", r, who.name, a.code)
				}
				if r.Method == http.MethodPost && !who.anonymous() {
					for _, from := range []string{"cross-site", "same-site", "none of the kind"} {
						p.header = []string{"Sec-Fetch-Site", from}
						if a := w.do(p); a.code != http.StatusForbidden {
							w.fail("from a foreign page", "%s as %s, %s: %d", r, who.name, from, a.code)
						}
					}
				}
				if a.code < 400 && !strings.HasPrefix(a.location, "/accedi") {
					mu.Lock()
					opened[r.String()] = true
					mu.Unlock()
				}
			}
		})
		for _, r := range w.matrix.Rows {
			if communal(r) && r.Method == http.MethodGet && r.Private && !opened[r.String()] {
				w.t.Errorf("%s: nobody in %s can open %s: the id in matrix.txt proves nothing", r, slug, r.Fill(w.ids[slug]))
			}
		}
	}
}

// neighbourIDs sends each id of the neighbour in each parameter of each path: the
// fitting one, alone and beside one's own, and those of every other kind.
func (w *world) neighbourIDs(here, there string) {
	w.each(w.people[here], func(who person) {
		for _, r := range w.matrix.Rows {
			if !communal(r) || len(r.IDs) == 0 || !r.Private && r.Method == http.MethodPost && who.may(r.Action) && r.Action != string(access.Public) {
				continue
			}
			send := func(ids map[string]string, fits bool) {
				p := probe{host: here, method: r.Method, path: r.Fill(ids), cookie: who.cookie}
				a := w.do(p)
				w.clean("neighbour's ids", here, p, who, a)
				w.standing("neighbour's ids", r, p, who, a)
				if fits && r.Private && who.may(r.Action) && a.code != http.StatusNotFound && a.code != http.StatusTooManyRequests {
					w.fail("neighbour's ids", "%s as %s with %s: %d, want 404", r, who.name, p.path, a.code)
				}
			}
			send(w.ids[there], true)
			for _, kind := range r.IDs {
				for other, value := range w.ids[there] {
					if value == w.ids[here][kind] || value == w.ids[here][other] {
						continue // a word that both know
					}
					for _, rest := range []map[string]string{w.ids[here], w.ids[there]} {
						mixed := map[string]string{}
						for k, v := range rest {
							mixed[k] = v
						}
						mixed[kind] = value
						send(mixed, other == kind)
					}
				}
			}
		}
	})
}

// sessions sends cookies that are none here: the neighbour's, the entity's, cut,
// grown, in another's clothes.
func (w *world) sessions(here, there string) {
	entity := w.people[web.EntityHost]
	key := map[string]string{"lugano": "t:lugano:session:", "bellinzona": "t:bellinzona:session:"}
	w.each(w.people[there], func(thief person) {
		if thief.anonymous() {
			return
		}
		own := w.people[here][1].cookie
		name := web.SessionCookie
		cookies := []string{
			thief.cookie, thief.cookie[:len(thief.cookie)-1], thief.cookie + "A", strings.ToUpper(thief.cookie), key[there] + thief.cookie, key[here] + thief.cookie,
			own[:len(own)-1], own[:20] + thief.cookie[20:], thief.cookie[:20] + own[20:], "../" + there + "/" + thief.cookie, "%00" + thief.cookie,
			entity[1].cookie, "entity:session:" + entity[1].cookie,
			name + "=" + thief.cookie + "; " + name + "=" + own, name + "=; " + name + "=" + thief.cookie,
			name + "-x=" + thief.cookie, strings.TrimPrefix(name, "__Host-") + "=" + thief.cookie, strings.ToUpper(name) + "=" + thief.cookie,
		}
		for _, r := range w.matrix.Rows {
			if !communal(r) || r.Action == string(access.Public) || !thief.may(r.Action) {
				continue
			}
			for _, cookie := range cookies {
				for _, ids := range []string{here, there} {
					p := probe{host: here, method: r.Method, path: r.Fill(w.ids[ids]), cookie: cookie}
					a := w.do(p)
					who := person{name: "somebody with the cookie " + cookie[:min(30, len(cookie))] + " of " + thief.name, stranger: cookie == entity[1].cookie}
					w.clean("sessions", here, p, who, a)
					w.standing("sessions", r, p, who, a)
				}
			}
		}
	})
	// And on the entity's host, where a commune's session is nobody's.
	for _, who := range append(w.people[here], w.people[there]...) {
		for _, r := range w.matrix.Rows {
			if r.Area == string(web.AreaOperator) && r.Action != string(access.Public) && !who.anonymous() {
				p := probe{host: web.EntityHost, method: r.Method, path: r.Fill(w.ids[there]), cookie: who.cookie}
				a := w.do(p)
				w.clean("sessions", web.EntityHost, p, who, a)
				w.standing("sessions", r, p, person{name: who.name + " of a commune"}, a)
			}
		}
	}
}

// kept asks for public pages in every language after the neighbour did, with the
// neighbour's validators: what one process keeps for one commune, language or
// person is nobody else's.
func (w *world) kept(here, there string) {
	visitor, signedIn := w.people[here][0], w.people[here][1]
	for _, r := range w.matrix.Rows {
		if !communal(r) || r.Method != http.MethodGet || r.Action != string(access.Public) {
			continue
		}
		for _, lang := range []string{"it", "de", "fr", "en", "../" + there, "rm"} {
			for _, ids := range []string{here, there} {
				path := r.Fill(w.ids[ids])
				theirs := w.do(probe{host: there, method: r.Method, path: path, cookie: "__Host-lang=" + lang})
				validators := []string{"If-None-Match", theirs.etag, "If-Modified-Since", theirs.changed, "Accept-Language", lang}
				for _, p := range []probe{
					{host: here, path: path, cookie: "__Host-lang=" + lang, header: validators},
					{host: here, path: path + "?lang=" + lang, header: validators},
					{host: here, path: path, cookie: web.SessionCookie + "=" + signedIn.cookie + "; __Host-lang=" + lang},
					{host: strings.ToUpper(here) + ".LOCALHOST:80", path: path, cookie: "__Host-lang=" + lang},
					{host: here, path: path + "?", cookie: "__Host-lang=" + lang},
				} {
					p.method = http.MethodGet
					a := w.do(p)
					w.clean("kept pages", here, p, visitor, a)
					if a.code == http.StatusNotModified && !strings.Contains(path, "/tema/") && !strings.Contains(path, "/marchio/") {
						w.fail("kept pages", "%s: not modified since the neighbour's", p.path)
					}
					if len(lang) == 2 && lang != "rm" && strings.Contains(a.text, "<html lang=") && !strings.Contains(a.text, `<html lang="`+lang) {
						w.fail("kept pages", "GET %s%s in %s comes in another language", p.host, p.path, lang)
					}
				}
			}
		}
	}
}

// disguises are ways to name a host without asking for it.
func disguises(name string) [][]string {
	return [][]string{
		{"X-Forwarded-Host", name}, {"X-Host", name}, {"X-Original-Host", name}, {"X-Forwarded-Server", name}, {"X-HTTP-Host-Override", name},
		{"Forwarded", "for=10.0.0.1;host=" + name + ";proto=https"}, {"X-Forwarded-For", name}, {"X-Forwarded-For", "127.0.0.1", "X-Forwarded-Host", name},
		{"X-Real-Ip", "127.0.0.1", "X-Original-Url", "http://" + name + "/"}, {"X-Rewrite-Url", "http://" + name + "/"},
		{"Origin", "http://" + name}, {"Referer", "http://" + name + "/area"}, {"X-Tenant", strings.TrimSuffix(name, ".localhost")},
	}
}

// hosts names the neighbour in every way but by asking for it, and asks for hosts
// that only look like one. A session follows its commune alone.
func (w *world) hosts(here, there string) {
	mine, theirs := here+".localhost", there+".localhost"
	people := []person{w.people[here][0], w.people[here][1], w.people[here][6], w.people[there][1], w.people[there][6]}
	w.each(people, func(who person) {
		foreigner := who.cookie == w.people[there][1].cookie || who.cookie == w.people[there][6].cookie
		for _, r := range w.matrix.Rows {
			if !communal(r) || r.Method != http.MethodGet {
				continue
			}
			path := r.Fill(w.ids[there])
			for _, header := range disguises(theirs) {
				p := probe{host: here, method: r.Method, path: path, cookie: who.cookie, header: header}
				a := w.do(p)
				w.clean("disguised hosts", here, p, who, a)
				if foreigner {
					w.standing("disguised hosts", r, p, person{name: "a session of the neighbour"}, a)
				}
			}
			// No host of ours, however alike: nothing of anybody.
			for _, host := range []string{theirs + ".", "." + theirs, theirs + ".example", "x." + theirs, mine + "." + theirs, theirs + "@" + mine, theirs + "%00", theirs + "%20." + mine,
				there + ".localhost.localhost", there + "." + here + ".localhost", theirs + ",", "[::1].localhost", "127.0.0.1:80", theirs + "#." + mine, there + "．localhost"} {
				p := probe{host: host, method: r.Method, path: path, cookie: who.cookie}
				a := w.do(p)
				w.clean("unknown hosts", "nobody.", p, who, a)
				if a.code != http.StatusNotFound {
					w.fail("unknown hosts", "%s%s: %d, want 404", host, path, a.code)
				}
			}
			// The address in the request line wins over the Host header, and with it
			// the commune: to its people's session of another it is a stranger.
			raw := r.Method + " http://" + mine + path + " HTTP/1.1\r\nHost: " + theirs + "\r\nCookie: " + web.SessionCookie + "=" + who.cookie + "\r\n\r\n"
			req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
			if err != nil {
				w.t.Error(err)
				continue
			}
			w.probes.Add(1)
			req.RemoteAddr = "10.255.255.1:1"
			a := w.serve(req)
			w.clean("absolute addresses", here, probe{host: here, method: r.Method, path: path}, who, a)
			if foreigner {
				w.standing("absolute addresses", r, probe{}, person{name: "a session of the neighbour"}, a)
			}
		}
	})
}

// entity tries every route of the entity's and the base host as its staff and as
// strangers, with the ids of both communes.
func (w *world) entity() {
	w.each(w.people[web.EntityHost], func(who person) {
		for _, slug := range apptest.Communes {
			for _, r := range w.matrix.Rows {
				path := r.Fill(w.ids[slug])
				switch {
				case r.Area == string(web.AreaRoot):
					p := probe{host: "", method: r.Method, path: path, cookie: who.cookie}
					w.clean("the base host", "", p, who, w.do(p))
				case r.Area == string(web.AreaOperator):
					if r.Method == http.MethodPost && who.may(r.Action) {
						continue
					}
					p := probe{host: web.EntityHost, method: r.Method, path: path, cookie: who.cookie}
					a := w.do(p)
					if r.Path != "/assistenza/:request" { // who asks the service desk tells it their name
						w.clean("the entity", web.EntityHost, p, who, a)
					}
					w.standing("the entity", r, p, who, a)
				case strings.HasSuffix(r.Path, "/esci"): // both have it: it would end the session
				default: // a commune's page on the entity's host, and the entity's people in a commune
					for _, host := range []string{web.EntityHost, ""} {
						p := probe{host: host, method: r.Method, path: path, cookie: who.cookie}
						a := w.do(p)
						w.clean("the entity", host, p, who, a)
						if r.Action != string(access.Public) && a.code < 300 {
							w.fail("the entity", "%s answers %s on the host %q with %d", r, who.name, host, a.code)
						}
					}
					p := probe{host: slug, method: r.Method, path: path, cookie: who.cookie}
					a := w.do(p)
					w.clean("the entity in a commune", slug, p, who, a)
					w.standing("the entity in a commune", r, p, person{name: who.name + " of the entity", stranger: who.cookie != ""}, a)
				}
			}
		}
	})
}

// changes sends what whoever may send it may change, last: the answer still
// speaks of the own commune alone.
func (w *world) changes() {
	for _, slug := range apptest.Communes {
		for _, who := range w.people[slug] {
			for _, r := range w.matrix.Rows {
				if !communal(r) || r.Method != http.MethodPost || !who.may(r.Action) || strings.HasSuffix(r.Path, "/esci") {
					continue
				}
				p := probe{host: slug, method: r.Method, path: r.Fill(w.ids[slug]), cookie: who.cookie}
				a := w.do(p)
				w.clean("changes at home", slug, p, who, a)
				w.standing("changes at home", r, p, who, a)
			}
		}
	}
}
