package rules_test

import (
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

func date(year, month, day int) time.Time {
	return time.Date(year, time.Month(month), day, 0, 0, 0, 0, i18n.Zurich)
}

func TestPlanAddsUpAndFallsOnWorkingDays(t *testing.T) {
	for _, c := range []struct {
		total money.CHF
		count int
		first time.Time
		days  []string
		parts []money.CHF
	}{
		{100_000, 3, date(2026, 1, 30), []string{"2026-01-30", "2026-03-02", "2026-03-30"}, []money.CHF{33_330, 33_330, 33_340}},
		{100_000, 3, date(2026, 12, 31), []string{"2026-12-31", "2027-02-01", "2027-03-01"}, []money.CHF{33_330, 33_330, 33_340}},
		{7, 3, date(2026, 6, 1), []string{"2026-06-01", "2026-07-01", "2026-08-03"}, []money.CHF{0, 0, 7}},
		{12_345, 1, date(2026, 5, 16), []string{"2026-05-18"}, []money.CHF{12_345}},
	} {
		plan := rules.Plan(rules.NoHolidays{}, c.total, c.count, c.first)
		var sum money.CHF
		for i, part := range plan {
			sum += part.Amount
			if got := part.Due.Format(time.DateOnly); got != c.days[i] || part.Amount != c.parts[i] {
				t.Errorf("%s in %d: part %d is %s on %s, want %s on %s", c.total, c.count, i+1, part.Amount, got, c.parts[i], c.days[i])
			}
		}
		if sum != c.total {
			t.Errorf("%s in %d: the parts are %s", c.total, c.count, sum)
		}
	}
}

// Every day of a holiday season in a row moves the instalment past it.
func TestPlanPassesHolidays(t *testing.T) {
	plan := rules.Plan(holidays{"2026-12-25": true, "2026-12-28": true}, 100, 1, date(2026, 12, 25))
	if got := plan[0].Due.Format(time.DateOnly); got != "2026-12-29" {
		t.Errorf("due on %s", got)
	}
}

type holidays map[string]bool

func (h holidays) Holiday(t time.Time) bool { return h[t.In(i18n.Zurich).Format(time.DateOnly)] }

func TestPotsAndGrants(t *testing.T) {
	engine, err := rules.NewEngine(rules.NoHolidays{})
	if err != nil {
		t.Fatal(err)
	}
	scope, err := engine.Scope(rules.Names{Answers: map[string]rules.Type{"zona": rules.Text, "inizio": rules.Day, "prezzo": rules.Money, "rate": rules.Whole}, Places: true, Credit: true})
	if err != nil {
		t.Fatal(err)
	}
	set, err := scope.Compile(rules.Definition{
		Service: "prova", Version: 1,
		Eligibility: []rules.Condition{{ID: "credito", Holds: "left.credit > 0"}, {ID: "posti", Holds: "left.places != 0"}},
		Scarce:      &rules.Scarce{Key: "answers.zona", On: "answers.inizio", Per: rules.Yearly, Grant: "at_most(percent(answers.prezzo, 10), 25000)"},
		Instalments: &rules.InstalmentRule{Total: "answers.prezzo", Count: "answers.rate", First: "answers.inizio"},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := rules.Input{Today: date(2026, 12, 20), Left: rules.Left{Places: 3, Credit: 1},
		Answers: map[string]any{"zona": "centro", "inizio": date(2027, 1, 1), "prezzo": money.CHF(400_000), "rate": int64(2)}}
	out, err := set.Evaluate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if want := (rules.Pot{Key: "centro", Period: "2027", Grant: 25_000}); out.Pot == nil || *out.Pot != want {
		t.Errorf("pot %v, want %v", out.Pot, want)
	}
	if len(out.Instalments) != 2 || out.Instalments[1].Amount != 200_000 {
		t.Errorf("instalments %v", out.Instalments)
	}
	in.Left = rules.Left{}
	if out, err = set.Evaluate(t.Context(), in); err != nil || out.Verdict != rules.Ineligible {
		t.Errorf("nothing left: %v %v", out.Verdict, err)
	}
	// The pot depends on an answer: before the form nobody is sent away for it.
	if unmet, err := set.EligibleToBegin(t.Context(), rules.Input{Today: in.Today}); err != nil || len(unmet) != 0 {
		t.Errorf("sent away before the pot is known: %v %v", unmet, err)
	}
	in.Answers["rate"] = int64(61)
	if _, err := set.Evaluate(t.Context(), in); err == nil {
		t.Error("61 instalments were reckoned")
	}
	if _, err := scope.Word("answers.prezzo"); err == nil {
		t.Error("a number was taken for the name of a pot")
	}
}

// Who is served first is not sent away for places that the service does not count.
func TestOnlyScarceServicesKnowWhatIsLeft(t *testing.T) {
	engine, err := rules.NewEngine(rules.NoHolidays{})
	if err != nil {
		t.Fatal(err)
	}
	scope, err := engine.Scope(rules.Names{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"left.places > 0", "left.credit > 0"} {
		if _, err := scope.Condition(name); err == nil {
			t.Errorf("%s compiles in a service where nothing is scarce", name)
		}
	}
}
