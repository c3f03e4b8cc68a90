package tenancy

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"

	"github.com/sportello-ticino/sportello/migrations"
)

// Table says what a table of a commune's schema holds and how it leaves.
type Table struct {
	Name     string   `yaml:"-"`
	Module   string   `yaml:"module"`
	What     string   `yaml:"what"`
	Personal bool     `yaml:"personal"`
	Export   string   `yaml:"export"` // data, derived or secret
	Sealed   []string `yaml:"sealed"`
	Files    string   `yaml:"files"`
	Meter    string   `yaml:"meter"`
}

// The ways a table leaves with a commune.
const (
	ExportData    = "data"
	ExportDerived = "derived"
	ExportSecret  = "secret"
)

// Tables are the tables of a commune, in the order in which they can be filled:
// no row refers to a table further down.
func Tables() ([]Table, error) {
	var rows yaml.MapSlice
	if err := yaml.NewDecoder(bytes.NewReader(migrations.TenantTables), yaml.UseOrderedMap()).Decode(&rows); err != nil {
		return nil, fmt.Errorf("tables.yaml: %w", err)
	}
	var byName map[string]Table
	if err := yaml.NewDecoder(bytes.NewReader(migrations.TenantTables), yaml.DisallowUnknownField()).Decode(&byName); err != nil {
		return nil, fmt.Errorf("tables.yaml: %w", err)
	}
	out := make([]Table, 0, len(rows))
	for _, r := range rows {
		name, _ := r.Key.(string)
		t := byName[name]
		t.Name = name
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("tables.yaml: %s: %w", name, err)
		}
		out = append(out, t)
	}
	return out, nil
}

func (t Table) check() error {
	switch {
	case !identifier.MatchString(t.Name):
		return errors.New("not the name of a table")
	case t.Module == "" || t.What == "" || t.Meter == "":
		return errors.New("module, what and meter must be said")
	case !slices.Contains([]string{ExportData, ExportDerived, ExportSecret}, t.Export):
		return fmt.Errorf("export is %q, not data, derived or secret", t.Export)
	}
	return nil
}
