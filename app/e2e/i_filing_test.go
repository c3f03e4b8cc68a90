package e2e

import (
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/apptest/filing"
	"github.com/sportello-ticino/sportello/tenants"
)

// ways are the services that are filed in another way than at a desk with a
// mouse. Other services are filed like that without a word here.
var ways = map[string]func(*filler){
	"mensa-iscrizione": func(f *filler) { f.withoutScript() },
}

// others are who asks where another journey is the usual person on the same
// form: one has one draft of a service.
var others = map[string]string{"certificato-domicilio": "represented"}

// Every service is asked for in a browser: from its card through all steps and
// every widget, over the check of the answers and the provider's page, to what
// its example promises.
func TestJourneyEveryService(t *testing.T) {
	t.Parallel()
	now := time.Now()
	commune, err := filing.Read(tenants.FS, "lugano", now)
	if err != nil {
		t.Fatal(err)
	}
	if len(commune.Services) < 20 {
		t.Errorf("only %d services", len(commune.Services))
	}
	for _, s := range commune.Services {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			request, err := filing.New(s, commune.Postcode, now)
			if err != nil {
				t.Fatal(err)
			}
			if other := others[s.ID]; other != "" {
				request.Persona = other
			}
			promised, err := request.Promise(t.Context(), commune.Facts(request.Persona, now), now)
			if err != nil {
				t.Error(err)
			}
			f := &filler{person: visit(t, "lugano"), Request: request}
			if way := ways[s.ID]; way != nil {
				way(f)
			}
			f.become(request.Persona)
			f.fillForm()
			f.send(promised)
		})
	}
}
