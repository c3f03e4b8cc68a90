package definition

import (
	"context"
	"io/fs"
	"path"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/catalogue/overlay"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/tenants"
)

func testEngine(t testing.TB) *rules.Engine {
	t.Helper()
	calendar, err := ReadCalendar(tenants.FS, "ticino")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := rules.NewEngine(calendar)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// communes are all those of tenants/, the example of a sixth included.
func communes(t testing.TB) []Commune {
	t.Helper()
	folders, err := tenants.Communes(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	examples, err := tenants.Examples(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, example := range examples {
		folders = append(folders, path.Join("examples", example))
	}
	var out []Commune
	for _, folder := range folders {
		commune, err := ReadCommune(tenants.FS, folder)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, commune)
	}
	return out
}

func TestEveryExampleOfEveryServiceInEveryCommune(t *testing.T) {
	report, err := Check(context.Background(), tenants.FS, communes(t), testEngine(t))
	if err != nil {
		t.Error(err)
	}
	t.Logf("%+v", report)
	if report.Services < 12 || report.Offered < 5*11 {
		t.Errorf("%+v", report)
	}
}

// What the communes do differently, as their data says.
func TestCommunesDiffer(t *testing.T) {
	offered := map[string]map[string]*Service{}
	engine := testEngine(t)
	shared, err := Shared(tenants.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range communes(t) {
		overlays, err := Overlays(tenants.FS, c.Folder)
		if err != nil {
			t.Fatal(err)
		}
		offered[c.Folder] = map[string]*Service{}
		for id, says := range overlays {
			def, err := Decode(overlay.Merge(shared[id], says))
			if err != nil {
				t.Fatal(err)
			}
			if offered[c.Folder][id], err = Compile(def, engine); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		commune, service string
		kind             ServiceKind
		price            string
		demo             bool
	}{
		{"lugano", "certificato-domicilio", Smart, "CHF 10.00", true},
		{"bellinzona", "certificato-domicilio", Smart, "CHF 20.00", true},
		{"locarno", "certificato-domicilio", Smart, "CHF 20.00", false},
		{"chiasso", "certificato-domicilio", Traditional, "CHF 20.00", true},
		{"mendrisio", "certificato-domicilio", Traditional, "CHF 20.00", true},
		{"lugano", "suolo-occupazione-temporanea", Smart, "CHF 50.00", true},
		{"bellinzona", "suolo-occupazione-temporanea", Traditional, "CHF 50.00", true},
		{"lugano", "zona-blu-contrassegno-residenti", Smart, "CHF 480.00", false},
		{"mendrisio", "zona-blu-contrassegno-residenti", Traditional, "CHF 480.00", true},
	} {
		s := offered[c.commune][c.service]
		if s == nil {
			t.Errorf("%s does not offer %s", c.commune, c.service)
			continue
		}
		price, ok := s.Price(context.Background())
		if s.Kind != c.kind || !ok || price.String() != c.price || s.DemoFee() != c.demo {
			t.Errorf("%s %s: %s %s demo %t", c.commune, c.service, s.Kind, price, s.DemoFee())
		}
	}
	for commune, service := range map[string]string{
		"bellinzona": "contributo-ebike", "chiasso": "ormeggio-posto-barca", "locarno": "contributo-ebike", "mendrisio": "ormeggio-posto-barca",
	} {
		if offered[commune][service] != nil {
			t.Errorf("%s should not offer %s", commune, service)
		}
	}
}

// Every YAML file under tenants/ can be read, and no key is written twice.
func TestTenantFilesAreYAML(t *testing.T) {
	err := fs.WalkDir(tenants.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		data, err := fs.ReadFile(tenants.FS, name)
		if err != nil {
			return err
		}
		var any map[string]any
		if err := yaml.Unmarshal(data, &any); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
