package local

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// Sample is what invented residents of a commune are made from. The same Sample
// always gives the same people.
type Sample struct {
	BFS      int // the commune's number: begins the AVS serial
	Town     string
	Places   []SamplePlace
	Quarters []string
	Today    time.Time
	First    []Record // people who must be there: the personas
}

// SamplePlace is a postcode of the commune.
type SamplePlace struct{ Postcode, Name string }

var (
	sampleWomen    = []string{"Alice", "Bianca", "Camilla", "Delia", "Elena", "Flavia", "Gaia", "Ilaria", "Lara", "Marta", "Nadia", "Olga", "Petra", "Rosa", "Silvia", "Tea", "Vera", "Zoe"}
	sampleMen      = []string{"Aldo", "Bruno", "Carlo", "Dario", "Enea", "Fabio", "Gino", "Ivo", "Luca", "Marco", "Nino", "Oscar", "Piero", "Renzo", "Sandro", "Tito", "Ugo", "Vito"}
	sampleSurnames = []string{"Esempi", "Campioni", "Modellini", "Provini", "Facsimili", "Finzioni", "Prototipi", "Bozzetti", "Ipotesi", "Abbozzi", "Segnaposti", "Simulacri"}
	sampleStreets  = []string{"Via dell’Esempio", "Via del Modello", "Viale della Prova", "Via al Campione", "Piazza della Bozza", "Vicolo dell’Ipotesi", "Salita del Facsimile", "Via della Finzione"}
	sampleOrigins  = []string{"Attinenza Esempio TI", "Prova TI", "Modello GR", "Campione ZH"}
	sampleNations  = []string{"IT", "PT", "DE", "FR", "RS", "ES"}
)

// Generate invents n residents: the given ones first, then households of one to
// five people. Names, streets and places of origin are visibly invented, AVS
// numbers are of the block 756.0000 with valid check digits.
func Generate(s Sample, n int) ([]Record, error) {
	g := generator{Sample: s, random: rand.New(rand.NewPCG(uint64(s.BFS), 756)), serial: s.BFS%100*1000 + 500}
	out := append([]Record(nil), s.First...)
	for household := 0; len(out) < n; household++ {
		people, err := g.household(household, n-len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, people...)
	}
	return out, nil
}

type generator struct {
	Sample
	random *rand.Rand
	serial int
}

func pick[T any](g *generator, list []T) T { return list[g.random.IntN(len(list))] }

// household invents people who live together, at most most of them.
func (g *generator) household(number, most int) ([]Record, error) {
	size := min([]int{1, 1, 1, 2, 2, 2, 3, 4, 4, 5}[g.random.IntN(10)], most)
	place, surname := pick(g, g.Places), pick(g, sampleSurnames)
	home := Record{HouseholdKey: fmt.Sprintf("h-%d-%d", g.BFS, number)}
	home.Street = pick(g, sampleStreets) + " " + strconv.Itoa(1+g.random.IntN(60))
	home.Postcode, home.Town, home.Quarter = place.Postcode, place.Name, pick(g, g.Quarters)
	home.EGID, home.EWID = 900_000_000+g.BFS*1000+number%1000, 1+g.random.IntN(30)
	home.Arrived = g.day(1, 30)
	home.MovedIn = max(home.Arrived, g.day(1, 10))
	home.CameFrom = pick(g, []string{"", "Esempio", "Modello", "Prova"})
	foreign := g.random.IntN(4) == 0
	nation := pick(g, sampleNations)
	var out []Record
	for i := range size {
		p := home
		p.Relation, p.LastName, p.Status, p.CivilStatus = "head", surname, registers.Domicile, "1"
		age := 20 + g.random.IntN(70)
		switch {
		case i == 1 && size > 1:
			p.Relation, p.CivilStatus = "spouse", "2"
		case i > 1:
			p.Relation, age = "child", g.random.IntN(18)
		case size > 1:
			p.CivilStatus = "2"
			age = 28 + g.random.IntN(30)
		}
		p.Sex, p.FirstName = "f", pick(g, sampleWomen)
		if g.random.IntN(2) == 0 {
			p.Sex, p.FirstName = "m", pick(g, sampleMen)
		}
		p.Born = g.day(age, age)
		p.Nationality, p.Origin = "CH", pick(g, sampleOrigins)
		if foreign {
			p.Nationality, p.Origin, p.Permit = nation, nation, pick(g, []string{"B", "C", "C"})
		}
		if g.random.IntN(25) == 0 && size == 1 {
			p.Status = registers.Stay
		}
		p.Protected, p.Blocked = g.random.IntN(200) == 0, g.random.IntN(100) == 0
		var err error
		if p.AVS, err = g.number(); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// number is the next AVS number of the commune's part of the block.
func (g *generator) number() (swiss.AVS, error) {
	g.serial++
	return SampleAVS(g.serial % 100_000)
}

// SampleAVS is the number with a serial of 0 to 99999 in the block 756.0000,
// which is kept for invented people.
func SampleAVS(serial int) (swiss.AVS, error) {
	return swiss.AVSWithCheck(fmt.Sprintf("7560000%05d", serial))
}

// day is a day between least and most years ago.
func (g *generator) day(least, most int) string {
	days := least*365 + g.random.IntN((most-least+1)*365)
	return g.Today.AddDate(0, 0, -days-1).Format(time.DateOnly)
}
