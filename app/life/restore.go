package life

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/blob"
)

func readLabelOnly(path string) (l Label, err error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(body, &l)
}

// Restored tells how a restore went.
type Restored struct {
	Label Label
	Rows  int64
	Files int
}

// Restore brings one commune back to what a backup holds, while the others run
// and this one is read until the last moment. The backup is read into a schema of
// its own at the backup's version, compared with its manifest table by table,
// brought up to date, and then takes the place of the present one, which is
// dropped. Interrupted, the commune stays as it was. What was written after the
// backup is lost: the entity decides that, and the audit says so.
func (l *Life) Restore(ctx context.Context, slug, file string, say Progress) (Restored, error) {
	path, err := l.path(slug, file)
	if err != nil {
		return Restored{}, err
	}
	label, err := ReadLabel(path)
	if err != nil {
		return Restored{}, err
	}
	r := Restored{Label: label}
	t, err := l.tenant(ctx, slug)
	if err != nil {
		return r, err
	}
	now, err := l.Owner.PlaceOf(ctx, slug)
	if err != nil {
		return r, err
	}
	say(5, "place", now.Cluster)
	to, err := l.Owner.NewPlace(ctx, slug, now.Cluster, label.SchemaVersion)
	if err != nil {
		return r, err
	}
	say(15, "copy", label.File)
	if err := l.load(ctx, t, path, to, &r); err != nil {
		return r, errors.Join(err, l.Owner.Drop(context.WithoutCancel(ctx), tenancy.Place{Cluster: to.Cluster, Schema: to.Schema}))
	}
	say(70, "rows", fmt.Sprint(r.Rows))
	if err := l.Owner.Upgrade(ctx, to); err != nil {
		return r, err
	}
	wanted, err := tenancy.WantedVersion()
	if err != nil {
		return r, err
	}
	if err := l.Owner.Switch(ctx, slug, to, wanted); err != nil {
		return r, err
	}
	say(90, "switched", "")
	if err := l.record(ctx, slug, "life.restore", map[string]any{"backup": label.File, "at": label.At, "rows": r.Rows}); err != nil {
		return r, err
	}
	return r, l.tidy(ctx, slug, to)
}

// load reads a backup into an empty place and compares it with its manifest.
func (l *Life) load(ctx context.Context, t tenancy.Tenant, path string, to tenancy.Place, r *Restored) error {
	k, err := l.Keys.For(ctx, t)
	if err != nil {
		return err
	}
	conn, err := l.Owner.Connect(ctx, to.Cluster)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, sameText); err != nil {
		return err
	}
	tables, err := describe(ctx, conn, to.Schema)
	if err != nil {
		return err
	}
	open := func(in io.Reader) (io.Reader, error) { return k.DecryptingReader(in, sealName(t.Slug())) }
	// The manifest stands at the end: it is read first, so that a file which is
	// not whole changes nothing.
	var m Manifest
	if err := each(path, open, func(name string, in io.Reader) error {
		if name != manifestName {
			return nil
		}
		return json.NewDecoder(in).Decode(&m)
	}); err != nil {
		return err
	}
	if m.Commune != t.Slug() {
		return fmt.Errorf("the backup is not of %s, or not whole", t.Slug())
	}
	if err := triggers(ctx, conn, to.Schema, tables, "disable"); err != nil {
		return err
	}
	if err := l.fill(ctx, conn, t, path, to.Schema, tables, m, open, r); err != nil {
		return err
	}
	for _, tb := range tables {
		want, ok := m.Tables[tb.Name]
		got, err := tb.sum(ctx, conn, to.Schema)
		if err != nil {
			return err
		}
		if ok && got != want.sum {
			return fmt.Errorf("table %s differs from the backup's manifest", tb.Name)
		}
	}
	if err := setSerials(ctx, nil, "", conn, to.Schema, tables); err != nil {
		return err
	}
	return triggers(ctx, conn, to.Schema, tables, "enable")
}

// fill copies the entries of a backup to where they belong. They come in the
// order in which they can be filled.
func (l *Life) fill(ctx context.Context, conn *pgx.Conn, t tenancy.Tenant, path, schema string, tables []table, m Manifest, open func(io.Reader) (io.Reader, error), r *Restored) error {
	known := map[string]bool{}
	for _, tb := range tables {
		known[tb.Name] = true
	}
	var into *filling
	scope := l.Blobs.For(t.Slug())
	var head blob.Object
	err := each(path, open, func(name string, in io.Reader) error {
		kind, rest, _ := strings.Cut(name, "/")
		if kind == "tables" {
			table, _, _ := strings.Cut(rest, "/")
			if !known[table] {
				return fmt.Errorf("this version knows no table %s", table)
			}
			if into == nil || into.table != table {
				if err := into.close(r); err != nil {
					return err
				}
				into = begin(ctx, conn, schema, table, m.Tables[table].Columns)
			}
			_, err := io.Copy(into.w, in)
			return errors.Join(err, into.early())
		}
		if err := into.close(r); err != nil {
			return err
		}
		into = nil
		switch kind {
		case "types":
			return json.NewDecoder(in).Decode(&head)
		case "files":
			data, err := io.ReadAll(in)
			if err != nil {
				return err
			}
			r.Files++
			if _, o, err := scope.Get(ctx, rest); err == nil && o.SHA256 == m.Files[rest] {
				return nil // it is still there
			}
			_, err = scope.Put(ctx, rest, head.ContentType, data)
			return err
		}
		return nil
	})
	return errors.Join(err, into.close(r))
}

// filling is a COPY that runs while its parts are read.
type filling struct {
	table string
	w     *io.PipeWriter
	done  chan struct{}
	rows  int64
	err   error
}

func begin(ctx context.Context, conn *pgx.Conn, schema, table string, columns []string) *filling {
	r, w := io.Pipe()
	f := &filling{table: table, w: w, done: make(chan struct{})}
	go func() {
		defer close(f.done)
		tag, err := conn.PgConn().CopyFrom(ctx, r, "copy "+schema+"."+table+" ("+quoted(columns)+") from stdin (format binary)")
		f.rows, f.err = tag.RowsAffected(), err
		_ = r.CloseWithError(errors.Join(err, io.ErrClosedPipe))
	}()
	return f
}

// early is PostgreSQL's error when the COPY has ended before its bytes did.
func (f *filling) early() error {
	select {
	case <-f.done:
		return f.err
	default:
		return nil
	}
}

func (f *filling) close(r *Restored) error {
	if f == nil {
		return nil
	}
	_ = f.w.Close()
	<-f.done
	r.Rows += f.rows
	if f.err != nil {
		return fmt.Errorf("%s: %w", f.table, f.err)
	}
	return nil
}
