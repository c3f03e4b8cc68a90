package life

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/blob"
)

// Backup writes everything of one commune into one file below Dir, as one
// snapshot shows it, while people use it: tables, files, secrets, all under the
// commune's own key. Once that key is destroyed the file is noise. Errors: a file
// that a row names and the store does not have; nothing is left behind then.
func (l *Life) Backup(ctx context.Context, slug string, say Progress) (Label, error) {
	t, err := l.tenant(ctx, slug)
	if err != nil {
		return Label{}, err
	}
	at := l.Clock.Now().UTC()
	path := filepath.Join(l.Dir, slug, slug+"-"+at.Format("20060102T150405.000Z")+suffix)
	label, err := l.backup(ctx, t, path, at, say)
	if nerr := l.noteBackup(ctx, slug, at, path, label, err); nerr != nil {
		return label, errors.Join(err, nerr)
	}
	if err != nil {
		return label, err
	}
	return label, l.record(ctx, slug, "life.backup", map[string]any{"rows": label.Rows, "files": label.Files, "bytes": label.Size})
}

// noteBackup tells the entity's console when a commune was last backed up.
func (l *Life) noteBackup(ctx context.Context, slug string, at time.Time, path string, label Label, failed error) error {
	state, message := "done", ""
	if failed != nil {
		state, message = "failed", "see the worker's log"
	}
	return l.DB.Platform(context.WithoutCancel(ctx), func(tx *tenancy.PlatformTx) error {
		_, err := tx.Exec(`insert into backups (id, slug, kind, at, size, location, sha256, schema_version, state, message)
			values ($1, $2, 'commune', $3, $4, $5, $6, $7, $8, $9)`,
			[16]byte(uuid.Must(uuid.NewV7())), slug, at, label.Size, filepath.Base(path), label.SHA256, label.SchemaVersion, state, message)
		return err
	})
}

// sealName binds a backup's stream to the commune.
func sealName(slug string) string { return "backup/" + slug }

func (l *Life) backup(ctx context.Context, t tenancy.Tenant, path string, at time.Time, say Progress) (Label, error) {
	k, err := l.Keys.For(ctx, t)
	if err != nil {
		return Label{}, err
	}
	place, err := l.Owner.PlaceOf(ctx, t.Slug())
	if err != nil {
		return Label{}, err
	}
	conn, err := l.Owner.Connect(ctx, place.Cluster)
	if err != nil {
		return Label{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, sameText+"; begin isolation level repeatable read read only"); err != nil {
		return Label{}, err
	}
	tables, err := describe(ctx, conn, place.Schema)
	if err != nil {
		return Label{}, err
	}
	w, err := create(path, at, func(out io.Writer) (io.WriteCloser, error) { return k.EncryptingWriter(out, sealName(t.Slug())) })
	if err != nil {
		return Label{}, err
	}
	m := Manifest{Commune: t.Slug(), At: at, Tables: map[string]held{}, Files: map[string]string{}}
	if err := conn.QueryRow(ctx, "select coalesce(max(version), 0) from "+place.Schema+".schema_versions").Scan(&m.SchemaVersion); err != nil {
		return Label{}, errors.Join(err, w.abandon())
	}
	label, err := func() (Label, error) {
		for i, tb := range tables {
			say(5+50*i/len(tables), "table", tb.Name)
			if err := tb.dump(ctx, conn, place.Schema, w, &m); err != nil {
				return Label{}, fmt.Errorf("%s: %w", tb.Name, err)
			}
		}
		say(60, "files", "")
		for _, tb := range tables {
			if err := l.dumpFiles(ctx, conn, place.Schema, t, tb, w, &m); err != nil {
				return Label{}, err
			}
		}
		return w.finish(m)
	}()
	if err != nil {
		return Label{}, errors.Join(err, w.abandon())
	}
	say(95, "written", fmt.Sprintf("%d", label.Size))
	return label, nil
}

func (t table) dump(ctx context.Context, conn *pgx.Conn, schema string, w *writer, m *Manifest) error {
	s, err := t.sum(ctx, conn, schema)
	if err != nil {
		return err
	}
	m.Tables[t.Name] = held{Columns: t.columns, sum: s}
	parts := w.parts("tables/" + t.Name)
	if _, err := conn.PgConn().CopyTo(ctx, parts, "copy (select "+quoted(t.columns)+" from "+schema+"."+t.Name+") to stdout (format binary)"); err != nil {
		return err
	}
	return parts.flush()
}

// fileKeys are the files that a table's rows name.
func (t table) fileKeys(ctx context.Context, conn *pgx.Conn, schema string) ([]string, error) {
	if t.Files == "" {
		return nil, nil
	}
	rows, err := conn.Query(ctx, fmt.Sprintf("select %[1]s from %[2]s.%[3]s where %[1]s <> '' order by 1", t.Files, schema, t.Name))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (l *Life) dumpFiles(ctx context.Context, conn *pgx.Conn, schema string, t tenancy.Tenant, tb table, w *writer, m *Manifest) error {
	keys, err := tb.fileKeys(ctx, conn, schema)
	if err != nil {
		return err
	}
	for _, key := range keys {
		data, o, err := l.Blobs.For(t.Slug()).Get(ctx, key)
		if errors.Is(err, blob.ErrNotFound) && deletedSince(ctx, l.DB, t, tb, key) {
			continue // its row went while the backup ran
		}
		if err != nil {
			return fmt.Errorf("file of %s: %w", tb.Name, err)
		}
		head, err := json.Marshal(o)
		if err != nil {
			return err
		}
		if err := w.entry("types/"+key, head); err != nil {
			return err
		}
		if err := w.entry("files/"+key, data); err != nil {
			return err
		}
		m.Files[key] = o.SHA256
		m.FileCount++
		m.FileBytes += o.Size
	}
	return nil
}

// deletedSince tells whether the row that named a file is gone by now.
func deletedSince(ctx context.Context, db *tenancy.DB, t tenancy.Tenant, tb table, key string) bool {
	var there bool
	err := db.Read(ctx, t, func(tx *tenancy.Tx) error {
		return tx.QueryRow(fmt.Sprintf("select exists (select from %s where %s = $1)", tb.Name, tb.Files), key).Scan(&there)
	})
	return err == nil && !there
}

// Backups lists the labels of a commune's backups below Dir, newest first.
func (l *Life) Backups(slug string) ([]Label, error) {
	names, err := filepath.Glob(filepath.Join(l.Dir, slug, "*"+suffix+".json"))
	if err != nil {
		return nil, err
	}
	var out []Label
	for i := len(names) - 1; i >= 0; i-- {
		b, err := readLabelOnly(names[i])
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// path of a backup by its file name; no other folder can be named.
func (l *Life) path(slug, file string) (string, error) {
	if file != filepath.Base(file) || !strings.HasPrefix(file, slug+"-") || !strings.HasSuffix(file, suffix) {
		return "", fmt.Errorf("%q is no backup of %s", file, slug)
	}
	return filepath.Join(l.Dir, slug, file), nil
}
