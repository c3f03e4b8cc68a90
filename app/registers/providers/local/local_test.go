package local

import (
	"context"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/registers/registerstest"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
	"github.com/sportello-ticino/sportello/pkg/swiss"
	"github.com/sportello-ticino/sportello/tenants"
)

var today = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

func sample(t testing.TB, folder string) []Record {
	t.Helper()
	s, err := ReadSample(tenants.FS, folder, today)
	if err != nil {
		t.Fatal(err)
	}
	people, err := Generate(s, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return people
}

func fill(t testing.TB, env *tenancytest.Env, tenant tenancy.Tenant, people []Record, dryRun bool) Report {
	t.Helper()
	var report Report
	err := env.DB.In(context.Background(), tenant, func(tx *tenancy.Tx) (err error) {
		report, err = Import(tx, people, today, dryRun)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestConformance(t *testing.T) {
	env := tenancytest.New(t)
	here, there := sample(t, "lugano"), sample(t, "chiasso")
	fill(t, env, env.Lugano, here, false)
	fill(t, env, env.Chiasso, there, false)
	stranger, err := SampleAVS(99_999)
	if err != nil {
		t.Fatal(err)
	}
	registerstest.Run(t, registerstest.Case{
		Register: Register{DB: env.DB}, Tenant: env.Lugano, Neighbour: env.Chiasso, Known: here[0].Person, Stranger: stranger, OnlyThere: there[0].AVS,
	})
	p, err := Register{DB: env.DB}.Person(context.Background(), env.Lugano, here[0].AVS)
	if err != nil {
		t.Fatal(err)
	}
	if facts := p.Facts(today); !facts.Found || !facts.Resident || facts.Age != 39 || facts.HouseholdSize != 3 || facts.Minors != 1 {
		t.Errorf("%+v", facts)
	}
	if words := p.Words(); !strings.Contains(words["register.household"], "Emma Esempi, 17.05.2019") {
		t.Errorf("%v", words)
	}
}

func TestImportAgain(t *testing.T) {
	env := tenancytest.New(t)
	people := sample(t, "lugano")[:600]
	if r := fill(t, env, env.Lugano, people, true); r.Added != 600 {
		t.Errorf("dry run: %+v", r)
	}
	if r := fill(t, env, env.Lugano, people, false); r.Added != 600 || r.Changed != 0 {
		t.Errorf("after a dry run all are new: %+v", r)
	}
	people[0].Street, people[3].Protected = "Via del Modello 1", !people[3].Protected
	if r := fill(t, env, env.Lugano, people, false); r.Added != 0 || r.Changed != 2 || r.Same != 598 {
		t.Errorf("%+v", r)
	}
}

func TestReadCSV(t *testing.T) {
	good := "\ufeffAVS;first_name;last_name;sex;born;street;postcode;town;arrived\n" +
		"756.0000.9200.10;Anna;Esempi;f;14.03.1987;Via dell’Esempio 3;6900;Lugano;2015-02-01\n" +
		"756.0000.9200.11;Anna;Esempi;f;14.03.1987;Via dell’Esempio 3;6900;Lugano;\n" +
		"756.0000.9200.27;Luca;Esempi;x;1994-09-02;Via dell’Esempio 3;6900;Lugano;\n" +
		"756.0000.9200.34;Gina;;f;1994-09-02;Via dell’Esempio 3;6900;Lugano;\n" +
		"756.0000.9200.10;Anna;Esempi;f;14.03.1987;Via dell’Esempio 3;6900;Lugano;\n" +
		"short;line\n"
	people, wrong, err := ReadCSV(strings.NewReader(good))
	if err != nil || len(people) != 1 || people[0].Born != "1987-03-14" || people[0].Status != registers.Domicile {
		t.Errorf("%+v %v", people, err)
	}
	want := []string{"line 3, avs:", "line 4, sex:", "line 5, last_name: empty", "line 6, avs: the same number is on line 2", "line 7, all:"}
	if len(wrong) != len(want) {
		t.Fatalf("%v", wrong)
	}
	for i, w := range wrong {
		if !strings.HasPrefix(w.Error(), want[i]) {
			t.Errorf("%v, want %s", w, want[i])
		}
	}
	for _, bad := range []string{"", "avs,colour\n", "avs,first_name\n"} {
		if _, _, err := ReadCSV(strings.NewReader(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// Everybody invented is visibly so, and the same at every run.
func TestSampleIsReservedAndStable(t *testing.T) {
	folders, err := tenants.Communes(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	folders = append(folders, path.Join("examples", "valmora"))
	for _, folder := range folders {
		people, again := sample(t, folder), sample(t, folder)
		if len(people) != 1000 {
			t.Errorf("%s: %d residents", folder, len(people))
		}
		seen := map[swiss.AVS]bool{}
		for i, p := range people {
			if !strings.HasPrefix(string(p.AVS), "7560000") || seen[p.AVS] {
				t.Fatalf("%s: %s", folder, p.AVS)
			}
			if _, err := swiss.ParseAVS(p.AVS.String()); err != nil {
				t.Fatal(err)
			}
			if p.fingerprint() != again[i].fingerprint() {
				t.Fatalf("%s: not the same people again", folder)
			}
			seen[p.AVS] = true
		}
	}
}
