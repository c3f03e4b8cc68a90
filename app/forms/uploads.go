package forms

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/gabriel-vasile/mimetype"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/problem"
	"github.com/sportello-ticino/sportello/pkg/scan"
)

// MaxFile is how many bytes one uploaded file may have: 10 MB.
const MaxFile = 10 << 20

// maxFileMB is MaxFile for people.
const maxFileMB = 10

// accepted are the types of files that are taken, by what their bytes say; the
// name a browser gives them does not count.
var accepted = []string{"application/pdf", "image/jpeg", "image/png", "image/heic", "image/heif", "image/webp"}

// Upload is a file that somebody attached.
type Upload struct {
	ID          uuid.UUID
	DraftID     *uuid.UUID
	CaseID      *uuid.UUID
	AccountID   uuid.UUID
	Field       string // of the form; "" for a paper sent later
	Name        string
	Size        int64 // bytes
	SHA256      []byte
	ContentType string // sniffed
	BlobKey     string
	Scanned     string
	CreatedAt   time.Time
}

const uploadColumns = `id, draft_id, case_id, account_id, field, name, size, sha256, content_type, blob_key, scanned, created_at`

func queryUploads(tx *tenancy.Tx, where string, args ...any) ([]Upload, error) {
	rows, err := tx.Query("select "+uploadColumns+" from uploads where "+where+" order by created_at, id", args...)
	if err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	defer rows.Close()
	var out []Upload
	for rows.Next() {
		u, err := scanUpload(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, rows.Err()
}

func scanUpload(scan func(...any) error) (Upload, error) {
	var u Upload
	err := scan(&u.ID, &u.DraftID, &u.CaseID, &u.AccountID, &u.Field, &u.Name, &u.Size, &u.SHA256, &u.ContentType, &u.BlobKey, &u.Scanned, &u.CreatedAt)
	if err != nil {
		return u, fmt.Errorf("forms: %w", err)
	}
	return u, nil
}

// OfCase are the files of a case, the oldest first.
func (m *Module) OfCase(tx *tenancy.Tx, caseID uuid.UUID) ([]Upload, error) {
	return queryUploads(tx, "case_id = $1", caseID)
}

// readUploads reads the files of a draft, the oldest first, together with other
// things. The caller has seen to it that the draft is the person's own.
func readUploads(r *tenancy.Reads, draft uuid.UUID, into *[]Upload) {
	tenancy.Collect(r, into, func(row pgx.CollectableRow) (Upload, error) { return scanUpload(row.Scan) },
		"select "+uploadColumns+" from uploads where draft_id = $1 order by created_at, id", draft)
}

func ofDraft(tx *tenancy.Tx, draft uuid.UUID) ([]Upload, error) {
	return queryUploads(tx, "draft_id = $1", draft)
}

// UploadByID finds a file; pgx.ErrNoRows becomes ErrNoDraft. The caller decides
// who may see it.
func (m *Module) UploadByID(tx *tenancy.Tx, id uuid.UUID) (Upload, error) {
	u, err := scanUpload(tx.QueryRow("select "+uploadColumns+" from uploads where id = $1", id).Scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return u, ErrNoDraft
	}
	return u, err
}

// Open reads the bytes of a file.
func (m *Module) Open(ctx context.Context, t tenancy.Tenant, u Upload) ([]byte, error) {
	data, _, err := m.Blobs.For(t.Slug()).Get(ctx, u.BlobKey)
	if err != nil {
		return nil, fmt.Errorf("forms: %w", err)
	}
	return data, nil
}

// Accept is the accept attribute of a file input.
func (m *Module) Accept() string { return strings.Join(accepted, ",") }

// Keep checks files that somebody sends to a case and stores their bytes. The
// rows are written by Attach, in the transaction that the files belong to; what
// is never attached is bytes nobody can reach. At most five files. Errors name
// the file: ErrFileTooLarge, ErrFileEmpty, ErrFileType, ErrFileInfected,
// ErrScannerAway, ErrTooManyFiles; ErrStorageFull names none.
func (m *Module) Keep(ctx context.Context, by identity.Actor, caseID uuid.UUID, files []*multipart.FileHeader) ([]Upload, error) {
	if len(files) > MaxFilesPerField {
		return nil, ErrTooManyFiles.With("max", MaxFilesPerField, "label", "")
	}
	var size int64
	for _, file := range files {
		size += file.Size
	}
	if size > 0 {
		if err := m.room(ctx, by.Tenant(), size); err != nil {
			return nil, err
		}
	}
	kept := make([]Upload, 0, len(files))
	for _, file := range files {
		u, err := m.keep(ctx, by, "case/"+caseID.String(), file)
		if err != nil {
			m.Drop(ctx, by, kept)
			return nil, err
		}
		u.CaseID = &caseID
		kept = append(kept, u)
	}
	return kept, nil
}

// Drop removes files that Keep stored and that belong to nothing: one of them was
// refused, or the transaction that wanted them failed.
func (m *Module) Drop(ctx context.Context, by identity.Actor, kept []Upload) {
	for _, u := range kept {
		_ = m.Blobs.For(by.Tenant().Slug()).Delete(context.WithoutCancel(ctx), u.BlobKey) // bytes that nobody can reach
	}
}

// Attach writes the rows of files that Keep stored.
func (m *Module) Attach(tx *tenancy.Tx, caseID uuid.UUID, kept []Upload) error {
	for _, u := range kept {
		u.CaseID = &caseID
		if err := insertUpload(tx, u); err != nil {
			return err
		}
	}
	return nil
}

func insertUpload(tx *tenancy.Tx, u Upload) error {
	_, err := tx.Exec(`insert into uploads (`+uploadColumns+`) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		u.ID, u.DraftID, u.CaseID, u.AccountID, u.Field, u.Name, u.Size, u.SHA256, u.ContentType, u.BlobKey, u.Scanned, u.CreatedAt)
	if err != nil {
		return fmt.Errorf("forms: %w", err)
	}
	meters.Add(tx, meters.Storage, u.CreatedAt, u.Size)
	return nil
}

// deleteUploads deletes rows of files; their bytes are the caller's to forget.
func (m *Module) deleteUploads(tx *tenancy.Tx, where string, args ...any) error {
	var size int64
	if err := tx.QueryRow("with gone as (delete from uploads where "+where+" returning size) select coalesce(sum(size), 0)::bigint from gone", args...).Scan(&size); err != nil {
		return fmt.Errorf("forms: %w", err)
	}
	meters.Add(tx, meters.Storage, m.Clock.Now(), -size)
	return nil
}

// room refuses files that would go over what the commune may keep, before their
// bytes are looked at.
// Where it cannot be known, files are taken: people come before figures.
func (m *Module) room(ctx context.Context, t tenancy.Tenant, size int64) error {
	if m.Space == nil || m.Space.Room(ctx, t, size) {
		return nil
	}
	return ErrStorageFull
}

// keep checks one file and stores its bytes.
func (m *Module) keep(ctx context.Context, by identity.Actor, folder string, file *multipart.FileHeader) (Upload, error) {
	name := fileName(file.Filename)
	if file.Size > MaxFile {
		return Upload{}, ErrFileTooLarge.With("name", name, "max", maxFileMB)
	}
	in, err := file.Open()
	if err != nil {
		return Upload{}, fmt.Errorf("forms: %w", err)
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, MaxFile+1))
	switch {
	case err != nil:
		return Upload{}, fmt.Errorf("forms: %w", err)
	case len(data) > MaxFile:
		return Upload{}, ErrFileTooLarge.With("name", name, "max", maxFileMB)
	case len(data) == 0:
		return Upload{}, ErrFileEmpty.With("name", name)
	}
	verdict, err := m.Scanner.Scan(ctx, bytes.NewReader(data))
	switch {
	case errors.Is(err, scan.ErrTooLarge):
		return Upload{}, ErrFileTooLarge.With("name", name, "max", maxFileMB).Wrap(err)
	case err != nil:
		return Upload{}, ErrScannerAway.Wrap(err)
	case verdict.Infected:
		return Upload{}, ErrFileInfected.With("name", name).Wrap(errors.New(verdict.Name))
	}
	kind := mimetype.Detect(data).String()
	if !slices.Contains(accepted, kind) {
		return Upload{}, ErrFileType.With("name", name)
	}
	u := Upload{
		ID: uuid.Must(uuid.NewV7()), AccountID: by.AccountID(), Name: named(name, kind), Size: int64(len(data)), ContentType: kind, CreatedAt: m.Clock.Now(),
	}
	if _, off := m.Scanner.(scan.Off); !off {
		u.Scanned = "clamd"
	}
	sum := sha256.Sum256(data)
	u.SHA256 = sum[:]
	u.BlobKey = path.Join("uploads", folder, u.ID.String())
	if _, err := m.Blobs.For(by.Tenant().Slug()).Put(ctx, u.BlobKey, kind, data); errors.Is(err, blob.ErrFull) {
		return u, problem.Unavailable("forms.no-room", "errors.503.text").WithRetry(time.Minute).Wrap(err)
	} else if err != nil {
		return Upload{}, fmt.Errorf("forms: %w", err)
	}
	return u, nil
}

// fileName is the last part of what a browser sent, without what could mislead.
func fileName(sent string) string {
	name := sent[strings.LastIndexAny(sent, `/\`)+1:]
	name = textKind{longest: 120}.clean(name)
	if runes := []rune(name); len(runes) > 120 {
		name = string(runes[:100]) + "…" + string(runes[len(runes)-16:])
	}
	if name == "" || strings.Trim(name, ".") == "" {
		return "documento"
	}
	return name
}

// endings are the ends of names that go with a type, the usual one first.
var endings = map[string][]string{
	"application/pdf": {".pdf"}, "image/jpeg": {".jpg", ".jpeg"}, "image/png": {".png"},
	"image/heic": {".heic", ".heif"}, "image/heif": {".heif", ".heic"}, "image/webp": {".webp"},
}

// named gives a name the end of its type: a PDF that is called page.html would be
// opened as a page by whoever saves it.
func named(name, kind string) string {
	ends := endings[kind]
	if len(ends) == 0 || slices.Contains(ends, strings.ToLower(path.Ext(name))) {
		return name
	}
	return name + ends[0]
}

// countByField counts files for the rules and the checks.
func countByField(uploads []Upload) map[string]int {
	out := map[string]int{}
	for _, u := range uploads {
		out[u.Field]++
	}
	return out
}

// namesByField lists file names for the pages.
func namesByField(uploads []Upload) map[string][]string {
	out := map[string][]string{}
	for _, u := range uploads {
		out[u.Field] = append(out[u.Field], u.Name)
	}
	return out
}
