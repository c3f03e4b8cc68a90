package catalogue_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/piprate/json-gold/ld"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/pkg/config"
)

type list struct {
	Services []struct {
		ID, Kind, Category, Office string
		Audience                   []string
		LifeEvents                 []string `json:"life_events"`
		Price                      *struct {
			Centimes int
			From     bool
		}
	}
	Count int
	Next  string
}

func ids(l list) (out []string) {
	for _, s := range l.Services {
		out = append(out, s.ID)
	}
	return out
}

// Each filter lets through what it says and nothing else; pages put together are
// the whole list, also when the last service of a page goes away meanwhile.
func TestMachinesFilterAndPage(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	c := e.Visit(t, "lugano")
	var all list
	read(t, c, "/api/v1/services", &all)
	if all.Count != len(all.Services) || all.Count < 10 || all.Next != "" {
		t.Fatalf("%d of %d services, next %q", len(all.Services), all.Count, all.Next)
	}
	for query, holds := range map[string]func(i int) bool{
		"theme=certificati": func(i int) bool { return all.Services[i].Category == "certificati" },
		"category=cani":     func(i int) bool { return all.Services[i].Category == "cani" },
		"life_event=casa":   func(i int) bool { return slices.Contains(all.Services[i].LifeEvents, "casa") },
		"audience=business": func(i int) bool { return slices.Contains(all.Services[i].Audience, "business") },
		"office=polizia":    func(i int) bool { return all.Services[i].Office == "polizia" },
		"kind=smart":        func(i int) bool { return all.Services[i].Kind == "smart" },
		"free=true": func(i int) bool {
			return all.Services[i].Price != nil && all.Services[i].Price.Centimes == 0 && !all.Services[i].Price.From
		},
		"online=1": func(int) bool { return true },
		"kind=smart&free=1": func(i int) bool {
			return all.Services[i].Kind == "smart" && all.Services[i].Price != nil && all.Services[i].Price.Centimes == 0 && !all.Services[i].Price.From
		},
		"updated_since=2126-01-01T00:00:00Z": func(int) bool { return false },
	} {
		var got list
		read(t, c, "/api/v1/services?"+query, &got)
		var want []string
		for i, s := range all.Services {
			if holds(i) {
				want = append(want, s.ID)
			}
		}
		if !slices.Equal(ids(got), want) || got.Count != len(want) {
			t.Errorf("%s: %v, want %v", query, ids(got), want)
		}
	}
	var found list
	if read(t, c, "/api/v1/services?q=Hund&lang=de", &found); len(found.Services) == 0 || found.Services[0].ID != "cane-notifica-possesso" {
		t.Errorf("q: %v", ids(found))
	}
	for _, bad := range []string{"theme=x", "life_event=x", "audience=x", "kind=x", "free=maybe", "limit=0", "limit=201", "limit=x", "cursor=%21", "cursor=eA", "updated_since=yesterday"} {
		if res := c.Send(http.MethodGet, "/api/v1/services?"+bad, "", nil); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %s", bad, res.Status)
		}
	}
	var pages []string
	next := "/api/v1/services?limit=3&lang=de"
	for turn := 0; next != ""; turn++ {
		var page list
		read(t, c, next, &page)
		pages = append(pages, ids(page)...)
		if next = page.Next; turn > all.Count {
			t.Fatal("the pages never end")
		}
		if next != "" && !strings.Contains(next, "lang=de") {
			t.Errorf("the next page forgets the language: %s", next)
		}
	}
	if !slices.Equal(pages, ids(all)) {
		t.Errorf("page by page %v, at once %v", pages, ids(all))
	}
	var first, second list
	read(t, c, "/api/v1/services?limit=2", &first)
	e.As(t, "lugano", "commune-admin").Post("/console/servizi/"+first.Services[1].ID+"/attiva", map[string][]string{"on": {"false"}}, http.StatusOK)
	read(t, c, first.Next, &second)
	if len(second.Services) == 0 || second.Services[0].ID != all.Services[2].ID {
		t.Errorf("after a service went away the next page begins with %v, want %s", ids(second), all.Services[2].ID)
	}
}

