package documents

import (
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/pkg/pdf"
)

// Request is a paper to be issued. There is one paper per case and kind:
// asking again returns the one that exists.
type Request struct {
	CaseID     uuid.UUID
	CaseRef    string
	OwnerID    uuid.UUID // account whose paper it is
	Office     string    // key of the office that answers for it
	Kind       string    // certificate, decision, receipt
	Title      string    // "Certificato di domicilio"
	IssuedAt   time.Time
	ValidUntil *time.Time // nil: without end
	// Render lays the paper out, given the code and address by which it can be
	// verified; the same arguments give the same bytes.
	Render func(v pdf.Verification) ([]byte, error)
}

// Paper is an issued paper, as a list of papers shows it.
type Paper struct {
	ID         uuid.UUID
	CaseID     uuid.UUID
	CaseRef    string
	Kind       string
	Title      string
	Code       string
	Size       int64 // bytes
	IssuedAt   time.Time
	ValidUntil *time.Time
	RevokedAt  *time.Time
}
