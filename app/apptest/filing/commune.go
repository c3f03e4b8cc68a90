package filing

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/catalogue/definition"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/registers/providers/local"
	"github.com/sportello-ticino/sportello/app/rules"
)

// Commune is what a commune's folder says: what it offers, and whom its register
// of the demo knows.
type Commune struct {
	Services []*catalogue.Service // sorted by identifier
	Postcode string               // one of its places
	personas map[string]string    // → AVS number
	register []local.Record
}

// Read reads a folder of tenants/ and compiles its services; people of the demo
// are as old as they are on the given day.
func Read(root fs.FS, folder string, today time.Time) (*Commune, error) {
	calendar, err := catalogue.ReadCalendar(root, "ticino")
	if err != nil {
		return nil, err
	}
	engine, err := rules.NewEngine(calendar)
	if err != nil {
		return nil, err
	}
	sample, err := local.ReadSample(root, folder, today)
	if err != nil {
		return nil, err
	}
	c := &Commune{Postcode: sample.Places[0].Postcode, register: sample.First, personas: map[string]string{}}
	data, err := fs.ReadFile(root, path.Join(folder, "demo.yaml"))
	if err != nil {
		return nil, err
	}
	var people struct {
		Citizens []struct {
			Persona string `yaml:"persona"`
			AVS     string `yaml:"avs"`
			Level   int    `yaml:"level"`
		} `yaml:"citizens"`
	}
	if err := yaml.Unmarshal(data, &people); err != nil {
		return nil, fmt.Errorf("%s/demo.yaml: %w", folder, err)
	}
	for _, p := range people.Citizens {
		if p.Level >= 3 { // others the register is not asked about
			c.personas[p.Persona] = p.AVS
		}
	}
	shared, err := catalogue.Shared(root)
	if err != nil {
		return nil, err
	}
	overlays, err := catalogue.Overlays(root, folder)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(overlays)) {
		s, err := compile(catalogue.Merge(shared[id], overlays[id]), engine)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", folder, err)
		}
		c.Services = append(c.Services, s)
	}
	return c, nil
}

func compile(tree catalogue.Tree, engine *rules.Engine) (*catalogue.Service, error) {
	def, err := definition.Decode(tree)
	if err != nil {
		return nil, err
	}
	return definition.Compile(def, engine)
}

// Facts are what the register says of a persona; nothing of somebody whose
// identity is not verified.
func (c *Commune) Facts(persona string, today time.Time) rules.Register {
	at := slices.IndexFunc(c.register, func(r local.Record) bool { return r.AVS.String() == c.personas[persona] })
	if at < 0 {
		return rules.Register{}
	}
	own := c.register[at]
	for _, r := range c.register {
		if r.HouseholdKey == own.HouseholdKey && r.AVS != own.AVS {
			own.Household = append(own.Household, registers.Member{FirstName: r.FirstName, LastName: r.LastName, Born: r.Born, Relation: r.Relation})
		}
	}
	return own.Facts(today)
}
