package cases

import (
	"context"
	"mime/multipart"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/catalogue"
	"github.com/sportello-ticino/sportello/app/documents"
	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/payments"
	"github.com/sportello-ticino/sportello/app/registers"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
)

// What cases asks of the modules it brings together.
type (
	// Catalogue knows the services a commune offers now.
	Catalogue interface {
		Service(ctx context.Context, t tenancy.Tenant, id string) (*catalogue.Service, error)
		Offered(ctx context.Context, t tenancy.Tenant) ([]*catalogue.Service, error)
		Known(ctx context.Context, t tenancy.Tenant, id string) (*catalogue.Service, error)
		Left(ctx context.Context, t tenancy.Tenant, s *catalogue.Service, in rules.Input) (rules.Left, error)
		// At is a service as it was when it had a hash.
		At(ctx context.Context, t tenancy.Tenant, id, hash string) (*catalogue.Service, error)
	}
	// Registers is the population register.
	Registers = registers.PopulationRegister
	// Payments takes money.
	Payments interface {
		Start(ctx context.Context, by identity.Actor, r payments.StartRequest) (string, error)
		GiveBack(tx *tenancy.Tx, by identity.Actor, id uuid.UUID) error
		Settled(tx *tenancy.Tx, payer uuid.UUID) (map[uuid.UUID]bool, error)
	}
	// Documents issues and finds papers.
	Documents interface {
		Issue(ctx context.Context, t tenancy.Tenant, r documents.Request) (documents.Paper, error)
		OfCase(tx *tenancy.Tx, caseID uuid.UUID) ([]documents.Paper, error)
		Revoked(tx *tenancy.Tx, cases []uuid.UUID) (map[uuid.UUID]bool, error)
		ReadOfAccount(r *tenancy.Reads, account uuid.UUID, limit int, into *[]documents.Paper)
	}
	// Uploads keeps what people attach, and the drafts they have begun.
	Uploads interface {
		OfCase(tx *tenancy.Tx, caseID uuid.UUID) ([]forms.Upload, error)
		UploadByID(tx *tenancy.Tx, id uuid.UUID) (forms.Upload, error)
		Open(ctx context.Context, t tenancy.Tenant, u forms.Upload) ([]byte, error)
		Drop(ctx context.Context, by identity.Actor, kept []forms.Upload)
		Keep(ctx context.Context, by identity.Actor, caseID uuid.UUID, files []*multipart.FileHeader) ([]forms.Upload, error)
		Attach(tx *tenancy.Tx, caseID uuid.UUID, kept []forms.Upload) error
		Accept() string
		ReadDrafts(r *tenancy.Reads, account uuid.UUID, into *[]forms.Begun)
		Submitted(tx *tenancy.Tx, draft, caseID uuid.UUID) error
	}
	// Paper is an issued document.
	Paper = documents.Paper
	// Upload is a file somebody attached.
	Upload = forms.Upload
)
