package life

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/blob"
)

// An export is a zip that needs nothing of ours to be read: a Data Package
// (https://datapackage.org, version 2: datapackage.json with schema, size and hash
// of every resource), one CSV per table (RFC 4180, UTF-8, times in UTC, JSON as
// text, bytes in hexadecimal), the files as they were given in, the services as
// YAML, and LEGGIMI.txt. Sealed values are opened: it is the commune's own data,
// in the clear, and says so.

const packageName = "datapackage.json"

// Package is datapackage.json.
type Package struct {
	Profile   string     `json:"$schema"`
	Name      string     `json:"name"`
	Title     string     `json:"title"`
	Created   time.Time  `json:"created"`
	Commune   string     `json:"sportello:commune"`
	BFS       int        `json:"sportello:bfsNumber"`
	sum       string     // of what was read
	Version   int64      `json:"sportello:schemaVersion"`
	Resources []Resource `json:"resources"`
}

// Resource is one file of a Data Package.
type Resource struct {
	Name      string  `json:"name"`
	Path      string  `json:"path"`
	Title     string  `json:"title,omitempty"`
	Format    string  `json:"format,omitempty"`
	MediaType string  `json:"mediatype,omitempty"`
	Encoding  string  `json:"encoding,omitempty"`
	Bytes     int64   `json:"bytes"`
	Hash      string  `json:"hash"` // "sha256:…"
	Schema    *Schema `json:"schema,omitempty"`
	Rows      int64   `json:"sportello:rows,omitempty"`
	Personal  bool    `json:"sportello:personal,omitempty"`
	Table     string  `json:"sportello:table,omitempty"`
	Key       string  `json:"sportello:key,omitempty"` // of a file in the store
}

// Schema is a Table Schema.
type Schema struct {
	Fields        []Field  `json:"fields"`
	PrimaryKey    []string `json:"primaryKey"`
	MissingValues []string `json:"missingValues"`
}

// Field is one column.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
	SQL  string `json:"sportello:type"`
}

// null is how a missing value stands in the CSV: an empty text is another thing.
const null = `\N`

// Export writes everything of a commune in open formats, as one snapshot shows it.
// path is the zip to write; it must not exist. The commune's audit says so.
func (l *Life) Export(ctx context.Context, slug, path string, say Progress) (Package, error) {
	t, err := l.tenant(ctx, slug)
	if err != nil {
		return Package{}, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return Package{}, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return Package{}, err
	}
	p, err := l.export(ctx, t, file, say)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return p, errors.Join(err, os.Remove(path))
	}
	if err := l.noteExport(ctx, t, path); err != nil {
		return p, err
	}
	return p, l.record(ctx, slug, "life.export", map[string]any{"resources": len(p.Resources), "file": filepath.Base(path)})
}

func (l *Life) noteExport(ctx context.Context, t tenancy.Tenant, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return l.DB.Platform(ctx, func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec(`insert into backups (id, slug, kind, at, size, location, schema_version) values ($1, $2, 'export', $3, $4, $5, $6)`,
			[16]byte(uuid.Must(uuid.NewV7())), t.Slug(), l.Clock.Now(), info.Size(), filepath.Base(path), t.SchemaVersion())
		return err
	})
}

// exporting is one export under way.
type exporting struct {
	l      *Life
	t      tenancy.Tenant
	keys   *keys.Commune
	conn   *pgx.Conn
	schema string
	zip    *zip.Writer
	pack   Package
	seen   map[string]bool // files that stand in the zip
}

