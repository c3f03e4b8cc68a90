package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sportello-ticino/sportello/app"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// TestMetersAreThoseOfTheTables compares what the modules declare with what
// migrations/tenant/tables.yaml names: a table whose meter nobody counts, and a
// meter whose table says "-", are both mistakes.
func TestMetersAreThoseOfTheTables(t *testing.T) {
	declared, err := app.Meters()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := tenancy.Tables()
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range compareMeters(declared, tables) {
		t.Error(complaint)
	}
	for _, name := range meters.Names {
		if !slices.ContainsFunc(declared, func(m meters.Meter) bool { return m.Name == name }) {
			t.Errorf("nobody declares the meter %s", name)
		}
	}
	if got := compareMeters(declared[1:], tables); len(got) != 1 {
		t.Errorf("a meter less gives %q", got)
	}
	if got := compareMeters(append(declared, meters.Meter{Name: meters.Mails, Table: "accounts"}), tables); len(got) != 1 {
		t.Errorf("a meter more gives %q", got)
	}
}

func compareMeters(declared []meters.Meter, tables []tenancy.Table) (complaints []string) {
	has := map[string]bool{}
	for _, m := range declared {
		has[m.Table+" "+m.Name] = true
	}
	for _, table := range tables {
		for _, name := range strings.Fields(table.Meter) {
			if name == "-" {
				continue
			}
			if key := table.Name + " " + name; has[key] {
				delete(has, key)
			} else {
				complaints = append(complaints, "tables.yaml: "+table.Name+" counts as "+name+", which app/"+table.Module+"/meters.go does not declare")
			}
		}
	}
	for key := range has {
		complaints = append(complaints, "meter without its row in tables.yaml: "+key)
	}
	return complaints
}
