package rules

import (
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/sportello-ticino/sportello/pkg/money"
)

// Type is what kind of value an answer has for the rules.
type Type string

// The types of answers, and what an unanswered one counts as.
const (
	Text    Type = "text"    // string, ""
	Whole   Type = "whole"   // int, 0
	Decimal Type = "decimal" // double, 0.0
	Money   Type = "money"   // int, centimes, 0
	Day     Type = "day"     // timestamp at midnight in Zurich; unset(x) is true
	YesNo   Type = "yesno"   // bool, false
	List    Type = "list"    // list(string), []
	Period  Type = "period"  // x.from and x.to, days; x.days, both ends included
	Place   Type = "place"   // x.address, x.postcode, x.town
	Files   Type = "files"   // int, how many, 0
	Clock   Type = "clock"   // int, minutes since midnight, 0; clock('22.00') writes one
	Person  Type = "person"  // x.first_name, x.last_name, x.born, x.age (full years today), x.avs, x.email, x.phone
	Company Type = "company" // x.name, x.uid
	Parcel  Type = "parcel"  // x.number, x.section
	Point   Type = "point"   // x.east, x.north (LV95, metres; 0 where only words say it), x.words
	Group   Type = "group"   // list of items, []; item.field has the type of the field: see Names.Groups
)

// DayRange is the value of a Period.
type DayRange struct{ From, To time.Time }

// Spot is the value of a Place.
type Spot struct{ Address, Postcode, Town string }

// Parts is the value of a Person, Company, Parcel or Point: part → value of the
// Go type of the part's Type. What is missing counts as unanswered.
type Parts map[string]any

// Item is one item of a Group: field → value of the Go type of its Type.
type Item map[string]any

// Applicant is what rules may know of who applies.
type Applicant struct {
	Level   int    // trust level 0–4
	Kind    string // person, firm
	ForSelf bool   // false when acting for somebody by mandate
}

// Register is what rules may know of the person's entry in the population
// register. Found is false when there is none or the register did not answer.
type Register struct {
	Found         bool
	Resident      bool // domiciled here today
	Age           int  // full years today
	Arrived       time.Time
	HouseholdSize int
	Minors        int // minors in the household
	Postcode      string
	Town          string
	Quarter       string
	Nationality   string // ISO 3166-1 alpha-2, CH for Swiss
	Protected     bool   // a protective measure of the ARP is on record
	Blocked       bool   // disclosure of the person's data is blocked
}

// Input is everything a rule may read.
type Input struct {
	Answers   map[string]any       // field → value of the Go type of its Type
	Amounts   map[string]money.CHF // the service's amounts, by name
	Limits    map[string]int64     // the service's other numbers, by name
	Applicant Applicant
	Register  Register
	Left      Left
	Today     time.Time
}

// Names are the names a service adds to those every rule knows.
type Names struct {
	Answers map[string]Type
	Groups  map[string]map[string]Type // of answers of type Group: their fields
	Amounts []string
	Limits  []string
	Places  bool // the service's places can run out: left.places
	Credit  bool // its credit can: left.credit
}

var common = []struct {
	name string
	typ  *cel.Type
}{
	{"today", cel.TimestampType},
	{"answered", cel.ListType(cel.StringType)},
	{"applicant.level", cel.IntType},
	{"applicant.kind", cel.StringType},
	{"applicant.for_self", cel.BoolType},
	{"register.found", cel.BoolType},
	{"register.resident", cel.BoolType},
	{"register.age", cel.IntType},
	{"register.arrived", cel.TimestampType},
	{"register.household_size", cel.IntType},
	{"register.minors", cel.IntType},
	{"register.postcode", cel.StringType},
	{"register.town", cel.StringType},
	{"register.quarter", cel.StringType},
	{"register.nationality", cel.StringType},
	{"register.protected", cel.BoolType},
	{"register.blocked", cel.BoolType},
}

// declarations turns a service's names into typed variables. Qualified names
// ("answers.copies") are variables of their own in CEL, so that a name that
// does not exist is an error of the checker and not of the run.
func declarations(names Names) ([]cel.EnvOption, error) {
	var options []cel.EnvOption
	declare := func(name string, typ *cel.Type) { options = append(options, cel.Variable(name, typ)) }
	for _, field := range sortedKeys(names.Answers) {
		typ := names.Answers[field]
		if typ == Group {
			declare("answers."+field, cel.ListType(cel.ObjectType(groupType+field)))
			continue
		}
		if !typ.known() {
			return nil, fmt.Errorf("rules: answer %q has unknown type %q", field, typ)
		}
		declareAnswer("answers."+field, typ, declare)
	}
	for _, name := range names.Amounts {
		declare("amounts."+name, cel.IntType)
	}
	for _, name := range names.Limits {
		declare("limits."+name, cel.IntType)
	}
	if names.Places {
		declare("left.places", cel.IntType)
	}
	if names.Credit {
		declare("left.credit", cel.IntType)
	}
	return options, nil
}

// Values are the inputs of one evaluation by their names in the rules.
type Values map[string]any

// Bind gives every name of the scope its value. An answer of another Go type
// than its Type asks for is a programming error and is reported.
func (s *Scope) Bind(in Input) (Values, error) {
	out := make(Values, len(common)+len(s.names.Answers)+len(s.names.Amounts))
	today := Midnight(in.Today)
	out["today"] = today
	out["applicant.level"] = int64(in.Applicant.Level)
	out["applicant.kind"] = in.Applicant.Kind
	out["applicant.for_self"] = in.Applicant.ForSelf
	out["register.found"] = in.Register.Found
	out["register.resident"] = in.Register.Resident
	out["register.age"] = int64(in.Register.Age)
	out["register.arrived"] = in.Register.Arrived
	out["register.household_size"] = int64(in.Register.HouseholdSize)
	out["register.minors"] = int64(in.Register.Minors)
	out["register.postcode"] = in.Register.Postcode
	out["register.town"] = in.Register.Town
	out["register.quarter"] = in.Register.Quarter
	out["register.nationality"] = in.Register.Nationality
	out["register.protected"] = in.Register.Protected
	out["register.blocked"] = in.Register.Blocked
	for _, name := range s.names.Amounts {
		out["amounts."+name] = int64(in.Amounts[name])
	}
	for _, name := range s.names.Limits {
		out["limits."+name] = in.Limits[name]
	}
	if s.names.Places {
		out["left.places"] = in.Left.Places
	}
	if s.names.Credit {
		out["left.credit"] = int64(in.Left.Credit)
	}
	out["answered"] = []string{}
	for field := range s.names.Answers {
		if err := s.Set(out, field, in.Answers[field]); err != nil {
			return nil, err
		}
	}
	slices.Sort(out["answered"].([]string))
	return out, nil
}

// Set gives one answer its value, nil for none, as Bind does: a form sets its
// answers one after the other, so that a condition sees only what came before.
func (s *Scope) Set(values Values, field string, value any) error {
	typ, name := s.names.Answers[field], "answers."+field
	if typ == Group {
		items, err := bindItems(name, s.names.Groups[field], value, today(values))
		if err != nil {
			return err
		}
		values[name] = items
	} else if err := bindAnswer(values, name, typ, value, today(values)); err != nil {
		return err
	}
	if value != nil {
		values["answered"] = append(values["answered"].([]string), field)
	}
	return nil
}