// Who has the answer already gets nothing but 304, until something changes.
func TestMachinesNeedNotReadTwice(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	c := e.Visit(t, "lugano")
	for _, path := range []string{"/api/v1/services", "/api/v1/services?kind=smart", "/api/v1/services.ttl", "/api/v1/services.jsonld", "/api/v1/services/stato-famiglia", "/api/v1/services/stato-famiglia/schema", "/api/v1/openapi.json"} {
		tag := c.Send(http.MethodGet, path, "", nil).Header.Get("ETag")
		res := c.Send(http.MethodGet, path, "", nil, "If-None-Match", `"other", W/`+tag)
		body, _ := io.ReadAll(res.Body)
		if tag == "" || res.StatusCode != http.StatusNotModified || len(body) != 0 {
			t.Errorf("%s: tag %q, %s, %d bytes", path, tag, res.Status, len(body))
		}
		if res := c.Send(http.MethodGet, path, "", nil, "If-None-Match", `"other"`); res.StatusCode != http.StatusOK {
			t.Errorf("%s with another tag: %s", path, res.Status)
		}
	}
	tag := c.Send(http.MethodGet, "/api/v1/services", "", nil).Header.Get("ETag")
	e.As(t, "lugano", "commune-admin").Post("/console/servizi/stato-famiglia/attiva", map[string][]string{"on": {"false"}}, http.StatusOK)
	eventually(t, func() bool {
		return c.Send(http.MethodGet, "/api/v1/services", "", nil, "If-None-Match", tag).StatusCode == http.StatusOK
	})
}

