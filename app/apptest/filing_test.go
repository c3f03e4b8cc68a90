package apptest_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/apptest"
	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
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
			example, found := fileable(s)
			if !found {
				t.Fatal("no example can be submitted")
			}
			persona := "citizen-verified"
			if example.Applicant.Kind == "firm" {
				persona = "firm-signatory"
			}
			c := e.As(t, "lugano", persona)
			before := casesOf(t, e, s.ID)
			file(t, c, s, example)
			if casesOf(t, e, s.ID) != before+1 {
				t.Error("no case was made")
			}
		})
	}
}

func fileable(s *catalogue.Service) (catalogue.Example, bool) {
	for _, e := range s.Examples {
		if len(e.Expect.Mistakes) == 0 && e.Expect.Verdict != rules.Ineligible && e.Left == nil && len(e.Answers) > 1 {
			return e, true
		}
	}
	return catalogue.Example{}, false
}

func casesOf(t *testing.T, e *apptest.Env, service string) (n int) {
	t.Helper()
	asTenant(t, e, "lugano", "select count(*) from cases where service_id = $1", &n, service)
	return n
}

// file fills in each page as it comes, with papers where papers are asked.
func file(t *testing.T, c *apptest.Client, s *catalogue.Service, e catalogue.Example) {
	t.Helper()
	from, err := time.ParseInLocation(time.DateOnly, e.Today, i18n.Zurich)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(later(e.Answers, int(time.Since(from).Hours()/24)))
	if err != nil {
		t.Fatal(err)
	}
	answers, err := s.Form.Decode([]byte(strings.ReplaceAll(string(data), `"here"`, `"6900"`)))
	if err != nil {
		t.Fatal(err)
	}
	typed := s.Form.Typed(answers)
	p := c.Get("/servizi/"+s.ID+"/avvia", 200)
	attached := map[string]bool{}
	for range 15 {
		action := p.AttrOf("main form", "action")
		if strings.HasSuffix(action, "/riepilogo") {
			p.Submit(c, "main form", url.Values{"confermo": {"true"}})
			return
		}
		form := p.Values("main form")
		for name, values := range typed {
			form[name] = values
		}
		for name := range form { // a parcel lies in one of the commune's sections
			if strings.HasSuffix(name, "_section") && form.Get(name) == "" {
				form.Set(name, p.AttrOf("main [name='"+name+"'] option[value]:not([value=''])", "value"))
			}
		}
		var files []apptest.File
		for _, step := range s.Definition.Form.Steps {
			for _, f := range step.Fields {
				if f.Kind == "file" && e.Files[f.ID] > 0 && !attached[f.ID] && p.Count("main [name='"+f.ID+"']") > 0 {
					attached[f.ID] = true
					files = append(files, apptest.File{Field: f.ID, Name: "foglio.png", Data: sketch(t)})
				}
			}
		}
		p = c.Upload(action, form, files, 200)
	}
	t.Fatalf("the form does not end: %s", p.Text("main"))
}

var dayOnly = regexp.MustCompile(`^20(2[5-9]|3\d)-\d{2}-\d{2}$`)

// later moves the days of answers, so that an example written for one day can be
// filed on another; birthdays stay.
func later(value any, days int) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, inner := range v {
			out[key] = later(inner, days)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = later(inner, days)
		}
		return out
	case string:
		if day, err := time.Parse(time.DateOnly, v); err == nil && dayOnly.MatchString(v) {
			return day.AddDate(0, 0, days).Format(time.DateOnly)
		}
	}
	return value
}
