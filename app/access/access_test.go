package access_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/access"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

func person(t tenancy.Tenant, roles ...string) identity.Actor {
	var held []identity.Holding
	for _, r := range roles {
		held = append(held, identity.Holding{Role: r, Office: "polizia"})
	}
	return identity.Person(t, identity.Account{ID: uuid.New(), FirstName: "Prova", LastName: "Esempi", Level: 3}, held)
}

func TestWhoMayWhat(t *testing.T) {
	e := tenancytest.New(t)
	a, err := access.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who    string
		actor  identity.Actor
		action access.Action
		want   bool
	}{
		{"a visitor reads public pages", identity.Visitor(e.Lugano), access.Public, true},
		{"a visitor has no cases", identity.Visitor(e.Lugano), "cases.own", false},
		{"a citizen has cases", person(e.Lugano), "cases.own", true},
		{"a citizen is no official", person(e.Lugano), "cases.desk", false},
		{"an official works", person(e.Lugano, "official"), "cases.work", true},
		{"an official changes no colours", person(e.Lugano, "official"), "console.brand", false},
		{"a clerk at the counter reads", person(e.Lugano, "counter-clerk"), "cases.desk", true},
		{"a clerk at the counter decides nothing", person(e.Lugano, "counter-clerk"), "cases.decide", false},
		{"an administrator changes colours", person(e.Lugano, "commune-admin"), "console.brand", true},
		{"an administrator reads no cases", person(e.Lugano, "commune-admin"), "cases.desk", false},
		{"data protection reads the audit", person(e.Lugano, "data-protection-officer"), "console.audit", true},
		{"data protection changes nothing", person(e.Lugano, "data-protection-officer"), "console.services", false},
		{"a role of the entity is nothing in a commune", person(e.Lugano, "entity-admin"), "operator.open", false},
		{"a role that does not exist is nothing", person(e.Lugano, "cases.*"), "cases.desk", false},
		{"an unknown action is refused", person(e.Lugano, "office-head"), "cases.destroy", false},
		{"nobody of nowhere is refused", identity.Actor{}, "cases.own", false},
	} {
		if got, err := a.May(c.actor, c.action); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", c.who, got, err)
		}
		if again, _ := a.May(c.actor, c.action); again != c.want {
			t.Errorf("%s: the remembered answer differs", c.who)
		}
	}
	if _, err := a.May(person(e.Lugano), ""); err == nil {
		t.Error("no action at all was answered")
	}
}

// A commune's administrator works on no office's cases, an official only on
// those of the own office.
func TestOfficesFollowTheRole(t *testing.T) {
	e := tenancytest.New(t)
	acc := identity.Account{ID: uuid.New()}
	for _, c := range []struct {
		held   []identity.Holding
		office string
		want   bool
	}{
		{[]identity.Holding{{Role: "official", Office: "polizia"}}, "polizia", true},
		{[]identity.Holding{{Role: "official", Office: "polizia"}}, "controllo-abitanti", false},
		{[]identity.Holding{{Role: "official", Office: ""}}, "controllo-abitanti", true},
		{[]identity.Holding{{Role: "commune-admin", Office: ""}}, "polizia", false},
		{[]identity.Holding{{Role: "official", Office: "polizia"}, {Role: "commune-admin", Office: ""}}, "cancelleria", false},
		{nil, "polizia", false},
	} {
		if got := identity.Person(e.Lugano, acc, c.held).WorksFor(c.office); got != c.want {
			t.Errorf("%v for %s: %v", c.held, c.office, got)
		}
	}
}

func BenchmarkMay(b *testing.B) {
	e := tenancytest.New(b)
	a, err := access.New()
	if err != nil {
		b.Fatal(err)
	}
	who := person(e.Lugano, "official", "counter-clerk")
	for b.Loop() {
		if ok, err := a.May(who, "cases.work"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
