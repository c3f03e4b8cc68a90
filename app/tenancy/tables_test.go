package tenancy_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/tenancy/tenancytest"
)

// TestTablesAreDeclared compares tables.yaml with a migrated schema: a table
// without its row would be missing from every export and move.
func TestTablesAreDeclared(t *testing.T) {
	e := tenancytest.New(t)
	declared, err := tenancy.Tables()
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	type reference struct{ From, To string }
	var references []reference
	err = e.DB.Read(context.Background(), e.Lugano, func(tx *tenancy.Tx) error {
		rows, err := tx.Query(`select c.table_name, c.column_name from information_schema.columns c
			join information_schema.tables t using (table_schema, table_name)
			where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'`)
		if err != nil {
			return err
		}
		var table, column string
		if _, err := pgx.ForEachRow(rows, []any{&table, &column}, func() error {
			columns[table] = append(columns[table], column)
			return nil
		}); err != nil {
			return err
		}
		rows, err = tx.Query(`select conrelid::regclass::text, confrelid::regclass::text from pg_constraint
			where contype = 'f' and connamespace = current_schema()::regnamespace`)
		if err != nil {
			return err
		}
		references, err = pgx.CollectRows(rows, pgx.RowToStructByPos[reference])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(columns) < 20 || len(references) < 5 {
		t.Fatalf("the schema shows %d tables and %d references: the question is wrong", len(columns), len(references))
	}
	place := map[string]int{}
	for i, d := range declared {
		place[d.Name] = i
		have, ok := columns[d.Name]
		if !ok {
			t.Errorf("tables.yaml names %s, which does not exist", d.Name)
			continue
		}
		for _, c := range append(slices.Clone(d.Sealed), d.Files) {
			if c != "" && !slices.Contains(have, c) {
				t.Errorf("tables.yaml: %s has no column %s", d.Name, c)
			}
		}
		if _, err := os.Stat(filepath.Join("..", d.Module, "doc.go")); err != nil {
			if _, err := os.Stat(filepath.Join("..", d.Module)); err != nil {
				t.Errorf("tables.yaml: %s belongs to app/%s, which does not exist", d.Name, d.Module)
			}
		}
	}
	for name := range columns {
		if _, ok := place[name]; !ok {
			t.Errorf("migrations/tenant/tables.yaml has no row for the table %s: say what it holds and how it is exported", name)
		}
	}
	for _, r := range references {
		if r.From != r.To && place[r.From] < place[r.To] {
			t.Errorf("tables.yaml: %s refers to %s and must stand below it", r.From, r.To)
		}
	}
}
