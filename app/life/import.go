package life

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/keys"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// Imported tells what an import brought in.
type Imported struct {
	Rows  int64
	Files int
}

// ReadPackage opens an export and compares every file with its checksum. The
// caller closes it.
func ReadPackage(path string) (Package, *zip.ReadCloser, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return Package{}, nil, err
	}
	p, err := readPackage(&z.Reader)
	if err != nil {
		return p, nil, errors.Join(err, z.Close())
	}
	return p, z, nil
}

// What an export may unpack to, whole and each file of it.
const (
	unpackedMost = 64 << 30
	fileMost     = 64 << 20
)

func readPackage(z *zip.Reader) (p Package, err error) {
	var whole uint64
	for _, f := range z.File {
		if whole += f.UncompressedSize64; whole > unpackedMost {
			return p, fmt.Errorf("the export unpacks to more than %d GB", unpackedMost>>30)
		}
	}
	f, err := z.Open(packageName)
	if err != nil {
		return p, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, fileMost))
	if err != nil {
		return p, err
	}
	if err := json.Unmarshal(head, &p); err != nil {
		return p, fmt.Errorf("%s: %w", packageName, err)
	}
	sum := sha256.Sum256(head)
	p.sum = hex.EncodeToString(sum[:])
	for _, r := range p.Resources {
		in, err := z.Open(r.Path)
		if err != nil {
			return p, err
		}
		sha := sha256.New()
		n, err := io.Copy(sha, io.LimitReader(in, r.Bytes+1))
		if err = errors.Join(err, in.Close()); err != nil {
			return p, fmt.Errorf("%s: %w", r.Path, err)
		}
		if n != r.Bytes || "sha256:"+hex.EncodeToString(sha.Sum(nil)) != r.Hash {
			return p, fmt.Errorf("%s is not what was exported: its checksum differs", r.Path)
		}
	}
	return p, nil
}

// Import fills a commune that has just been opened (in this deployment or
// another) from an export. What its folder brought in gives way, and so does who was
// invited and has not accepted; what is sealed is sealed under this commune's key. All of it is one transaction: it comes in
// whole or not at all. Errors: a commune that has cases or accounts already; an
// export that was changed; columns this version does not know.
func (l *Life) Import(ctx context.Context, slug, path string, say Progress) (Imported, error) {
	return l.importFile(ctx, slug, path, false, say)
}

// importedKey is the setting that remembers which export came in.
const importedKey = "imported"

// importFile is Import; administered refuses an export that names no administrator.
func (l *Life) importFile(ctx context.Context, slug, path string, administered bool, say Progress) (Imported, error) {
	p, z, err := ReadPackage(path)
	if err != nil {
		return Imported{}, err
	}
	defer z.Close()
	say(10, "checked", fmt.Sprint(len(p.Resources)))
	t, err := l.tenant(ctx, slug)
	if err != nil {
		return Imported{}, err
	}
	place, err := l.Owner.PlaceOf(ctx, slug)
	if err != nil {
		return Imported{}, err
	}
	k, err := l.Keys.For(ctx, t)
	if err != nil {
		return Imported{}, err
	}
	conn, err := l.Owner.Connect(ctx, place.Cluster)
	if err != nil {
		return Imported{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tables, err := describe(ctx, conn, place.Schema)
	if err != nil {
		return Imported{}, err
	}
	in := &importing{l: l, t: t, keys: k, conn: conn, administered: administered, schema: place.Schema, zip: &z.Reader, pack: p, say: say}
	out, err := in.run(ctx, tables)
	if err != nil {
		return out, err
	}
	return out, l.record(ctx, slug, "life.import", map[string]any{"from": p.Commune, "at": p.Created, "rows": out.Rows, "files": out.Files})
}

type importing struct {
	l      *Life
	t      tenancy.Tenant
	keys   *keys.Commune
	conn   *pgx.Conn
	schema string
	zip    *zip.Reader
	pack   Package
	say    Progress
	// administered refuses an export without anybody who could go on with it.
	administered bool
}

func (in *importing) run(ctx context.Context, tables []table) (out Imported, err error) {
	if _, err := in.conn.Exec(ctx, sameText+"; begin"); err != nil {
		return out, err
	}
	defer func() { _, _ = in.conn.Exec(context.WithoutCancel(ctx), "rollback") }()
	// This locks every table: nobody arrives between the question and the answer.
	if err := triggers(ctx, in.conn, in.schema, tables, "disable"); err != nil {
		return out, err
	}
	var done, used bool
	if err := in.conn.QueryRow(ctx, fmt.Sprintf(`select exists (select from %[1]s.settings where key = $1 and value = to_jsonb($2::text)),
		exists (select from %[1]s.cases) or exists (select from %[1]s.accounts a where not exists (select from %[1]s.role_holders h where h.account_id = a.id)
			and not exists (select from %[1]s.account_tokens k where k.account_id = a.id and k.kind = 'invite' and k.used_at is null))`, in.schema),
		importedKey, in.pack.sum).Scan(&done, &used); err != nil {
		return out, err
	}
	if done { // by a run that died before it could say so
		return out, nil
	}
	if used {
		return out, fmt.Errorf("%s already has accounts or cases: an import fills a commune that was just opened", in.t.Slug())
	}
	// What opening the commune wrote makes room.
	for _, tb := range slices.Backward(tables) {
		if in.resource(tb.Name) == nil {
			continue
		}
		if _, err := in.conn.Exec(ctx, "delete from "+in.schema+"."+tb.Name); err != nil {
			return out, fmt.Errorf("%s: %w", tb.Name, err)
		}
	}
	if in.resource("accounts") != nil { // links that were mailed belong to accounts that made room
		if _, err := in.conn.Exec(ctx, "delete from "+in.schema+".account_tokens"); err != nil {
			return out, err
		}
	}
	for i, tb := range tables {
		r := in.resource(tb.Name)
		if r == nil {
			continue
		}
		in.say(15+60*i/len(tables), "table", tb.Name)
		n, err := in.table(ctx, tb, *r)
		if err != nil {
			return out, fmt.Errorf("%s: %w", tb.Name, err)
		}
		if n != r.Rows {
			return out, fmt.Errorf("%s: %d rows came in of %d", tb.Name, n, r.Rows)
		}
		out.Rows += n
	}
	if in.administered {
		var is bool
		if err := in.conn.QueryRow(ctx, fmt.Sprintf(`select exists (select from %[1]s.role_holders h join %[1]s.accounts a on a.id = h.account_id
			where h.role = $1 and a.confirmed_at is not null and a.disabled_at is null)`, in.schema), identity.RoleAdmin).Scan(&is); err != nil {
			return out, err
		}
		if !is {
			return out, errors.New("the export names nobody who could administer the commune")
		}
	}
	if _, err := in.conn.Exec(ctx, "insert into "+in.schema+".settings (key, value) values ($1, to_jsonb($2::text)) on conflict (key) do update set value = excluded.value", importedKey, in.pack.sum); err != nil {
		return out, err
	}
	if err := setSerials(ctx, nil, "", in.conn, in.schema, tables); err != nil {
		return out, err
	}
	in.say(80, "files", "")
	for _, r := range in.pack.Resources {
		if r.Key == "" {
			continue
		}
		data, err := readAll(in.zip, r.Path)
		if err != nil {
			return out, err
		}
		if _, err := in.l.Blobs.For(in.t.Slug()).Put(ctx, r.Key, r.MediaType, data); err != nil {
			return out, err
		}
		out.Files++
	}
	if err := triggers(ctx, in.conn, in.schema, tables, "enable"); err != nil {
		return out, err
	}
	// Every process reads again what it keeps of the commune.
	if _, err := in.conn.Exec(ctx, "update "+in.schema+".revisions set rev = rev + 1000000"); err != nil {
		return out, err
	}
	// What is used is counted anew from the tables.
	for _, t := range []string{"use_totals", "use_changes", "use_counted"} {
		if _, err := in.conn.Exec(ctx, "delete from "+in.schema+"."+t); err != nil {
			return out, err
		}
	}
	_, err = in.conn.Exec(ctx, "commit")
	return out, err
}

func (in *importing) resource(table string) *Resource {
	for i, r := range in.pack.Resources {
		if r.Table == table && r.Schema != nil {
			return &in.pack.Resources[i]
		}
	}
	return nil
}

func readAll(z *zip.Reader, path string) ([]byte, error) {
	f, err := z.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, fileMost+1))
	if err == nil && len(data) > fileMost {
		err = fmt.Errorf("%s is larger than any file of this product", path)
	}
	return data, err
}