func (l *Life) export(ctx context.Context, t tenancy.Tenant, out io.Writer, say Progress) (Package, error) {
	place, err := l.Owner.PlaceOf(ctx, t.Slug())
	if err != nil {
		return Package{}, err
	}
	x := &exporting{l: l, t: t, schema: place.Schema, zip: zip.NewWriter(out), seen: map[string]bool{}}
	if x.keys, err = l.Keys.For(ctx, t); err != nil {
		return Package{}, err
	}
	if x.conn, err = l.Owner.Connect(ctx, place.Cluster); err != nil {
		return Package{}, err
	}
	defer x.conn.Close(context.WithoutCancel(ctx))
	if _, err := x.conn.Exec(ctx, sameText+"; begin isolation level repeatable read read only"); err != nil {
		return Package{}, err
	}
	tables, err := describe(ctx, x.conn, place.Schema)
	if err != nil {
		return Package{}, err
	}
	x.pack = Package{Profile: "https://datapackage.org/profiles/2.0/datapackage.json", Name: "sportello-" + t.Slug(), Created: l.Clock.Now().UTC(),
		Title: "Sportello online di " + t.Name() + ": esportazione completa", Commune: t.Slug(), BFS: t.BFS(), Version: t.SchemaVersion()}
	for i, tb := range tables {
		if tb.Export != tenancy.ExportData {
			continue
		}
		say(5+60*i/len(tables), "table", tb.Name)
		if err := x.table(ctx, tb); err != nil {
			return x.pack, fmt.Errorf("%s: %w", tb.Name, err)
		}
	}
	say(70, "files", "")
	for _, tb := range tables {
		if err := x.files(ctx, tb); err != nil {
			return x.pack, err
		}
	}
	if err := x.definitions(ctx); err != nil {
		return x.pack, err
	}
	if err := x.add(Resource{Name: "leggimi", Path: "LEGGIMI.txt", MediaType: "text/plain", Encoding: "utf-8"}, []byte(readme(x.pack))); err != nil {
		return x.pack, err
	}
	say(95, "written", fmt.Sprint(len(x.pack.Resources)))
	body, err := json.MarshalIndent(x.pack, "", " ")
	if err != nil {
		return x.pack, err
	}
	w, err := x.zip.Create(packageName)
	if err != nil {
		return x.pack, err
	}
	if _, err := w.Write(append(body, '\n')); err != nil {
		return x.pack, err
	}
	return x.pack, x.zip.Close()
}

// counted is a zip entry that is measured while it is written.
func (x *exporting) counted(r *Resource, write func(io.Writer) error) error {
	w, err := x.zip.CreateHeader(&zip.FileHeader{Name: r.Path, Method: zip.Deflate, Modified: x.pack.Created})
	if err != nil {
		return err
	}
	sha, n := sha256.New(), &counter{}
	if err := write(io.MultiWriter(w, sha, n)); err != nil {
		return err
	}
	r.Bytes, r.Hash = n.n, "sha256:"+hex.EncodeToString(sha.Sum(nil))
	x.pack.Resources = append(x.pack.Resources, *r)
	return nil
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) { c.n += int64(len(b)); return len(b), nil }

func (x *exporting) add(r Resource, data []byte) error {
	return x.counted(&r, func(w io.Writer) error { _, err := w.Write(data); return err })
}

func (x *exporting) table(ctx context.Context, tb table) error {
	r := Resource{Name: strings.ReplaceAll(tb.Name, "_", "-"), Path: "data/" + tb.Name + ".csv", Title: tb.What, Format: "csv",
		MediaType: "text/csv", Encoding: "utf-8", Personal: tb.Personal, Table: tb.Name,
		Schema: &Schema{PrimaryKey: tb.key, MissingValues: []string{null}}}
	for i, c := range tb.columns {
		r.Schema.Fields = append(r.Schema.Fields, Field{Name: c, Type: fieldType(tb.types[i]), SQL: tb.types[i]})
	}
	sealed := x.l.sealedIn(tb.Name)
	return x.counted(&r, func(out io.Writer) error {
		w := csv.NewWriter(out)
		if err := w.Write(tb.columns); err != nil {
			return err
		}
		var texts []string
		for _, c := range tb.columns {
			texts = append(texts, fmt.Sprintf("%q::text", c))
		}
		rows, err := x.conn.Query(ctx, "select "+strings.Join(texts, ", ")+" from "+x.schema+"."+tb.Name+" order by "+quoted(tb.key))
		if err != nil {
			return err
		}
		defer rows.Close()
		values := make([]*string, len(tb.columns))
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		line := make([]string, len(values))
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				return err
			}
			if err := sealed.open(x.keys, x.t, tb.columns, values); err != nil {
				return err
			}
			for i, v := range values {
				line[i] = null
				if v != nil {
					line[i] = escapeNull(*v)
				}
			}
			if err := w.Write(line); err != nil {
				return err
			}
			r.Rows++
		}
		w.Flush()
		return errors.Join(rows.Err(), w.Error())
	})
}

