package rules

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/money"
)

type days map[string]bool

func (d days) Holiday(t time.Time) bool { return d[t.In(i18n.Zurich).Format(time.DateOnly)] }

func day(s string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, s, i18n.Zurich)
	if err != nil {
		panic(err)
	}
	return t
}

func testScope(t testing.TB) *Scope {
	t.Helper()
	engine, err := NewEngine(days{"2026-12-08": true, "2026-12-25": true})
	if err != nil {
		t.Fatal(err)
	}
	scope, err := engine.Scope(Names{
		Answers: map[string]Type{
			"use": Text, "copies": Whole, "area": Decimal, "price": Money, "moved": Day, "self": YesNo,
			"needs": List, "period": Period, "place": Place, "sketch": Files,
		},
		Amounts: []string{"base", "per_m2_day"}, Limits: []string{"places"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

func testInput() Input {
	return Input{
		Today: time.Date(2026, 11, 20, 15, 4, 0, 0, i18n.Zurich),
		Answers: map[string]any{
			"use": "locazione", "copies": int64(2), "area": 12.5, "price": money.CHF(199990), "moved": day("2026-11-14"),
			"needs":  []string{"audio", "cucina"},
			"period": DayRange{day("2026-12-07"), day("2026-12-09")},
			"place":  Spot{"Via dell’Esempio 3", "6500", "Bellinzona"},
		},
		Amounts:   map[string]money.CHF{"base": 2000, "per_m2_day": 35},
		Limits:    map[string]int64{"places": 562},
		Applicant: Applicant{Level: 3, Kind: "person", ForSelf: true},
		Register:  Register{Found: true, Resident: true, Age: 39, Arrived: day("2019-02-01")},
	}
}

func TestAmounts(t *testing.T) {
	scope, in := testScope(t), testInput()
	values, err := scope.Bind(in)
	if err != nil {
		t.Fatal(err)
	}
	for expression, want := range map[string]int64{
		"amounts.base * answers.copies":                                     4000,
		"times(amounts.per_m2_day, answers.area)":                           438, // 437.5 rounds up
		"round5(times(amounts.per_m2_day, answers.area))":                   440,
		"times(amounts.per_m2_day, answers.area) * answers.period.days":     1314,
		"at_least(amounts.base, times(35, answers.area))":                   2000,
		"at_most(25000, percent(answers.price, 10))":                        19999,
		"percent(answers.price, 7.7)":                                       15399, // 15399.23
		"percent(1050, 50)":                                                 525,
		"times(1, 0.5)":                                                     1,
		"times(-1, 0.5)":                                                    -1,
		"times(10, 0.1) * 10":                                               10,
		"working_days(answers.period.from, answers.period.to)":              2, // 8 December is a holiday
		"days(day('2026-10-24'), day('2026-10-26'))":                        3, // the clocks change
		"days(answers.period.to, answers.period.from)":                      0,
		"years(day('1987-11-20'), today)":                                   39,
		"years(day('1987-11-21'), today)":                                   38,
		"limits.places - 502":                                               60,
		"register.arrived <= plus_days(today, -1095) ? 1 : 0":               1,
		"plus_working_days(day('2026-12-04'), 2) == day('2026-12-09')? 1:0": 1,
		"'audio' in answers.needs && 'copies' in answered ? 1 : 0":          1,
		"'sketch' in answered || answers.self ? 1 : answers.sketch":         0,
		"answers.place.postcode == '6500' ? size(answers.needs) : 0":        2,
		"unset(answers.moved) ? 0 : days(answers.moved, today)":             7,
	} {
		rule, err := scope.Amount(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got, err := rule.Centimes(context.Background(), values); err != nil || got != want {
			t.Errorf("%s = %d, %v; want %d", expression, got, err, want)
		}
	}
}

func TestHostileExpressionsAreRefusedAtOnce(t *testing.T) {
	scope := testScope(t)
	nested := "answers.needs.all(a, answers.needs.all(b, answers.needs.all(c, a + b == c)))"
	for name, expression := range map[string]string{
		"nested comprehensions": nested,
		"map builds lists":      "size(answers.needs.map(x, x + x)) > 1",
		"regular expression":    "answers.use.matches('(a+)+$')",
		"deep":                  strings.Repeat("(", 300) + "true" + strings.Repeat(")", 300),
		"long":                  strings.Repeat("true && ", 5000) + "true",
		"many nodes":            strings.Repeat("1+", 500) + "1 > 0",
		"huge list":             "[" + strings.Repeat("1,", 900) + "1].all(x, x == 1)",
		"quadratic":             "answers.needs.all(a, answers.use.contains(a + answers.use + answers.use + answers.use))",
		"unknown field":         "answers.copie > 1",
		"unknown amount":        "amounts.min > 1",
		"text with number":      "answers.use > 3",
		"not a condition":       "answers.copies",
		"no syntax":             "answers.copies >",
		"empty":                 "",
		"bad literal":           "timestamp('yesterday') < today",
	} {
		started := time.Now()
		if _, err := scope.Condition(expression); !errors.Is(err, ErrRule) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(started); took > 100*time.Millisecond {
			t.Errorf("%s: refused only after %s", name, took)
		}
	}
}

func TestRunTimeFailuresAreErrors(t *testing.T) {
	scope := testScope(t)
	values, err := scope.Bind(testInput())
	if err != nil {
		t.Fatal(err)
	}
	for _, expression := range []string{
		"9223372036854775807 + answers.copies", "answers.copies / (answers.copies - 2)",
		"times(100, 1.0 / 0.0)", "times(99999999999, answers.copies)", "days(day(answers.use), today)",
		"days(plus_days(today, 9000000), today)",
	} {
		rule, err := scope.Amount(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if _, err := rule.Centimes(context.Background(), values); !errors.Is(err, ErrEvaluation) {
			t.Errorf("%s: %v", expression, err)
		}
	}
	if _, err := scope.Bind(Input{Answers: map[string]any{"copies": "2"}}); err == nil {
		t.Error("a text where a number is declared was bound")
	}
}

func groundRules() Definition {
	return Definition{
		Service: "ground", Version: 3,
		Fee: FeeRule{
			Lines: []FeeLine{
				{ID: "surface", Label: i18n.Italian("Superficie"), Amount: "times(amounts.per_m2_day, answers.area) * answers.period.days"},
				{ID: "copies", Label: i18n.Italian("Copie"), When: "answers.copies > 5", Amount: "100"},
			},
			Minimum: "amounts.base", MinimumLabel: i18n.Italian("Tassa minima"),
		},
		Eligibility: []Condition{{ID: "level", Holds: "applicant.level >= 1", Reason: i18n.Italian("Confermi l’e-mail")}},
		Decision: Decision{Automatic: true, Checks: []Condition{
			{ID: "small", Holds: "answers.area <= 20.0", Reason: i18n.Italian("Superficie oltre 20 m²")},
			{ID: "early", Holds: "answers.period.from > today", Reason: i18n.Italian("Inizio già passato")},
		}},
	}
}

func TestEvaluate(t *testing.T) {
	scope := testScope(t)
	set, err := scope.Compile(groundRules())
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	out, err := set.Evaluate(ctx, testInput())
	if err != nil {
		t.Fatal(err)
	}
	if out.Verdict != Granted || out.Fee.Total != 2000 || len(out.Fee.Lines) != 2 || out.Fee.Lines[1].Amount != 686 {
		t.Errorf("%+v", out)
	}
	if out.Inputs["answers.area"] != 12.5 || out.Inputs["answers.period.from"] != "2026-12-07" || out.Inputs["answers.use"] != nil {
		t.Errorf("inputs: %v", out.Inputs)
	}
	big := testInput()
	big.Answers["area"], big.Answers["copies"] = 200.0, int64(6)
	if out, err = set.Evaluate(ctx, big); err != nil || out.Verdict != Referred || out.Fee.Total != 3*7000+100 || out.Checks[0].Holds {
		t.Errorf("%+v %v", out, err)
	}
	stranger := testInput()
	stranger.Applicant.Level = 0
	if out, err = set.Evaluate(ctx, stranger); err != nil || out.Verdict != Ineligible {
		t.Errorf("%+v %v", out, err)
	}
	if unmet, err := set.Eligible(ctx, stranger); err != nil || len(unmet) != 1 || unmet[0].ID != "level" {
		t.Errorf("%v %v", unmet, err)
	}
	changed := groundRules()
	changed.Fee.Minimum = "amounts.base + 1"
	other, err := scope.Compile(changed)
	if err != nil || other.Hash() == set.Hash() {
		t.Errorf("the hash does not follow the rules: %v", err)
	}
	changed.Eligibility[0].Holds, changed.Fee.Lines[0].Amount = "applicant.age > 1", "answers.surface"
	if _, err := scope.Compile(changed); err == nil || !strings.Contains(err.Error(), "eligibility level") || !strings.Contains(err.Error(), "fee line surface") {
		t.Errorf("both mistakes should be told: %v", err)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	set, err := testScope(b).Compile(groundRules())
	if err != nil {
		b.Fatal(err)
	}
	in := testInput()
	for b.Loop() {
		if _, err := set.Evaluate(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}
