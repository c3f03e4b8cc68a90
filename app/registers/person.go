package registers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

var (
	// ErrNotFound means that the register knows nobody by this number here.
	ErrNotFound = errors.New("registers: no such person")
	// ErrUnavailable means that the register did not answer; asking again later
	// may help.
	ErrUnavailable = errors.New("registers: register unavailable")
)

// PopulationRegister answers for the residents of one commune at a time.
type PopulationRegister interface {
	// Person finds a resident by AVS number. Errors: ErrNotFound,
	// ErrUnavailable (also when ctx ends), or a fault of the provider.
	Person(ctx context.Context, tenant tenancy.Tenant, avs swiss.AVS) (Person, error)
}

// Status is how a person lives in the commune (eCH-0011, type of residence).
type Status string

// The kinds of residence.
const (
	Domicile Status = "domicile" // domicilio
	Stay     Status = "stay"     // dimora, soggiorno
	Departed Status = "departed"
)

// Person is a resident as the population register knows them. Days are ISO
// dates; "" is not known.
type Person struct {
	AVS         swiss.AVS `json:"avs"`
	FirstName   string    `json:"first_name"`
	LastName    string    `json:"last_name"`
	Sex         string    `json:"sex"` // f, m (eCH-0044)
	Born        string    `json:"born"`
	CivilStatus string    `json:"civil_status"` // eCH-0011: 1 single … 7
	Nationality string    `json:"nationality"`  // ISO 3166-1 alpha-2
	Origin      string    `json:"origin"`       // attinenza, with the canton; of Swiss people
	Permit      string    `json:"permit"`       // of foreign people: B, C, L, …
	Status      Status    `json:"status"`
	Street      string    `json:"street"` // with the number
	Postcode    string    `json:"postcode"`
	Town        string    `json:"town"`
	Quarter     string    `json:"quarter"`
	EGID        int       `json:"egid"`        // building, federal register of buildings
	EWID        int       `json:"ewid"`        // dwelling in it
	Arrived     string    `json:"arrived"`     // in the commune
	MovedIn     string    `json:"moved_in"`    // at this address
	Departed    string    `json:"departed"`    // from the commune
	CameFrom    string    `json:"came_from"`   // commune or country before
	Protected   bool      `json:"protected"`   // a protective measure of the ARP
	Blocked     bool      `json:"blocked"`     // disclosure blocked on request
	Household   []Member  `json:"household"`   // the others in the same household
	RecordedAt  string    `json:"recorded_at"` // day of the last change of the record
}

// Member is another person of the same household (economia domestica).
type Member struct {
	AVS         swiss.AVS `json:"avs"`
	FirstName   string    `json:"first_name"`
	LastName    string    `json:"last_name"`
	Born        string    `json:"born"`
	Relation    string    `json:"relation"` // spouse, child, parent, other
	Nationality string    `json:"nationality"`
}

// Name is "Anna Esempi".
func (p Person) Name() string { return strings.TrimSpace(p.FirstName + " " + p.LastName) }

// Address is "Via dell’Esempio 1, 6899 Valmora".
func (p Person) Address() string {
	return strings.Trim(p.Street+", "+strings.TrimSpace(p.Postcode+" "+p.Town), ", ")
}

// Resident reports whether the person lives in the commune as domiciled.
func (p Person) Resident() bool { return p.Status == Domicile }

// Facts is what rules may know of the person on a day.
func (p Person) Facts(today time.Time) rules.Register {
	facts := rules.Register{
		Found: true, Resident: p.Resident(), Age: int(rules.Years(day(p.Born), today)), Arrived: day(p.Arrived),
		HouseholdSize: 1 + len(p.Household), Postcode: p.Postcode, Town: p.Town, Quarter: p.Quarter,
		Nationality: p.Nationality, Protected: p.Protected, Blocked: p.Blocked,
	}
	for _, member := range p.Household {
		if born := day(member.Born); !born.IsZero() && rules.Years(born, today) < 18 {
			facts.Minors++
		}
	}
	return facts
}

// Words are the person's data by the names that texts of a service may use,
// days in Swiss form: "register.name", "register.address".
func (p Person) Words() map[string]string {
	members := make([]string, len(p.Household))
	for i, m := range p.Household {
		members[i] = fmt.Sprintf("%s %s, %s", m.FirstName, m.LastName, i18n.Date(day(m.Born)))
	}
	return map[string]string{
		"register.name": p.Name(), "register.first_name": p.FirstName, "register.last_name": p.LastName,
		"register.born": i18n.Date(day(p.Born)), "register.avs": p.AVS.String(), "register.address": p.Address(),
		"register.street": p.Street, "register.postcode": p.Postcode, "register.town": p.Town,
		"register.quarter": p.Quarter, "register.origin": p.Origin, "register.nationality": p.Nationality,
		"register.arrived": i18n.Date(day(p.Arrived)), "register.moved_in": i18n.Date(day(p.MovedIn)),
		"register.household": strings.Join(members, "; "),
	}
}

// WordNames lists the names Words gives.
func WordNames() []string {
	names := make([]string, 0, 16)
	for name := range (Person{}).Words() {
		names = append(names, name)
	}
	return names
}

func day(iso string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, iso, i18n.Zurich)
	if err != nil {
		return time.Time{}
	}
	return t
}
