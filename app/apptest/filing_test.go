package apptest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/apptest/filing"
)

// Every service that Lugano offers is asked for, from its card to the last page,
// with the answers of its own first example that somebody could submit: a service
// that is added is filed here without a word.
func TestEveryServiceCanBeFiled(t *testing.T) {
	e := apptest.New(t, apptest.WithoutWorker)
	lugano := e.Tenant(t, "lugano")
	services, err := e.Catalogue.Offered(t.Context(), lugano)
	if err != nil {
		t.Fatal(err)
	}
	if len(services) < 20 {
		t.Errorf("only %d services", len(services))
	}
	for _, s := range services {
		t.Run(s.ID, func(t *testing.T) {
			asked, err := filing.New(s, "6900", e.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			c := e.As(t, "lugano", asked.Persona)
			before := casesOf(t, e, s.ID)
			file(t, c, asked)
			if casesOf(t, e, s.ID) != before+1 {
				t.Error("no case was made")
			}
		})
	}
}

func casesOf(t *testing.T, e *apptest.Env, service string) (n int) {
	t.Helper()
	asTenant(t, e, "lugano", "select count(*) from cases where service_id = $1", &n, service)
	return n
}

// file fills in each page as it comes, with papers where papers are asked.
func file(t *testing.T, c *apptest.Client, asked filing.Request) {
	t.Helper()
	p := c.Get("/servizi/"+asked.Service.ID+"/avvia", 200)
	attached := map[string]bool{}
	for range 15 {
		action := p.AttrOf("main form", "action")
		if strings.HasSuffix(action, "/riepilogo") {
			p.Submit(c, "main form", url.Values{"confermo": {"true"}})
			return
		}
		form := p.Values("main form")
		for name, values := range asked.Typed {
			form[name] = values
		}
		for name := range form { // a parcel lies in one of the commune's sections
			if strings.HasSuffix(name, "_section") && form.Get(name) == "" {
				form.Set(name, p.AttrOf("main [name='"+name+"'] option[value]:not([value=''])", "value"))
			}
		}
		var files []apptest.File
		for _, step := range asked.Service.Definition.Form.Steps {
			for _, f := range step.Fields {
				if f.Kind == "file" && asked.Files[f.ID] > 0 && !attached[f.ID] && p.Count("main [name='"+f.ID+"']") > 0 {
					attached[f.ID] = true
					files = append(files, apptest.File{Field: f.ID, Name: "foglio.png", Data: sketch(t)})
				}
			}
		}
		p = c.Upload(action, form, files, 200)
	}
	t.Fatalf("the form does not end: %s", p.Text("main"))
}
