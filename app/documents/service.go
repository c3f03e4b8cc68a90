package documents

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/sportello-ticino/sportello/app/audit"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/meters"
	"github.com/sportello-ticino/sportello/app/outbox"
	"github.com/sportello-ticino/sportello/app/site"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/blob"
	"github.com/sportello-ticino/sportello/pkg/clock"
	"github.com/sportello-ticino/sportello/pkg/pdf"
	"github.com/sportello-ticino/sportello/pkg/seal"
	"github.com/sportello-ticino/sportello/pkg/swiss"
)

// Seals answers each commune's own seal. Errors: ErrNoSeal.
type Seals interface {
	Signer(ctx context.Context, t tenancy.Tenant) (seal.Signer, error)
}

// Deps is what documents are made of.
type Deps struct {
	DB     *tenancy.DB
	Outbox *outbox.Outbox
	Clock  clock.Clock
	Blobs  *blob.Bucket
	Seals  Seals
	Sites  *site.Sites
	// URL is the public address of a path on a commune's host.
	URL func(t tenancy.Tenant, path string) string
	Log *slog.Logger
}

// Service is everything people and jobs do with documents.
type Service struct{ Deps }

// Request is a paper to be issued.
type Request struct {
	CaseID     uuid.UUID
	CaseRef    string
	OwnerID    uuid.UUID
	Office     string
	Kind       string // one paper per case and kind
	Title      string // names no person: everybody who verifies the paper reads it
	IssuedAt   time.Time
	ValidUntil *time.Time
	// Render lays the paper out, with what its verification needs. It may be
	// called again, and must answer the same for the same argument.
	Render func(pdf.Verification) ([]byte, error)
}

// Issue renders, seals, stores and notes a paper. Repeated, also after a crash
// or at the same time, it answers the one paper of the case and kind. No
// transaction is open while it renders or seals.
func (s *Service) Issue(ctx context.Context, t tenancy.Tenant, r Request) (Paper, error) {
	p, err := s.reserve(ctx, t, r)
	if err != nil || p.SHA256 != "" {
		return p, err
	}
	plain, err := r.Render(s.verification(t, p))
	if err != nil {
		return p, fmt.Errorf("documents: render: %w", err)
	}
	signer, err := s.Seals.Signer(ctx, t)
	if err != nil {
		return p, err
	}
	face, err := s.Sites.Get(ctx, t)
	if err != nil {
		return p, err
	}
	sealed, err := seal.Seal(ctx, plain, signer, seal.Options{
		Name: face.OfficialName, Reason: reasonPrefix + Grouped(p.Code), Location: t.Name(), Time: s.Clock.Now(),
	})
	if err != nil {
		return p, fmt.Errorf("documents: seal: %w", err)
	}
	report, err := seal.Verify(sealed)
	if err != nil {
		return p, fmt.Errorf("documents: read own seal: %w", err)
	}
	sum := sha256.Sum256(sealed)
	p.SHA256, p.Size = hex.EncodeToString(sum[:]), int64(len(sealed))
	p.SealedBy, p.Fingerprint = report.Subject, report.Fingerprint
	p.BlobKey = "documents/" + p.ID.String() + "/" + p.SHA256[:16] + ".pdf"
	if _, err := s.Blobs.For(t.Slug()).Put(ctx, p.BlobKey, "application/pdf", sealed); err != nil {
		return p, err
	}
	sealedPapers.WithLabelValues(t.Slug()).Inc()
	return s.note(ctx, t, p)
}

// reserve fixes id and code before anything is made.
func (s *Service) reserve(ctx context.Context, t tenancy.Tenant, r Request) (p Paper, err error) {
	code, err := swiss.RandomCrockford(rand.Reader, codeLength)
	if err != nil {
		return p, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return p, err
	}
	err = s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		if _, err := tx.Exec(`insert into documents (id, case_id, case_ref, owner_id, office, kind, title, code, issued_at, valid_until)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (case_id, kind) do nothing`,
			id, r.CaseID, r.CaseRef, r.OwnerID, r.Office, r.Kind, r.Title, code, r.IssuedAt, r.ValidUntil); err != nil {
			return err
		}
		return tx.DB().Where("case_id = ? and kind = ?", r.CaseID, r.Kind).Take(&p).Error
	})
	return p, err
}

// note makes the paper count. Whoever comes second removes its own file and
// answers the paper of the first.
func (s *Service) note(ctx context.Context, t tenancy.Tenant, p Paper) (Paper, error) {
	mine := false
	first := p
	err := s.DB.In(ctx, t, func(tx *tenancy.Tx) error {
		n, err := tx.Exec("update documents set sha256 = $2, size = $3, blob_key = $4, sealed_by = $5, fingerprint = $6 where id = $1 and sha256 = ''",
			p.ID, p.SHA256, p.Size, p.BlobKey, p.SealedBy, p.Fingerprint)
		if err != nil {
			return err
		}
		if mine = n == 1; !mine {
			return tx.DB().Where("id = ?", p.ID).Take(&first).Error
		}
		meters.Add(tx, meters.Storage, s.Clock.Now(), p.Size)
		if err := s.Outbox.Publish(tx, EventIssued, p.event()); err != nil {
			return err
		}
		return audit.Record(tx, identity.System(t), "documents.issued", "document:"+p.ID.String(),
			map[string]any{"case": p.CaseRef, "kind": p.Kind, "sha256": p.SHA256})
	})
	if err != nil {
		if !tenancy.Unsure(err) { // the next attempt seals anew
			s.forget(ctx, t, p)
		}
		return p, err
	}
	if !mine && first.BlobKey != p.BlobKey {
		s.forget(ctx, t, p)
	}
	return first, nil
}