// escapeNull keeps a text that looks like a missing value apart from one: it gets
// a backslash more, and unescapeNull takes it away again.
func escapeNull(s string) string {
	if looksNull(s) {
		return `\` + s
	}
	return s
}

func unescapeNull(s string) (value string, missing bool) {
	if s == null {
		return "", true
	}
	if looksNull(s) {
		return s[1:], false
	}
	return s, false
}

func looksNull(s string) bool {
	return strings.HasSuffix(s, "N") && len(s) > 1 && strings.Trim(s[:len(s)-1], `\`) == ""
}

// fieldType is the Table Schema's name of a PostgreSQL type.
func fieldType(sql string) string {
	switch {
	case sql == "boolean":
		return "boolean"
	case sql == "integer", sql == "bigint", sql == "smallint":
		return "integer"
	case strings.HasPrefix(sql, "numeric"):
		return "number"
	case sql == "date":
		return "date"
	case strings.HasPrefix(sql, "timestamp"):
		return "any" // PostgreSQL writes +00 where ISO 8601 asks for +00:00
	case sql == "jsonb":
		return "object"
	}
	return "string"
}

func (x *exporting) files(ctx context.Context, tb table) error {
	names, err := tb.fileKeys(ctx, x.conn, x.schema)
	if err != nil {
		return err
	}
	for _, key := range names {
		if x.seen[key] {
			continue
		}
		x.seen[key] = true
		data, o, err := x.l.Blobs.For(x.t.Slug()).Get(ctx, key)
		if errors.Is(err, blob.ErrNotFound) && deletedSince(ctx, x.l.DB, x.t, tb, key) {
			continue
		}
		if err != nil {
			return fmt.Errorf("file of %s: %w", tb.Name, err)
		}
		if err := x.add(Resource{Name: "file-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-", "=", "-").Replace(key)), Path: "files/" + key,
			MediaType: o.ContentType, Key: key, Table: tb.Name, Personal: true}, data); err != nil {
			return err
		}
	}
	return nil
}

// definitions are the services as the commune offers them, one YAML each.
func (x *exporting) definitions(ctx context.Context) error {
	rows, err := x.conn.Query(ctx, "select id, jsonb_build_object('definition', definition, 'overlay', overlay, 'console', console)::text from "+x.schema+".services order by id")
	if err != nil {
		return err
	}
	type service struct{ ID, Body string }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[service])
	if err != nil {
		return err
	}
	for _, s := range all {
		body, err := yaml.JSONToYAML([]byte(s.Body))
		if err != nil {
			return fmt.Errorf("service %s: %w", s.ID, err)
		}
		if err := x.add(Resource{Name: "service-" + s.ID, Path: "services/" + s.ID + ".yaml", MediaType: "application/yaml", Encoding: "utf-8"}, body); err != nil {
			return err
		}
	}
	return nil
}

func readme(p Package) string {
	return "Esportazione completa dello sportello online (" + p.Commune + ")\n" + p.Created.Format(time.RFC3339) + `

Questo archivio contiene dati personali in chiaro: va custodito come un archivio comunale.

data/*.csv        una tabella per file: UTF-8, virgola, prima riga con i nomi delle colonne,
                  \N dove il valore manca, date e ore in UTC, importi in centesimi
files/            gli allegati e i documenti rilasciati, come sono stati consegnati
services/*.yaml   i servizi come li offre il comune
datapackage.json  descrive ogni file con colonne, numero di righe, dimensione e impronta SHA-256
                  (formato aperto Data Package, https://datapackage.org)

Per riprendere tutto in un altro sportello: sportello tenant import <comune> <questo file>
`
}
