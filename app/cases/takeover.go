package cases

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/sportello-ticino/sportello/app/forms"
	"github.com/sportello-ticino/sportello/app/identity"
	"github.com/sportello-ticino/sportello/app/rules"
	"github.com/sportello-ticino/sportello/app/tenancy"
	"github.com/sportello-ticino/sportello/pkg/i18n"
	"github.com/sportello-ticino/sportello/pkg/problem"
)

// Elsewhere is a case that began at another desk.
type Elsewhere struct {
	Desk, Ref string // where it began, and what it was called there: together they name it
	ServiceID string
	Applicant identity.Account
	Submitted time.Time
	Due       *time.Time
	InReview  bool        // an official was already working on it
	Answers   []forms.Row // what it said there, as people read it
}

// ErrNoService says that the commune does not offer the service of a case.
var ErrNoService = problem.Invalid("cases.no-service", "errors.404.text")

// takenOver names a case by the desk it comes from: bringing it in a second time
// finds it.
func takenOver(e Elsewhere) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("sportello:case:"+e.Desk+"\x00"+e.Ref))
}

// TakeOver brings a running case in, inside tx. It gets a reference of this
// commune; its old one, its day of arrival and what it said stay on it. The
// applicant is not written to. created is false when it is here already. Errors:
// ErrNoService.
func (s *Service) TakeOver(ctx context.Context, tx *tenancy.Tx, e Elsewhere) (ref string, created bool, err error) {
	id := takenOver(e)
	if known, found, err := byDraft(tx, id); err != nil || found {
		return known.Ref, false, err
	}
	svc, err := s.Catalogue.Service(ctx, tx.Tenant(), e.ServiceID)
	if err != nil {
		return "", false, errors.Join(ErrNoService, err)
	}
	if err := keepDefinition(tx, svc); err != nil {
		return "", false, err
	}
	c := Case{
		ID: uuid.Must(uuid.NewV7()), DraftID: id, ServiceID: svc.ID, ServiceVersion: svc.Version, DefinitionHash: svc.Hash, ServiceTitle: svc.Title,
		ServiceKind: "traditional", Office: svc.Office, ApplicantID: e.Applicant.ID, ApplicantName: e.Applicant.FullName(), Lang: i18n.Reference,
		Answers: forms.Answers{}, Rows: []forms.Section{{Step: "elsewhere", Title: e.Desk + " " + e.Ref, Rows: e.Answers}},
		FeeLines: []rules.Line{}, Payment: NoPayment, State: Received, SubmittedAt: e.Submitted, DueOn: e.Due, UpdatedAt: s.Clock.Now(),
	}
	if e.InReview {
		c.State = InReview
	}
	if err := insert(tx, &c); err != nil {
		return "", false, err
	}
	return c.Ref, true, s.note(tx, identity.System(tx.Tenant()), c, "taken-over", e.Desk+" "+e.Ref, nil)
}