// forget removes the file of a paper that does not count.
func (s *Service) forget(ctx context.Context, t tenancy.Tenant, p Paper) {
	if err := s.Blobs.For(t.Slug()).Delete(context.WithoutCancel(ctx), p.BlobKey); err != nil {
		s.Log.Warn("superfluous file stays", "commune", t.Slug(), "key", p.BlobKey, "error", err)
	}
}

func (p Paper) event() Event {
	return Event{DocumentID: p.ID, CaseID: p.CaseID, CaseRef: p.CaseRef, OwnerID: p.OwnerID, Kind: p.Kind}
}

func (s *Service) verification(t tenancy.Tenant, p Paper) pdf.Verification {
	page := s.URL(t, "/verifica")
	if _, rest, ok := strings.Cut(page, "://"); ok {
		page = rest
	}
	return pdf.Verification{URL: s.URL(t, "/v/"+p.Code), Page: page, Code: Grouped(p.Code)}
}

// OfCase lists the issued papers of a case, newest first.
func (s *Service) OfCase(tx *tenancy.Tx, caseID uuid.UUID) ([]Paper, error) {
	return list(tx, 100, "case_id = ?", caseID)
}

// ReadOfAccount reads a person's newest papers together with other things.
func (s *Service) ReadOfAccount(r *tenancy.Reads, account uuid.UUID, limit int, into *[]Paper) {
	tenancy.Collect(r, into, pgx.RowToStructByPos[Paper], `select id, case_id, case_ref, owner_id, office, kind, title, code, sha256, size,
		blob_key, sealed_by, fingerprint, issued_at, valid_until, revoked_at, reason
		from documents where owner_id = $1 and sha256 <> '' order by issued_at desc, id desc limit $2`, account, limit)
}

func list(tx *tenancy.Tx, limit int, where string, args ...any) (out []Paper, err error) {
	err = tx.DB().Where("sha256 <> ''").Where(where, args...).Order("issued_at desc, id desc").Limit(limit).Find(&out).Error
	return out, err
}

func one(tx *tenancy.Tx, where string, args ...any) (p Paper, err error) {
	err = tx.DB().Where("sha256 <> ''").Where(where, args...).Take(&p).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return p, ErrNotFound
	}
	return p, err
}

// Open answers the file to its owner and to officials of the case's office;
// for everybody else it does not exist. An official's reading is on record.
func (s *Service) Open(ctx context.Context, by identity.Actor, id uuid.UUID) (p Paper, file []byte, err error) {
	err = audit.Read(ctx, s.DB, by, "documents.opened", func(tx *tenancy.Tx) (string, map[string]any, error) {
		if p, err = one(tx, "id = ?", id); err != nil {
			return "", nil, err
		}
		if !by.Anonymous() && p.OwnerID == by.AccountID() {
			return "", nil, nil
		}
		if !by.Sees(p.Office, p.CaseRef) {
			return "", nil, ErrNotFound
		}
		return "document:" + id.String(), map[string]any{"case": p.CaseRef}, nil
	})
	if err != nil {
		return Paper{}, nil, err
	}
	file, object, err := s.Blobs.For(by.Tenant().Slug()).Get(ctx, p.BlobKey)
	if err != nil {
		return Paper{}, nil, err
	}
	if object.SHA256 != p.SHA256 {
		return Paper{}, nil, fmt.Errorf("documents: file of %s is not the one that was issued", id)
	}
	return p, file, nil
}

// Revoked are those of some cases of which a paper was taken back.
func (s *Service) Revoked(tx *tenancy.Tx, cases []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := tx.Query("select distinct case_id from documents where case_id = any($1) and revoked_at is not null", cases)
	if err != nil {
		return nil, err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	out := make(map[uuid.UUID]bool, len(found))
	for _, id := range found {
		out[id] = true
	}
	return out, err
}

// Revoke takes a paper back: from now on it is not genuine. Officials of the
// case's office may. Errors: ErrNotFound, ErrReason, ErrRevoked.
func (s *Service) Revoke(ctx context.Context, by identity.Actor, id uuid.UUID, reason string) error {
	reason = strings.TrimSpace(reason)
	if len(reason) < 3 || len(reason) > 1000 {
		return ErrReason
	}
	return s.DB.In(ctx, by.Tenant(), func(tx *tenancy.Tx) error {
		p, err := one(tx, "id = ?", id)
		if err != nil {
			return err
		}
		if !by.WorksFor(p.Office) {
			return ErrNotFound
		}
		n, err := tx.Exec("update documents set revoked_at = $2, reason = $3 where id = $1 and revoked_at is null", id, s.Clock.Now(), reason)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrRevoked
		}
		if err := s.Outbox.Publish(tx, EventRevoked, p.event()); err != nil {
			return err
		}
		return audit.Record(tx, by, "documents.revoked", "document:"+id.String(), map[string]any{"case": p.CaseRef})
	})
}