// table copies a CSV in. Values go through PostgreSQL's own reading of text.
func (in *importing) table(ctx context.Context, tb table, r Resource) (int64, error) {
	f, err := in.zip.Open(r.Path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	lines := csv.NewReader(&everyReturn{in: bufio.NewReader(f)})
	lines.ReuseRecord = true
	columns, err := lines.Read()
	if err != nil {
		return 0, err
	}
	columns = slices.Clone(columns)
	for _, c := range columns {
		if !slices.Contains(tb.columns, c) {
			return 0, fmt.Errorf("this version knows no column %q", c)
		}
	}
	pr, pw := io.Pipe()
	go func() { _ = pw.CloseWithError(in.copyText(lines, pw, tb.Name, columns)) }()
	tag, err := in.conn.PgConn().CopyFrom(ctx, pr, "copy "+in.schema+"."+tb.Name+" ("+quoted(columns)+") from stdin")
	_ = pr.CloseWithError(io.ErrClosedPipe)
	return tag.RowsAffected(), err
}

// everyReturn doubles carriage returns before a line feed: encoding/csv takes one
// away, also inside a text that somebody typed in a browser.
type everyReturn struct {
	in   *bufio.Reader
	owed bool // a carriage return that is still to be given out again
}

func (r *everyReturn) Read(b []byte) (n int, err error) {
	for n < len(b) {
		if r.owed {
			b[n], r.owed = '\r', false
			n++
			continue
		}
		if n > 0 && r.in.Buffered() == 0 {
			return n, nil
		}
		c, err := r.in.ReadByte()
		if err != nil {
			if n > 0 {
				return n, nil
			}
			return 0, err
		}
		b[n] = c
		n++
		if c == '\r' {
			next, err := r.in.Peek(1)
			r.owed = err == nil && next[0] == '\n'
		}
	}
	return n, nil
}

// escapes are those of PostgreSQL's COPY text format.
var escapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// copyText turns CSV lines into COPY's text format, sealing what must be.
func (in *importing) copyText(lines *csv.Reader, w io.Writer, table string, columns []string) error {
	sealed := in.l.sealedIn(table)
	values := make([]*string, len(columns))
	var b strings.Builder
	for {
		line, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range line {
			values[i] = nil
			if v, missing := unescapeNull(line[i]); !missing {
				values[i] = &v
			}
		}
		if err := sealed.close(in.keys, in.t, columns, values); err != nil {
			return err
		}
		b.Reset()
		for i, v := range values {
			if i > 0 {
				b.WriteByte('\t')
			}
			if v == nil {
				b.WriteString(null)
			} else {
				b.WriteString(escapes.Replace(*v))
			}
		}
		b.WriteByte('\n')
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
}
