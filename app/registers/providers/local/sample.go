package local

import (
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// ReadSample reads from a commune's folder what its invented residents are made
// of: number, places and quarters of tenant.yaml, and the personas of demo.yaml,
// who get an address and a household.
func ReadSample(root fs.FS, folder string, today time.Time) (Sample, error) {
	var tenant struct {
		Name   string `yaml:"name"`
		BFS    int    `yaml:"bfs_number"`
		Places []struct {
			Postcode string `yaml:"postcode"`
			Name     string `yaml:"name"`
		} `yaml:"places"`
		Quarters []string `yaml:"quarters"`
	}
	if err := readYAML(root, path.Join(folder, "tenant.yaml"), &tenant); err != nil {
		return Sample{}, err
	}
	var demo struct {
		Citizens []persona `yaml:"citizens"`
	}
	if err := readYAML(root, path.Join(folder, "demo.yaml"), &demo); err != nil {
		return Sample{}, err
	}
	s := Sample{BFS: tenant.BFS, Town: tenant.Name, Quarters: tenant.Quarters, Today: today}
	for _, p := range tenant.Places {
		s.Places = append(s.Places, SamplePlace(p))
	}
	if len(s.Places) == 0 || len(s.Quarters) == 0 {
		return s, fmt.Errorf("local: %s names no places or no quarters", folder)
	}
	for i, p := range demo.Citizens {
		record, err := s.persona(i, p)
		if err != nil {
			return s, err
		}
		s.First = append(s.First, record)
	}
	child, err := s.child()
	if err != nil {
		return s, err
	}
	s.First = append(s.First, child)
	return s, nil
}

type persona struct {
	Persona   string `yaml:"persona"`
	FirstName string `yaml:"first_name"`
	LastName  string `yaml:"last_name"`
	Sex       string `yaml:"sex"`
	Born      string `yaml:"born"`
	AVS       string `yaml:"avs"`
}

func readYAML(root fs.FS, file string, into any) error {
	data, err := fs.ReadFile(root, file)
	if err != nil {
		return fmt.Errorf("local: %w", err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// families says who of the personas lives together: the verified citizen with
// the citizen of the same name, the others alone.
var families = map[string]string{"citizen-verified": "esempi", "citizen": "esempi"}

func (s Sample) persona(i int, p persona) (Record, error) {
	number, err := swiss.ParseAVS(p.AVS)
	if err != nil {
		return Record{}, fmt.Errorf("local: %s: %w", p.Persona, err)
	}
	r := s.home(i)
	r.AVS, r.FirstName, r.LastName, r.Sex, r.Born = number, p.FirstName, p.LastName, p.Sex, p.Born
	r.HouseholdKey, r.Relation = p.Persona, "head"
	if family := families[p.Persona]; family != "" {
		home := s.home(0)
		r.Street, r.Postcode, r.Town, r.Quarter, r.EGID, r.EWID = home.Street, home.Postcode, home.Town, home.Quarter, home.EGID, home.EWID
		r.HouseholdKey, r.CivilStatus = family, "2"
		if p.Persona != "citizen-verified" {
			r.Relation = "spouse"
		}
	}
	return r, nil
}

// child is the daughter of the first family.
func (s Sample) child() (Record, error) {
	number, err := SampleAVS(s.BFS%100*1000 + 499)
	r := s.home(0)
	r.AVS, r.FirstName, r.LastName, r.Sex, r.Born = number, "Emma", "Esempi", "f", "2019-05-17"
	r.HouseholdKey, r.Relation, r.CivilStatus = "esempi", "child", "1"
	return r, err
}

func (s Sample) home(i int) Record {
	place := s.Places[0]
	return Record{Person: registers.Person{
		CivilStatus: "1", Nationality: "CH", Origin: "Attinenza Esempio TI", Status: registers.Domicile,
		Street: fmt.Sprintf("Via dell’Esempio %d", 3+2*i), Postcode: place.Postcode, Town: place.Name, Quarter: s.Quarters[0],
		EGID: 910_000_000 + s.BFS*10 + i, EWID: 1 + i, Arrived: "2015-02-01", MovedIn: "2019-04-01", CameFrom: "Modello",
	}}
}