// The schema of every form in both communes is one by the meta schema, and takes
// the answers of the service's own examples that have no mistake.
func TestFormSchemasTakeTheExamples(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	checked := 0
	for _, slug := range apptest.Communes {
		c := e.Visit(t, slug)
		services, err := e.Catalogue.Offered(t.Context(), e.Tenant(t, slug))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range services {
			path := "/api/v1/services/" + s.ID + "/schema"
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(c.Bytes(path, http.StatusOK)))
			if err != nil {
				t.Fatal(err)
			}
			compiler := jsonschema.NewCompiler()
			compiler.DefaultDraft(jsonschema.Draft2020)
			if err := compiler.AddResource("http://schema.example/"+s.ID, doc); err != nil {
				t.Fatal(err)
			}
			schema, err := compiler.Compile("http://schema.example/" + s.ID) // refused unless it is one by the meta schema
			if err != nil {
				t.Errorf("%s %s: %v", slug, s.ID, err)
				continue
			}
			for _, example := range s.Examples {
				if len(example.Expect.Mistakes) > 0 {
					continue
				}
				answers := map[string]any{}
				for id, value := range example.Answers {
					answers[id] = value
				}
				for id, n := range example.Files {
					var files []any
					for range n {
						files = append(files, "AA==")
					}
					answers[id] = files
				}
				raw, err := json.Marshal(answers)
				if err != nil {
					t.Fatal(err)
				}
				value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
				if err != nil {
					t.Fatal(err)
				}
				if err := schema.Validate(value); err != nil {
					t.Errorf("%s %s, example %q: %v", slug, s.ID, example.Name, err)
				}
				checked++
			}
			if schema.Validate(map[string]any{"not-a-field": true}) == nil {
				t.Errorf("%s %s takes a field that is none", slug, s.ID)
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d examples were checked", checked)
	}
}

// The services as linked data: the same statements in every notation, chosen by
// address or by what the machine accepts, and all that the federal platform asks.
func TestLinkedData(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	c := e.Visit(t, "lugano")
	raw := c.Bytes("/api/v1/services.jsonld", http.StatusOK)
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	options := ld.NewJsonLdOptions("")
	options.Format = "application/n-quads"
	quads, err := ld.NewJsonLdProcessor().ToRDF(doc, options)
	if err != nil {
		t.Fatal(err)
	}
	text := quads.(string)
	services, err := e.Catalogue.Offered(t.Context(), e.Tenant(t, "lugano"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range services {
		it := "<" + e.URL(e.Tenant(t, "lugano"), "/servizi/"+s.ID+"#servizio") + "> "
		for _, property := range []string{
			"http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://purl.org/vocab/cpsv#PublicService", "http://purl.org/dc/terms/title", "http://purl.org/dc/terms/description",
			"http://purl.org/dc/terms/identifier", "http://data.europa.eu/m8g/hasCompetentAuthority", "http://data.europa.eu/m8g/hasChannel", "http://data.europa.eu/m8g/hasCost",
			"http://purl.org/vocab/cpsv#produces", "http://data.europa.eu/m8g/contactPoint", "http://data.europa.eu/m8g/hasLegalResource",
		} {
			if !strings.Contains(text, it+"<"+property+">") {
				t.Errorf("%s has no %s", s.ID, property)
			}
		}
	}
	if !strings.Contains(text, `> <http://purl.org/dc/terms/title> "Wohnsitzbescheinigung"@de .`) || !strings.Contains(text, "<https://ld.admin.ch/municipality/5192>") {
		t.Error("no German title, or no place")
	}
	for accept, want := range map[string]string{"text/turtle": "text/turtle", "application/ld+json, */*;q=0.1": "application/ld+json", "*/*": "application/json", "application/json, text/turtle": "application/json"} {
		res := c.Send(http.MethodGet, "/api/v1/services?theme=cani", "", nil, "Accept", accept)
		if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, want) || !strings.Contains(res.Header.Get("Vary"), "Accept") {
			t.Errorf("Accept %s: %s, Vary %s", accept, got, res.Header.Get("Vary"))
		}
	}
	turtle := string(c.Bytes("/api/v1/services.ttl", http.StatusOK))
	if n := strings.Count(turtle, "a cpsv:PublicService"); n != len(services) {
		t.Errorf("%d services in Turtle, %d are offered", n, len(services))
	}
}

// The description names every route of the machine interface and no other, with
// no reference that leads nowhere.
func TestDescriptionOfTheInterface(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	raw := e.Visit(t, "lugano").Bytes("/api/v1/openapi.json", http.StatusOK)
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	described := map[string]bool{}
	for path, methods := range doc["paths"].(map[string]any) {
		for method := range methods.(map[string]any) {
			described[strings.ToUpper(method)+" "+strings.NewReplacer("{", ":", "}", "").Replace(path)] = true
		}
	}
	for _, route := range e.Router.Routes() {
		if route.Area == "api" && !described[route.Method+" "+route.Path] {
			t.Errorf("%s %s is not described", route.Method, route.Path)
		}
		delete(described, route.Method+" "+route.Path)
	}
	if len(described) > 0 {
		t.Errorf("described and not there: %v", described)
	}
	var follow func(at string, v any)
	follow = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				node := any(doc)
				for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					m, _ := node.(map[string]any)
					node = m[part]
				}
				if node == nil {
					t.Errorf("%s: %s leads nowhere", at, ref)
				}
			}
			for key, child := range v {
				follow(at+"/"+key, child)
			}
		case []any:
			for i, child := range v {
				follow(fmt.Sprintf("%s/%d", at, i), child)
			}
		}
	}
	follow("#", doc)
	// The answers are what the description says.
	compiler := jsonschema.NewCompiler()
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("http://api.example/openapi", whole); err != nil {
		t.Fatal(err)
	}
	for path, schema := range map[string]string{"/api/v1/services": "Page", "/api/v1/services/suolo-occupazione-temporanea": "Service"} {
		s, err := compiler.Compile("http://api.example/openapi#/components/schemas/" + schema)
		if err != nil {
			t.Fatal(err)
		}
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(e.Visit(t, "lugano").Bytes(path, http.StatusOK)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(value); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// What one process publishes or takes off the desk, another shows within moments,
// on pages that it keeps in memory, in its search and for machines.
func TestCatalogueChangesReachOtherProcesses(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	other := e.Second(t, func(*config.Config, *app.Options) {})
	server := httptest.NewServer(other.Web)
	t.Cleanup(server.Close)
	_, other.Port, _ = net.SplitHostPort(server.Listener.Addr().String())
	here, there := e.As(t, "lugano", "commune-admin"), other.Visit(t, "lugano")
	shows := func(path, title string) bool {
		body, err := io.ReadAll(there.Send(http.MethodGet, path, "", nil).Body)
		return err == nil && strings.Contains(string(body), title)
	}
	const title = "/servizi/stato-famiglia"
	paths := []string{"/servizi", "/servizi?q=famiglia", "/servizi/suggerimenti?q=famigl", "/api/v1/services"}
	for _, path := range paths {
		first, again := shows(path, title), shows(path, title) // the second may come from memory
		if !first || !again {
			t.Fatalf("%s does not show %q to begin with", path, title)
		}
	}
	for _, on := range []string{"false", "true"} {
		here.Post("/console/servizi/stato-famiglia/attiva", map[string][]string{"on": {on}}, http.StatusOK)
		for _, path := range paths {
			eventually(t, func() bool { return shows(path, title) == (on == "true") })
		}
	}
}
