package documents

import "github.com/google/uuid"

// The events of this module.
const (
	EventIssued  = "documents.issued"
	EventRevoked = "documents.revoked"
)

// Event is the payload of both, version 1. Fields may be added.
type Event struct {
	DocumentID uuid.UUID `json:"document_id"`
	CaseID     uuid.UUID `json:"case_id"`
	CaseRef    string    `json:"case_ref"`
	OwnerID    uuid.UUID `json:"owner_id"`
	Kind       string    `json:"kind"`
}
