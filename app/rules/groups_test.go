package rules

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sportello-ticino/sportello/pkg/money"
)

func groupScope(t testing.TB) *Scope {
	t.Helper()
	engine, err := NewEngine(NoHolidays{})
	if err != nil {
		t.Fatal(err)
	}
	scope, err := engine.Scope(Names{
		Answers: map[string]Type{"people": Group, "owner": Person, "firm": Company, "plot": Parcel, "spot": Point, "from": Clock, "use": Text},
		Groups: map[string]map[string]Type{
			"people": {"name": Text, "age": Whole, "child": Person, "pieces": Whole, "price": Money, "hours": Decimal, "needs": List, "stay": Period},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return scope
}

func groupInput() Input {
	return Input{
		Today: day("2026-11-20"),
		Answers: map[string]any{
			"people": []Item{
				{"name": "Lia", "age": int64(7), "child": Parts{"first_name": "Lia", "born": day("2019-05-03")}, "pieces": int64(2), "price": money.CHF(1050), "hours": 0.1, "needs": []string{"mensa"}},
				{"name": "Max", "age": int64(19), "pieces": int64(1), "price": money.CHF(500), "hours": 0.2, "stay": DayRange{day("2026-12-01"), day("2026-12-03")}},
			},
			"owner": Parts{"first_name": "Anna", "last_name": "Esempi", "born": day("1987-11-21")},
			"firm":  Parts{"name": "Esempio SA", "uid": "CHE-100.155.212"},
			"plot":  Parts{"number": "1234"}, "spot": Parts{"east": int64(2717000), "north": int64(1096000)}, "from": int64(8*60 + 30),
		},
	}
}

func TestGroupsInRules(t *testing.T) {
	scope := groupScope(t)
	values, err := scope.Bind(groupInput())
	if err != nil {
		t.Fatal(err)
	}
	for expression, want := range map[string]bool{
		"answers.people.size() == 2":                                          true,
		"answers.people.exists(p, p.age < 18)":                                true,
		"answers.people.all(p, p.age < 18)":                                   false,
		"answers.people.exists(p, p.name == 'Lia' && p.child.age == 7)":       true,
		"answers.people.exists(p, p.child.born > day('2019-05-02'))":          true,
		"answers.people.exists(p, p.name == 'Max' && p.stay.days == 3)":       true,
		"answers.people.exists(p, p.name == 'Max' && unset(p.child.born))":    true,
		"answers.people.exists(p, 'mensa' in p.needs)":                        true,
		"answers.people.total(p, p.price) == 1550":                            true,
		"answers.people.total(p, p.price * p.pieces) == 2600":                 true,
		"answers.people.total(p, p.hours) == 0.3":                             true,
		"answers.people.total(p, p.age < 18 ? 1 : 0) == 1":                    true,
		"answers.owner.age == 38 && answers.owner.last_name == 'Esempi'":      true,
		"answers.firm.uid == 'CHE-100.155.212' && answers.plot.section == ''": true,
		"answers.spot.east > 2700000 && answers.spot.words == ''":             true,
		"answers.from >= clock('8:30') && answers.from < clock('22.00')":      true,
		"'people' in answered && !('use' in answered)":                        true,
	} {
		rule, err := scope.Condition(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got, err := rule.Holds(context.Background(), values); err != nil || got != want {
			t.Errorf("%s: %t %v", expression, got, err)
		}
	}
	none, err := scope.Bind(Input{Today: day("2026-11-20")})
	if err != nil {
		t.Fatal(err)
	}
	rule, err := scope.Amount("answers.people.total(p, p.price)")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rule.Centimes(context.Background(), none); err != nil || got != 0 {
		t.Errorf("without items: %d %v", got, err)
	}
}

func TestGroupsAreChecked(t *testing.T) {
	scope := groupScope(t)
	for name, expression := range map[string]string{
		"misspelt field":      "answers.people.exists(p, p.agee < 18)",
		"misspelt part":       "answers.people.exists(p, p.child.bron < today)",
		"text with number":    "answers.people.exists(p, p.name < 18)",
		"total of texts":      "answers.people.total(p, p.name) > 3",
		"total of what":       "answers.people.total(p + 1, 3) > 3",
		"total in total":      "answers.people.total(p, answers.people.total(q, q.age + p.age)) > 3",
		"item outside":        "item.age > 3",
		"no clock":            "answers.from",
		"the name of the sum": "@total([1]) > 3",
		"endless":             "answers.people.all(p, answers.people.all(q, answers.people.all(r, r.name + q.name == p.name)))",
	} {
		started := time.Now()
		if _, err := scope.Condition(expression); !errors.Is(err, ErrRule) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(started); took > 100*time.Millisecond {
			t.Errorf("%s: refused only after %s", name, took)
		}
	}
	if _, err := scope.Bind(Input{Answers: map[string]any{"people": []Item{{"age": "7"}}}}); err == nil {
		t.Error("a text where a number is declared was bound")
	}
	if _, err := scope.Bind(Input{Answers: map[string]any{"people": "Lia"}}); err == nil {
		t.Error("a text where a group is declared was bound")
	}
	if _, err := scope.Bind(Input{Answers: map[string]any{"owner": Parts{"born": "1987"}}}); err == nil {
		t.Error("a text where a day is declared was bound")
	}
}

func TestConditionsInsideItems(t *testing.T) {
	scope := groupScope(t)
	inside, err := scope.Item("people")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scope.Item("use"); err == nil {
		t.Error("a text has items")
	}
	rule, err := inside.Condition("item.age < 18 && item.child.age == 7 && answers.owner.age > 18")
	if err != nil {
		t.Fatal(err)
	}
	values, err := scope.Bind(groupInput())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} {
		if err := inside.NewItem(values); err != nil {
			t.Fatal(err)
		}
		for field, value := range groupInput().Answers["people"].([]Item)[i] {
			if err := inside.SetItem(values, field, value); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := rule.Holds(context.Background(), values); err != nil || got != want {
			t.Errorf("item %d: %t %v", i, got, err)
		}
	}
}

func TestClock(t *testing.T) {
	for text, want := range map[string]int64{"08.30": 510, "8:30": 510, "8h30": 510, "0830": 510, "830": 510, "8": 480, "8h": 480, "23.59": 1439, "00.00": 0, "8 . 30": 510} {
		if got, err := ParseClock(text); err != nil || got != want {
			t.Errorf("%q: %d %v", text, got, err)
		}
	}
	for _, text := range []string{"", "24.00", "8.3", "8.60", "otto", "8.30.00", "-8.30", "08300", "８.30"} {
		if got, err := ParseClock(text); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
}
