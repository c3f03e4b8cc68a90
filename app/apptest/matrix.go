package apptest

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/app/web"
)

//go:embed matrix.txt
var matrixFile string

// Row is one route of the attack matrix (matrix.txt).
type Row struct {
	Area, Method, Path, Action string
	// IDs are the kinds of id in the path, by parameter.
	IDs map[string]string
	// Private tells that a neighbour who sends the ids is answered 404.
	Private bool
}

// ID is how a value for one kind of id is found.
type ID struct{ Name, How, What string }

// Matrix is the table of routes and ids.
type Matrix struct {
	Rows []Row
	IDs  map[string]ID
}

// ReadMatrix reads matrix.txt. Errors name the line.
func ReadMatrix() (*Matrix, error) { return parseMatrix(matrixFile) }

func parseMatrix(text string) (*Matrix, error) {
	m := &Matrix{IDs: map[string]ID{}}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		var err error
		if strings.HasPrefix(line, "id ") {
			err = m.addID(line)
		} else {
			err = m.addRow(line)
		}
		if err != nil {
			return nil, fmt.Errorf("matrix.txt line %d: %w", i+1, err)
		}
	}
	return m, nil
}

func (m *Matrix) addID(line string) error {
	f := strings.Fields(line)
	if len(f) < 3 {
		return fmt.Errorf("an id has a name and says how it is found: %q", line)
	}
	id := ID{Name: f[1], How: f[2], What: strings.Join(f[3:], " ")}
	switch id.How {
	case "sql", "entity", "word":
		if id.What == "" {
			return fmt.Errorf("id %s has no value", id.Name)
		}
	case "made":
	default:
		return fmt.Errorf("id %s: %q is neither sql, entity, word nor made", id.Name, id.How)
	}
	if _, twice := m.IDs[id.Name]; twice {
		return fmt.Errorf("id %s stands twice", id.Name)
	}
	m.IDs[id.Name] = id
	return nil
}

func (m *Matrix) addRow(line string) error {
	f := strings.Fields(line)
	if len(f) != 6 {
		return fmt.Errorf("a route has six columns: %q", line)
	}
	r := Row{Area: f[0], Method: f[1], Path: f[2], Action: f[3], IDs: map[string]string{}, Private: f[5] == "404"}
	if f[4] != "-" {
		for _, pair := range strings.Split(f[4], ",") {
			param, kind, _ := strings.Cut(pair, "=")
			if _, ok := m.IDs[kind]; !ok {
				return fmt.Errorf("no line says what the id %q is", kind)
			}
			r.IDs[param] = kind
		}
	}
	params := Params(r.Path)
	for _, p := range params {
		if r.IDs[p] == "" {
			return fmt.Errorf("nobody says whose id stands in :%s of %s", p, r.Path)
		}
	}
	if len(params) != len(r.IDs) {
		return fmt.Errorf("%s has %d parameters, the row names %d", r.Path, len(params), len(r.IDs))
	}
	switch {
	case f[5] != "404" && f[5] != "own" && f[5] != "-":
		return fmt.Errorf("the neighbour sees 404, own or -; not %q", f[5])
	case (f[5] == "-") != (len(params) == 0):
		return fmt.Errorf("- is for a path without ids, and only for it: %s", r.Path)
	}
	for _, other := range m.Rows {
		if other.Area == r.Area && other.Method == r.Method && other.Path == r.Path {
			return fmt.Errorf("%s %s %s stands twice", r.Area, r.Method, r.Path)
		}
	}
	m.Rows = append(m.Rows, r)
	return nil
}

// Params are the names of a path's parameters.
func Params(path string) (out []string) {
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			out = append(out, name)
		}
	}
	return out
}

// Fill puts ids, by kind, into the row's path.
func (r Row) Fill(ids map[string]string) string {
	parts := strings.Split(r.Path, "/")
	for i, part := range parts {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			parts[i] = ids[r.IDs[name]]
		}
	}
	return strings.Join(parts, "/")
}

// String is the row as the route table prints it.
func (r Row) String() string { return r.Area + " " + r.Method + " " + r.Path + " (" + r.Action + ")" }

// IDs finds the values of a commune, by kind. made holds those that the product
// shows only once; a kind without a value gets one that nothing has.
func (e *Env) IDs(t testing.TB, m *Matrix, slug string, made map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, id := range m.IDs {
		var value string
		var err error
		switch id.How {
		case "word":
			value = id.What
		case "made":
			value = made[name]
		case "sql":
			err = e.DB.Read(t.Context(), e.Tenant(t, slug), func(tx *tenancy.Tx) error { return tx.QueryRow(id.What).Scan(&value) })
		case "entity":
			err = e.DB.Platform(t.Context(), func(tx *tenancy.PlatformTx) error { return tx.QueryRow(id.What).Scan(&value) })
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			t.Fatalf("id %s: %v", name, err)
		}
		if value == "" {
			value = "00000000-0000-7000-8000-000000000000"
		}
		out[name] = value
	}
	return out
}

// Compare holds the matrix against the router: what is said of each is what
// differs.
func (m *Matrix) Compare(routes []web.Route) (wrong []string) {
	known := map[string]Row{}
	for _, r := range m.Rows {
		known[r.Area+" "+r.Method+" "+r.Path] = r
	}
	for _, rt := range routes {
		key := string(rt.Area) + " " + rt.Method + " " + rt.Path
		row, ok := known[key]
		switch {
		case !ok:
			wrong = append(wrong, key+" ("+string(rt.Action)+") stands in no row: app/apptest/matrix.txt says how to add one")
		case row.Action != string(rt.Action):
			wrong = append(wrong, fmt.Sprintf("%s asks for %s, its row says %s", key, rt.Action, row.Action))
		}
		delete(known, key)
	}
	for key := range known {
		wrong = append(wrong, key+" has a row and no route")
	}
	return wrong
}
